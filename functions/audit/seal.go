package audit

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/evidence"
	"ryggrad.internal/hub/shared/evidence/evidencedb"
	"ryggrad.internal/hub/shared/ledger/sealing"
	"ryggrad.internal/hub/shared/ledger/tlog/tlogdb"
)

// sealJob is the sealer of an instance. A message that comes while one is handled waits, since the sealer remembers the
// tree's edge in between; what else runs elsewhere does no harm.
type sealJob struct {
	mu       sync.Mutex
	sealer   *sealing.Sealer
	batches  *tlogdb.Store
	evidence *evidencedb.Store
	now      func() time.Time
	log      *slog.Logger
}

func (j *sealJob) seal(ctx context.Context, _ event.Message) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, err := j.sealer.Run(ctx); err != nil {
		return err
	}
	if err := j.prove(ctx); err != nil {
		j.log.WarnContext(ctx, "that the log is sealed could not be recorded", "error", err)
	}
	return nil
}

// prove records that the newest checkpoint holds every entry that was there. Without any there is nothing to show.
func (j *sealJob) prove(ctx context.Context) error {
	state, err := j.batches.State(ctx)
	if err != nil || state.Done == 0 {
		return err
	}
	return j.evidence.Record(ctx, evidence.AuditCheckpoint, j.now(), map[string]any{"size": int64(state.Done)}) //nolint:gosec // a log is never that long
}
