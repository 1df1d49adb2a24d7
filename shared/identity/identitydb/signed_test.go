package identitydb_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/localcloud/wire"
	"ryggrad.internal/hub/shared/webhook"
)

// signingSecret gives the house's client a secret that signs requests.
func (i *instance) signingSecret(t *testing.T, h house) (id string, secret webhook.Secret) {
	t.Helper()
	made, err := i.store.RotateSecret(t.Context(), by(h.tenant.ID),
		identitydb.Rotation{Client: h.issued.Client.ID, Kind: identity.KindSigningSecret, Overlap: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if secret, err = webhook.ParseSecret(made.Value); err != nil {
		t.Fatal(err)
	}
	return made.ID, secret
}

// message is a request before it is signed.
type message struct{ id, method, path, body string }

// sign signs a request as the documentation says, by the webhook library's own signature.
func (m message) sign(t *testing.T, client string, secret webhook.Secret, at time.Time) *http.Request {
	t.Helper()
	headers, err := webhook.Sign([]webhook.Secret{secret}, m.id, at, []byte(m.method+" "+m.path+"."+m.body))
	if err != nil {
		t.Fatal(err)
	}
	return m.request(t, client, headers)
}

func (m message) request(t *testing.T, client string, headers webhook.Headers) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(context.WithoutCancel(t.Context()), m.method, m.path, strings.NewReader(m.body))
	r.Header.Set(identity.HeaderClient, client)
	r.Header.Set(webhook.HeaderID, headers.ID)
	r.Header.Set(webhook.HeaderTimestamp, headers.Timestamp)
	r.Header.Set(webhook.HeaderSignature, headers.Signature)
	return r
}

func order(id string) message { return message{id, http.MethodPost, "/v1/orders", `{"total":1.5}`} }

func TestASignedRequestIsItsClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.instance(t)
	h := i.build(t)
	id, secret := i.signingSecret(t, h)
	for name, m := range map[string]message{
		"an order": order("one"), "a list": {"two", http.MethodGet, "/v1/orders?updatedAfter=2026-07-01T00:00:00.000Z", ""},
	} {
		r := m.sign(t, h.issued.Client.ID, secret, w.clock.Now())
		got, err := i.auth.Authenticate(t.Context(), r)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		c := h.issued.Client
		if diff := cmp.Diff(c.CallerWith(id), got); diff != "" {
			t.Errorf("%s: caller (-want +got):\n%s", name, diff)
		}
		if body, err := io.ReadAll(r.Body); err != nil || string(body) != m.body {
			t.Errorf("%s: the handler reads %q, %v", name, body, err)
		}
	}
}

// TestASignatureHoldsHoweverThePathIsEscaped has paths arrive as Cloud Run passes them on, and as they are sent.
func TestASignatureHoldsHoweverThePathIsEscaped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.instance(t)
	h := i.build(t)
	_, secret := i.signingSecret(t, h)
	send := func(m message, arrives string) error {
		headers, err := webhook.Sign([]webhook.Secret{secret}, m.id, w.clock.Now(), []byte(m.method+" "+m.path+"."+m.body))
		if err != nil {
			t.Fatal(err)
		}
		m.path = arrives
		_, err = i.auth.Authenticate(t.Context(), m.request(t, h.issued.Client.ID, headers))
		return err
	}
	for n, c := range []struct{ method, signed, arrives string }{
		{http.MethodPost, "/v1/orders/a-b_c~d/status", "/v1/orders/a-b_c~d/status"},
		{http.MethodPost, "/v1/orders/a-b_c~d/status", "/v1/orders/%61%2Db%5f%63%7Ed/status"},
		{http.MethodGet, "/v1/orders/a.b", "/v1/orders/a%2Eb"},
		{http.MethodGet, "/v1/orders/%C3%A4%2F%3F", "/v1/orders/%c3%A4%2f%3f"},
		{http.MethodGet, "/v1/orders?after=%7e%c3", "/v1/orders?after=%7e%c3"},
		{http.MethodGet, "/v1/orders?", "/%761/orders?"},
	} {
		if err := send(message{fmt.Sprint("held", n), c.method, c.signed, ""}, c.arrives); err != nil {
			t.Errorf("%s is signed, %s arrives: %v", c.signed, c.arrives, err)
		}
	}
	for n, c := range []struct{ method, signed, arrives string }{
		{http.MethodPost, "/v1/orders/a%2Eb", "/v1/orders/a%2Eb"}, // a full stop all the same
		{http.MethodPost, "/v1/orders/a.b", "/v1/orders/a%2Eb"},
		{http.MethodGet, "/v1/orders/a/b", "/v1/orders/a%2Fb"},
		{http.MethodGet, "/v1/orders?after=~", "/v1/orders?after=%7E"},
	} {
		if err := send(message{fmt.Sprint("refused", n), c.method, c.signed, ""}, c.arrives); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s is signed, %s arrives: %v", c.signed, c.arrives, err)
		}
	}
}

