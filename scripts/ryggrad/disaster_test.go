package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	"cloud.google.com/go/kms/apiv1/kmspb"

	"ryggrad.internal/hub/functions/orders"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/hub"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/localcloud"
	"ryggrad.internal/hub/shared/localcloud/cloudtest"
)

// group is a restaurant group on a hub that was backed up, and that took in more orders since.
type group struct {
	*console
	tenant, location string
	till, kitchen    struct{ ClientID, APIKey string }
	before, after    []string // ids of its orders
	struck           time.Time
}

// restored is what `backup restore` answers.
type restored struct {
	ID       string               `json:"id"`
	Moments  map[string]time.Time `json:"moments"`
	Lost     []string             `json:"lost"`
	Disabled []struct {
		Object string `json:"object"`
	} `json:"disabled"`
}

// TestTheRunbookBringsBackWhatWasLost strikes a hub with each of the disasters of terraform/runbooks/restore.md, does what
// is said there, word by word, and says what was lost and how long it took. RYGGRAD_TEST_ORDERS says how many orders the hub
// has when it is backed up.
func TestTheRunbookBringsBackWhatWasLost(t *testing.T) {
	t.Parallel()
	for name, live := range map[string]func(*group){
		"a bad deploy deleted orders":             (*group).badDeploy,
		"a tenant deleted its configuration":      (*group).deletedConfiguration,
		"the database is gone":                    (*group).databaseGone,
		"the region is gone, with the project":    (*group).regionGone,
		"the KMS key is gone, after the database": (*group).keyGone,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			live(newGroup(t))
		})
	}
}

func newGroup(t *testing.T) *group {
	t.Helper()
	g := &group{console: newConsole(t)}
	g.env["RYGGRAD_RATE_PER_SECOND"], g.env["RYGGRAD_RATE_BURST"] = "1000000", "1000000"
	var made tenantAnswer
	g.read(&made, "tenants", "create", "Group")
	g.tenant = made.ID
	location, err := g.hub().Identities().CreateLocation(t.Context(), g.by(), identity.Location{Name: "Söder", Timezone: "Europe/Stockholm", Currency: "SEK", Country: "SE"})
	g.ok(err)
	g.location = location.ID
	g.read(&g.till, "clients", "create", g.tenant, "Till", "--scope", "orders:write,orders:read")
	g.read(&g.kitchen, "clients", "create", g.tenant, "Kitchen", "--scope", "orders:read,orders:read.pii")
	n, _ := strconv.Atoi(cmp.Or(os.Getenv("RYGGRAD_TEST_ORDERS"), "20"))
	g.before = g.place("before", n)
	g.seal()
	g.backUp()
	g.after = g.place("after", n/10)
	g.seal()
	return g
}

func (g *group) by() ledgerdb.Act {
	return ledgerdb.Act{Tenant: g.tenant, Actor: identity.Actor{Kind: identity.KindOperator, ID: "kim"}, Action: "test.act"}
}

func (g *group) hub() *hub.Hub {
	g.t.Helper()
	cfg, err := gcp.Load[gcp.Config](g.env)
	g.ok(err)
	h, err := hub.Open(g.t.Context(), cfg, slog.New(slog.DiscardHandler))
	g.ok(err)
	g.t.Cleanup(func() { _ = h.Close() })
	return h
}

func (g *group) call(h http.Handler, method, path, key, body string) (int, string) {
	g.t.Helper()
	r := httptest.NewRequestWithContext(g.t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+key)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec.Code, rec.Body.String()
}

