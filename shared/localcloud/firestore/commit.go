package firestore

import (
	"bytes"
	"context"
	"time"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/genproto/googleapis/rpc/code"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"ryggrad.internal/hub/shared/localcloud/firestore/skiplist"
	"ryggrad.internal/hub/shared/localcloud/journal"
)

// Commit implements google.firestore.v1.Firestore.
func (s *Server) Commit(_ context.Context, req *firestorepb.CommitRequest) (*firestorepb.CommitResponse, error) {
	d, err := s.named(req.GetDatabase())
	if err != nil {
		return nil, err
	}
	size, err := requestSize(req, len(req.GetWrites()))
	if err != nil {
		return nil, err
	}
	ops := make([]*operation, len(req.GetWrites()))
	for i, w := range req.GetWrites() {
		if ops[i], err = d.parse(w); err != nil {
			return nil, err
		}
	}
	tx, err := s.transactions.take(d, req.GetTransaction(), len(ops))
	if err != nil {
		return nil, err
	}
	results, at, err := d.commit(tx, ops, size)
	if err != nil {
		return nil, err
	}
	s.compactWhenDue()
	if len(ops) == 0 {
		return &firestorepb.CommitResponse{}, nil
	}
	return &firestorepb.CommitResponse{WriteResults: results, CommitTime: timestamp(at)}, nil
}

// BatchWrite implements google.firestore.v1.Firestore: each write is a commit of its own.
func (s *Server) BatchWrite(_ context.Context, req *firestorepb.BatchWriteRequest) (*firestorepb.BatchWriteResponse, error) {
	d, err := s.named(req.GetDatabase())
	if err != nil {
		return nil, err
	}
	if _, err := requestSize(req, len(req.GetWrites())); err != nil {
		return nil, err
	}
	ops := make([]*operation, len(req.GetWrites()))
	seen := map[string]bool{}
	for i, w := range req.GetWrites() {
		if ops[i], err = d.parse(w); err != nil {
			return nil, err
		}
		if seen[ops[i].key] {
			return nil, invalid("the same document cannot be written more than once in a single request")
		}
		seen[ops[i].key] = true
	}
	answer := &firestorepb.BatchWriteResponse{}
	for _, op := range ops {
		result, err := d.writeAlone(op)
		answer.WriteResults = append(answer.WriteResults, result)
		s.compactWhenDue()
		answer.Status = append(answer.Status, &rpcstatus.Status{
			Code: int32(code.Code(status.Code(err))), Message: status.Convert(err).Message()}) //nolint:gosec // below 17
	}
	return answer, nil
}

// writeAlone commits one operation. The result is never nil.
func (d *database) writeAlone(op *operation) (*firestorepb.WriteResult, error) {
	results, _, err := d.commit(nil, []*operation{op}, 0)
	if err != nil {
		return &firestorepb.WriteResult{}, err
	}
	return results[0], nil
}

// commit applies all operations of a request of a size, or none, and returns when that is durable. A refusal, too, waits
// until what it is based on is durable.
func (d *database) commit(tx *transaction, ops []*operation, size int) ([]*firestorepb.WriteResult, int64, error) {
	d.mu.Lock()
	results, at, ticket, err := d.commitLocked(tx, ops, size)
	d.mu.Unlock()
	if failed := d.settle(ticket, at); failed != nil {
		return nil, 0, failed
	}
	return results, at, err
}

func (d *database) commitLocked(tx *transaction, ops []*operation, size int) (_ []*firestorepb.WriteResult, at int64, _ journal.Ticket, _ error) {
	if !tx.stillTrue() {
		return nil, 0, d.appended(), errContention
	}
	b := &batch{database: d, at: max(d.last+1, d.now().UnixMicro())}
	results := make([]*firestorepb.WriteResult, len(ops))
	for i, op := range ops {
		var err error
		if results[i], err = b.apply(op); err != nil {
			return nil, 0, d.appended(), err
		}
	}
	if err := b.checkDeleted(size); err != nil {
		return nil, 0, d.appended(), err
	}
	if len(b.staged) < len(ops) {
		b.dateAll(ops, results)
	}
	d.last = b.at
	ticket := b.install()
	d.forget()
	return results, b.at, ticket, nil
}

