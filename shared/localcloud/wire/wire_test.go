package wire_test

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"ryggrad.internal/hub/shared/localcloud/wire"
)

const (
	add  = "/test.Counter/Add"  // unary: adds and answers the sum
	list = "/test.Counter/List" // server stream: three messages
	chat = "/test.Counter/Chat" // both ways: echoes
)

// counter is the server under disturbance: it knows how much work has really been done.
type counter struct{ done atomic.Int64 }

func (c *counter) desc() *grpc.ServiceDesc {
	return &grpc.ServiceDesc{
		ServiceName: "test.Counter",
		HandlerType: (*any)(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "Add", Handler: c.add}},
		Streams: []grpc.StreamDesc{
			{StreamName: "List", Handler: c.list, ServerStreams: true},
			{StreamName: "Chat", Handler: c.chat, ServerStreams: true, ClientStreams: true},
		},
	}
}

//nolint:revive // the order of parameters is that of generated handlers
func (c *counter) add(_ any, _ context.Context, dec func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	if err := dec(&wrapperspb.Int64Value{}); err != nil {
		return nil, err
	}
	return wrapperspb.Int64(c.done.Add(1)), nil
}

func (c *counter) list(_ any, s grpc.ServerStream) error {
	if err := s.RecvMsg(&wrapperspb.Int64Value{}); err != nil {
		return err
	}
	for i := range 3 {
		if err := s.SendMsg(wrapperspb.Int64(int64(i))); err != nil {
			return err
		}
	}
	c.done.Add(1)
	return nil
}

func (c *counter) chat(_ any, s grpc.ServerStream) error {
	for {
		var m wrapperspb.Int64Value
		if err := s.RecvMsg(&m); err != nil {
			return err
		}
		c.done.Add(1)
		if err := s.SendMsg(&m); err != nil {
			return err
		}
	}
}

func start(t *testing.T, opts ...grpc.DialOption) (*counter, *grpc.ClientConn) {
	t.Helper()
	listener := bufconn.Listen(1 << 16)
	server := grpc.NewServer()
	c := &counter{}
	server.RegisterService(c.desc(), c)
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := server.Serve(listener); err != nil && !errors.Is(err, grpc.ErrServerStopped) { // before it began
			t.Errorf("serve: %v", err)
		}
	})
	opts = append(opts,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	conn, err := grpc.NewClient("passthrough:///test", opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		server.Stop()
		serving.Wait()
	})
	return c, conn
}

func call(t *testing.T, conn *grpc.ClientConn) error {
	t.Helper()
	return conn.Invoke(t.Context(), add, wrapperspb.Int64(1), &wrapperspb.Int64Value{})
}

// read opens a server stream and reads it to its end.
func read(t *testing.T, conn *grpc.ClientConn) (int, error) {
	t.Helper()
	s, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ServerStreams: true}, list)
	if err != nil {
		return 0, err
	}
	if err := s.SendMsg(wrapperspb.Int64(1)); err != nil {
		return 0, err
	}
	if err := s.CloseSend(); err != nil {
		return 0, err
	}
	for n := 0; ; n++ {
		err := s.RecvMsg(&wrapperspb.Int64Value{})
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

func TestRecorderCountsEveryKindOfCall(t *testing.T) {
	t.Parallel()
	var calls wire.Recorder
	_, conn := start(t, calls.DialOptions()...)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if err := call(t, conn); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if _, err := read(t, conn); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int{add: 20, list: 1}, calls.Snapshot()); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	calls.Reset()
	if got := calls.Count(add); got != 0 {
		t.Errorf("%d calls after a reset, want 0", got)
	}
}

func TestFaultsOnUnaryCalls(t *testing.T) {
	t.Parallel()
	refused := status.Error(codes.ResourceExhausted, "full")
	for name, c := range map[string]struct {
		fault wire.Fault
		want  codes.Code
		done  int64
	}{
		"no fault lets the call pass":                   {wire.Fault{}, codes.OK, 1},
		"a fault before leaves the work undone":         {wire.Fault{Before: refused}, codes.ResourceExhausted, 0},
		"a fault after leaves the work done and unsaid": {wire.Fault{After: wire.Unavailable()}, codes.Unavailable, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var faults wire.Faults
			faults.Set(wire.Always(add, c.fault))
			counter, conn := start(t, faults.DialOptions()...)
			if got := status.Code(call(t, conn)); got != c.want {
				t.Errorf("code %v, want %v", got, c.want)
			}
			if got := counter.done.Load(); got != c.done {
				t.Errorf("the server did the work %d times, want %d", got, c.done)
			}
		})
	}
}

