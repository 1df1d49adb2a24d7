package privacy

import (
	"fmt"
	"io"
	"slices"
	"time"

	"ryggrad.internal/hub/shared/identity"
)

// ExportPrefix begins the id of every export; an erasure's begins with [ErasurePrefix].
const ExportPrefix = "exp_"

// Kind is what a job does.
type Kind string

// The kinds of jobs.
const (
	Export Kind = "export"
	Erase  Kind = "erase"
)

// State is how far a job is.
type State string

// The states of a job.
const (
	Pending State = "pending" // it is being worked on, or soon will be
	Done    State = "done"    // an erasure is complete; an export can be taken out
	Taken   State = "taken"   // an export was taken out
)

const (
	// ExportLife is how long a finished export waits to be taken out.
	ExportLife = 24 * time.Hour
	// jobLife is how long a job can be asked about.
	jobLife = 400 * 24 * time.Hour
	// Lease is how long whoever took a job may work on it undisturbed: a function's longest time, and a minute.
	Lease = 10 * time.Minute
	// Pause is how long a job waits after an attempt that failed.
	Pause = 30 * time.Second
)

// Job is an export or an erasure that was asked for: whose it is, who asked, and the ids of what it is about. It holds no
// personal data.
type Job struct {
	ID        string
	Tenant    string
	Kind      Kind
	State     State
	Actor     identity.Actor
	Behalf    *identity.Actor // who really asked, when it was somebody else
	RequestID string
	At        time.Time
	Orders    []string // sorted, each once
	Messages  []string // sorted, each once

	FinishedAt time.Time
	Manifest   Manifest  // of a finished export
	TakenAt    time.Time // when the export was taken out

	Attempt int64     // counts who takes the job
	NextAt  time.Time // when to look at it again; zero when nothing is left to do
}

// Manifest tells what a finished export holds. It holds no personal data.
type Manifest struct {
	Counts  map[string]int64 // documents by collection
	Bytes   int64            // of all lines
	SHA256  string           // of all lines, in lower-case hex
	Parts   int64            // sealed parts that it is kept in
	Attempt int64            // whose parts they are
}

// NewJob returns a job that is to be done now. The ids may be in any order.
func NewJob(kind Kind, tenant string, orders, messages []string, now time.Time, random io.Reader) (Job, error) {
	prefix := ExportPrefix
	if kind == Erase {
		prefix = ErasurePrefix
	}
	id, err := identity.NewID(prefix, random)
	if err != nil {
		return Job{}, err
	}
	return Job{
		ID: id, Tenant: tenant, Kind: kind, State: Pending, At: now.UTC().Truncate(time.Microsecond),
		Orders: once(orders), Messages: once(messages), NextAt: now.UTC().Truncate(time.Microsecond),
	}, nil
}

func once(ids []string) []string { return slices.Compact(slices.Sorted(slices.Values(ids))) }

// IsJob tells whether an id is that of a job of the kind.
func IsJob(kind Kind, id string) bool {
	if kind == Erase {
		return identity.WellFormed(ErasurePrefix, id)
	}
	return identity.WellFormed(ExportPrefix, id)
}

// Erasure is what a job that erases writes outside the database.
func (j Job) Erasure() Erasure {
	return Erasure{ID: j.ID, Tenant: j.Tenant, At: j.At, Orders: j.Orders, Messages: j.Messages}
}

// Take claims a job whose time has come, and reports false for any other.
func (j Job) Take(now time.Time) (Job, bool) {
	if j.State != Pending || now.Before(j.NextAt) {
		return j, false
	}
	j.Attempt++
	j.NextAt = now.Add(Lease)
	return j, true
}

// Postpone puts a job off after an attempt that failed.
func (j Job) Postpone(now time.Time) Job {
	j.NextAt = now.Add(Pause)
	return j
}

// Finish says that all was done.
func (j Job) Finish(m Manifest, now time.Time) Job {
	j.State, j.FinishedAt, j.Manifest, j.NextAt = Done, now, m, time.Time{}
	return j
}

// ExpiresAt is when a finished export can be taken out no more.
func (j Job) ExpiresAt() time.Time {
	if j.Kind != Export || j.FinishedAt.IsZero() {
		return time.Time{}
	}
	return j.FinishedAt.Add(ExportLife)
}