func (d *database) appended() journal.Ticket {
	if d.journal == nil {
		return 0
	}
	return d.journal.Appended()
}

// settle waits until a record is durable, and makes the commit at a time visible, unless the time is 0.
func (d *database) settle(ticket journal.Ticket, at int64) error {
	if d.journal != nil {
		if err := d.journal.Wait(ticket); err != nil {
			return status.Error(codes.Internal, "the store can no longer write: "+err.Error())
		}
	}
	for seen := d.visible.Load(); seen < at && !d.visible.CompareAndSwap(seen, at); {
		seen = d.visible.Load()
	}
	return nil
}

// batch is a commit under way: what it will make of the documents that it writes.
type batch struct {
	*database
	at     int64
	staged []*staged
}

type staged struct {
	key, name string
	place     skiplist.Place[*document]
	before    *version // the latest one, also a deletion; nil for none
	now       *version // what is committed; nil while nothing has changed
}

// current is what the document is now, nil for none.
func (s *staged) current() *version {
	v := s.before
	if s.now != nil {
		v = s.now
	}
	if v == nil || v.deleted {
		return nil
	}
	return v
}

func (b *batch) stage(op *operation) *staged {
	for _, s := range b.staged {
		if s.key == op.key {
			return s
		}
	}
	s := &staged{key: op.key, name: op.name}
	var node *skiplist.Node[*document]
	if node, s.place = b.docs.Find(op.key); node != nil {
		s.before = node.Value.latest.Load()
	}
	b.staged = append(b.staged, s)
	return s
}

// apply makes one operation's change, or refuses it.
func (b *batch) apply(op *operation) (*firestorepb.WriteResult, error) {
	s := b.stage(op)
	current := s.current()
	if err := op.must.check(op.name, current); err != nil {
		return nil, err
	}
	if op.delete {
		if current != nil {
			s.now = &version{at: b.at, created: current.created, deleted: true}
		}
		return &firestorepb.WriteResult{}, nil
	}
	next := &version{at: b.at, created: b.at}
	var before []byte
	if current != nil {
		next.created, before = current.created, current.fields
	}
	fields, results, err := op.content(before, b.at)
	if err != nil {
		return nil, err
	}
	result := &firestorepb.WriteResult{UpdateTime: timestamp(b.at), TransformResults: results}
	if current != nil && bytes.Equal(current.fields, fields) {
		result.UpdateTime = timestamp(current.at)
		return result, nil
	}
	next.fields, s.now = fields, next
	return result, nil
}

// dateAll gives all writes of one document the time of what they made of it together, also those that changed nothing.
func (b *batch) dateAll(ops []*operation, results []*firestorepb.WriteResult) {
	for i, op := range ops {
		if s := b.stage(op); s.now != nil && results[i].GetUpdateTime() != nil {
			results[i].UpdateTime = timestamp(b.at)
		}
	}
}

// install makes the batch's versions the latest, and hands them to the journal. Readers don't see them yet.
func (b *batch) install() journal.Ticket {
	var record []byte
	for _, s := range b.staged {
		if s.now == nil || (s.now.deleted && (s.before == nil || s.before.deleted)) {
			continue
		}
		if b.journal != nil {
			if record == nil {
				record = b.beginRecord(nil)
			}
			record = b.appendEntry(record, s.name, s.now)
		}
		b.database.install(s.place, s.key, s.name, s.now)
	}
	if record == nil {
		return b.appended()
	}
	return b.journal.Append(record)
}

func (p precondition) check(name string, current *version) error {
	switch {
	case p.checksExists && p.exists && current == nil:
		return status.Errorf(codes.NotFound, "No document to update: %s", name)
	case p.checksExists && !p.exists && current != nil:
		return status.Errorf(codes.AlreadyExists, "Document already exists: %s", name)
	case p.checksTime:
		stored := int64(0)
		if current != nil {
			stored = current.at
		}
		if stored == p.updateTime {
			return nil
		}
		return status.Errorf(codes.FailedPrecondition,
			"the stored version (%d) does not match the required base version (%d)", stored, p.updateTime)
	}
	return nil
}

func timestamp(micros int64) *timestamppb.Timestamp { return timestamppb.New(time.UnixMicro(micros)) }
