package backupdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"ryggrad.internal/hub/shared/backup"
	"ryggrad.internal/hub/shared/backup/line"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/gcp/objects"
)

// shard writes a shard's parts from a cursor on, until it is through or its time is over.
func (k *Maker) shard(ctx context.Context, m Message) error {
	over, err := k.over(ctx, m.Run)
	if err != nil || over {
		return err
	}
	until := k.opts.Now().Add(k.opts.Budget)
	for !m.Cursor.Done {
		note, err := k.part(ctx, m, until)
		switch {
		case errors.Is(err, errTooOld):
			return k.giveUp(ctx, m.Run, "its moment cannot be read any more")
		case err != nil:
			return fmt.Errorf("back up shard %d of %s at %s: %w", m.Shard, m.Run.Set, backup.Stamp(m.Run.At), err)
		}
		m.Number, m.Cursor = m.Number+1, note.Next
		if !m.Cursor.Done && !k.opts.Now().Before(until) {
			return k.opts.Send(ctx, m)
		}
	}
	return k.opts.Send(ctx, Message{Step: Finish, Run: m.Run})
}

// part takes over the next part if it is there, and writes it if not.
func (k *Maker) part(ctx context.Context, m Message, until time.Time) (backup.Note, error) {
	part := m.Run.Part(m.Shard, m.Number)
	note, err := k.adopt(ctx, part)
	if !errors.Is(err, fs.ErrNotExist) {
		return note, err
	}
	h, key, err := k.header(ctx, part)
	if err != nil {
		return note, err
	}
	w, err := k.writers.Begin(h, key)
	if err != nil {
		return note, err
	}
	defer k.writers.Done(w)
	sealed, next, err := k.write(ctx, w, m, until)
	if err != nil {
		return note, err
	}
	note = backup.NoteOf(h, sealed, next)
	text, err := json.Marshal(note)
	if err != nil {
		return note, err
	}
	err = k.opts.Buckets.Of(part.Set).CreateNoted(ctx, part.Object(), sealed.Data, string(text))
	if errors.Is(err, objects.ErrExists) { // another one was faster, or this one, without being told
		return k.adopt(ctx, part)
	}
	return note, passing(err)
}

// adopt reads the note of a part that is there, if the part is what its note says.
func (k *Maker) adopt(ctx context.Context, part backup.Part) (backup.Note, error) {
	bucket := k.opts.Buckets.Of(part.Set)
	there, err := bucket.Look(ctx, part.Object())
	if err != nil {
		return backup.Note{}, passing(err)
	}
	note, err := parseNote(there, part)
	if err != nil {
		return note, err
	}
	data, err := bucket.Read(ctx, part.Object())
	if err != nil {
		return note, passing(err)
	}
	return note, note.Check(part, data)
}

func parseNote(o objects.Noted, part backup.Part) (backup.Note, error) {
	var n backup.Note
	if err := json.Unmarshal([]byte(o.Note), &n); err != nil || n.Shard != part.Shard || n.Number != part.Number {
		return n, backup.Broken(part.Object(), "what is noted with it is not readable", err)
	}
	return n, nil
}

// write writes the next part into memory, and tells where its shard goes on.
func (k *Maker) write(ctx context.Context, w *backup.Writer, m Message, until time.Time) (backup.Sealed, backup.Cursor, error) {
	next := m.Cursor
	var buffer []byte
	done, err := k.source.scan(ctx, m.Run, m.Shard, m.Cursor, func(f find) (_ bool, err error) {
		if buffer, err = line.Append(buffer[:0], k.source.root(), f.doc); err != nil {
			return false, err
		}
		next = f.cursor
		return w.Size() < backup.FullFile && k.opts.Now().Before(until), w.Add(f.cursor.Collection, buffer)
	})
	if err != nil {
		return backup.Sealed{}, next, k.readFault(err, m.Run)
	}
	if done {
		next = backup.Cursor{Done: true}
	}
	sealed, err := w.Close()
	return sealed, next, err
}

// header draws a file's key and wraps it for both who can open the file.
func (k *Maker) header(ctx context.Context, part backup.Part) (backup.Header, backup.FileKey, error) {
	h := backup.Header{Part: part}
	key, err := backup.NewFileKey()
	if err != nil {
		return h, key, err
	}
	bound, err := part.Bound()
	if err != nil {
		return h, key, err
	}
	if h.KMS.Key, h.KMS.By, err = k.opts.Wrapping.Wrap(ctx, key[:], bound); err != nil {
		return h, key, err
	}
	h.Offline, err = k.opts.Recipient.Seal(key, bound)
	return h, key, err
}

// errTooOld says that the database does not know a moment any more.
var errTooOld = errors.New("the moment is too long ago")

// surelyKept is how long every database knows its past.
const surelyKept = 55 * time.Minute

// readFault tells a busy database from one that does not know the moment any more.
func (k *Maker) readFault(err error, r backup.Run) error {
	switch status.Code(err) {
	case codes.FailedPrecondition, codes.InvalidArgument:
		if k.opts.Now().Sub(r.At) > surelyKept {
			return fmt.Errorf("%w: %w", errTooOld, err)
		}
		return err
	case codes.Unavailable, codes.DeadlineExceeded, codes.Aborted, codes.ResourceExhausted, codes.Canceled, codes.Internal:
		return fault.New(fault.Unavailable, "the database is busy").Because(err)
	default:
		return err
	}
}