// place places orders, and returns their ids.
func (g *group) place(name string, n int) []string {
	g.t.Helper()
	h := g.function(orders.BuildOrders)
	ids := make([]string, n)
	for i := range ids {
		code, answer := g.call(h, http.MethodPost, "/v1/orders", g.till.APIKey, fmt.Sprintf(`{"channelOrderId":"%s-%d","displayId":"%d","location":%q,
			"type":"pickup","placedAt":"2026-03-01T18:04:05+01:00","currency":"SEK","items":[{"plu":"P","name":"Pizza","quantity":1,"unitPrice":100}],
			"total":100,"payment":{"method":"online","status":"paid","due":0},"customer":{"name":"Alva Lindqvist","phone":"+46701740605"}}`, name, i, i, g.location))
		var placed struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal([]byte(answer), &placed); err != nil || code != http.StatusCreated {
			g.t.Fatalf("an order is answered %d %s", code, answer)
		}
		ids[i] = placed.ID
	}
	return ids
}

// unreadable returns which of some orders the kitchen cannot read whole, with the guest.
func (g *group) unreadable(ids []string) []string {
	g.t.Helper()
	h := g.function(orders.BuildOrders)
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
		code, answer := g.call(h, http.MethodGet, "/v1/orders/"+id, g.kitchen.APIKey, "")
		return code == http.StatusOK && strings.Contains(answer, "Alva Lindqvist")
	})
}

// wipe deletes all documents of collections without a trace.
func (g *group) wipe(collections []*firestore.CollectionRef, which func(*firestore.DocumentSnapshot) bool) {
	g.t.Helper()
	g.struck = time.Now()
	writer := g.cloud.Firestore(g.t).BulkWriter(g.t.Context())
	for _, c := range collections {
		docs, err := c.Documents(g.t.Context()).GetAll()
		g.ok(err)
		for _, d := range docs {
			if which(d) {
				_, err := writer.Delete(d.Ref)
				g.ok(err)
			}
		}
	}
	writer.End()
}

// goes has the whole database gone.
func (g *group) goes() {
	g.t.Helper()
	all, err := g.cloud.Firestore(g.t).Collections(g.t.Context()).GetAll()
	g.ok(err)
	g.wipe(all, func(*firestore.DocumentSnapshot) bool { return true })
}

// recover does what the runbook says.
func (g *group) recover(args ...string) restored {
	g.t.Helper()
	var out restored
	g.read(&out, append([]string{"backup", "restore"}, args...)...)
	return out
}

// report says what was lost, how far the backup was behind, and how long it took until everything that it has could be
// read again.
func (g *group) report(out restored, from time.Time, gone []string) {
	g.t.Helper()
	took := time.Since(from)
	if lost := g.unreadable(g.before); len(lost) > 0 {
		g.t.Errorf("%d orders of the backup are lost", len(lost))
	}
	lost := g.unreadable(g.after)
	if !slices.Equal(lost, gone) {
		g.t.Errorf("lost are %v, and should be %v", lost, gone)
	}
	g.t.Logf("of %d orders, %d were placed after the backup, and %d of these are lost, %d of which the answer names; the backup was %s behind; it took %s",
		len(g.before)+len(g.after), len(g.after), len(lost), len(out.Lost), g.struck.Sub(out.Moments["hot"]).Round(time.Millisecond), took.Round(time.Millisecond))
}

func (g *group) badDeploy() {
	db := g.cloud.Firestore(g.t)
	gone := map[string]bool{}
	for _, id := range slices.Concat(g.before[:len(g.before)/2], g.after[:len(g.after)/2]) {
		gone[id] = true
	}
	g.wipe([]*firestore.CollectionRef{db.Collection("orders"), db.Collection("orderKeys"), db.Collection("events")}, func(d *firestore.DocumentSnapshot) bool {
		about, _ := d.Data()["order"].(string)
		return gone[cmp.Or(about, d.Ref.ID)]
	})
	begun := time.Now()
	out := g.recover("--missing", "--into", "(default)", "--collection", "orders", "--collection", "orderKeys", "--collection", "originals", "--collection", "events")
	g.report(out, begun, g.after[:len(g.after)/2])
	if again := g.recover("--missing", "--into", "(default)", "--collection", "orders"); len(again.Disabled) > 0 {
		g.t.Errorf("again: %+v", again)
	}
}