func TestASignedRequestCostsOneWriteOnceItsClientIsKnown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.instance(t)
	h := i.build(t)
	_, secret := i.signingSecret(t, h)
	for n := range 2 {
		i.calls.Reset()
		if _, err := i.auth.Authenticate(t.Context(), order(fmt.Sprint("n", n)).sign(t, h.issued.Client.ID, secret, w.clock.Now())); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(map[string]int{rpcCommit: 1}, i.calls.Snapshot()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestSignedRequestsThatDoNotHoldAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.instance(t)
	h := i.build(t)
	_, secret := i.signingSecret(t, h)
	client, now := h.issued.Client.ID, w.clock.Now()
	foreign, err := webhook.NewSecret(strings.NewReader(strings.Repeat("x", 32)))
	if err != nil {
		t.Fatal(err)
	}
	changed := func(m message, change func(*http.Request)) *http.Request {
		r := m.sign(t, client, secret, now)
		change(r)
		return r
	}
	moved := order("moved")
	headers, err := webhook.Sign([]webhook.Secret{secret}, "moved", now, []byte("POST /v1/orders."+moved.body))
	if err != nil {
		t.Fatal(err)
	}
	list := message{"list", http.MethodGet, "/v1/orders?after=1.5", ""}
	listed, err := webhook.Sign([]webhook.Secret{secret}, "list", now, []byte("GET "+list.path+"."))
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]*http.Request{
		"another's secret":             order("a").sign(t, client, foreign, now),
		"an unknown client":            order("b").sign(t, "cli_aaaaaaaaaaaaaaaaaaaaaaaaaa", secret, now),
		"no client's id":               order("c").sign(t, "Till", secret, now),
		"too old":                      order("d").sign(t, client, secret, now.Add(-301*time.Second)),
		"too new":                      order("e").sign(t, client, secret, now.Add(301*time.Second)),
		"another body":                 message{"moved", http.MethodPost, "/v1/orders", `{"total":2}`}.request(t, client, headers),
		"another path":                 message{"moved", http.MethodPost, "/v1/endpoints", moved.body}.request(t, client, headers),
		"another method":               message{"moved", http.MethodPut, "/v1/orders", moved.body}.request(t, client, headers),
		"a part of the body as path":   message{"moved", http.MethodPost, `/v1/orders.{"total":1`, `5}`}.request(t, client, headers),
		"a part of the query as body":  message{"list", http.MethodGet, "/v1/orders?after=1", "5."}.request(t, client, listed),
		"a key beside it":              changed(order("f"), func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+h.issued.APIKey.Reveal()) }),
		"two clients":                  changed(order("g"), func(r *http.Request) { r.Header.Add(identity.HeaderClient, client) }),
		"two signatures' headers":      changed(order("h"), func(r *http.Request) { r.Header.Add(webhook.HeaderSignature, "v1,x") }),
		"no signature":                 changed(order("i"), func(r *http.Request) { r.Header.Del(webhook.HeaderSignature) }),
		"no id":                        changed(order("j"), func(r *http.Request) { r.Header.Del(webhook.HeaderID) }),
		"an id with a full stop":       changed(order("k"), func(r *http.Request) { r.Header.Set(webhook.HeaderID, "k.1") }),
		"a timestamp that is no count": changed(order("l"), func(r *http.Request) { r.Header.Set(webhook.HeaderTimestamp, "1e9") }),
	} {
		if got, err := i.auth.Authenticate(t.Context(), r); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestASignedRequestCountsOnceEverywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i, elsewhere := w.instance(t), w.instance(t)
	h := i.build(t)
	_, secret := i.signingSecret(t, h)
	send := func(at *instance) error {
		_, err := at.auth.Authenticate(t.Context(), order("one").sign(t, h.issued.Client.ID, secret, w.clock.Now()))
		return err
	}
	if err := send(i); err != nil {
		t.Fatal(err)
	}
	for _, at := range []*instance{i, elsewhere} {
		if err := send(at); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("again: %v", err)
		}
	}
	other, err := i.store.CreateClient(t.Context(), by(h.tenant.ID), w.client("*"))
	if err != nil {
		t.Fatal(err)
	}
	h.issued = other
	_, theirs := i.signingSecret(t, h)
	if _, err := i.auth.Authenticate(t.Context(), order("one").sign(t, other.Client.ID, theirs, w.clock.Now())); err != nil {
		t.Errorf("another client's message of the same id: %v", err)
	}
}

