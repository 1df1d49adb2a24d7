package delivery

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"ryggrad.internal/hub/functions"
	"ryggrad.internal/hub/shared/channel/platformapi"
	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/delivery/deliverydb"
	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/hub"
	"ryggrad.internal/hub/shared/localcloud"
	"ryggrad.internal/hub/shared/order"
	"ryggrad.internal/hub/shared/order/orderdb"
	"ryggrad.internal/hub/shared/webhook"
	"ryggrad.internal/hub/shared/webhook/outbound"
)

// The variables by which a test process becomes the one that is killed.
const (
	crashDir   = "RYGGRAD_TEST_CRASH_DIR"   // where its store is
	crashURL   = "RYGGRAD_TEST_CRASH_URL"   // of the endpoint
	crashAhead = "RYGGRAD_TEST_CRASH_AHEAD" // how far its clock is ahead
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		if err := live(context.Background(), dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const (
	crashOrders = 12 // that each life takes in
	crashLives  = 4  // that end by kill -9, before one that may end by itself
)

// mortal is one life of the process: everything that it works with, on a store that outlives it.
type mortal struct {
	*hub.Hub
	courier courier
	orders  *orderdb.Store
}

// live takes orders in, moves them on and delivers their events until there is nothing left to do. It tells of every
// event once its commit was acknowledged.
func live(ctx context.Context, dir string) error {
	ahead, err := time.ParseDuration(os.Getenv(crashAhead))
	if err != nil {
		return err
	}
	now := func() time.Time { return time.Now().Add(ahead) }
	table, err := functions.Table()
	if err != nil {
		return err
	}
	cloud, err := localcloud.Start(ctx, localcloud.Options{Dir: dir, Functions: table})
	if err != nil {
		return err
	}
	env := gcp.Env(cloud.Env())
	env["RYGGRAD_BASE_URL"] = "https://hub.test"
	cfg, err := gcp.Load[gcp.Config](env)
	if err != nil {
		return err
	}
	log := slog.New(slog.DiscardHandler)
	h, err := hub.Open(ctx, cfg, log)
	if err != nil {
		return err
	}
	m := &mortal{Hub: h, orders: orderdb.New(orderdb.Options{Ledger: h.Ledger, Keys: h.Keys, Now: now, Random: rand.Reader})}
	client := outbound.New(outbound.Options{Policy: webhook.Policy{AllowLoopback: true}})
	m.courier = courier{
		store:  deliverydb.New(deliverydb.Options{Ledger: h.Ledger, Keys: h.Keys, Now: now, Random: rand.Reader, CacheFor: time.Minute}),
		orders: m.orders, directory: h.Directory, client: client, platforms: platformapi.New(client, now), lanes: newLanes(),
		now: now, random: mathrand.Float64, claim: rand.Text, log: log,
	}
	if err := m.endpoint(ctx); err != nil {
		return err
	}
	return m.work(ctx)
}

// endpoint makes the endpoint, if no life before has.
func (m *mortal) endpoint(ctx context.Context) error {
	there, err := m.courier.store.Endpoints(ctx, tenant)
	if err != nil || len(there) > 0 {
		return err
	}
	_, _, err = m.courier.store.Create(ctx, act("endpoint.create"), delivery.Settings{
		URL: os.Getenv(crashURL), Events: delivery.Types(), Payload: delivery.Thin, Format: delivery.Ryggrad,
	})
	return err
}

func (m *mortal) work(ctx context.Context) error {
	life := rand.Text()
	for i := range crashOrders {
		number := fmt.Sprint(life, "-", i)
		placed, err := m.orders.Place(ctx, orderdb.Placement{
			Order: order.Order{
				ChannelOrderID: number, DisplayID: "1", Location: "loc_1", Type: order.Pickup, Currency: "SEK", Total: 100,
				PlacedAt: "2026-03-01T18:04:05+01:00", Payment: order.Payment{Method: "online", Status: order.Paid},
				Items: []order.Item{{PLU: "A", Name: "B", Quantity: 1, UnitPrice: 100}},
			},
			Origin: order.Origin{Tenant: tenant, Link: "cli_1", Identity: []string{number}}, Act: act("order.receive"), Region: "SE",
		})
		if err != nil {
			return err
		}
		m.tell(ctx, placed.Record.ID, placed.Event, 1)
		for n, to := range []order.Status{order.Accepted, order.Ready} {
			done, err := m.orders.Advance(ctx, act("order.advance"), placed.Record.ID, order.Change{Status: to}, func(order.Record) error { return nil })
			if err != nil {
				return err
			}
			m.tell(ctx, placed.Record.ID, done.Event, n+2)
		}
	}
	return m.drain(ctx)
}

// tell says that an event was acknowledged, and dispatches it, unless this is one of those whose announcement is lost.
func (m *mortal) tell(ctx context.Context, id, ev string, sequence int) {
	fmt.Println("acknowledged", id, sequence)
	if mathrand.IntN(4) > 0 {
		_ = (&dispatcher{m.courier}).deliver(ctx, event.Announcement{Tenant: tenant, Event: ev}) // else the relay finds it
	}
}

// drain does what relay and retry do, until nothing is left; leases of former lives have ended by this one's clock.
func (m *mortal) drain(ctx context.Context) error {
	for {
		left, err := m.courier.store.Forgotten(ctx, m.courier.now().Add(time.Hour), 500)
		if err != nil {
			return err
		}
		for _, e := range left {
			if err := (&dispatcher{m.courier}).deliver(ctx, event.Announcement{Tenant: tenant, Event: e.ID}); err != nil {
				return err
			}
		}
		if err := (&retrier{m.courier}).retry(ctx, event.Message{}); err != nil {
			return err
		}
		page, err := m.courier.store.Deliveries(ctx, tenant, deliverydb.Filter{State: delivery.Pending, Limit: 1})
		if err != nil {
			return err
		}
		if len(left)+len(page.Deliveries) == 0 {
			return nil
		}
		now := m.courier.now().Add(time.Minute) // what is put off is due a minute later, without waiting for it
		ahead := time.Until(now)
		later := func() time.Time { return time.Now().Add(ahead) }
		m.courier.now = later
		m.courier.store = deliverydb.New(deliverydb.Options{Ledger: m.Ledger, Keys: m.Keys, Now: later, Random: rand.Reader, CacheFor: time.Minute})
	}
}

// slayer is an endpoint that may kill whoever sends to it, before it answers.
type slayer struct {
	mu       sync.Mutex
	first    map[string][]int64 // of each order, the sequences in the order of their first coming
	messages int
	kill     func() // called at the message of that number
	at       int
}

func (s *slayer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // what does not arrive is not counted
	var m struct {
		Data struct {
			Order    string `json:"order"`
			Sequence int64  `json:"sequence"`
		} `json:"data"`
	}
	if json.Unmarshal(body, &m) != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages++
	if s.kill != nil && s.messages >= s.at {
		s.kill()
		panic(http.ErrAbortHandler) //nolint:forbidigo // how a handler leaves a message without an answer
	}
	if s.messages%7 == 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	known := s.first[m.Data.Order]
	for _, n := range known {
		if n == m.Data.Sequence {
			return
		}
	}
	s.first[m.Data.Order] = append(known, m.Data.Sequence)
}

// The process is killed without warning again and again, in the middle of requests and between them, and started anew on
// the same store: every event whose commit was acknowledged arrives, and an order's events for the first time in order.
func TestAProcessThatIsKilledLosesNothing(t *testing.T) {
	t.Parallel()
	s := &slayer{first: map[string][]int64{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	dir, acknowledged := t.TempDir(), map[string]int64{}
	for n := range crashLives + 1 {
		ahead := time.Duration(n) * 10 * time.Minute
		s.mu.Lock()
		s.messages, s.at = 0, 1+mathrand.IntN(30)
		s.mu.Unlock()
		lifeOf(t, s, dir, server.URL, ahead, n < crashLives, acknowledged)
	}
	if len(acknowledged) < crashOrders {
		t.Fatalf("only %d orders were taken in: too few to prove anything", len(acknowledged))
	}
	for id, newest := range acknowledged {
		got := s.first[id]
		for i, n := range got {
			if n != int64(i)+1 {
				t.Errorf("order %s: came as %v", id, got)
				break
			}
		}
		if int64(len(got)) < newest {
			t.Errorf("order %s: only %v of %d arrived", id, got, newest)
		}
	}
}

// lifeOf runs one process until it dies, and notes what it acknowledged.
func lifeOf(t *testing.T, s *slayer, dir, url string, ahead time.Duration, doomed bool, acknowledged map[string]int64) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), crashDir+"="+dir, crashURL+"="+url, crashAhead+"="+ahead.String())
	var complaint strings.Builder
	child.Stderr = &complaint
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock() // so that none of its messages comes before it can be killed
	if err = child.Start(); doomed {
		s.kill = func() { _ = child.Process.Kill() } // it may be dead already
	} else {
		s.kill = nil
	}
	s.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var id string
		var sequence int64
		if n, _ := fmt.Sscanf(lines.Text(), "acknowledged %s %d", &id, &sequence); n == 2 {
			acknowledged[id] = sequence
		}
	}
	if err := child.Wait(); (err != nil) != doomed {
		t.Fatalf("it ended with %v: %s", err, complaint.String())
	}
}