func TestFaultsOnStreams(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault wire.Fault
		want  codes.Code
		read  int
		done  int64
	}{
		"no fault lets the stream pass":                 {wire.Fault{}, codes.OK, 3, 1},
		"a fault before opens nothing":                  {wire.Fault{Before: wire.Unavailable()}, codes.Unavailable, 0, 0},
		"a fault after lets the server finish, in vain": {wire.Fault{After: wire.Unavailable()}, codes.Unavailable, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var faults wire.Faults
			faults.Set(wire.Always(list, c.fault))
			counter, conn := start(t, faults.DialOptions()...)
			n, err := read(t, conn)
			if got := status.Code(err); got != c.want || n != c.read {
				t.Errorf("read %d messages with code %v, want %d with %v", n, got, c.read, c.want)
			}
			if got := counter.done.Load(); got != c.done {
				t.Errorf("the server did the work %d times, want %d", got, c.done)
			}
		})
	}
}

func TestAFaultAfterOnATwoWayStreamTakesTheFirstAnswer(t *testing.T) {
	t.Parallel()
	var faults wire.Faults
	faults.Set(wire.Always(chat, wire.Fault{After: wire.Unavailable()}))
	counter, conn := start(t, faults.DialOptions()...)
	s, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, chat)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SendMsg(wrapperspb.Int64(1)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := status.Code(s.RecvMsg(&wrapperspb.Int64Value{})); got != codes.Unavailable {
			t.Errorf("code %v, want %v", got, codes.Unavailable)
		}
	}
	if got := counter.done.Load(); got != 1 {
		t.Errorf("the server did the work %d times, want once", got)
	}
}

func TestNthDisturbsOneCallAndSetNumbersAnew(t *testing.T) {
	t.Parallel()
	var faults wire.Faults
	_, conn := start(t, faults.DialOptions()...)
	for range 2 {
		faults.Set(wire.Nth(add, 2, wire.Fault{Before: wire.Unavailable()}))
		var got []codes.Code
		for range 3 {
			got = append(got, status.Code(call(t, conn)))
		}
		if diff := cmp.Diff([]codes.Code{codes.OK, codes.Unavailable, codes.OK}, got); diff != "" {
			t.Errorf("codes (-want +got):\n%s", diff)
		}
	}
	faults.Set(nil)
	if err := call(t, conn); err != nil {
		t.Errorf("without a rule: %v", err)
	}
}

func TestAHeldCallWaitsForItsGate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault func(*wire.Gate) wire.Fault
		done  int64 // the work done while the caller waits
	}{
		"held before it is sent":     {func(g *wire.Gate) wire.Fault { return wire.Fault{Hold: g} }, 0},
		"held after it was answered": {func(g *wire.Gate) wire.Fault { return wire.Fault{Linger: g} }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var faults wire.Faults
			gate := wire.NewGate()
			faults.Set(wire.Always(add, c.fault(gate)))
			counter, conn := start(t, faults.DialOptions()...)
			answered := make(chan error, 1)
			go func() { answered <- call(t, conn) }()
			<-gate.Reached()
			if got := counter.done.Load(); got != c.done {
				t.Errorf("the server did the work %d times while the call was held, want %d", got, c.done)
			}
			gate.Open()
			if err := <-answered; err != nil {
				t.Errorf("a released call: %v", err)
			}
		})
	}
}

func TestAHeldCallEndsWithItsContext(t *testing.T) {
	t.Parallel()
	var faults wire.Faults
	gate := wire.NewGate()
	faults.Set(wire.Always(add, wire.Fault{Hold: gate}))
	_, conn := start(t, faults.DialOptions()...)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-gate.Reached()
		cancel()
	}()
	err := conn.Invoke(ctx, add, wrapperspb.Int64(1), &wrapperspb.Int64Value{})
	if got := status.Code(err); got != codes.Canceled {
		t.Errorf("code %v, want %v", got, codes.Canceled)
	}
}
