package evidence_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/evidence"
	"ryggrad.internal/hub/shared/fault"
)

func noon() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC) }

func TestEvidenceIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	e, err := evidence.New(evidence.Drill, noon(), map[string]any{"ok": true, "seconds": 41.5, "documents": 7, "set": "hot", "2026-03": int64(1), "from": noon()})
	if err != nil {
		t.Fatal(err)
	}
	again, err := evidence.Parse("drill", e.Document())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(e, again); diff != "" {
		t.Error(diff)
	}
	if e.Facts["documents"] != int64(7) || e.At.Nanosecond() != 123456000 {
		t.Errorf("the evidence is %+v", e)
	}
}

func TestOnlyPlainEvidenceIsTaken(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]struct {
		kind  evidence.Kind
		at    time.Time
		facts map[string]any
	}{
		"an unknown kind":     {"hearsay", noon(), nil},
		"no time":             {evidence.Drill, time.Time{}, nil},
		"a list":              {evidence.Drill, noon(), map[string]any{"a": []any{int64(1)}}},
		"a map":               {evidence.Drill, noon(), map[string]any{"a": map[string]any{}}},
		"nothing as a value":  {evidence.Drill, noon(), map[string]any{"a": nil}},
		"no number":           {evidence.Drill, noon(), map[string]any{"a": math.NaN()}},
		"a long text":         {evidence.Drill, noon(), map[string]any{"a": strings.Repeat("x", 201)}},
		"an address as name":  {evidence.Drill, noon(), map[string]any{"alva@example.com": true}},
		"a name with a space": {evidence.Drill, noon(), map[string]any{"a b": true}},
		"an empty name":       {evidence.Drill, noon(), map[string]any{"": true}},
	} {
		if _, err := evidence.New(e.kind, e.at, e.facts); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s is taken: %v", name, err)
		}
	}
}

func TestWhatSaysNothingWorked(t *testing.T) {
	t.Parallel()
	if !(evidence.Facts{}).OK() || !(evidence.Facts{"ok": true}).OK() || (evidence.Facts{"ok": false}).OK() {
		t.Error("ok is misread")
	}
	if n, ok := (evidence.Facts{"n": int64(3)}).Number("n"); !ok || n != 3 {
		t.Error("a number is not read")
	}
	if _, ok := (evidence.Facts{"n": "3"}).Number("n"); ok {
		t.Error("a text is read as a number")
	}
}
