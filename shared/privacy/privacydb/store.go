package privacydb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"cloud.google.com/go/firestore"

	"ryggrad.internal/hub/shared/channel/channeldb"
	"ryggrad.internal/hub/shared/delivery/deliverydb"
	"ryggrad.internal/hub/shared/envelope/envelopedb"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/order/orderdb"
	"ryggrad.internal/hub/shared/privacy"
)

// The collections that this package writes.
const (
	collectionJobs  = "subjectJobs"
	collectionQueue = "subjectQueue"
	collectionKeys  = "exportKeys"
	collectionParts = "exportParts"
)

// The acts of this package, as audit entries name them.
const (
	ActionExport = "subject.export"
	ActionErase  = "subject.erase"
	ActionForget = "guest.forget"
	ActionFinish = "subject.finish"
	ActionTake   = "subject.take_export"
)

// shards is how many parts jobs for all tenants share their work out into.
const shards = 16

// Options are what a Store needs; every field is required.
type Options struct {
	Ledger     *ledgerdb.Store
	Keys       *envelopedb.Keyring
	Orders     *orderdb.Store
	Messages   *channeldb.Store
	Deliveries *deliverydb.Store
	Now        func() time.Time
	Random     io.Reader
}

// Store finds guests and keeps jobs. It is safe for concurrent use.
type Store struct{ opts Options }

// New returns a Store.
func New(opts Options) *Store { return &Store{opts} }

func (s *Store) now() time.Time { return s.opts.Now().UTC().Truncate(time.Microsecond) }

// Job is a job as read.
type Job struct {
	privacy.Job
	object, queue ledgerdb.Object
}

func jobRef(id string) ledgerdb.Ref   { return ledgerdb.Ref{Collection: collectionJobs, ID: id} }
func queueRef(id string) ledgerdb.Ref { return ledgerdb.Ref{Collection: collectionQueue, ID: id} }

// Ask takes a job in, as an act of whoever asks for it.
func (s *Store) Ask(ctx context.Context, act ledgerdb.Act, kind privacy.Kind, found Found) (privacy.Job, error) {
	j, err := privacy.NewJob(kind, act.Tenant, found.OrderIDs(), found.MessageIDs(), s.opts.Now(), s.opts.Random)
	if err != nil {
		return j, err
	}
	j.Actor, j.Behalf, j.RequestID = act.Actor, act.Behalf, act.RequestID
	_, err = s.opts.Ledger.Commit(ctx, act, []ledgerdb.Change{ledgerdb.Create(jobRef(j.ID), j.Document())},
		ledgerdb.Add(queueRef(j.ID), j.Progress()))
	// Nobody else has the id: what is there already is this very commit's work.
	if err != nil && !errors.Is(err, ledgerdb.ErrExists) {
		return j, fmt.Errorf("ask for job %s: %w", j.ID, err)
	}
	return j, nil
}

// Load reads a job of the tenant. A missing one is [fault.NotFound].
func (s *Store) Load(ctx context.Context, tenant, id string) (Job, error) {
	if !privacy.IsJob(privacy.Export, id) && !privacy.IsJob(privacy.Erase, id) {
		return Job{}, noJob()
	}
	found, err := s.opts.Ledger.GetAll(ctx, tenant, jobRef(id), queueRef(id))
	if err != nil {
		return Job{}, fmt.Errorf("read job %s: %w", id, err)
	}
	if !found[0].Exists() {
		return Job{}, noJob()
	}
	j, err := privacy.ParseJob(id, tenant, found[0].Fields, found[1].Fields)
	return Job{j, found[0], found[1]}, err
}

func noJob() error { return fault.New(fault.NotFound, "there is no such export or erasure") }

