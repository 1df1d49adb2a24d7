package identitydb_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/localcloud/wire"
)

func ref(collection, id string) ledgerdb.Ref { return ledgerdb.Ref{Collection: collection, ID: id} }

// actions lists what the audit log tells of a tenant, sorted.
func (i *instance) actions(t *testing.T, tenant string) []string {
	t.Helper()
	entries, err := i.ledger.List(t.Context(), i.ledger.QueryAllTenants("audit"))
	if err != nil {
		t.Fatal(err)
	}
	var actions []string
	for _, e := range entries {
		if e.Tenant == tenant {
			actions = append(actions, e.Fields["action"].(string))
		}
	}
	slices.Sort(actions)
	return actions
}

func TestWhatIsCreatedIsFoundAndAudited(t *testing.T) {
	t.Parallel()
	i := newWorld(t).instance(t)
	h := i.build(t)

	tenant, err := i.directory.Tenant(t.Context(), h.tenant.ID)
	if err != nil || tenant != h.tenant {
		t.Errorf("tenant = %+v, %v", tenant, err)
	}
	location, err := i.directory.Location(t.Context(), h.tenant.ID, h.location.ID)
	if err != nil || location != h.location || location.Tenant != h.tenant.ID {
		t.Errorf("location = %+v, %v", location, err)
	}
	link, err := i.directory.Link(t.Context(), h.link.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(h.link, link.Link); diff != "" {
		t.Errorf("link (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([][]byte{[]byte("first secret")}, link.Secrets); diff != "" {
		t.Errorf("secrets (-want +got):\n%s", diff)
	}
	want := []string{"channel.create", "client.create", "location.create", "tenant.create"}
	if diff := cmp.Diff(want, i.actions(t, h.tenant.ID)); diff != "" {
		t.Errorf("audit (-want +got):\n%s", diff)
	}
}

func TestNoSecretIsStoredInTheClear(t *testing.T) {
	t.Parallel()
	i := newWorld(t).instance(t)
	h := i.build(t)
	for _, at := range []ledgerdb.Ref{
		ref("channels", h.link.ID), ref("clients", h.issued.Client.ID), ref("apiKeys", h.issued.APIKey.ID()),
	} {
		snapshot, err := i.cloud.Firestore(t).Doc(at.String()).Get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range flatten(snapshot.Data()) {
			for _, secret := range []string{"first secret", h.issued.APIKey.Reveal()[26:], h.issued.ClientSecret.Reveal()[26:]} {
				if bytes.Contains(value, []byte(secret)) {
					t.Errorf("%s.%s holds a secret", at, name)
				}
			}
		}
	}
	if strings.Contains(i.log.String(), h.issued.APIKey.Reveal()[26:]) {
		t.Error("the log holds a secret")
	}
}

// flatten lists all texts and bytes of a document.
func flatten(fields map[string]any) map[string][]byte {
	all := map[string][]byte{}
	var walk func(at string, value any)
	walk = func(at string, value any) {
		switch v := value.(type) {
		case string:
			all[at] = []byte(v)
		case []byte:
			all[at] = v
		case []any:
			for _, one := range v {
				walk(at+"[]", one)
			}
		case map[string]any:
			for name, one := range v {
				walk(at+"."+name, one)
			}
		}
	}
	walk("", fields)
	return all
}

func TestAnotherTenantsThingsAreUnknown(t *testing.T) {
	t.Parallel()
	i := newWorld(t).instance(t)
	h, other := i.build(t), i.build(t)

	if _, err := i.directory.Location(t.Context(), other.tenant.ID, h.location.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("another tenant's location: %v", err)
	}
	client := i.client(other.location.ID, h.location.ID)
	_, err := i.store.CreateClient(t.Context(), by(other.tenant.ID), client)
	wantDetail(t, err, "body.locations[1]")
	client = i.client(other.location.ID)
	client.Channel = h.link.ID
	_, err = i.store.CreateClient(t.Context(), by(other.tenant.ID), client)
	wantDetail(t, err, "body.channel")
	_, err = i.store.CreateLink(t.Context(), by(other.tenant.ID), linkTo(h.location.ID), nil)
	wantDetail(t, err, "body.locations[0].location")
	err = i.store.ChangeClient(t.Context(), by(other.tenant.ID), h.issued.Client.ID,
		func(c identity.Client) (identity.Client, error) { return c, nil })
	if !fault.Is(err, fault.NotFound) {
		t.Errorf("changing another tenant's client: %v", err)
	}
}

func wantDetail(t *testing.T, err error, location string) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Invalid || len(f.Details) != 1 || f.Details[0].Location != location {
		t.Errorf("error = %+v, want one invalid detail at %s", err, location)
	}
}

func TestWhatBreaksTheRulesIsNotStored(t *testing.T) {
	t.Parallel()
	i := newWorld(t).instance(t)
	h := i.build(t)
	before := len(i.actions(t, h.tenant.ID))
	act := by(h.tenant.ID)
	_, tenantErr := i.store.CreateTenant(t.Context(), act, "")
	_, locationErr := i.store.CreateLocation(t.Context(), act, identity.Location{})
	_, linkErr := i.store.CreateLink(t.Context(), act, identity.Link{}, nil)
	_, clientErr := i.store.CreateClient(t.Context(), act, identity.Client{})
	for _, err := range []error{tenantErr, locationErr, linkErr, clientErr} {
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("error = %v, want invalid", err)
		}
	}
	if after := len(i.actions(t, h.tenant.ID)); after != before {
		t.Errorf("%d entries became %d", before, after)
	}
}

