package backupdb

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	firestoreapi "cloud.google.com/go/firestore/apiv1"
	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

const (
	// perCommit is how many documents one commit writes at most, and commitBytes how large they are. Firestore counts what is
	// deleted with its size, too.
	perCommit   = 200
	commitBytes = 2 << 20
	// commitsAtOnce is how many commits are under way at a time.
	commitsAtOnce = 6
	// writeTries is how often a commit is made that the database was too busy for.
	writeTries = 6
)

// writer writes documents as they are, in the place of what is there. The order is anybody's.
type writer struct {
	client   *firestoreapi.Client
	database string

	group  *errgroup.Group
	ctx    context.Context //nolint:containedctx // of the group
	writes []*firestorepb.Write
	bytes  int

	written atomic.Int64 // documents
}

func newWriter(ctx context.Context, client *firestoreapi.Client, project, database string) *writer {
	w := &writer{client: client, database: "projects/" + project + "/databases/" + database}
	w.reset(ctx)
	return w
}

func (w *writer) reset(ctx context.Context) {
	w.group, w.ctx = errgroup.WithContext(ctx)
	w.group.SetLimit(commitsAtOnce)
}

func (w *writer) put(doc *firestorepb.Document) {
	w.add(&firestorepb.Write{Operation: &firestorepb.Write_Update{Update: doc}}, proto.Size(doc))
}

func (w *writer) remove(doc *firestorepb.Document) {
	w.add(&firestorepb.Write{Operation: &firestorepb.Write_Delete{Delete: doc.GetName()}}, proto.Size(doc))
}

func (w *writer) add(one *firestorepb.Write, size int) {
	if len(w.writes) == perCommit || w.bytes+size > commitBytes {
		w.send()
	}
	w.writes = append(w.writes, one)
	w.bytes += size
}

// send begins a commit of what waits. It blocks while too many are under way.
func (w *writer) send() {
	if len(w.writes) == 0 {
		return
	}
	request := &firestorepb.CommitRequest{Database: w.database, Writes: w.writes}
	w.writes, w.bytes = nil, 0
	ctx := w.ctx
	w.group.Go(func() error {
		if err := commit(ctx, w.client, request); err != nil {
			return err
		}
		w.written.Add(int64(len(request.GetWrites())))
		return nil
	})
}

// flush waits until everything is written.
func (w *writer) flush(ctx context.Context) error {
	w.send()
	err := w.group.Wait()
	w.reset(ctx)
	return err
}

// commit makes a commit that may be repeated.
func commit(ctx context.Context, client *firestoreapi.Client, request *firestorepb.CommitRequest) error {
	wait := 50 * time.Millisecond
	for try := 1; ; try++ {
		_, err := client.Commit(ctx, request)
		switch {
		case err == nil:
			return nil
		case try == writeTries || !busy(err):
			return fmt.Errorf("write documents: %w", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
			wait *= 2
		}
	}
}

// busy tells whether a database's answer is worth another try.
func busy(err error) bool {
	switch status.Code(err) {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Aborted, codes.ResourceExhausted, codes.Internal:
		return true
	default:
		return false
	}
}
