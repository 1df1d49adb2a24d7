package sealing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"ryggrad.internal/hub/shared/gcp/objects"
	"ryggrad.internal/hub/shared/ledger/tlog"
)

const (
	// witnessWithin bounds one call of a witness.
	witnessWithin = 5 * time.Second
	// maxAnswer is the longest answer that is read of a witness.
	maxAnswer = 16 << 10
)

// Witness is somebody else's server that signs checkpoints which follow from the ones it has seen before, so that
// nobody can be shown another log; see https://c2sp.org/tlog-witness.
type Witness struct {
	URL string // of which /add-checkpoint is called
	Key string // its public key's text
}

// ParseWitnesses reads witnesses as they are configured: address and key by a space, one after the other by commas.
func ParseWitnesses(text string) ([]Witness, error) {
	var all []Witness
	for one := range strings.SplitSeq(text, ",") {
		if one = strings.TrimSpace(one); one == "" {
			continue
		}
		url, key, ok := strings.Cut(one, " ")
		if !ok || !strings.Contains(key, "+") {
			return nil, errors.New("a witness is configured as its address, a space and its key")
		}
		all = append(all, Witness{URL: strings.TrimSuffix(url, "/"), Key: strings.TrimSpace(key)})
	}
	return all, nil
}

// errStale says that the witness has seen another size last.
type errStale uint64

// Error tells the size.
func (e errStale) Error() string {
	return fmt.Sprintf("the witness has seen %d entries last", uint64(e))
}

// cosign asks the witnesses for their signatures on the published checkpoint and adds them to it. A witness that does
// not answer is only told of: the log goes on without.
func (s *Sealer) cosign(ctx context.Context) {
	if len(s.opts.Witnesses) == 0 {
		return
	}
	signed, generation, err := s.opts.Head.Load(ctx, tlog.CheckpointPath)
	if err != nil {
		return // nothing is published, or the next run will see
	}
	c, err := s.open(ctx, signed)
	if err != nil {
		return // told of already
	}
	whole := signed
	for _, w := range s.opts.Witnesses {
		if tlog.IsCosigned(signed, w.Key) {
			continue
		}
		with, err := s.ask(ctx, w, c, signed, whole)
		if err != nil {
			s.unsigned(ctx, w, c, err)
			continue
		}
		whole = with
	}
	if bytes.Equal(whole, signed) {
		return
	}
	if err := s.opts.Head.Replace(ctx, tlog.CheckpointPath, whole, generation); err != nil && !errors.Is(err, objects.ErrStale) {
		s.opts.Logger.WarnContext(ctx, "signatures of witnesses could not be published", "error", err)
	}
}

// unsigned tells that a witness did not sign. One that has seen more entries than are published, also now, says that the
// log was put back: that is for a person to look at.
func (s *Sealer) unsigned(ctx context.Context, w Witness, c tlog.Checkpoint, why error) {
	var seen errStale
	if errors.As(why, &seen) && uint64(seen) > c.Size {
		if head, _, err := s.head(ctx); err == nil && head.Size < uint64(seen) {
			s.opts.Logger.ErrorContext(ctx, "audit log finding", "finding", "a witness has seen more entries than are published",
				"witness", w.URL, "seen", uint64(seen), "published", head.Size)
			return
		}
	}
	s.opts.Logger.WarnContext(ctx, "witness did not sign the checkpoint", "witness", w.URL, "size", c.Size, "error", why)
}

// ask sends the checkpoint with a proof that it follows from what the witness has seen.
func (s *Sealer) ask(ctx context.Context, w Witness, c tlog.Checkpoint, signed, whole []byte) ([]byte, error) {
	answer, err := s.send(ctx, w, c, signed, s.witnessed[w.URL])
	var stale errStale
	if errors.As(err, &stale) && uint64(stale) <= c.Size {
		answer, err = s.send(ctx, w, c, signed, uint64(stale))
	}
	if err != nil {
		return nil, err
	}
	with, err := tlog.Cosigned(whole, answer, w.Key)
	if err == nil {
		s.witnessed[w.URL] = c.Size
	}
	return with, err
}

func (s *Sealer) send(ctx context.Context, w Witness, c tlog.Checkpoint, signed []byte, before uint64) ([]byte, error) {
	hashes, err := tlog.Consistency(ctx, s.opts.Log.Read, before, c.Size)
	if err != nil {
		return nil, err
	}
	body := tlog.Growth{Before: before, Hashes: hashes, Checkpoint: ownSignature(signed)}.Encode()
	ctx, cancel := context.WithTimeout(ctx, witnessWithin)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL+"/add-checkpoint", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	switch {
	case err != nil:
		return nil, err
	case answer.StatusCode == http.StatusOK:
		return text, nil
	case answer.StatusCode == http.StatusConflict && answer.Header.Get("Content-Type") == "text/x.tlog.size":
		size, err := strconv.ParseUint(strings.TrimSuffix(string(text), "\n"), 10, 64)
		if err != nil {
			return nil, errors.New("the witness does not say which size it has seen")
		}
		return nil, errStale(size)
	default:
		return nil, fmt.Errorf("the witness answered %d", answer.StatusCode)
	}
}

// ownSignature returns the note with its first signature only, which is the log's.
func ownSignature(signed []byte) []byte {
	text, signatures, _ := bytes.Cut(signed, []byte("\n\n"))
	first, _, _ := bytes.Cut(signatures, []byte("\n"))
	return bytes.Join([][]byte{text, {}, append(first, '\n')}, []byte("\n"))
}