// Progress returns what of a job changes while it is worked on, for the queue.
func (j Job) Progress() map[string]any {
	return map[string]any{"nextAttemptAt": j.NextAt, "attempt": j.Attempt, "expireAt": j.At.Add(jobLife)}
}

// Document returns the job as a database document, without its id and progress.
func (j Job) Document() map[string]any {
	doc := map[string]any{
		"kind": string(j.Kind), "state": string(j.State), "actor": j.Actor.String(), "request": j.RequestID, "at": j.At,
		"orders": anys(j.Orders), "messages": anys(j.Messages), "expireAt": j.At.Add(jobLife),
	}
	if j.Behalf != nil {
		doc["behalf"] = j.Behalf.String()
	}
	if !j.FinishedAt.IsZero() {
		doc["finishedAt"] = j.FinishedAt
	}
	if !j.TakenAt.IsZero() {
		doc["takenAt"] = j.TakenAt
	}
	if j.Manifest.SHA256 != "" {
		doc["manifest"] = j.Manifest.document()
	}
	return doc
}

func (m Manifest) document() map[string]any {
	counts := map[string]any{}
	for name, n := range m.Counts {
		counts[name] = n
	}
	return map[string]any{"counts": counts, "bytes": m.Bytes, "sha256": m.SHA256, "parts": m.Parts, "attempt": m.Attempt}
}

func anys(ids []string) []any {
	all := make([]any, len(ids))
	for i, id := range ids {
		all[i] = id
	}
	return all
}

// ParseJob reads what [Job.Document] and [Job.Progress] wrote; queue is nil for a job that left the queue. A field of
// another type is an error.
func ParseJob(id, tenant string, doc, queue map[string]any) (Job, error) {
	r := reader{}
	j := Job{
		ID: id, Tenant: tenant, Kind: Kind(read[string](&r, doc, "kind")), State: State(read[string](&r, doc, "state")),
		RequestID: read[string](&r, doc, "request"), At: read[time.Time](&r, doc, "at"),
		Orders: readIDs(&r, doc, "orders"), Messages: readIDs(&r, doc, "messages"),
		FinishedAt: read[time.Time](&r, doc, "finishedAt"), TakenAt: read[time.Time](&r, doc, "takenAt"),
		Attempt: read[int64](&r, queue, "attempt"), NextAt: read[time.Time](&r, queue, "nextAttemptAt"),
	}
	j.Actor, _ = identity.ParseActor(read[string](&r, doc, "actor"))
	if behalf, ok := identity.ParseActor(read[string](&r, doc, "behalf")); ok {
		j.Behalf = &behalf
	}
	if m := read[map[string]any](&r, doc, "manifest"); m != nil {
		j.Manifest = parseManifest(&r, m)
	}
	if r.err != nil {
		return Job{}, fmt.Errorf("job %s: %w", id, r.err)
	}
	return j, nil
}

func parseManifest(r *reader, doc map[string]any) Manifest {
	m := Manifest{
		Counts: map[string]int64{}, Bytes: read[int64](r, doc, "bytes"), SHA256: read[string](r, doc, "sha256"),
		Parts: read[int64](r, doc, "parts"), Attempt: read[int64](r, doc, "attempt"),
	}
	counts := read[map[string]any](r, doc, "counts")
	for name := range counts {
		m.Counts[name] = read[int64](r, counts, name)
	}
	return m
}

// A reader reads fields of documents and keeps the first error.
type reader struct{ err error }

// read returns a field, or the zero value when it is missing.
func read[T any](r *reader, doc map[string]any, name string) (value T) {
	stored := doc[name]
	if stored == nil {
		return value
	}
	value, ok := stored.(T)
	if !ok && r.err == nil {
		r.err = fmt.Errorf("field %s is of type %T, want %T", name, stored, value)
	}
	return value
}

func readIDs(r *reader, doc map[string]any, name string) []string {
	var ids []string
	for _, one := range read[[]any](r, doc, name) {
		id, ok := one.(string)
		if !ok && r.err == nil {
			r.err = fmt.Errorf("field %s holds a %T", name, one)
		}
		ids = append(ids, id)
	}
	return ids
}
