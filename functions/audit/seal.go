package audit

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/evidence"
	"ryggrad.internal/hub/shared/evidence/evidencedb"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/ledger/sealing"
	"ryggrad.internal/hub/shared/ledger/tlog/tlogdb"
)

// sealJob is the sealer of an instance. A message that comes while one is handled waits, since the sealer remembers the
// tree's edge in between; what else runs elsewhere does no harm.
type sealJob struct {
	mu       sync.Mutex
	sealer   *sealing.Sealer
	ledger   *ledgerdb.Store
	evidence *evidencedb.Store
	now      func() time.Time
	log      *slog.Logger
}

func (j *sealJob) seal(ctx context.Context, _ event.Message) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	_, err := j.sealer.Run(ctx)
	waits, measureErr := j.measure(ctx) // also when nothing could be sealed: that is what the alert is for
	if err = errors.Join(err, measureErr); err != nil {
		return err
	}
	if err := j.prove(ctx, waits); err != nil {
		j.log.WarnContext(ctx, "that the log is sealed could not be recorded", "error", err)
	}
	return nil
}

// measure tells the log how long the oldest entry waits to be sealed that the run left, and returns it.
func (j *sealJob) measure(ctx context.Context) (seconds int64, err error) {
	oldest, err := j.ledger.Unsealed(ctx, 1)
	if err != nil {
		return 0, err
	}
	now := j.now()
	for _, e := range oldest {
		if age := int64(now.Sub(e.At).Seconds()); e.Proper && age > seconds {
			seconds = age
		}
	}
	j.log.InfoContext(ctx, "oldest unsealed entry", "unsealed_seconds", seconds)
	return seconds, nil
}

// prove records how far the log is sealed. Without any entry there is nothing to show.
func (j *sealJob) prove(ctx context.Context, waits int64) error {
	state, err := tlogdb.New(j.ledger).State(ctx)
	if err != nil || state.Done == 0 {
		return err
	}
	return j.evidence.Record(ctx, evidence.AuditCheckpoint, j.now(), map[string]any{
		"size": int64(state.Done), "unsealedSeconds": waits, //nolint:gosec // a log is never that long
	})
}
