package backupdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	firestoreapi "cloud.google.com/go/firestore/apiv1"

	"ryggrad.internal/hub/shared/backup"
	"ryggrad.internal/hub/shared/evidence/evidencedb"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/gcp/kmskey"
	"ryggrad.internal/hub/shared/gcp/objects"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// Options are what a Maker needs; every field is required.
type Options struct {
	Documents  *firestoreapi.Client // of the database
	Project    string
	Database   string
	Ledger     *ledgerdb.Store
	Buckets    Buckets
	Vault      Vault // reads what is in the buckets
	Wrapping   kmskey.Key
	Recipient  backup.Recipient
	Signer     *Signer
	Checkpoint func(context.Context) (string, error) // the audit log's newest signed one
	Send       func(context.Context, Message) error
	Evidence   *evidencedb.Store
	Now        func() time.Time
	Log        *slog.Logger
	Budget     time.Duration // of one message's work
	Behind     time.Duration // how long ago the moment of what begins is, see [backup.Behind]
}

// Maker makes backups. It is safe for concurrent use.
type Maker struct {
	opts    Options
	source  source
	writers backup.Writers
	shards  int // of what begins; 0: as many as planning finds right
}

// NewMaker returns a maker.
func NewMaker(opts Options) (*Maker, error) {
	s, err := newSource(opts.Documents, opts.Project, opts.Database)
	return &Maker{opts: opts, source: s}, err
}

// Do does the step that a message asks for.
func (k *Maker) Do(ctx context.Context, m Message) error {
	switch m.Step {
	case Plan:
		return k.plan(ctx, m)
	case Shard:
		return k.shard(ctx, m)
	case Finish:
		return k.finish(ctx, m.Run)
	case Copy:
		return k.copy(ctx, m)
	default:
		return fault.New(fault.Malformed, "%q is no step of a backup", m.Step)
	}
}

// plan begins what is due, sends unfinished runs again and gives up old ones, each set for itself.
func (k *Maker) plan(ctx context.Context, m Message) error {
	if len(m.Sets) == 0 {
		m.Sets = backup.Sets()
	}
	restored, running, err := lastRestore(ctx, k.opts.Ledger)
	if err != nil {
		return err
	}
	if running != "" {
		k.opts.Log.ErrorContext(ctx, "backup waits for a restore that is not finished", "restore", running)
		return nil
	}
	var failed []error
	next := backup.Run{ // one moment for all
		Project: k.opts.Project, Database: k.opts.Database, At: backup.Moment(k.opts.Now(), k.opts.Behind), Shards: k.shards,
	}
	for _, next.Set = range m.Sets {
		if err := k.planSet(ctx, next, restored, m.Now); err != nil {
			failed = append(failed, fmt.Errorf("plan the backup of %s: %w", next.Set, err))
		}
	}
	return errors.Join(failed...)
}

func (k *Maker) planSet(ctx context.Context, next backup.Run, restored time.Time, forced bool) error {
	st, err := k.state(ctx, next.Set)
	if err != nil {
		return err
	}
	st.Restored = restored
	d := backup.Decide(next, st, k.opts.Now(), forced)
	for _, r := range d.GiveUp {
		if err := k.giveUp(ctx, r, "it did not finish in time"); err != nil {
			return err
		}
	}
	for _, r := range d.Resume {
		k.opts.Log.WarnContext(ctx, "backup stands still and is sent again", "set", r.Set, "at", r.At)
		if err := k.sendShards(ctx, r); err != nil {
			return err
		}
	}
	if d.Begin == nil {
		return nil
	}
	begun, err := k.begin(ctx, *d.Begin)
	if err != nil {
		return err
	}
	return k.sendShards(ctx, begun)
}

// begin says that a run is begun. If another planning did so for the same moment, its run it is.
func (k *Maker) begin(ctx context.Context, r backup.Run) (backup.Run, error) {
	raw, err := json.Marshal(r)
	if err != nil {
		return r, err
	}
	err = k.opts.Buckets.Of(r.Set).CreateNoted(ctx, r.Object(), raw, "")
	if errors.Is(err, objects.ErrExists) {
		return k.begun(ctx, r.Set, r.At)
	}
	if err == nil {
		k.opts.Log.InfoContext(ctx, "backup begun", "set", r.Set, "at", r.At, "full", r.Full(), "shards", r.Shards)
	}
	return r, passing(err)
}

