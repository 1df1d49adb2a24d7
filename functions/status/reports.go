package status

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"time"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/incident"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// maxWeakness bounds the report of a weakness, in bytes.
const maxWeakness = 256 << 10

type reportInput struct {
	Body struct {
		Severity incident.Severity `json:"severity" enum:"question,annoying,serious,urgent"`
		Text     string            `json:"text" minLength:"1" maxLength:"8000" doc:"What is wrong, since when, and for which orders; no guest's data, please"`
	}
}

// receipt says what was taken in.
type receipt struct {
	ID         string            `json:"id"`
	ReceivedAt time.Time         `json:"receivedAt"`
	Severity   incident.Severity `json:"severity,omitzero"`
	SHA256     string            `json:"sha256" doc:"Of the text as it was taken in"`
}

type reportOutput struct{ Body receipt }

func receiptOf(r incident.Report) receipt { return receipt{r.ID, r.At, r.Severity, r.Digest} }

// report takes what a tenant reports. The log line carries the severity, for whoever hangs an alert on it.
func (s *server) report(ctx context.Context, call httpapi.Call, in *reportInput) (*reportOutput, error) {
	r, err := s.incidents.Report(ctx, ledgerdb.ActOf(call.Caller, "", call.RequestID), in.Body.Severity, in.Body.Text)
	if err != nil {
		return nil, err
	}
	s.log.WarnContext(ctx, "incident reported", "report", r.ID, "tenant", r.Tenant, "reported_severity", string(r.Severity))
	return &reportOutput{receiptOf(r)}, nil
}

// weaknessTypes are what a report of a weakness may be: text, or what was encrypted before.
func weaknessTypes() []string {
	return []string{"text/plain", "text/markdown", "application/octet-stream", "application/pgp-encrypted", "application/age"}
}

// weakness takes the report of a weakness, from anybody, in whatever form they wrote it.
func (s *server) weakness(w http.ResponseWriter, r *http.Request, call httpapi.Call) error {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || !slices.Contains(weaknessTypes(), media) {
		return fault.New(fault.Unsupported, "send text/plain, or what you encrypted as application/octet-stream")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxWeakness+1))
	switch {
	case err != nil:
		return err
	case len(body) > maxWeakness:
		return fault.New(fault.TooLarge, "the report is larger than %d bytes", maxWeakness)
	case len(body) == 0:
		return fault.New(fault.Malformed, "the report is empty")
	}
	kept, err := s.incidents.Weakness(r.Context(), call.RequestID, media, body)
	if err != nil {
		return err
	}
	s.log.WarnContext(r.Context(), "vulnerability reported", "report", kept.ID)
	text, err := json.Marshal(receiptOf(kept))
	if err != nil {
		return fmt.Errorf("encode the receipt: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write(text) // the caller may have left; the report is kept
	return nil
}
