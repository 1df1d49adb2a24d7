package firestore_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	gcfirestore "cloud.google.com/go/firestore"
	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/timestamppb"

	firestore "ryggrad.internal/hub/shared/localcloud/firestore"
)

// benchStore tells the child of a benchmark which store it is: nothing, memory or durable; and benchDir where the last is.
const (
	benchStore = "FIRESTORE_BENCH_STORE"
	benchDir   = "FIRESTORE_BENCH_DIR"
)

// nothing answers commits and transactions without doing anything: what a store behind gRPC can hardly be faster than.
type nothing struct {
	firestorepb.UnimplementedFirestoreServer
}

func (nothing) Commit(_ context.Context, req *firestorepb.CommitRequest) (*firestorepb.CommitResponse, error) {
	answer := &firestorepb.CommitResponse{CommitTime: timestamppb.Now()}
	for range req.GetWrites() {
		answer.WriteResults = append(answer.WriteResults, &firestorepb.WriteResult{UpdateTime: answer.CommitTime})
	}
	return answer, nil
}

func (nothing) BeginTransaction(context.Context, *firestorepb.BeginTransactionRequest) (*firestorepb.BeginTransactionResponse, error) {
	return &firestorepb.BeginTransactionResponse{Transaction: []byte("nothing")}, nil
}

func (nothing) BatchGetDocuments(req *firestorepb.BatchGetDocumentsRequest, to firestorepb.Firestore_BatchGetDocumentsServer) error {
	now := timestamppb.Now()
	text := func(s string) *firestorepb.Value {
		return &firestorepb.Value{ValueType: &firestorepb.Value_StringValue{StringValue: s}}
	}
	fields := map[string]*firestorepb.Value{ // about as much as an order
		"tenant": text("ten_1"), "status": text("received"), "number": text("1"), "total": text("1234"), "sealed": text(strings.Repeat("x", 400)),
	}
	for _, name := range req.GetDocuments() {
		doc := &firestorepb.Document{Name: name, Fields: fields, CreateTime: now, UpdateTime: now}
		if err := to.Send(&firestorepb.BatchGetDocumentsResponse{
			Transaction: []byte("nothing"), ReadTime: now, Result: &firestorepb.BatchGetDocumentsResponse_Found{Found: doc},
		}); err != nil {
			return err
		}
	}
	return nil
}

// TestBenchChild is no test of its own: it is the store of a benchmark, in a process of its own.
func TestBenchChild(t *testing.T) { //nolint:paralleltest // it is a process of its own
	kind := os.Getenv(benchStore)
	if kind == "" {
		t.Skip("only as a child of a benchmark")
	}
	g := grpc.NewServer(grpc.MaxRecvMsgSize(16 << 20))
	if kind == "nothing" {
		firestorepb.RegisterFirestoreServer(g, nothing{})
	} else {
		opts := firestore.Options{}
		if kind == "durable" {
			opts.Dir = os.Getenv(benchDir)
		}
		server, err := firestore.Open(opts)
		if err != nil {
			t.Fatal(err)
		}
		server.Register(g)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("listening on %s\n", listener.Addr())
	t.Log(g.Serve(listener))
}

// stores runs a benchmark against every store, in other processes; against Google's emulator where there is one.
func stores(b *testing.B, kinds []string, run func(b *testing.B, client *gcfirestore.Client)) {
	b.Helper()
	for _, kind := range kinds {
		b.Run("store="+kind, func(b *testing.B) {
			addr := os.Getenv("FIRESTORE_EMULATOR_HOST")
			if kind != "google" {
				addr = startStore(b, kind)
			} else if addr == "" {
				b.Skip("FIRESTORE_EMULATOR_HOST is not set: Google's emulator is not measured")
			}
			client, err := gcfirestore.NewClient(b.Context(), "b-"+strings.ToLower(rand.Text()[:12]), option.WithGRPCConn(connect(b, addr)))
			if err != nil {
				b.Fatal(err)
			}
			run(b, client)
		})
	}
}

func startStore(b *testing.B, kind string) string {
	b.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestBenchChild$", "-test.v")
	child.Env = append(os.Environ(), benchStore+"="+kind, benchDir+"="+b.TempDir()) // the child is killed, and removes nothing
	out, err := child.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := child.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := child.Process.Kill(); err != nil {
			b.Error(err)
		}
		b.Log(child.Wait())
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if addr, ok := strings.CutPrefix(lines.Text(), "listening on "); ok {
			return addr
		}
	}
	b.Fatal("the store did not start")
	return ""
}

// owner lets a client do everything in Google's emulator.
func owner(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer owner")
}

