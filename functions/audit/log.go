package audit

import (
	"bytes"
	"errors"
	"io/fs"
	"net/http"
	"strconv"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/ledger/tlog"
)

const (
	forEver    = "public, max-age=31536000, immutable"
	fewSeconds = "public, max-age=5"
)

// checkpoint serves the newest checkpoint.
func (s *server) checkpoint(w http.ResponseWriter, r *http.Request, _ httpapi.Call) error {
	signed, _, err := s.shelf.checkpoint(r.Context())
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", fewSeconds)
	_, _ = w.Write(signed) // the caller may have left
	return nil
}

// tile serves what the published log has; what it does not reach yet is not there.
func (s *server) tile(w http.ResponseWriter, r *http.Request, _ httpapi.Call) error {
	t, err := tlog.ParsePath("tile/" + r.PathValue("tile"))
	if err != nil {
		return err
	}
	_, size, err := s.shelf.reaching(r.Context(), t.Needs())
	if err != nil {
		return err
	}
	if size < t.Needs() {
		return fault.New(fault.NotFound, "there is no such tile")
	}
	data, err := s.shelf.read(r.Context(), t.Path())
	if errors.Is(err, fs.ErrNotExist) { // partial ones exist where a batch ended
		return fault.New(fault.NotFound, "there is no such tile")
	}
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Cache-Control", forEver)
	_, _ = w.Write(data) //nolint:gosec // hashes, as octets; the caller may have left
	return nil
}

// consistency proves that the newest checkpoint's log goes on from the log of an earlier size.
func (s *server) consistency(w http.ResponseWriter, r *http.Request, _ httpapi.Call) error {
	before, err := strconv.ParseUint(r.PathValue("size"), 10, 63)
	if err != nil || strconv.FormatUint(before, 10) != r.PathValue("size") {
		return fault.New(fault.NotFound, "a log's size is a number of entries")
	}
	signed, size, err := s.shelf.reaching(r.Context(), before)
	if err != nil {
		return err
	}
	if size < before {
		return fault.New(fault.NotFound, "the log has %d entries", size).After(sealedWithin)
	}
	hashes, err := tlog.Consistency(r.Context(), s.shelf.read, before, size)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", fewSeconds)
	_, _ = w.Write(tlog.Growth{Before: before, Hashes: hashes, Checkpoint: signed}.Encode()) // the caller may have left
	return nil
}

// keys serves the public keys.
func (s *server) keys(w http.ResponseWriter, r *http.Request, _ httpapi.Call) error {
	names, err := s.log.List(r.Context(), "keys/", "")
	if err != nil {
		return busy(err)
	}
	var all bytes.Buffer
	for _, name := range names {
		key, err := s.log.Read(r.Context(), name)
		if err != nil {
			return busy(err)
		}
		all.Write(key)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", fewSeconds)
	_, _ = w.Write(all.Bytes()) // the caller may have left
	return nil
}

func busy(err error) error {
	return fault.New(fault.Unavailable, "the log cannot be read now; try again").Because(err)
}
