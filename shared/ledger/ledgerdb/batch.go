package ledgerdb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/gcp/encode"
)

// batch is one Firestore commit in the making.
type batch struct {
	store  *Store
	tenant string
	writes []*firestorepb.Write
	room   []byte // what documents are encoded into, one after another
	err    error
}

func (s *Store) batch(tenant string) *batch { return &batch{store: s, tenant: tenant} }

// document adds what every document carries to a copy of the fields.
func (b *batch) document(ref Ref, fields map[string]any) map[string]any {
	doc := make(map[string]any, len(fields)+5)
	maps.Copy(doc, fields)
	doc[fieldTenant], doc[fieldShard] = b.tenant, ShardOf(ref.ID)
	if !b.store.listed[ref.Collection] {
		b.err = errors.Join(b.err, fmt.Errorf("write %s: the collection is not listed", ref))
	}
	return doc
}

func (b *batch) write(w Write) {
	if w.tenant != "" {
		defer func(acting string) { b.tenant = acting }(b.tenant)
		b.tenant = w.tenant
	}
	switch w.mode {
	case modeAdd:
		b.create(w.ref, w.fields)
	case modePut:
		b.put(w.ref, w.fields)
	case modePatch:
		b.replace(w.prior, b.document(w.ref, w.fields))
	case modeHold:
		b.hold(w.prior)
	case modeDrop:
		b.drop(w.ref, nil)
		b.tombstone(w.ref)
	}
}

// tombstone tells backups that a document is gone, if they hold any of its collection.
func (b *batch) tombstone(ref Ref) {
	if !b.store.kept[ref.Collection] {
		return
	}
	at := b.store.opts.Now().UTC().Truncate(time.Microsecond)
	b.put(TombstoneRef(ref), map[string]any{"object": ref.String(), "deletedAt": at, "expireAt": at.Add(dropLife)})
}

func (b *batch) create(ref Ref, fields map[string]any) { b.createWhole(ref, b.document(ref, fields)) }

func (b *batch) createWhole(ref Ref, doc map[string]any) {
	b.update(ref, doc, &firestorepb.Precondition{ConditionType: &firestorepb.Precondition_Exists{Exists: false}})
}

func (b *batch) put(ref Ref, fields map[string]any) { b.update(ref, b.document(ref, fields), nil) }

// replace writes the whole document anew, if it is still the one that was read.
func (b *batch) replace(prior Object, doc map[string]any) { b.update(prior.Ref, doc, unchanged(prior)) }

// hold changes no field of the document; only the time of the commit is noted in it.
func (b *batch) hold(prior Object) {
	b.writes = append(b.writes, &firestorepb.Write{
		Operation:        &firestorepb.Write_Update{Update: &firestorepb.Document{Name: b.name(prior.Ref)}},
		UpdateMask:       &firestorepb.DocumentMask{},
		CurrentDocument:  unchanged(prior),
		UpdateTransforms: []*firestorepb.DocumentTransform_FieldTransform{commitTime()},
	})
}

// patch sets the named fields of a document that must be there; a named one that is not in values is taken away.
func (b *batch) patch(ref Ref, values map[string]any, named ...string) {
	b.writes = append(b.writes, &firestorepb.Write{
		Operation:        &firestorepb.Write_Update{Update: b.encode(ref, values)},
		UpdateMask:       &firestorepb.DocumentMask{FieldPaths: named},
		CurrentDocument:  &firestorepb.Precondition{ConditionType: &firestorepb.Precondition_Exists{Exists: true}},
		UpdateTransforms: []*firestorepb.DocumentTransform_FieldTransform{commitTime()},
	})
}

func (b *batch) remove(prior Object) { b.drop(prior.Ref, unchanged(prior)) }

func unchanged(prior Object) *firestorepb.Precondition {
	return &firestorepb.Precondition{ConditionType: &firestorepb.Precondition_UpdateTime{UpdateTime: timestamppb.New(prior.version)}}
}

func (b *batch) drop(ref Ref, condition *firestorepb.Precondition) {
	b.writes = append(b.writes, &firestorepb.Write{
		Operation: &firestorepb.Write_Delete{Delete: b.name(ref)}, CurrentDocument: condition,
	})
}

// update writes all fields of a document, and the time of the commit by the database's clock.
func (b *batch) update(ref Ref, doc map[string]any, condition *firestorepb.Precondition) {
	b.writes = append(b.writes, &firestorepb.Write{
		Operation:        &firestorepb.Write_Update{Update: b.encode(ref, doc)},
		CurrentDocument:  condition,
		UpdateTransforms: []*firestorepb.DocumentTransform_FieldTransform{commitTime()},
	})
}

// roomOfBatch is what the documents of most acts fit into, encoded.
const roomOfBatch = 4 << 10

// encode makes a document whose fields are encoded already. The message carries them as bytes that it does not know, which
// protocol buffers put into what is sent as they are; a Document's Fields stay nil. See package encode for what that spares.
// It takes what Firestore gives back, and nothing else, so that what is written, hashed and read is one thing; see
// [ledger.HashDocument].
func (b *batch) encode(ref Ref, fields map[string]any) *firestorepb.Document {
	doc := &firestorepb.Document{Name: b.name(ref)}
	if b.room == nil {
		b.room = make([]byte, 0, roomOfBatch)
	}
	begun := len(b.room)
	all, err := encode.AppendFields(b.room, fields)
	if err != nil {
		b.err = errors.Join(b.err, fmt.Errorf("write %s: %w", ref, err))
		return doc
	}
	b.room = all
	doc.ProtoReflect().SetUnknown(all[begun:len(all):len(all)])
	return doc
}

func commitTime() *firestorepb.DocumentTransform_FieldTransform {
	return &firestorepb.DocumentTransform_FieldTransform{
		FieldPath: fieldUpdatedAt,
		TransformType: &firestorepb.DocumentTransform_FieldTransform_SetToServerValue{
			SetToServerValue: firestorepb.DocumentTransform_FieldTransform_REQUEST_TIME,
		},
	}
}

// name gives a document's full resource name.
func (b *batch) name(ref Ref) string {
	if ref.ID == "" || strings.Contains(ref.ID, "/") {
		b.err = errors.Join(b.err, fmt.Errorf("write %s: not a document's name", ref))
	}
	return b.store.database + "/documents/" + ref.String()
}

func (b *batch) commit(ctx context.Context) error {
	if b.err != nil {
		return b.err
	}
	_, err := b.store.opts.Commits.Commit(ctx, &firestorepb.CommitRequest{Database: b.store.database, Writes: b.writes})
	switch {
	case err == nil:
		return nil
	case status.Code(err) == codes.AlreadyExists:
		return fmt.Errorf("%w: %w", ErrExists, err)
	case status.Code(err) == codes.FailedPrecondition, status.Code(err) == codes.NotFound:
		return fmt.Errorf("%w: %w", ErrStale, err)
	case status.Code(err) == codes.Aborted:
		return fault.New(fault.Unavailable, "too many write this at once; try again").Because(fmt.Errorf("%w: %w", ErrContended, err))
	case unavailable(err):
		return fault.New(fault.Unavailable, "the database is busy; try again").Because(err)
	default:
		return fmt.Errorf("commit: %w", err)
	}
}
