package privacydb

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"ryggrad.internal/hub/shared/envelope"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/privacy"
)

// Takeout is an export on its way out. Nobody can take it out again: write it within a time that is enough for it.
type Takeout struct {
	Job   privacy.Job
	parts sealedParts // from the first on
}

// WriteLines writes the lines of the export. The context is that of reading them, whatever becomes of the one that took it out.
func (t Takeout) WriteLines(ctx context.Context, to io.Writer) (int64, error) {
	t.parts.ctx = ctx
	plain, err := zstd.NewReader(&t.parts, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(window), zstd.WithDecoderLowmem(true))
	if err != nil {
		return 0, fmt.Errorf("open export %s: %w", t.Job.ID, err)
	}
	defer plain.Close()
	return io.Copy(to, plain)
}

// TakeOut takes a finished export out, once: its key is deleted by the commit that says so, and only then its first byte is
// read. One that is not there is [fault.NotFound], one that is not finished, was taken out or has expired [fault.Conflict].
func (s *Store) TakeOut(ctx context.Context, act ledgerdb.Act, id string) (Takeout, error) {
	j, err := s.Load(ctx, act.Tenant, id)
	if err != nil {
		return Takeout{}, err
	}
	if err := s.ready(j); err != nil {
		return Takeout{}, err
	}
	attempt := attemptID(j.ID, j.Manifest.Attempt)
	key, err := s.openKey(ctx, j.Tenant, attempt)
	if err != nil {
		return Takeout{}, err
	}
	taken := j.Job
	taken.State, taken.TakenAt = privacy.Taken, s.now()
	receipt, err := s.opts.Ledger.Commit(ctx, act, []ledgerdb.Change{ledgerdb.Replace(j.object, taken.Document())}, ledgerdb.Drop(keyRef(attempt)))
	if errors.Is(err, ledgerdb.ErrStale) {
		now, readErr := s.Load(ctx, act.Tenant, id)
		if readErr != nil || !receipt.Wrote(now.object) {
			return Takeout{}, takenAlready()
		}
		err = nil // it succeeded without telling
	}
	if err != nil {
		return Takeout{}, fmt.Errorf("take out export %s: %w", id, err)
	}
	return Takeout{taken, sealedParts{store: s, tenant: j.Tenant, attempt: attempt, parts: j.Manifest.Parts, key: key}}, nil
}

func (s *Store) ready(j Job) error {
	switch {
	case j.Kind != privacy.Export:
		return noJob()
	case j.State == privacy.Pending:
		return fault.New(fault.Conflict, "the export is not finished; ask for its state")
	case j.State == privacy.Taken:
		return takenAlready()
	case !s.now().Before(j.ExpiresAt()):
		return fault.New(fault.Conflict, "the export has expired; ask for another")
	}
	return nil
}

func takenAlready() error {
	return fault.New(fault.Conflict, "the export was taken out already; ask for another")
}

func (s *Store) openKey(ctx context.Context, tenant, attempt string) (*envelope.DataKey, error) {
	found, err := s.opts.Ledger.GetAll(ctx, tenant, keyRef(attempt))
	if err != nil {
		return nil, err
	}
	wrapped, _ := found[0].Fields["key"].([]byte)
	if len(wrapped) == 0 {
		return nil, fault.New(fault.Conflict, "the export has expired; ask for another")
	}
	return s.opts.Keys.Unwrap(ctx, wrapped, place(tenant, keyRef(attempt), "key"))
}

// sealedParts reads an export's parts one after the other, and opens them.
type sealedParts struct {
	ctx     context.Context //nolint:containedctx // a Reader takes none, and lives no longer than WriteLines
	store   *Store
	tenant  string
	attempt string
	parts   int64
	key     *envelope.DataKey

	next int64
	left []byte
}

func (p *sealedParts) Read(into []byte) (int, error) {
	for len(p.left) == 0 {
		if p.next == p.parts {
			return 0, io.EOF
		}
		at := partRef(p.attempt, p.next)
		found, err := p.store.opts.Ledger.GetAll(p.ctx, p.tenant, at)
		if err != nil {
			return 0, err
		}
		sealed, _ := found[0].Fields["part"].([]byte)
		if p.left, err = p.key.Open(sealed, place(p.tenant, at, "part")); err != nil {
			return 0, fmt.Errorf("open part %d of export %s: %w", p.next, p.attempt, err)
		}
		p.next++
	}
	n := copy(into, p.left)
	p.left = p.left[n:]
	return n, nil
}
