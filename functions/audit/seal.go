package audit

import (
	"context"
	"sync"

	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/ledger/sealing"
)

// sealJob is the sealer of an instance. A message that comes while one is handled waits, since the sealer remembers the
// tree's edge in between; what else runs elsewhere does no harm.
type sealJob struct {
	mu     sync.Mutex
	sealer *sealing.Sealer
}

func (j *sealJob) seal(ctx context.Context, _ event.Message) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	_, err := j.sealer.Run(ctx)
	return err
}