func (g *group) deletedConfiguration() {
	g.struck = time.Now()
	for _, client := range []string{g.till.ClientID, g.kitchen.ClientID} {
		_, err := g.run("clients", "remove", g.tenant, client)
		g.ok(err)
	}
	h := g.hub()
	location, err := h.Ledger.Get(g.t.Context(), g.tenant, ledgerdb.Ref{Collection: "locations", ID: g.location})
	g.ok(err)
	_, err = h.Ledger.Commit(g.t.Context(), g.by(), []ledgerdb.Change{ledgerdb.Remove(location)})
	g.ok(err)
	begun := time.Now()
	args := []string{"--missing", "--into", "(default)", "--tenant", g.tenant}
	for _, collection := range []string{"locations", "channels", "clients", "apiKeys", "users", "logins", "endpoints"} {
		args = append(args, "--collection", collection)
	}
	out := g.recover(args...)
	if code, _ := g.call(g.function(orders.BuildOrders), http.MethodGet, "/v1/orders", g.till.APIKey, ""); code < 400 {
		g.t.Errorf("a deleted client calls before somebody has confirmed it: %d", code)
	}
	_, err = g.run("backup", "confirm", "--into", "(default)", out.ID)
	g.ok(err)
	out.Moments["hot"] = out.Moments["config"]
	g.report(out, begun, []string{})
	g.place("back", 1)
}

// moved is the hub with a restored database.
func (g *group) moved(out restored, begun time.Time) {
	g.t.Helper()
	g.report(out, begun, g.after)
	for _, id := range g.after {
		if !slices.Contains(out.Lost, "orders/"+id) {
			g.t.Errorf("the answer does not name %s", id)
		}
	}
	g.place("goes on", 1)
	g.seal()
	if _, err := g.run("audit", "verify"); err != nil {
		g.t.Errorf("the log does not hold: %v", err)
	}
}

func (g *group) databaseGone() {
	g.goes()
	begun := time.Now()
	out := g.recover("--into", "second")
	g.env["RYGGRAD_DATABASE"] = "second"
	g.moved(out, begun)
}

func (g *group) regionGone() {
	var signers []string
	g.read(&signers, "backup", "signers") // as it was kept
	g.struck = time.Now()
	old := g.cloud.Project
	g.cloud = cloudtest.Start(g.t)
	elsewhere := gcp.Env(g.cloud.Env())
	for _, name := range []string{"RYGGRAD_BACKUP_BUCKET", "RYGGRAD_BACKUP_MONTHLY_BUCKET", "RYGGRAD_BACKUP_KEYS_BUCKET", "RYGGRAD_ERASURES_BUCKET",
		"RYGGRAD_AUDIT_BUCKET", "RYGGRAD_CHECKPOINT_BUCKET", "RYGGRAD_OPERATOR", "RYGGRAD_RATE_PER_SECOND", "RYGGRAD_RATE_BURST"} {
		elsewhere[name] = g.env[name]
	}
	elsewhere["RYGGRAD_KEY_RING"] = localcloud.KeyRing(old)
	g.env = elsewhere
	begun := time.Now()
	out := g.recover("--into", "(default)", "--project", old, "--signer", signers[0])
	g.moved(out, begun)
}

func (g *group) keyGone() {
	g.goes()
	_, err := g.cloud.KMS(g.t).DestroyCryptoKeyVersion(g.t.Context(), &kmspb.DestroyCryptoKeyVersionRequest{Name: g.cloud.Key("backup") + "/cryptoKeyVersions/1"})
	g.ok(err)
	secret, err := g.cloud.OfflineKey().Secret()
	g.ok(err)
	file := filepath.Join(g.t.TempDir(), "offline.key")
	g.ok(os.WriteFile(file, []byte(secret+"\n"), 0o600))
	if _, err := g.run("backup", "restore", "--into", "scratch"); err == nil || !strings.Contains(err.Error(), "--offline-key") {
		g.t.Errorf("without the key: %v", err)
	}
	begun := time.Now()
	out := g.recover("--into", "second", "--offline-key", file)
	g.env["RYGGRAD_DATABASE"] = "second"
	g.moved(out, begun)
}
