package wire

import (
	"context"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Fault is what happens to one call. The zero value lets it pass. Fields combine: a call may be held and then fail.
type Fault struct {
	Hold   *Gate // waited at before the call is sent, until it opens or the call's context ends
	Before error // returned instead of sending the call: the server never sees it
	After  error // returned instead of the server's answer: the work has been done, and the caller does not know
	Linger *Gate // waited at once the server has answered, before the caller is told
}

// Rule decides what happens to a call. Call is how many calls of this method there have been, this one included: 1 is
// the first since the rule was set. A rule must be safe for concurrent use.
type Rule func(method string, call int) Fault

// Unavailable is the error of a server that cannot be reached, UNAVAILABLE.
func Unavailable() error { return status.Error(codes.Unavailable, "wire: injected fault") }

// Always disturbs every call of a method.
func Always(method string, fault Fault) Rule {
	return func(m string, _ int) Fault {
		if m != method {
			return Fault{}
		}
		return fault
	}
}

// Nth disturbs only the n-th call of a method; the first is 1.
func Nth(method string, n int, fault Fault) Rule {
	return func(m string, call int) Fault {
		if m != method || call != n {
			return Fault{}
		}
		return fault
	}
}

// Faults disturbs calls by a rule. The zero value has none and lets all calls pass. It is safe for concurrent use.
type Faults struct {
	mu    sync.Mutex
	rule  Rule
	calls map[string]int
}

// Set replaces the rule and begins to number calls anew. A nil rule lets all calls pass.
func (f *Faults) Set(rule Rule) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rule = rule
	f.calls = map[string]int{}
}

// DialOptions returns what a client must be dialled with to be disturbed.
func (f *Faults) DialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithChainUnaryInterceptor(f.unary),
		grpc.WithChainStreamInterceptor(f.stream),
	}
}

func (f *Faults) decide(method string) Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.rule == nil {
		return Fault{}
	}
	f.calls[method]++
	return f.rule(method, f.calls[method])
}

func (f *Faults) unary(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn,
	next grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	fault := f.decide(method)
	if err := fault.before(ctx); err != nil {
		return err
	}
	err := next(ctx, method, req, reply, cc, opts...)
	return fault.after(ctx, err)
}

func (f *Faults) stream(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string,
	next grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	fault := f.decide(method)
	if err := fault.before(ctx); err != nil {
		return nil, err
	}
	if fault.After == nil && fault.Linger == nil {
		return next(ctx, desc, cc, method, opts...)
	}
	ctx, cancel := context.WithCancel(ctx)
	stream, err := next(ctx, desc, cc, method, opts...)
	if err != nil {
		cancel()
		return nil, err
	}
	return &disturbed{ClientStream: stream, fault: fault, desc: desc, cancel: cancel}, nil
}

func (f Fault) before(ctx context.Context) error {
	if err := f.Hold.wait(ctx); err != nil {
		return err
	}
	return f.Before
}

// after turns the server's answer into the caller's. An answer that is an error stays what it is.
func (f Fault) after(ctx context.Context, answer error) error {
	if err := f.Linger.wait(ctx); err != nil {
		return err
	}
	if answer != nil {
		return answer
	}
	return f.After
}
