package firestore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gcfirestore "cloud.google.com/go/firestore"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"pgregory.net/rapid"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
)

// clock is a clock that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func open(t testing.TB, opts Options) *Server {
	t.Helper()
	s, err := Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closeServer(t testing.TB, s *Server) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func put(t testing.TB, s *Server, path string, n int64) {
	t.Helper()
	commit(t, s, &firestorepb.Write{Operation: &firestorepb.Write_Update{Update: &firestorepb.Document{
		Name: crashDatabase + "/documents/" + path, Fields: map[string]*firestorepb.Value{"number": integer(n)}}}})
}

func del(t testing.TB, s *Server, path string) {
	t.Helper()
	commit(t, s, &firestorepb.Write{Operation: &firestorepb.Write_Delete{Delete: crashDatabase + "/documents/" + path}})
}

func commit(t testing.TB, s *Server, w *firestorepb.Write) {
	t.Helper()
	if _, err := s.Commit(t.Context(), &firestorepb.CommitRequest{Database: crashDatabase, Writes: []*firestorepb.Write{w}}); err != nil {
		t.Fatal(err)
	}
}

// contents are all documents at a time, with their times.
func contents(s *Server, at int64) map[string]string {
	found := map[string]string{}
	d := s.database(crashDatabase)
	for n := d.docs.First(); n != nil; n = n.Next() {
		if v := n.Value.at(at); v != nil {
			found[n.Value.name] = fmt.Sprintf("%x created %d updated %d", []byte(v.fields), v.created, v.at)
		}
	}
	return found
}

func TestWhatIsReopenedIsWhatWasClosedAtEveryTime(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		dir, clk := t.TempDir(), newClock()
		s := open(t, Options{Dir: dir, Now: clk.Now})
		var times []int64
		for i := range rapid.IntRange(1, 40).Draw(rt, "steps") {
			path := rapid.SampledFrom([]string{"a/1", "a/2", "b/1", "a/1/c/1"}).Draw(rt, "path")
			switch rapid.IntRange(0, 6).Draw(rt, "step") {
			case 0:
				del(t, s, path)
			case 1:
				if _, err := s.compact(); err != nil {
					rt.Fatal(err)
				}
			case 2:
				clk.advance(time.Minute)
			default:
				put(t, s, path, int64(i))
			}
			times = append(times, s.database(crashDatabase).snapshot())
		}
		before := make([]map[string]string, len(times))
		for i, at := range times {
			before[i] = contents(s, at)
		}
		closeServer(t, s)
		s = open(t, Options{Dir: dir, Now: clk.Now})
		for i, at := range times {
			if d := cmp.Diff(before[i], contents(s, at)); d != "" {
				rt.Fatalf("at time %d of %d (-before +after):\n%s", i, len(times), d)
			}
		}
		closeServer(t, s)
	})
}

func TestVersionsAreForgottenAfterAnHour(t *testing.T) {
	t.Parallel()
	clk := newClock()
	s := open(t, Options{Now: clk.Now})
	put(t, s, "a/kept", 1)
	put(t, s, "a/gone", 1)
	start := s.database(crashDatabase).snapshot()
	put(t, s, "a/kept", 2)
	del(t, s, "a/gone")
	clk.advance(retention)
	put(t, s, "a/other", 1)
	if got := len(contents(s, start)); got != 2 {
		t.Errorf("after an hour %d documents can be read at the start, want 2", got)
	}
	clk.advance(grace + time.Second)
	put(t, s, "a/other", 2)
	d := s.database(crashDatabase)
	if got := len(contents(s, start)); got != 0 || d.docs.Len() != 2 || d.collection("a").docs.Len() != 2 || len(d.old) != 1 {
		t.Errorf("%d documents at the start, %d in all, %d in the collection, %d superseded; want 0, 2, 2, 1",
			got, d.docs.Len(), d.collection("a").docs.Len(), len(d.old))
	}
}

