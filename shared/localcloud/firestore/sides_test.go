package firestore_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	firestore "ryggrad.internal/hub/shared/localcloud/firestore"
)

// side is one Firestore that answers requests: ours or Google's emulator.
type side struct {
	conn    *grpc.ClientConn
	client  firestorepb.FirestoreClient
	project string
	saved   map[string]string // by case: what earlier answers held
}

// serve opens a server and returns a connection to it. Both end with the test.
func serve(t testing.TB, opts firestore.Options) *grpc.ClientConn {
	t.Helper()
	server, err := firestore.Open(opts)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	g := grpc.NewServer(grpc.MaxRecvMsgSize(16 << 20))
	server.Register(g)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- g.Serve(listener) }()
	conn := connect(t, listener.Addr().String())
	t.Cleanup(func() {
		g.Stop()
		if err := errors.Join(<-served, server.Close()); err != nil {
			t.Error(err)
		}
	})
	return conn
}

func connect(t testing.TB, addr string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64<<20), grpc.MaxCallSendMsgSize(64<<20)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	return conn
}

func newSide(conn *grpc.ClientConn) *side {
	return &side{conn: conn, client: firestorepb.NewFirestoreClient(conn),
		project: "p-" + strings.ToLower(rand.Text()[:12]), saved: map[string]string{}}
}

// google connects to Google's emulator, or skips the test.
func google(t testing.TB) *grpc.ClientConn {
	t.Helper()
	addr := os.Getenv("FIRESTORE_EMULATOR_HOST")
	if addr == "" {
		t.Skip("FIRESTORE_EMULATOR_HOST is not set: nothing is compared with Google's emulator")
	}
	return connect(t, addr)
}

// ask sends a request, written as prototext, and returns all answers. In the request, $DB stands for the database, $D for
// its documents, and $name for what an earlier answer gave.
func (s *side) ask(ctx context.Context, rpc, request string) ([]proto.Message, error) {
	ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer owner")
	db := "projects/" + s.project + "/databases/(default)"
	replace := []string{"$DB", db, "$D/", db + "/documents/", "$D", db + "/documents"}
	for name, v := range s.saved {
		replace = append(replace, "$"+name, v)
	}
	request = strings.NewReplacer(replace...).Replace(request)
	switch rpc {
	case "Commit":
		return unary(ctx, s.client.Commit, request)
	case "BatchWrite":
		return unary(ctx, s.client.BatchWrite, request)
	case "GetDocument":
		return unary(ctx, s.client.GetDocument, request)
	case "CreateDocument":
		return unary(ctx, s.client.CreateDocument, request)
	case "UpdateDocument":
		return unary(ctx, s.client.UpdateDocument, request)
	case "DeleteDocument":
		return unary(ctx, s.client.DeleteDocument, request)
	case "ListDocuments":
		return unary(ctx, s.client.ListDocuments, request)
	case "ListCollectionIds":
		return unary(ctx, s.client.ListCollectionIds, request)
	case "BeginTransaction":
		return unary(ctx, s.client.BeginTransaction, request)
	case "Rollback":
		return unary(ctx, s.client.Rollback, request)
	case "BatchGetDocuments":
		return streaming(ctx, s.client.BatchGetDocuments, request)
	case "RunQuery":
		return streaming(ctx, s.client.RunQuery, request)
	case "RunAggregationQuery":
		return streaming(ctx, s.client.RunAggregationQuery, request)
	default:
		return nil, fmt.Errorf("no such RPC: %s", rpc)
	}
}

// message is a pointer to a generated message.
type message[T any] interface {
	*T
	proto.Message
}

func parse[T any, M message[T]](request string) (M, error) {
	m := M(new(T))
	if err := prototext.Unmarshal([]byte(request), m); err != nil {
		return nil, fmt.Errorf("the case itself is wrong: %w", err)
	}
	return m, nil
}

