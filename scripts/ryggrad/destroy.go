package main

import (
	"errors"
	"fmt"
	"slices"

	"ryggrad.internal/hub/shared/hub"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/privacy"
)

// destroyAtOnce is how many documents are deleted by one commit, unless they are large.
const destroyAtOnce = 50

type destroyTenant struct {
	Tenant  string `arg:"" help:"Its id. It must be suspended."`
	Confirm string `required:"" help:"Its name, as it is: what is destroyed cannot be brought back." placeholder:"NAME"`
}

// Run deletes all that a tenant has. It can be repeated after it broke off: the tenant itself goes last. What stays is the
// audit log, which holds ids and hashes, a tombstone for everything that a backup may hold, and, outside the database and
// before anything is deleted, an erasure of all that the tenant has, so that no restore of whatever moment brings it back.
// Sealed data is unreadable from the first step on, since the keys go first.
func (c destroyTenant) Run(d *desk) error {
	by, err := d.act(c.Tenant)
	if err != nil {
		return err
	}
	h, err := d.hub()
	if err != nil {
		return err
	}
	tenant, err := h.Identities().Tenant(d.ctx, c.Tenant)
	switch {
	case err != nil:
		return err
	case !tenant.Suspended:
		return errors.New("suspend the tenant first, and export it if anybody may want it")
	case tenant.Name != c.Confirm:
		return fmt.Errorf("--confirm is not the name of %s", c.Tenant)
	}
	if err := c.neverAgain(d, h); err != nil {
		return err
	}
	by.Action = "tenant.destroy"
	destroyed, err := c.destroy(d, h, by)
	if err != nil {
		return err
	}
	return d.print(map[string]any{"destroyed": c.Tenant, "documents": destroyed})
}

// neverAgain tells every restore to come that nothing of the tenant is brought back.
func (c destroyTenant) neverAgain(d *desk, h *hub.Hub) error {
	cfg, store, err := d.backupStore()
	if err != nil {
		return err
	}
	id, err := privacy.NewErasureID(h.Random)
	if err != nil {
		return err
	}
	e := privacy.Erasure{ID: id, Tenant: c.Tenant, At: h.Now(), All: true}
	raw, err := e.Encode()
	if err != nil {
		return err
	}
	return store.Bucket(cfg.ErasuresBucket).Create(d.ctx, e.Object(), raw)
}

func (c destroyTenant) destroy(d *desk, h *hub.Hub, by ledgerdb.Act) (map[string]int, error) {
	names, err := collectionsIn("keys", "hot", "config", "none")
	if err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return name == "audit" || name == "tombstones" || name == "tenants" })
	counts := map[string]int{}
	for _, name := range append(names, "tenants") {
		err := sweep(d.ctx, h, c.Tenant, name, func(page []ledgerdb.Object) error {
			counts[name] += len(page)
			for some := range ledgerdb.Portions(page, destroyAtOnce) {
				if err := remove(d, h, by, some); err != nil {
					return fmt.Errorf("delete %s: %w", name, err)
				}
			}
			return nil
		})
		if err != nil {
			return counts, err
		}
	}
	return counts, nil
}

func remove(d *desk, h *hub.Hub, by ledgerdb.Act, objects []ledgerdb.Object) error {
	changes := make([]ledgerdb.Change, len(objects))
	for i, o := range objects {
		changes[i] = ledgerdb.Remove(o)
	}
	_, err := h.Ledger.Commit(d.ctx, by, changes)
	return err
}
