package privacy_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/privacy"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)

func job(t *testing.T, kind privacy.Kind) privacy.Job {
	t.Helper()
	j, err := privacy.NewJob(kind, tenant, []string{second, first, second}, []string{message}, noon, bytes.NewReader(make([]byte, 16)))
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func TestAJobIsItsDocument(t *testing.T) {
	t.Parallel()
	j := job(t, privacy.Export)
	j.Actor, j.Behalf, j.RequestID = identity.Actor{Kind: identity.KindUser, ID: "usr_1"}, &identity.Actor{Kind: identity.KindStaff, ID: "usr_2"}, "req_1"
	taken, ok := j.Take(noon)
	if !ok {
		t.Fatal("it cannot be taken")
	}
	back, err := privacy.ParseJob(j.ID, tenant, taken.Document(), taken.Progress())
	if diff := cmp.Diff(taken, back); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	done := taken.Finish(privacy.Manifest{Counts: map[string]int64{"orders": 2}, Bytes: 3, SHA256: "aa", Parts: 1, Attempt: 1}, noon)
	done.TakenAt = noon
	done.Attempt = 0 // it has left the queue
	back, err = privacy.ParseJob(j.ID, tenant, done.Document(), nil)
	if diff := cmp.Diff(done, back); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if _, err := privacy.ParseJob(j.ID, tenant, map[string]any{"orders": []any{1}}, nil); err == nil {
		t.Error("a number passes for an order's id")
	}
}

func TestAJobIsTakenByOneAtATime(t *testing.T) {
	t.Parallel()
	j, ok := job(t, privacy.Erase).Take(noon)
	if !ok || j.Attempt != 1 {
		t.Fatalf("taken %t, attempt %d", ok, j.Attempt)
	}
	if _, ok := j.Take(noon.Add(privacy.Lease - 1)); ok {
		t.Error("it is taken while somebody works on it")
	}
	if again, ok := j.Take(noon.Add(privacy.Lease)); !ok || again.Attempt != 2 {
		t.Error("nobody takes over")
	}
	if _, ok := j.Postpone(noon).Take(noon.Add(privacy.Pause)); !ok {
		t.Error("it is not taken after the pause")
	}
	if _, ok := j.Finish(privacy.Manifest{}, noon).Take(noon.AddDate(1, 0, 0)); ok {
		t.Error("it is taken when it is done")
	}
}

func TestAnErasingJobsObjectIsReadable(t *testing.T) {
	t.Parallel()
	raw, err := job(t, privacy.Erase).Erasure().Encode()
	if err != nil {
		t.Fatal(err)
	}
	e, err := privacy.Parse(raw)
	if err != nil || len(e.Orders) != 2 || e.Orders[0] != first || len(e.Messages) != 1 || !e.At.Equal(noon) {
		t.Errorf("it reads %+v, %v", e, err)
	}
	if !privacy.IsJob(privacy.Erase, e.ID) || privacy.IsJob(privacy.Export, e.ID) || !privacy.IsJob(privacy.Export, job(t, privacy.Export).ID) {
		t.Error("ids do not tell the kinds apart")
	}
}

func TestTheHorizonCoversEveryCopy(t *testing.T) {
	t.Parallel()
	if privacy.Horizon != 37*24*time.Hour {
		t.Errorf("the horizon is %s: the trust page and the contract say 37 days", privacy.Horizon)
	}
	for _, c := range privacy.Copies() {
		if c.Within > privacy.Horizon || c.Of == "" || c.Because == "" {
			t.Errorf("%+v is not within the horizon, or says too little", c)
		}
	}
}