// each does b.N times something, by a number of clients at the same time.
func each(b *testing.B, clients int, do func(ctx context.Context, i int64) error) {
	b.Helper()
	ctx := owner(b.Context())
	var next atomic.Int64
	var all sync.WaitGroup
	b.ResetTimer()
	for range clients {
		all.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				if err := do(ctx, i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "op/s")
	b.ReportMetric(0, "ns/op")
}

func order(i int64) map[string]any {
	return map[string]any{
		"tenant": fmt.Sprintf("ten_%d", i%10), "status": []string{"received", "accepted", "completed"}[i%3], "number": i,
		"total": 1234, "updatedAt": gcfirestore.ServerTimestamp, "sealed": make([]byte, 300),
		"items": []any{map[string]any{"plu": "A1", "quantity": 2}, map[string]any{"plu": "B2", "quantity": 1}},
	}
}

func BenchmarkCommit(b *testing.B) {
	for _, documents := range []int{1, 4} {
		for _, clients := range []int{1, 16, 64} {
			b.Run(fmt.Sprintf("documents=%d/clients=%d", documents, clients), func(b *testing.B) {
				stores(b, []string{"nothing", "memory", "durable", "google"}, func(b *testing.B, client *gcfirestore.Client) {
					b.Helper()
					each(b, clients, func(ctx context.Context, i int64) error {
						batch := client.Batch() //nolint:staticcheck // the one atomic write of several documents in one RPC
						for d := range documents {
							batch.Create(client.Collection(fmt.Sprintf("c%d", d)).Doc(rand.Text()), order(i))
						}
						_, err := batch.Commit(ctx)
						return err
					})
				})
			})
		}
	}
}

func BenchmarkTransaction(b *testing.B) {
	for _, clients := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			stores(b, []string{"nothing", "memory", "durable", "google"}, func(b *testing.B, client *gcfirestore.Client) {
				b.Helper()
				fill(b, client, 1000)
				each(b, clients, func(ctx context.Context, i int64) error {
					doc := client.Collection("orders").Doc(fmt.Sprintf("%07d", i%1000))
					return client.RunTransaction(ctx, func(_ context.Context, tx *gcfirestore.Transaction) error {
						if _, err := tx.Get(doc); err != nil {
							return err
						}
						return tx.Update(doc, []gcfirestore.Update{{Path: "total", Value: i}})
					}, gcfirestore.MaxAttempts(50))
				})
			})
		})
	}
}

// fill makes a number of orders.
func fill(b *testing.B, client *gcfirestore.Client, orders int) {
	b.Helper()
	ctx := owner(b.Context())
	for at := 0; at < orders; at += 500 {
		batch := client.Batch() //nolint:staticcheck // the one atomic write of several documents in one RPC
		for i := at; i < min(at+500, orders); i++ {
			batch.Create(client.Collection("orders").Doc(fmt.Sprintf("%07d", i)), order(int64(i)))
		}
		if _, err := batch.Commit(ctx); err != nil {
			b.Fatal(err)
		}
	}
}

// documents is how many documents queries go through: RYGGRAD_DOCUMENTS=1000000 for scans of a million.
func documents(b *testing.B) int {
	b.Helper()
	text := os.Getenv("RYGGRAD_DOCUMENTS")
	if text == "" {
		return 100_000
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// find reads what a query finds, document by document, which must be something.
func find(ctx context.Context, q gcfirestore.Query) error {
	found := q.Documents(ctx)
	defer found.Stop()
	for n := 0; ; n++ {
		switch _, err := found.Next(); {
		case errors.Is(err, iterator.Done) && n == 0:
			return errors.New("nothing found")
		case errors.Is(err, iterator.Done):
			return nil
		case err != nil:
			return err
		}
	}
}

func BenchmarkQuery(b *testing.B) {
	orders := documents(b)
	stores(b, []string{"memory", "google"}, func(b *testing.B, client *gcfirestore.Client) {
		b.Helper()
		fill(b, client, orders)
		col := client.Collection("orders")
		queries := map[string]gcfirestore.Query{
			"get=equal,limit=20":         col.Where("tenant", "==", "ten_3").Where("status", "==", "accepted").OrderBy("number", gcfirestore.Desc).Limit(20),
			"get=range,limit=20":         col.Where("number", ">", 50_000).OrderBy("number", gcfirestore.Asc).Limit(20),
			"get=selective":              col.Where("number", "==", 77_777),
			"get=all":                    col.Query,
			"get=collection-group,limit": client.CollectionGroup("orders").Where("number", "<", 20),
		}
		for name, q := range queries {
			for _, clients := range []int{1, 16, 64} {
				b.Run(fmt.Sprintf("%s/clients=%d", name, clients), func(b *testing.B) {
					each(b, clients, func(ctx context.Context, _ int64) error { return find(ctx, q) })
				})
			}
		}
	})
}