// Take claims a job that was read. It reports false when its time has not come, or somebody else was faster.
func (s *Store) Take(ctx context.Context, j Job) (Job, bool, error) {
	taken, ok := j.Take(s.now())
	if !ok || !j.queue.Exists() {
		return j, false, nil
	}
	err := s.opts.Ledger.Bookkeep(ctx, j.Tenant, ledgerdb.Patch(j.queue, taken.Progress()))
	if errors.Is(err, ledgerdb.ErrStale) {
		now, err := s.Load(ctx, j.Tenant, j.ID) // it may have succeeded without telling
		return now, err == nil && now.queue.Exists() && now.NextAt.Equal(taken.NextAt) && now.Attempt == taken.Attempt, err
	}
	if err != nil {
		return j, false, fmt.Errorf("claim job %s: %w", j.ID, err)
	}
	j.Job = taken
	return j, true, nil
}

// Postpone puts a claimed job off, unless somebody else has finished it.
func (s *Store) Postpone(ctx context.Context, j Job) error {
	now, err := s.Load(ctx, j.Tenant, j.ID)
	if err != nil || !now.queue.Exists() || now.Attempt != j.Attempt {
		return err
	}
	err = s.opts.Ledger.Bookkeep(ctx, j.Tenant, ledgerdb.Patch(now.queue, j.Job.Postpone(s.now()).Progress()))
	if err != nil && !errors.Is(err, ledgerdb.ErrStale) {
		return fmt.Errorf("put off job %s: %w", j.ID, err)
	}
	return nil
}

// finish says that a claimed job is done, and takes it out of the queue. Whoever comes second finds it done. Of an export
// only one attempt's key is left, that of the manifest.
func (s *Store) finish(ctx context.Context, j Job, m privacy.Manifest) error {
	act := ledgerdb.Act{
		Tenant: j.Tenant, Actor: identity.Actor{Kind: identity.KindSystem, ID: "subjects"}, Action: ActionFinish, RequestID: j.RequestID,
	}
	_, err := s.opts.Ledger.Commit(ctx, act, []ledgerdb.Change{ledgerdb.Replace(j.object, j.Finish(m, s.now()).Document())},
		append(dropKeys(j.ID, m.Attempt-1), ledgerdb.Drop(queueRef(j.ID)))...)
	if errors.Is(err, ledgerdb.ErrStale) {
		now, readErr := s.Load(ctx, j.Tenant, j.ID)
		if readErr == nil && now.State != privacy.Pending {
			return s.discard(ctx, j, now.Manifest) // done by this very commit, or by whoever came before
		}
	}
	if err != nil {
		return fmt.Errorf("finish job %s: %w", j.ID, err)
	}
	return nil
}

// dropKeys deletes the keys of an export's first attempts.
func dropKeys(job string, attempts int64) []ledgerdb.Write {
	var writes []ledgerdb.Write
	for n := range attempts {
		writes = append(writes, ledgerdb.Drop(keyRef(attemptID(job, n+1))))
	}
	return writes
}

// discard deletes the key of an attempt to export, unless it is the one that counts.
func (s *Store) discard(ctx context.Context, j Job, counts privacy.Manifest) error {
	if j.Kind != privacy.Export || counts.Attempt == j.Attempt {
		return nil
	}
	return s.opts.Ledger.Bookkeep(ctx, j.Tenant, ledgerdb.Drop(keyRef(attemptID(j.ID, j.Attempt))))
}

// Left is a job that it is time to look at.
type Left struct{ Tenant, ID string }

// Due reads what it is time to look at, of all tenants: at most limit of each of the 16 shards.
func (s *Store) Due(ctx context.Context, limit int) ([]Left, error) {
	var due []Left
	for shard := range shards {
		objects, err := s.opts.Ledger.List(ctx, s.opts.Ledger.QueryAllTenants(collectionQueue).Where("us", "==", shard).
			Where("nextAttemptAt", "<=", s.now()).OrderBy("nextAttemptAt", firestore.Asc).Limit(limit))
		if err != nil {
			return nil, fmt.Errorf("find jobs that are due: %w", err)
		}
		for _, o := range objects {
			due = append(due, Left{o.Tenant, o.ID})
		}
	}
	return due, nil
}
