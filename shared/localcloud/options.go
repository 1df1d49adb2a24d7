package localcloud

import (
	"log/slog"
	"path/filepath"
	"time"

	"ryggrad.internal/hub/functions"
)

// DefaultProject is the project of a cloud that is given none.
const DefaultProject = "ryggrad-local"

// Options say what a cloud holds and keeps. The zero value is a cloud in memory with no functions.
type Options struct {
	Project string           // the project that is set up; DefaultProject when empty
	Dir     string           // where state survives, for one cloud at a time; in memory only when empty
	Now     func() time.Time // the clock of all services; time.Now when nil
	Log     *slog.Logger     // discarded when nil

	// Functions are the functions whose topics are set up, whose messages are pushed and whose schedules are kept.
	Functions []functions.Function
	// Every makes every schedule run this often instead, when positive.
	Every time.Duration
	// MinBackoff and MaxBackoff bound the wait before a message is pushed again; 10 s and 600 s when zero.
	MinBackoff, MaxBackoff time.Duration

	FirestoreHost string // host and port of Google's Firestore emulator, used instead of the embedded one
	PubSubHost    string // host and port of Google's Pub/Sub emulator, used instead of the embedded one
}

func (o Options) complete() Options {
	if o.Project == "" {
		o.Project = DefaultProject
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// below returns a directory of one service, and none for a cloud in memory.
func (o Options) below(service string) string {
	if o.Dir == "" {
		return ""
	}
	return filepath.Join(o.Dir, service)
}
