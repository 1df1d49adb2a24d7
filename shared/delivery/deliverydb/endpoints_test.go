package deliverydb_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/delivery/deliverydb"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/localcloud/wire"
)

func TestAnEndpointIsCreatedWithItsAuditEntryAndASealedSecret(t *testing.T) {
	t.Parallel()
	f := open(t)
	e, secret, err := f.store.Create(t.Context(), act(deliverydb.ActionCreate), settings())
	if err != nil {
		t.Fatal(err)
	}
	stored, err := f.store.Endpoint(t.Context(), tenant, e.ID)
	if diff := cmp.Diff(e, stored, cmp.Transformer("nil", func(s []string) []string { return append([]string{}, s...) })); diff != "" || err != nil {
		t.Errorf("%v (-made +stored):\n%s", err, diff)
	}
	secrets, err := f.store.Secrets(t.Context(), stored)
	if err != nil || len(secrets) != 1 || secrets[0].Reveal() != secret.Reveal() {
		t.Errorf("%d secrets, %v", len(secrets), err)
	}
	key := strings.TrimPrefix(secret.Reveal(), "whsec_")
	if raw := fmt.Sprintf("%v %s", f.documents("endpoints"), f.documents("endpoints")); strings.Contains(raw, key) {
		t.Error("the secret is stored in plain")
	}
	audit := f.documents("audit")
	if len(audit) != 1 || audit[0]["object"] != "endpoints/"+e.ID || audit[0]["action"] != deliverydb.ActionCreate || audit[0]["actor"] != "user:usr_1" {
		t.Errorf("audit: %v", audit)
	}
}

func TestACommitThatSucceedsWithoutTellingIsASuccess(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(*fixture, delivery.Endpoint) error{
		"create": func(f *fixture, _ delivery.Endpoint) error {
			_, _, err := f.store.Create(f.t.Context(), act(deliverydb.ActionCreate), settings())
			return err
		},
		"change": func(f *fixture, e delivery.Endpoint) error {
			_, err := f.store.Change(f.t.Context(), act(deliverydb.ActionChange), e.ID, settings(), anybody)
			return err
		},
		"rotate": func(f *fixture, e delivery.Endpoint) error {
			_, secret, err := f.store.Rotate(f.t.Context(), act(deliverydb.ActionRotate), e.ID, anybody)
			if err == nil {
				e, _ = f.store.Endpoint(f.t.Context(), tenant, e.ID)
				secrets, _ := f.store.Secrets(f.t.Context(), e)
				if len(secrets) != 2 || secrets[0].Reveal() != secret.Reveal() {
					f.t.Error("the secret that was shown is not the one that signs")
				}
			}
			return err
		},
		"remove": func(f *fixture, e delivery.Endpoint) error {
			return f.store.Remove(f.t.Context(), act(deliverydb.ActionRemove), e.ID, anybody)
		},
		"disable": func(f *fixture, e delivery.Endpoint) error {
			return f.store.Disable(f.t.Context(), tenant, e.ID, delivery.Gone)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := open(t)
			e := f.endpoint()
			f.cloud.Faults.Set(wire.Nth(commit, 1, wire.Fault{After: wire.Unavailable()}))
			if err := do(f, e); err != nil {
				t.Fatal(err)
			}
			if got := len(f.documents("audit")); got != 2 {
				t.Errorf("%d audit entries, want one more than that of the creation", got)
			}
		})
	}
}

func TestOtherTenantsEndpointsDoNotExist(t *testing.T) {
	t.Parallel()
	f := open(t)
	e := f.endpoint()
	foreign := act(deliverydb.ActionChange)
	foreign.Tenant = other
	_, readErr := f.store.Endpoint(t.Context(), other, e.ID)
	_, changeErr := f.store.Change(t.Context(), foreign, e.ID, settings(), anybody)
	_, _, rotateErr := f.store.Rotate(t.Context(), foreign, e.ID, anybody)
	removeErr := f.store.Remove(t.Context(), foreign, e.ID, anybody)
	_, knownErr := f.store.KnownEndpoint(t.Context(), other, e.ID)
	for i, err := range []error{readErr, changeErr, rotateErr, removeErr, knownErr} {
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("%d: %v", i, err)
		}
	}
	if err := f.store.Disable(t.Context(), other, e.ID, delivery.Gone); err != nil {
		t.Error(err)
	}
	if now, _ := f.store.Endpoint(t.Context(), tenant, e.ID); now.Disabled {
		t.Error("another tenant's job switched it off")
	}
	if list, err := f.store.Endpoints(t.Context(), other); err != nil || len(list) != 0 {
		t.Errorf("%d endpoints, %v", len(list), err)
	}
}

