package status

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"ryggrad.internal/hub/functions"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/httpapi"
)

const (
	// keepDescription is how long the merged description is kept.
	keepDescription = time.Minute
	// maxDescription bounds one function's description, in bytes.
	maxDescription = 4 << 20
)

// merged keeps the description of the whole API. It is safe for concurrent use.
type merged struct {
	mu   sync.Mutex
	text []byte
	at   time.Time
}

// description serves what all functions say of themselves, in one document.
func (s *server) description(w http.ResponseWriter, r *http.Request, _ httpapi.Call) error {
	text, err := s.merge(r.Context())
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "public, max-age=60")
	_, _ = w.Write(text) // the caller may have left
	return nil
}

// merge asks every function, and is content with what it has when one does not answer.
func (s *server) merge(ctx context.Context) ([]byte, error) {
	s.merged.mu.Lock()
	defer s.merged.mu.Unlock()
	now := s.now()
	if s.merged.text != nil && now.Sub(s.merged.at) < keepDescription {
		return s.merged.text, nil
	}
	text, err := s.mergeNow(ctx)
	if err != nil && s.merged.text == nil {
		return nil, fault.New(fault.Unavailable, "not every function describes itself at the moment; try again").Because(err)
	}
	if err == nil {
		s.merged.text = text
	}
	s.merged.at = now
	return s.merged.text, nil
}

func (s *server) mergeNow(ctx context.Context) ([]byte, error) {
	var docs [][]byte
	for _, f := range s.table {
		if f.Trigger != functions.HTTP {
			continue
		}
		doc, err := s.describe(ctx, f.Name)
		if err != nil {
			return nil, fmt.Errorf("describe %s: %w", f.Name, err)
		}
		docs = append(docs, doc)
	}
	return httpapi.Merge("Ryggrad", "The order backbone: orders in exactly once, out to the POS and back.", docs...)
}

// describe asks a function for its own description.
func (s *server) describe(ctx context.Context, name string) ([]byte, error) {
	if name == "status" {
		w := httptest.NewRecorder()
		s.api.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, description("", name), http.NoBody))
		return w.Body.Bytes(), nil
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, description(s.cfg.BaseURL, name), http.NoBody)
	if err != nil {
		return nil, err
	}
	answer, err := s.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close() //nolint:errcheck // only read
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answers %d", answer.StatusCode)
	}
	return io.ReadAll(io.LimitReader(answer.Body, maxDescription))
}
