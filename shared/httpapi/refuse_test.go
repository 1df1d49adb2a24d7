package httpapi_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger"
)

func TestWhoIsTurnedAwayIsReported(t *testing.T) {
	t.Parallel()
	client := identity.Actor{Kind: identity.KindClient, ID: "cli_1"}
	for name, c := range map[string]struct {
		authorization, address string
		want                   []ledger.Refusal
	}{
		"who may": {"Bearer writer", "192.0.2.77:1234", nil},
		"no credential": {"", "192.0.2.77:1234", []ledger.Refusal{
			{Action: "put-thing", Reason: "there is no credential", Source: "192.0.2.0/24"}}},
		"a wrong credential": {"Bearer guess", "[2001:db8:1:2::7]:1234", []ledger.Refusal{
			{Action: "put-thing", Reason: "the credential does not hold", Source: "2001:db8:1::/48"}}},
		"an address of no kind": {"Bearer guess", "pipe", []ledger.Refusal{
			{Action: "put-thing", Reason: "the credential does not hold", Source: "unknown"}}},
		"a credential that cannot be checked now": {"Bearer later", "192.0.2.77:1234", nil},
		"a permission that is missing": {"Bearer reader", "192.0.2.77:1234", []ledger.Refusal{
			{Tenant: "ten_1", Actor: client, Action: "put-thing", Reason: "the permission orders:write is missing", Source: "key_1"}}},
		"out of reach": {"Bearer elsewhere", "192.0.2.77:1234", []ledger.Refusal{
			{Tenant: "ten_1", Actor: client, Action: "put-thing", Reason: "this is out of the caller's reach", Source: "key_1"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []ledger.Refusal
			api := httpapi.New(httpapi.Options{
				Name: "test", Title: "Test", Log: slog.New(slog.DiscardHandler), Now: time.Now,
				Authenticate: func(ctx context.Context, r *http.Request) (identity.Caller, error) {
					caller, err := authenticate(ctx, r)
					if r.Header.Get("Authorization") == "Bearer elsewhere" {
						caller.Scopes, err = identity.NewScopes(identity.OrdersWrite), nil
					}
					caller.Credential = "key_1"
					return caller, err
				},
				Refused: func(_ context.Context, r ledger.Refusal) {
					if r.RequestID == "" {
						t.Error("a refusal without its request")
					}
					r.RequestID = ""
					got = append(got, r)
				},
			})
			httpapi.Handle(api, httpapi.Route{
				Method: http.MethodPost, Path: "/v1/things", ID: "put-thing", Summary: "Put", Permission: identity.OrdersWrite,
			}, func(context.Context, httpapi.Call, *struct{}) (*output, error) {
				if c.authorization == "Bearer elsewhere" {
					return nil, fault.New(fault.Forbidden, "this location is another's")
				}
				return &output{}, nil
			})
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/things", http.NoBody)
			r.RemoteAddr = c.address
			if c.authorization != "" {
				r.Header.Set("Authorization", c.authorization)
			}
			api.ServeHTTP(httptest.NewRecorder(), r)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("refusals (-want +got):\n%s", diff)
			}
		})
	}
}