// begun reads a run that was begun.
func (k *Maker) begun(ctx context.Context, set backup.Set, at time.Time) (backup.Run, error) {
	object := backup.Run{Set: set, At: at}.Object()
	raw, err := k.opts.Buckets.Of(set).Read(ctx, object)
	if err != nil {
		return backup.Run{}, passing(err)
	}
	var r backup.Run
	if err := json.Unmarshal(raw, &r); err != nil || r.Object() != object || r.Shards < 1 || r.Shards > 16 {
		return r, fmt.Errorf("%s is not readable: %w", object, err)
	}
	return r, nil
}

func (k *Maker) sendShards(ctx context.Context, r backup.Run) error {
	for shard := range r.Shards {
		if err := k.opts.Send(ctx, Message{Step: Shard, Run: r, Shard: shard}); err != nil {
			return err
		}
	}
	return nil
}

// lookBack is how far back unfinished runs are looked for.
const lookBack = 26 * time.Hour

// state reads what is known of a set.
func (k *Maker) state(ctx context.Context, set backup.Set) (backup.State, error) {
	var st backup.State
	at := BucketShelf(k.opts.Buckets.Of(set))
	from := k.opts.Now().Add(-lookBack)
	done, err := moments(ctx, at, backup.ManifestsPrefix(set), time.Time{})
	if err != nil {
		return st, err
	}
	if len(done) > 0 {
		if st.Newest, err = k.newest(ctx, set, done[len(done)-1]); err != nil {
			return st, err
		}
	}
	begun, err := moments(ctx, at, backup.RunsPrefix(set), from)
	if err != nil {
		return st, err
	}
	abandoned, err := moments(ctx, at, backup.AbandonedPrefix(set), from)
	if err != nil {
		return st, err
	}
	over := map[time.Time]bool{}
	for _, t := range append(done, abandoned...) {
		over[t] = true
	}
	for _, t := range begun {
		if over[t] {
			continue
		}
		r, err := k.begun(ctx, set, t)
		if fault.Is(err, fault.Unavailable) {
			return st, err
		}
		if err != nil {
			k.opts.Log.ErrorContext(ctx, "backup cannot be continued", "error", err)
			continue
		}
		st.Begun = append(st.Begun, r)
	}
	return st, nil
}

// newest reads the newest manifest. One that is refused does not keep the next run from beginning, which is a full one
// then.
func (k *Maker) newest(ctx context.Context, set backup.Set, at time.Time) (*backup.Made, error) {
	m, hash, err := k.opts.Vault.Manifest(ctx, set, at)
	var refusal *backup.Refusal
	switch {
	case errors.As(err, &refusal):
		k.opts.Log.ErrorContext(ctx, "newest backup is refused", "set", set, "error", err)
		return nil, nil
	case err != nil:
		return nil, err
	case m.Database != k.opts.Database:
		return nil, nil
	}
	made := m.Made(hash)
	return &made, nil
}

// giveUp says once, and in the log, that a run will never be a backup.
func (k *Maker) giveUp(ctx context.Context, r backup.Run, why string) error {
	err := k.opts.Buckets.Of(r.Set).CreateNoted(ctx, r.Abandoned(), []byte(why+"\n"), "")
	if errors.Is(err, objects.ErrExists) {
		return nil
	}
	if err == nil {
		k.opts.Log.ErrorContext(ctx, "backup was given up", "set", r.Set, "at", r.At, "why", why)
	}
	return passing(err)
}

// over tells whether a run is a backup already, or was given up.
func (k *Maker) over(ctx context.Context, r backup.Run) (bool, error) {
	made, err := k.has(ctx, r, r.Manifest())
	if err != nil || made {
		return made, err
	}
	return k.has(ctx, r, r.Abandoned())
}

// has tells whether an object of a run is there.
func (k *Maker) has(ctx context.Context, r backup.Run, object string) (bool, error) {
	_, err := k.opts.Buckets.Of(r.Set).Look(ctx, object)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, passing(err)
}
