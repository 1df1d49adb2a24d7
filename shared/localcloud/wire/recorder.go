package wire

import (
	"context"
	"maps"
	"sync"

	"google.golang.org/grpc"
)

// Recorder counts RPCs by full method, as in `/google.firestore.v1.Firestore/Commit`. A unary call counts when it is
// made, a stream when it is opened. The zero value is ready, and it is safe for concurrent use.
type Recorder struct {
	mu    sync.Mutex
	calls map[string]int
}

// DialOptions returns what a client must be dialled with to be counted.
func (r *Recorder) DialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithChainUnaryInterceptor(r.unary),
		grpc.WithChainStreamInterceptor(r.stream),
	}
}

// Snapshot returns a copy of the counts since the last [Recorder.Reset]. Methods that were not called are absent.
func (r *Recorder) Snapshot() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	counts := make(map[string]int, len(r.calls))
	maps.Copy(counts, r.calls)
	return counts
}

// Count returns how often a method was called since the last [Recorder.Reset].
func (r *Recorder) Count(method string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.calls[method]
}

// Reset forgets all counts.
func (r *Recorder) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.calls)
}

func (r *Recorder) add(method string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.calls == nil {
		r.calls = map[string]int{}
	}
	r.calls[method]++
}

func (r *Recorder) unary(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn,
	next grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	r.add(method)
	return next(ctx, method, req, reply, cc, opts...)
}

func (r *Recorder) stream(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string,
	next grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	r.add(method)
	return next(ctx, desc, cc, method, opts...)
}