func TestASignedRequestWhoseMarkWasWrittenWithoutTellingIsTaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.instance(t)
	h := i.build(t)
	_, secret := i.signingSecret(t, h)
	i.faults.Set(wire.Nth(rpcCommit, 1, wire.Fault{After: wire.Unavailable()}))
	if _, err := i.auth.Authenticate(t.Context(), order("one").sign(t, h.issued.Client.ID, secret, w.clock.Now())); err != nil {
		t.Error(err)
	}
	i.faults.Set(wire.Always(rpcCommit, wire.Fault{Before: context.DeadlineExceeded}))
	if _, err := i.auth.Authenticate(t.Context(), order("two").sign(t, h.issued.Client.ID, secret, w.clock.Now())); !fault.Is(err, fault.Unavailable) {
		t.Errorf("without a memory: %v", err)
	}
}

func TestSigningSecretsRotateAndEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.instance(t)
	h := i.build(t)
	oldID, old := i.signingSecret(t, h)
	_, young := i.signingSecret(t, h)
	send := func(id string, s webhook.Secret) error {
		_, err := i.auth.Authenticate(t.Context(), order(id).sign(t, h.issued.Client.ID, s, w.clock.Now()))
		return err
	}
	for id, s := range map[string]webhook.Secret{"one": old, "two": young} {
		if err := send(id, s); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	if err := i.store.RemoveSecret(t.Context(), by(h.tenant.ID), h.issued.Client.ID, oldID); err != nil {
		t.Fatal(err)
	}
	w.clock.advance(identitydb.Usual)
	if err := send("three", old); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("a minute after its end: %v", err)
	}
	if err := send("four", young); err != nil {
		t.Errorf("the successor: %v", err)
	}
}

func FuzzSignedRequest(f *testing.F) {
	i := newWorld(f).instance(f)
	f.Add("cli_aaaaaaaaaaaaaaaaaaaaaaaaaa", "msg_1", "1782907200", "v1,AAAA", "body")
	f.Add("", "a.b", "-1", "v1, v1a,x", "")
	f.Fuzz(func(t *testing.T, client, id, at, signature, body string) {
		m := message{id, http.MethodPost, "/v1/orders", body}
		r := m.request(t, client, webhook.Headers{ID: id, Timestamp: at, Signature: signature})
		if got, err := i.auth.Authenticate(t.Context(), r); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%+v, %v", got, err)
		}
	})
}