func TestIdsThatAreNoneReachNoDatabase(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.cloud.Calls.Reset()
	for _, id := range []string{"", "x", "ep_", "ep_a/b", "../x", "ord_aaaaaaaaaaaaaaaaaaaaaaaaaa", strings.Repeat("e", 2000)} {
		if _, err := f.store.Endpoint(t.Context(), tenant, id); !fault.Is(err, fault.NotFound) {
			t.Errorf("%q: %v", id, err)
		}
	}
	if calls := f.cloud.Calls.Snapshot(); len(calls) != 0 {
		t.Errorf("calls: %v", calls)
	}
}

func TestChangesAtOnceAllHappen(t *testing.T) {
	t.Parallel()
	f := open(t)
	e := f.endpoint()
	var group sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		group.Go(func() { _, _, errs[i] = f.store.Rotate(t.Context(), act(deliverydb.ActionRotate), e.ID, anybody) })
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	if got := len(f.documents("audit")); got != 5 {
		t.Errorf("%d audit entries of one creation and four rotations", got)
	}
}

func TestRemovingLeavesNothingAndTwiceIsNotFound(t *testing.T) {
	t.Parallel()
	f := open(t)
	e := f.endpoint()
	if err := f.store.Remove(t.Context(), act(deliverydb.ActionRemove), e.ID, anybody); err != nil {
		t.Fatal(err)
	}
	if got := f.documents("endpoints"); len(got) != 0 {
		t.Errorf("left: %v", got)
	}
	if got := f.documents("tombstones"); len(got) != 1 {
		t.Errorf("%d tombstones", len(got))
	}
	if err := f.store.Remove(t.Context(), act(deliverydb.ActionRemove), e.ID, anybody); !fault.Is(err, fault.NotFound) {
		t.Errorf("again: %v", err)
	}
}

func TestWhoIsNotAllowedChangesNothing(t *testing.T) {
	t.Parallel()
	f := open(t)
	e := f.endpoint()
	no := fault.New(fault.NotFound, "no")
	nobody := func(delivery.Endpoint) error { return no }
	_, changeErr := f.store.Change(t.Context(), act("x"), e.ID, settings(), nobody)
	_, _, rotateErr := f.store.Rotate(t.Context(), act("x"), e.ID, nobody)
	for _, err := range []error{changeErr, rotateErr, f.store.Remove(t.Context(), act("x"), e.ID, nobody)} {
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("got %v", err)
		}
	}
	if got := len(f.documents("audit")); got != 1 {
		t.Errorf("%d audit entries", got)
	}
}

