package orders

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"ryggrad.internal/hub/functions"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/localcloud"
)

// The benchmark's processes: the embedded cloud and the load generator run in processes of their own, which are this
// test binary started again with this variable.
const roleVariable = "RYGGRAD_BENCH_ROLE"

const (
	benchClients = 64                   // requests at once
	storeDelay   = 5 * time.Millisecond // of every RPC to the store
	benchTime    = time.Second          // of each side's turn
	benchTurns   = 4                    // of each side
)

// BenchmarkIntake measures taking an order in beside the bare commit of the same documents by the same client, with 64
// at once. Every store RPC takes 5 ms more than it takes, as a database in another building does. A native webhook's order
// is compared with the documents that it writes: one more than our own API's, what the platform sent. It reports
//
//	bare/s, intake/s, webhook-bare/s, webhook-intake/s   throughput
//	ratio, webhook-ratio                                 of intake and of a native webhook to its bare commit
//	added-µs, webhook-added-µs                           CPU of this process for one order, beyond that of its bare commit
//
// Run it with `go test -run xxx -bench Intake$ -benchtime 1x ./functions/orders`.
func BenchmarkIntake(b *testing.B) {
	w, h := benchWorld(b, storeDelay)
	w.warm(h)
	placed := w.documentsOf(b, w.post(h, w.benchBody(benchOrder, "BARE")))
	received := w.documentsOf(b, w.deliverect(h, w.benchBody(benchWebhook, "BARE")))
	server := httptest.NewServer(h)
	b.Cleanup(server.Close)
	api := func() side {
		return w.load(b, "api", server.URL+"/v1/orders", "Authorization: Bearer "+w.shop.APIKey.Reveal())
	}
	hook := func() side { return w.load(b, "webhook", server.URL+"/v1/channels/deliverect/"+w.link+"/orders", "") }
	for b.Loop() {
		w.compare(b, "", placed, api)
		w.compare(b, "webhook-", received, hook)
	}
}

// compare lets the bare commit and the intake of the same documents work turn by turn, since the store fills meanwhile and
// the machine has moods, and reports both.
func (w *world) compare(b *testing.B, name string, docs map[string]map[string]any, take func() side) {
	b.Helper()
	var bare, intake side
	for range benchTurns {
		bare, intake = bare.and(w.bareCommits(b, docs)), intake.and(take())
	}
	b.ReportMetric(bare.rate(), name+"bare/s")
	b.ReportMetric(intake.rate(), name+"intake/s")
	b.ReportMetric(intake.rate()/bare.rate(), name+"ratio")
	b.ReportMetric(intake.each()-bare.each(), name+"added-µs")
}

// BenchmarkPlace measures one order through the whole handler, by our own API and by a native webhook, one at a time and
// without the delay: what it allocates.
func BenchmarkPlace(b *testing.B) {
	w, h := benchWorld(b, 0)
	w.warm(h)
	w.deliverect(h, w.deliverectOrder("WARM"))
	for name, place := range map[string]func(number string) answer{
		"api":     func(number string) answer { return w.post(h, w.benchBody(benchOrder, number)) },
		"webhook": func(number string) answer { return w.deliverect(h, w.benchBody(benchWebhook, number)) },
	} {
		b.Run(name, func(b *testing.B) {
			run, n := rand.Text(), 0
			b.ReportAllocs()
			for b.Loop() {
				n++
				if a := place(run + strconv.Itoa(n)); a.status != http.StatusCreated {
					b.Fatalf("answered %d %s", a.status, a.text)
				}
			}
		})
	}
}

// benchBody is what a client of the benchmark sends.
func (w *world) benchBody(template, number string) []byte {
	return []byte(strings.NewReplacer("NUMBER", number, "LOCATION", w.location).Replace(template))
}

// side is what one side of the comparison did.
type side struct {
	done      int64
	took, cpu time.Duration // cpu of this process
}

func (s side) and(t side) side { return side{s.done + t.done, s.took + t.took, s.cpu + t.cpu} }

// rate is how many were done in a second, each the microseconds of CPU for one.
func (s side) rate() float64 { return float64(s.done) / s.took.Seconds() }
func (s side) each() float64 { return float64(s.cpu.Microseconds()) / float64(max(s.done, 1)) }

// benchWorld is a world on a cloud in another process.
func benchWorld(b *testing.B, delay time.Duration) (*world, http.Handler) {
	b.Helper()
	gcp.TuneMemory() // as every function does
	env := startCloud(b)
	w := newWorldAt(b, env)
	cfg, err := gcp.Load[config](env)
	w.must(err)
	cfg.PerSecond, cfg.Burst = 1e6, 1e6
	cfg.DialOptions = []grpc.DialOption{grpc.WithChainUnaryInterceptor(delayed(delay))}
	h, err := build(b.Context(), cfg)
	w.must(err)
	w.db = benchFirestore(b, cfg)
	return w, h
}

