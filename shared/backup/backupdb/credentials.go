package backupdb

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"cloud.google.com/go/firestore/apiv1/firestorepb"

	"ryggrad.internal/hub/shared/backup"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// config writes what nobody can call without, last. What was changed after its moment comes back disabled, for a person
// to confirm: a secret that was withdrawn must not be good again.
func (x *restoring) config(ctx context.Context) error {
	if err := x.set(ctx, backup.Config); err != nil {
		return err
	}
	altered := func(collection, id string) bool { return x.altered[collection+"/"+id] }
	if !x.behind {
		if err := x.compareWith(ctx, altered, backup.Config); err != nil {
			return err
		}
	}
	if x.p.Choice.part() {
		return nil
	}
	return x.continueChains(ctx, backup.Config)
}

// disabling says how an object of a collection is disabled. One whose field is empty does not come back at all.
type disabling struct {
	field string
	value bool
}

func disablings() map[string]disabling {
	return map[string]disabling{
		"clients": {"disabled", true}, "users": {"disabled", true}, "channels": {"enabled", false},
		"supportGrants": {}, "factorResets": {},
	}
}

// changedLater looks whether an object of the config set was changed after its moment, and disables it then, as it does
// with every credential where that is not asked, since only a part is restored. It tells
// whether the object was changed, and whether it comes back.
func (x *restoring) changedLater(collection, id string, doc *firestorepb.Document) (changed, comes bool) {
	object := collection + "/" + id
	if x.sets[collection] != backup.Config {
		return false, true
	}
	d, credential := disablings()[collection]
	if _, later := x.heads.later(object, doc.GetFields()["revision"].GetIntegerValue()); !later && (!credential || !x.p.Choice.part()) {
		return false, true
	}
	x.altered[object] = true
	switch {
	case !credential:
		return true, true
	case d.field == "":
		return true, false
	}
	if doc.GetFields()[d.field].GetBooleanValue() != d.value {
		doc.Fields[d.field] = &firestorepb.Value{ValueType: &firestorepb.Value_BooleanValue{BooleanValue: d.value}}
		x.out.Disabled = append(x.out.Disabled, Disabled{Object: object, Tenant: doc.GetFields()["tenant"].GetStringValue()})
	}
	return true, true
}

// Disabled is a credential that came back disabled.
type Disabled struct {
	Object string `json:"object"`
	Tenant string `json:"tenant"`
}

func disabledFields(all []Disabled) []any {
	list := make([]any, len(all))
	for i, one := range all {
		list[i] = map[string]any{"object": one.Object, "tenant": one.Tenant}
	}
	return list
}

// Confirm enables credentials again that a restore disabled: those that are named, or all. It returns the ones that it
// enabled; one that somebody has changed since stays as it is.
func (r *Restorer) Confirm(ctx context.Context, by ledgerdb.Act, id string, objects []string) ([]string, error) {
	o, err := r.opts.Ledger.Get(ctx, identity.Hub, ledgerdb.Ref{Collection: collectionRestores, ID: id})
	if err != nil {
		return nil, err
	}
	enabled := []string{}
	list, _ := o.Fields["disabled"].([]any)
	for _, one := range list {
		f, _ := one.(map[string]any)
		object, _ := f["object"].(string)
		tenant, _ := f["tenant"].(string)
		if len(objects) > 0 && !slices.Contains(objects, object) {
			continue
		}
		done, err := r.confirm(ctx, by, object, tenant)
		if err != nil {
			return enabled, fmt.Errorf("confirm %s: %w", object, err)
		}
		if done {
			enabled = append(enabled, object)
		}
	}
	return enabled, nil
}

func (r *Restorer) confirm(ctx context.Context, by ledgerdb.Act, object, tenant string) (bool, error) {
	collection, id, ok := cutObject(object)
	d := disablings()[collection]
	if !ok || d.field == "" {
		return false, fault.New(fault.Invalid, "it is no credential")
	}
	o, err := r.opts.Ledger.Get(ctx, tenant, ledgerdb.Ref{Collection: collection, ID: id})
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if value, _ := o.Fields[d.field].(bool); value != d.value {
		return false, nil
	}
	fields := maps.Clone(o.Fields)
	fields[d.field] = !d.value
	by.Tenant, by.Action = tenant, "restore.confirm"
	_, err = r.opts.Ledger.Commit(ctx, by, []ledgerdb.Change{ledgerdb.Replace(o, fields)})
	return err == nil, err
}