func TestFormerSecretsSignForADay(t *testing.T) {
	t.Parallel()
	f := open(t)
	e := f.endpoint()
	first, err := f.store.Secrets(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	e, second, err := f.store.Rotate(t.Context(), act(deliverydb.ActionRotate), e.ID, anybody)
	if err != nil {
		t.Fatal(err)
	}
	reveal := func() []string {
		secrets, err := f.store.Secrets(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, s := range secrets {
			all = append(all, s.Reveal())
		}
		return all
	}
	if diff := cmp.Diff([]string{second.Reveal(), first[0].Reveal()}, reveal()); diff != "" {
		t.Error("both do not sign")
	}
	f.clock.Advance(delivery.Overlap)
	if diff := cmp.Diff([]string{second.Reveal()}, reveal()); diff != "" {
		t.Error("the former still signs after a day, or the new one does not")
	}
}

func TestASecretMovedToAnotherEndpointDoesNotOpen(t *testing.T) {
	t.Parallel()
	f := open(t)
	one, two := f.endpoint(), f.endpoint()
	two.Secrets = one.Secrets
	if _, err := f.store.Secrets(t.Context(), two); err == nil {
		t.Error("it opens")
	}
}

func TestDisablingTellsTheOthersOnce(t *testing.T) {
	t.Parallel()
	f := open(t)
	e := f.endpoint()
	for range 2 {
		if err := f.store.Disable(t.Context(), tenant, e.ID, delivery.Gone); err != nil {
			t.Fatal(err)
		}
	}
	now, err := f.store.Endpoint(t.Context(), tenant, e.ID)
	if err != nil || !now.Disabled || now.Reason != delivery.Gone {
		t.Errorf("%v, %+v", err, now)
	}
	events := f.documents("events")
	if len(events) != 1 || events[0]["type"] != "endpoint.disabled" || events[0]["pending"] != true {
		t.Errorf("events: %v", events)
	}
	if err := f.store.Disable(t.Context(), tenant, "ep_aaaaaaaaaaaaaaaaaaaaaaaaaa", delivery.Gone); err != nil {
		t.Errorf("one that is not there: %v", err)
	}
}

func TestEndpointsAreListedInPages(t *testing.T) {
	t.Parallel()
	f := open(t)
	var want, got []string
	for range 5 {
		want = append(want, f.endpoint().ID)
	}
	slices.Sort(want)
	for after := ""; ; {
		page, err := f.store.EndpointsAfter(t.Context(), tenant, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, e := range page {
			got = append(got, e.ID)
		}
		after = got[len(got)-1]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEndpointsAreUsedFromMemoryForAWhile(t *testing.T) {
	t.Parallel()
	f := open(t)
	known := func() int {
		t.Helper()
		all, err := f.store.Known(t.Context(), tenant)
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	if known() != 0 {
		t.Fatal("an endpoint before there is one")
	}
	elsewhere := f.another()
	created, _, err := elsewhere.Create(t.Context(), act(deliverydb.ActionCreate), settings())
	if err != nil {
		t.Fatal(err)
	}
	if known() != 1 {
		t.Error("a tenant's first endpoint is not seen at once")
	}
	f.cloud.Calls.Reset()
	if known() != 1 || len(f.cloud.Calls.Snapshot()) != 0 {
		t.Error("not from memory")
	}
	second, _, err := elsewhere.Create(t.Context(), act(deliverydb.ActionCreate), settings())
	if err != nil {
		t.Fatal(err)
	}
	if e, err := f.store.KnownEndpoint(t.Context(), tenant, second.ID); err != nil || e.ID != second.ID {
		t.Errorf("an unknown one is not read: %v", err)
	}
	if known() != 2 {
		t.Error("what was read through is not kept")
	}
	if err := elsewhere.Remove(t.Context(), act(deliverydb.ActionRemove), created.ID, anybody); err != nil {
		t.Fatal(err)
	}
	f.clock.Advance(time.Minute)
	if known() != 1 {
		t.Error("memory outlives its time")
	}
	if err := f.store.Remove(t.Context(), act(deliverydb.ActionRemove), second.ID, anybody); err != nil {
		t.Fatal(err)
	}
	if known() != 0 {
		t.Error("an own change is not seen at once")
	}
}

func TestTheNumberOfEndpointsIsBounded(t *testing.T) {
	t.Parallel()
	f := open(t)
	for range delivery.MaxEndpoints {
		f.endpoint()
	}
	_, _, err := f.store.Create(t.Context(), act(deliverydb.ActionCreate), settings())
	if !fault.Is(err, fault.Conflict) {
		t.Errorf("one more: %v", err)
	}
}

func TestADatabaseThatIsAwayIsAFault(t *testing.T) {
	t.Parallel()
	f := open(t)
	e := f.endpoint()
	f.cloud.Faults.Set(wire.Always(commit, wire.Fault{Before: wire.Unavailable()}))
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond) // Google's client repeats until then
	defer cancel()
	_, err := f.store.Change(ctx, act(deliverydb.ActionChange), e.ID, settings(), anybody)
	if !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v", err)
	}
}