func delayed(d time.Duration) grpc.UnaryClientInterceptor {
	return func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, call grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		if strings.Contains(method, "firestore") && d > 0 {
			<-time.After(d)
		}
		return call(ctx, method, req, reply, cc, opts...)
	}
}

func benchFirestore(b *testing.B, cfg config) *firestore.Client {
	b.Helper()
	cloud := gcp.Open(cfg.Config)
	db, err := cloud.Firestore(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cloud.Close() })
	return db
}

// bareCommits writes the documents of an order that was taken in again and again under new names, and nothing else.
func (w *world) bareCommits(b *testing.B, docs map[string]map[string]any) side {
	b.Helper()
	var done atomic.Int64
	ctx, cancel := context.WithTimeout(b.Context(), benchTime)
	defer cancel()
	before, began := cpuTime(), time.Now()
	var all sync.WaitGroup
	for range benchClients {
		all.Go(func() {
			for ctx.Err() == nil {
				batch := w.db.Batch() //nolint:staticcheck // what the hub uses
				id := "bare_" + strings.ToLower(rand.Text())
				for collection, fields := range docs {
					batch.Create(w.db.Collection(collection).Doc(id), fields)
				}
				if _, err := batch.Commit(b.Context()); err != nil {
					b.Error(err)
					return
				}
				done.Add(1)
			}
		})
	}
	all.Wait()
	return side{done.Load(), time.Since(began), cpuTime() - before}
}

// documentsOf returns what an order wrote that was answered, by collection.
func (w *world) documentsOf(b *testing.B, a answer) map[string]map[string]any {
	b.Helper()
	id := orderIDs.FindString(a.text)
	docs := map[string]map[string]any{}
	for _, collection := range []string{"orders", "orderKeys", "originals"} {
		snap, err := w.db.Collection(collection).Doc(id).Get(b.Context())
		if status.Code(err) == codes.NotFound {
			continue // our own API keeps no original
		}
		w.must(err)
		docs[collection] = snap.Data()
	}
	mine := func(collection string) firestore.Query {
		return w.db.Collection(collection).Where("tenant", "==", w.by.Tenant)
	}
	for collection, q := range map[string]firestore.Query{
		"audit":  mine("audit").Where("object", "==", "orders/"+id).OrderBy("revision", firestore.Asc),
		"events": mine("events").Where("order", "==", id).OrderBy("sequence", firestore.Asc),
	} {
		found, err := q.Documents(b.Context()).GetAll()
		w.must(err)
		if len(found) != 1 {
			b.Fatalf("the order %q wrote %d documents to %s", id, len(found), collection)
		}
		docs[collection] = found[0].Data()
	}
	for _, fields := range docs {
		fields["updatedAt"] = firestore.ServerTimestamp
	}
	return docs
}

var orderIDs = regexp.MustCompile(`ord_[a-z2-7]{26}`)

// load lets another process send orders.
func (w *world) load(b *testing.B, kind, url, header string) side {
	b.Helper()
	before := cpuTime()
	child := exec.CommandContext(b.Context(), os.Args[0])
	child.Env = append(os.Environ(), roleVariable+"=load", "URL="+url, "HEADER="+header, "KIND="+kind, "LOCATION="+w.location)
	child.Stderr = os.Stderr
	out, err := child.Output()
	w.must(err)
	var r struct {
		Done   int64
		Failed int64
		Took   time.Duration
	}
	w.must(json.Unmarshal(out, &r))
	if r.Failed > 0 {
		b.Errorf("%d of the orders failed", r.Failed)
	}
	return side{r.Done, r.Took, cpuTime() - before}
}

// cpuTime returns the CPU time that this process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// startCloud runs the embedded cloud in a process of its own until the benchmark ends.
func startCloud(b *testing.B) gcp.Env {
	b.Helper()
	child := exec.CommandContext(b.Context(), os.Args[0])
	child.Env = append(os.Environ(), roleVariable+"=cloud")
	child.Stderr = os.Stderr
	in, err := child.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := child.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = in.Close() // ends the child
		_ = child.Wait()
	})
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		b.Fatalf("the cloud did not start: %v", err)
	}
	env := gcp.Env{}
	if err := json.Unmarshal(line, &env); err != nil {
		b.Fatal(err)
	}
	env["RYGGRAD_BASE_URL"] = "https://hub.test"
	return env
}

// playRole is what this binary does when it was started as one of the benchmark's other processes.
func playRole(role string) error {
	switch role {
	case "cloud":
		return playCloud()
	case "load":
		return json.NewEncoder(os.Stdout).Encode(playLoad())
	default:
		return fmt.Errorf("there is no role %q", role)
	}
}

func playCloud() error {
	table, err := functions.Table()
	if err != nil {
		return err
	}
	cloud, err := localcloud.Start(context.Background(), localcloud.Options{Functions: table})
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(cloud.Env()); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin) // until the benchmark ends
	return err
}

type loaded struct {
	Done, Failed int64
	Took         time.Duration
}