func unary[T any, M message[T], A proto.Message](
	ctx context.Context, call func(context.Context, M, ...grpc.CallOption) (A, error), request string,
) ([]proto.Message, error) {
	m, err := parse[T, M](request)
	if err != nil {
		return nil, err
	}
	answer, err := call(ctx, m)
	if err != nil {
		return nil, err
	}
	return []proto.Message{answer}, nil
}

func streaming[T any, M message[T], A proto.Message, S interface{ Recv() (A, error) }](
	ctx context.Context, call func(context.Context, M, ...grpc.CallOption) (S, error), request string,
) (answers []proto.Message, err error) {
	m, err := parse[T, M](request)
	if err != nil {
		return nil, err
	}
	stream, err := call(ctx, m)
	if err != nil {
		return nil, err
	}
	for {
		answer, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return answers, nil
		}
		if err != nil {
			return answers, err
		}
		answers = append(answers, answer)
	}
}

var (
	stamp   = regexp.MustCompile(`\{seconds:\d+(?: nanos:\d+)?\}`)
	readAt  = regexp.MustCompile(`read_time:\{[^}]*\} ?`)
	quoted  = regexp.MustCompile(`(next_page_token|transaction):"(?:[^"\\]|\\.)*"`)
	spaces  = regexp.MustCompile(`  +`)
	later   = regexp.MustCompile(` ?\b5:1\b`) // a field that the emulator sends and this client does not know
	seconds = regexp.MustCompile(`seconds:(\d+)(?: nanos:(\d+))?`)
)

// script are a case's answers as text that can be compared: times are replaced by their rank, and what each side makes
// up (its project, tokens, ids of transactions) by a word.
func (s *side) script(texts []string) []string {
	times := map[string]bool{}
	for _, text := range texts {
		for _, found := range stamp.FindAllString(text, -1) {
			times[found] = true
		}
	}
	order := make([]string, 0, len(times))
	for found := range times {
		order = append(order, found)
	}
	slices.SortFunc(order, func(a, b string) int { return strings.Compare(sortable(a), sortable(b)) })
	replace := []string{s.project, "PROJECT"}
	for i, found := range order {
		replace = append(replace, found, fmt.Sprintf("T%d", i+1))
	}
	replacer := strings.NewReplacer(replace...)
	scripted := make([]string, len(texts))
	for i, text := range texts {
		scripted[i] = replacer.Replace(text)
	}
	return scripted
}

func sortable(stamp string) string {
	m := seconds.FindStringSubmatch(stamp)
	if m == nil {
		return stamp
	}
	return fmt.Sprintf("%020s.%09s", m[1], m[2])
}

// text renders answers, and a refusal by its code.
func text(answers []proto.Message, err error) string {
	var b strings.Builder
	for _, answer := range answers {
		line := prototext.MarshalOptions{}.Format(answer)
		line = quoted.ReplaceAllString(readAt.ReplaceAllString(spaces.ReplaceAllString(line, " "), ""), "$1:TOKEN")
		line = strings.TrimSpace(later.ReplaceAllString(line, ""))
		b.WriteString(line + "\n")
	}
	if err != nil {
		b.WriteString(status.Code(err).String())
	}
	return strings.TrimSpace(b.String())
}

// keep saves what later requests of the case refer to: the transaction or the page token in the answers.
func (s *side) keep(name string, answers []proto.Message) {
	for _, answer := range answers {
		fields := answer.ProtoReflect().Descriptor().Fields()
		for _, field := range []protoreflect.Name{"transaction", "next_page_token"} {
			if f := fields.ByName(field); f != nil && answer.ProtoReflect().Has(f) {
				s.saved[name] = escape(answer.ProtoReflect().Get(f))
			}
		}
	}
}

func escape(v protoreflect.Value) string {
	text, ok := v.Interface().(string)
	if !ok {
		text = string(v.Bytes())
	}
	var b strings.Builder
	for i := range len(text) {
		fmt.Fprintf(&b, "\\x%02x", text[i])
	}
	return b.String()
}