func TestACommitThatSucceededWithoutTellingIsASuccess(t *testing.T) {
	t.Parallel()
	i := newWorld(t).instance(t)
	h := i.build(t)
	i.faults.Set(wire.Nth(rpcCommit, 1, wire.Fault{After: status.Error(codes.Unavailable, "the answer is lost")}))
	location, err := i.store.CreateLocation(t.Context(), by(h.tenant.ID), cornerLocation())
	if err != nil {
		t.Fatalf("create: %v", err)
	}
	if _, err := i.directory.Location(t.Context(), h.tenant.ID, location.ID); err != nil {
		t.Errorf("it is not there: %v", err)
	}
	i.faults.Set(wire.Nth(rpcCommit, 1, wire.Fault{After: status.Error(codes.Unavailable, "the answer is lost")}))
	i.change(t, h, func(c *identity.Client) { c.Name = "Renamed" })
	if n := len(i.actions(t, h.tenant.ID)); n != 6 {
		t.Errorf("%d audit entries, want 6: one each", n)
	}
}

func TestChangesAtOnceAllHappen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.instance(t)
	h := i.build(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			act := by(h.tenant.ID)
			act.Action = "client.change"
			err := i.store.ChangeClient(t.Context(), act, h.issued.Client.ID, func(c identity.Client) (identity.Client, error) {
				c.Name += "+"
				return c, nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	o, err := i.ledger.Get(t.Context(), h.tenant.ID, ref("clients", h.issued.Client.ID))
	if err != nil || o.Fields["name"] != "Till++++" {
		t.Errorf("name = %v, %v", o.Fields["name"], err)
	}
}

func TestTheLookUpOfKeysFollowsTheClient(t *testing.T) {
	t.Parallel()
	i := newWorld(t).instance(t)
	h := i.build(t)
	successor, err := identity.NewAPIKey(strings.NewReader(strings.Repeat("r", 42)))
	if err != nil {
		t.Fatal(err)
	}
	i.change(t, h, func(c *identity.Client) {
		c.Keys = identity.Credentials{identity.NewCredential(successor, i.clock.Now())}
	})
	if _, err := i.present(t, successor.Reveal()); err != nil {
		t.Errorf("the new key: %v", err)
	}
	if _, err := i.ledger.Get(t.Context(), h.tenant.ID, ref("apiKeys", h.issued.APIKey.ID())); !fault.Is(err, fault.NotFound) {
		t.Errorf("the old key's look-up: %v", err)
	}
}

func TestLinksAreReadAgainWhenASignatureDoesNotHold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i, elsewhere := w.instance(t), w.instance(t)
	h := i.build(t)
	if _, err := i.directory.Link(t.Context(), h.link.ID); err != nil {
		t.Fatal(err)
	}
	o, err := elsewhere.ledger.Get(t.Context(), h.tenant.ID, ref("channels", h.link.ID))
	if err != nil {
		t.Fatal(err)
	}
	o.Fields["enabled"] = false
	act := by(h.tenant.ID)
	act.Action = "channel.disable"
	if _, err := elsewhere.ledger.Commit(t.Context(), act, []ledgerdb.Change{ledgerdb.Replace(o, o.Fields)}); err != nil {
		t.Fatal(err)
	}
	w.clock.advance(identitydb.Recent)
	if _, err := i.directory.Link(t.Context(), h.link.ID); err != nil {
		t.Errorf("from memory: %v", err)
	}
	if _, err := i.directory.LinkAgain(t.Context(), h.link.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("read again: %v", err)
	}
}

func TestASuspendedTenantsLinksAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.instance(t)
	h := i.build(t)
	if err := i.store.SuspendTenant(t.Context(), by(h.tenant.ID), true); err != nil {
		t.Fatal(err)
	}
	if _, err := i.directory.Link(t.Context(), h.link.ID); !fault.Is(err, fault.Forbidden) {
		t.Errorf("suspended: %v", err)
	}
	if err := i.store.SuspendTenant(t.Context(), by(h.tenant.ID), false); err != nil {
		t.Fatal(err)
	}
	w.clock.advance(time.Minute)
	if _, err := i.directory.Link(t.Context(), h.link.ID); err != nil {
		t.Errorf("resumed: %v", err)
	}
}