// playLoad sends orders as fast as they are answered. It shares the machine with what it measures, so it writes its
// requests itself: net/http's client would cost more CPU than the bare commit does.
func playLoad() loaded {
	var done, failed, next atomic.Int64
	run := strings.ToLower(rand.Text()[:6])
	ctx, cancel := context.WithTimeout(context.Background(), benchTime)
	defer cancel()
	began := time.Now()
	var all sync.WaitGroup
	for range benchClients {
		all.Go(func() {
			s, err := newSender(ctx)
			if err != nil {
				failed.Add(1)
				return
			}
			defer s.conn.Close()
			for ctx.Err() == nil {
				if s.send(fmt.Sprintf("%s-%d", run, next.Add(1))) {
					done.Add(1)
				} else {
					failed.Add(1)
				}
			}
		})
	}
	all.Wait()
	return loaded{done.Load(), failed.Load(), time.Since(began)}
}

// sender is one client: a connection that is kept, and the order that it sends with ever new numbers.
type sender struct {
	conn     net.Conn
	answers  *bufio.Reader
	head     string // of every request, up to its length
	template string
	webhook  bool
	request  []byte
}

func newSender(ctx context.Context) (*sender, error) {
	s := &sender{webhook: os.Getenv("KIND") == "webhook", template: strings.Replace(benchOrder, "LOCATION", os.Getenv("LOCATION"), 1)}
	if s.webhook {
		s.template = benchWebhook
	}
	address, err := url.Parse(os.Getenv("URL"))
	if err != nil {
		return nil, err
	}
	s.head = "POST " + address.Path + " HTTP/1.1\r\nHost: " + address.Host + "\r\nContent-Type: application/json\r\n"
	if header := os.Getenv("HEADER"); header != "" {
		s.head += header + "\r\n"
	}
	if s.conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", address.Host); err != nil {
		return nil, err
	}
	s.answers = bufio.NewReader(s.conn)
	return s, nil
}

// send places one order and tells whether it was taken in.
func (s *sender) send(number string) bool {
	body := strings.Replace(s.template, "NUMBER", number, 1)
	s.request = append(s.request[:0], s.head...)
	if s.webhook {
		s.request = append(s.request, "X-Server-Authorization-HMAC-SHA256: "+sign([]byte(body), webhookSecret)+"\r\n"...)
	}
	s.request = strconv.AppendInt(append(s.request, "Content-Length: "...), int64(len(body)), 10)
	s.request = append(append(s.request, "\r\n\r\n"...), body...)
	if _, err := s.conn.Write(s.request); err != nil {
		return false
	}
	return s.created()
}

// created reads an answer to its end and tells whether it is 201. It knows as much of HTTP as the hub's answers need.
func (s *sender) created() bool {
	created, length := false, 0
	for first := true; ; first = false {
		line, err := s.answers.ReadSlice('\n')
		if err != nil {
			return false
		}
		if first {
			created = bytes.HasPrefix(line, []byte("HTTP/1.1 201 "))
		}
		if text, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(text))); err != nil {
				return false
			}
		}
		if len(bytes.TrimSpace(line)) == 0 {
			break
		}
	}
	_, err := s.answers.Discard(length)
	return err == nil && created && length > 0
}

const benchOrder = `{"channelOrderId":"NUMBER","displayId":"42","location":"LOCATION","type":"delivery","placedAt":"2026-03-01T18:04:05+01:00","currency":"SEK",` +
	`"items":[{"plu":"PIZ-01","name":"Margherita","quantity":2,"unitPrice":11900,"note":"no basil","modifiers":[{"plu":"TOP-07","name":"Mozzarella","quantity":1,"unitPrice":2500}]},` +
	`{"plu":"DRI-03","name":"Lemonade","quantity":1,"unitPrice":3500}],"fees":[{"kind":"delivery","amount":4900}],"total":37200,` +
	`"payment":{"method":"online","status":"paid","due":0},"customer":{"name":"Alva Lindqvist","phone":"+46701740605","email":"alva@example.com"},` +
	`"deliveryAddress":{"street":"Storgatan","streetNumber":"7","postalCode":"11122","city":"Stockholm","country":"SE","extra":"port 4711"},"note":"ring twice"}`

const benchWebhook = `{"channelOrderId":"NUMBER","channelOrderDisplayId":"42","orderType":2,"courier":"restaurant","placedTime":"2026-03-01T17:04:05Z",` +
	`"payment":{"amount":21800,"type":3},"orderIsAlreadyPaid":true,"deliveryIsAsap":true,"decimalDigits":2,"deliveryCost":4900,` +
	`"customer":{"name":"Nils Ekdahl","phoneNumber":"+46701740611"},"deliveryAddress":{"street":"Vasagatan","streetNumber":"12","postalCode":"11120","city":"Stockholm"},` +
	`"items":[{"plu":"BOWL-2","name":"Salmon bowl","price":14900,"quantity":1,"subItems":[{"plu":"X-AVO","name":"Avocado","price":2000,"quantity":1}]}]}`