func TestTransactionsExpire(t *testing.T) {
	t.Parallel()
	for name, wait := range map[string][]time.Duration{
		"idle": {idle + time.Second},
		"worn": {idle, idle, idle, idle, lifetime - 4*idle + time.Second},
	} {
		clk := newClock()
		s := open(t, Options{Now: clk.Now})
		tx, err := s.BeginTransaction(t.Context(), &firestorepb.BeginTransactionRequest{Database: crashDatabase})
		if err != nil {
			t.Fatal(err)
		}
		for i, d := range wait {
			clk.advance(d)
			_, err = s.transactions.find(s.database(crashDatabase), tx.GetTransaction())
			if last := i == len(wait)-1; last != errors.Is(err, errExpired) {
				t.Errorf("%s, step %d: %v", name, i, err)
			}
		}
	}
}

// dial serves a server and returns the real client.
func dial(t testing.TB, s *Server) *gcfirestore.Client {
	t.Helper()
	g := grpc.NewServer()
	s.Register(g)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- g.Serve(listener) }()
	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	client, err := gcfirestore.NewClient(t.Context(), "p", option.WithGRPCConn(conn))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := client.Close()
		g.Stop()
		if err := errors.Join(err, <-served, s.Close()); err != nil {
			t.Error(err)
		}
	})
	return client
}

// Money moves between accounts in transactions, while others sum it up: by query, by count of a query, at a past time.
func TestTransactionsAreSerialisable(t *testing.T) {
	t.Parallel()
	client := dial(t, open(t, Options{Dir: t.TempDir()}))
	ctx := t.Context()
	accounts := client.Collection("accounts")
	const money, each = 5, 100
	for i := range money {
		if _, err := accounts.Doc(fmt.Sprint(i)).Create(ctx, map[string]any{"balance": each}); err != nil {
			t.Fatal(err)
		}
	}
	var movers, readers sync.WaitGroup
	var stop atomic.Bool
	for m := range 4 {
		movers.Go(func() {
			for i := range 15 {
				if err := move(ctx, client, accounts.Doc(fmt.Sprint((m+i)%money)), accounts.Doc(fmt.Sprint((m+2*i+1)%money))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 2 {
		readers.Go(func() {
			for !stop.Load() {
				if got, err := total(accounts.Documents(ctx)); err != nil || got != money*each {
					t.Errorf("the accounts hold %d, want %d: %v", got, money*each, err)
				}
			}
		})
	}
	movers.Wait()
	stop.Store(true)
	readers.Wait()
}

func move(ctx context.Context, client *gcfirestore.Client, from, to *gcfirestore.DocumentRef) error {
	return client.RunTransaction(ctx, func(_ context.Context, tx *gcfirestore.Transaction) error {
		if from.ID == to.ID {
			return nil
		}
		docs, err := tx.GetAll([]*gcfirestore.DocumentRef{from, to})
		if err != nil {
			return err
		}
		for i, doc := range docs {
			balance, err := doc.DataAt("balance")
			if err != nil {
				return err
			}
			amount, ok := balance.(int64)
			if !ok {
				return fmt.Errorf("balance is %T", balance)
			}
			if err := tx.Set(doc.Ref, map[string]any{"balance": amount + int64(2*i-1)}); err != nil {
				return err
			}
		}
		return nil
	}, gcfirestore.MaxAttempts(200))
}

func total(docs *gcfirestore.DocumentIterator) (int64, error) {
	all, err := docs.GetAll()
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, doc := range all {
		if balance, ok := doc.Data()["balance"].(int64); ok {
			sum += balance
		}
	}
	return sum, nil
}

// Two transactions read that a query finds nothing, and write what it would find: one of them must fail.
func TestTransactionsNoticePhantoms(t *testing.T) {
	t.Parallel()
	client := dial(t, open(t, Options{}))
	users := client.Collection("users")
	claimed := 0
	err := client.RunTransaction(t.Context(), func(ctx context.Context, tx *gcfirestore.Transaction) error {
		found, err := tx.Documents(users.Where("email", "==", "a@example.com")).GetAll()
		if err != nil || len(found) > 0 {
			return err
		}
		claimed++
		if claimed == 1 { // another one gets there first
			if _, err := users.Doc("other").Create(ctx, map[string]any{"email": "a@example.com"}); err != nil {
				return err
			}
		}
		return tx.Create(users.Doc("mine"), map[string]any{"email": "a@example.com"})
	})
	if err != nil || claimed != 1 {
		t.Errorf("claimed %d times: %v", claimed, err)
	}
	if _, err := users.Doc("mine").Get(t.Context()); err == nil {
		t.Error("both claimed the address")
	}
}
