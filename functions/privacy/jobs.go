package privacy

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/privacy"
	"ryggrad.internal/hub/shared/privacy/privacydb"
)

// ndjson is the media type of lines of JSON.
const ndjson = "application/x-ndjson"

type jobInput struct {
	ID string `path:"id" maxLength:"64" doc:"The job's id"`
}

type jobOutput struct{ Body jobBody }

// jobBody tells how far an export or an erasure is.
type jobBody struct {
	ID         string        `json:"id"`
	State      privacy.State `json:"state" enum:"pending,done,taken" doc:"pending: under way; done: complete, and an export can be taken out; taken: the export was taken out"`
	At         time.Time     `json:"askedAt"`
	FinishedAt time.Time     `json:"finishedAt,omitzero"`
	ExpiresAt  time.Time     `json:"expiresAt,omitzero" doc:"Until when a finished export can be taken out"`
	TakenAt    time.Time     `json:"takenAt,omitzero"`
	Orders     int           `json:"orders" doc:"How many orders it is about"`
	Messages   int           `json:"messages" doc:"How many kept messages it is about"`
	Manifest   *manifestBody `json:"manifest,omitzero" doc:"What a finished export holds"`
	CompleteAt time.Time     `json:"completeAt,omitzero" doc:"When the last copy of what was erased is unreadable, those in backups included"`
}

// manifestBody says what an export holds. The first line of an export is `{"manifest": …}`.
type manifestBody struct {
	Version int              `json:"version" doc:"The format: 1"`
	Export  string           `json:"export"`
	Tenant  string           `json:"tenant"`
	At      time.Time        `json:"at"`
	Counts  map[string]int64 `json:"counts" doc:"Documents by collection"`
	Bytes   int64            `json:"bytes" doc:"Of all lines after the manifest"`
	SHA256  string           `json:"sha256" doc:"Of all lines after the manifest, in hex"`
}

func (s *server) getExport(ctx context.Context, call httpapi.Call, in *jobInput) (*jobOutput, error) {
	return s.getJob(ctx, call, privacy.Export, in.ID)
}

func (s *server) getErasure(ctx context.Context, call httpapi.Call, in *jobInput) (*jobOutput, error) {
	return s.getJob(ctx, call, privacy.Erase, in.ID)
}

func (s *server) getJob(ctx context.Context, call httpapi.Call, kind privacy.Kind, id string) (*jobOutput, error) {
	if !privacy.IsJob(kind, id) {
		return nil, fault.New(fault.NotFound, "there is no such export or erasure")
	}
	j, err := s.store.Load(ctx, call.Caller.Tenant, id)
	if err != nil {
		return nil, err
	}
	out := &jobOutput{jobBody{
		ID: j.ID, State: j.State, At: j.At, FinishedAt: j.FinishedAt, ExpiresAt: j.ExpiresAt(), TakenAt: j.TakenAt,
		Orders: len(j.Orders), Messages: len(j.Messages), Manifest: manifestOf(j.Job),
	}}
	if kind == privacy.Erase && j.State == privacy.Done {
		out.Body.CompleteAt = j.FinishedAt.Add(privacy.Horizon)
	}
	return out, nil
}

func manifestOf(j privacy.Job) *manifestBody {
	if j.Manifest.SHA256 == "" {
		return nil
	}
	return &manifestBody{1, j.ID, j.Tenant, j.FinishedAt, j.Manifest.Counts, j.Manifest.Bytes, j.Manifest.SHA256}
}

// takeWithin is how long handing an export out may take, all in all. It is more than other requests have, because what
// breaks off cannot be taken out again, and less than the function's timeout.
const takeWithin = 50 * time.Second

// takeOut hands a finished export out. It says beforehand how long it is: one that breaks off is seen to.
func (s *server) takeOut(w http.ResponseWriter, r *http.Request, call httpapi.Call) error {
	if err := everywhere(call.Caller); err != nil {
		return err
	}
	end := time.Now().Add(takeWithin) // Cloud Run's time and the connection's
	ctx, cancel := context.WithDeadline(context.WithoutCancel(r.Context()), end)
	defer cancel()
	out, err := s.store.TakeOut(r.Context(), ledgerdb.ActOf(call.Caller, privacydb.ActionTake, call.RequestID), r.PathValue("id"))
	if err != nil {
		return err
	}
	_ = http.NewResponseController(w).SetWriteDeadline(end) // net/http takes it away after the answer
	head, err := json.Marshal(map[string]any{"manifest": manifestOf(out.Job)}, json.Deterministic(true))
	if err != nil {
		return fmt.Errorf("write the manifest of %s: %w", out.Job.ID, err)
	}
	head = append(head, '\n')
	w.Header().Set("Content-Type", ndjson)
	w.Header().Set("Content-Disposition", `attachment; filename="`+out.Job.ID+`.ndjson"`)
	w.Header().Set("Content-Length", strconv.FormatInt(int64(len(head))+out.Job.Manifest.Bytes, 10))
	w.WriteHeader(http.StatusOK)
	if _, err := w.Write(head); err != nil {
		return nil // the caller has left, and asks for another
	}
	if _, err := out.WriteLines(ctx, w); err != nil {
		s.api.Log.ErrorContext(ctx, "export broke off on its way out", "job", out.Job.ID, "error", err)
	}
	return nil
}
