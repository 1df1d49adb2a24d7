package ledger_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger"
)

func entry() ledger.Entry {
	return ledger.Entry{
		ID: "ent_aaaaaaaaaaaaaaaaaaaaaaaaaa", Tenant: "ten_1", At: time.Date(2026, 3, 1, 12, 0, 0, 1000, time.UTC),
		Actor: identity.Actor{Kind: identity.KindClient, ID: "cli_1"}, Action: "order.receive", Object: "orders/ord_1",
		Revision: 1, After: ledger.Hash{1}, Outcome: ledger.Done, RequestID: "req_1",
	}
}

func TestEntryBytesAreFixed(t *testing.T) {
	t.Parallel()
	raw, err := entry().Encode()
	if err != nil {
		t.Fatal(err)
	}
	want := `{"v":1,"id":"ent_aaaaaaaaaaaaaaaaaaaaaaaaaa","tenant":"ten_1","at":"2026-03-01T12:00:00.000001Z",` +
		`"actor":"client:cli_1","action":"order.receive","object":"orders/ord_1","revision":1,` +
		`"after":"01` + strings.Repeat("0", 62) + `","outcome":"done","request":"req_1"}`
	if diff := cmp.Diff(want, string(raw)); diff != "" {
		t.Errorf("bytes (-want +got):\n%s", diff)
	}
	if got := ledger.HashEntry(raw).String(); got != "591a57b2147049967e72c72d4a9173e7da6c2435186f5e5c612aa422f5214de0" {
		t.Errorf("hash is %s", got)
	}
}

func TestEntryRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e := entry()
		e.Tenant = rapid.StringN(1, 20, -1).Draw(t, "tenant")
		e.Reason = rapid.String().Draw(t, "reason")
		e.At = time.UnixMicro(rapid.Int64Range(0, 4e15).Draw(t, "micros")).UTC()
		e.Revision = rapid.Int64Range(1, math.MaxInt64).Draw(t, "revision")
		if e.Revision > 1 {
			e.Previous = ledger.Hash{7}
		}
		if rapid.Bool().Draw(t, "on behalf") {
			e.Act = &identity.Actor{Kind: identity.KindStaff, ID: "stf_1"}
		}
		raw, err := e.Encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := ledger.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(e, back); diff != "" {
			t.Errorf("entry (-want +got):\n%s", diff)
		}
	})
}

func TestParseRefusesEverythingButTheCanonicalBytes(t *testing.T) {
	t.Parallel()
	raw, err := entry().Encode()
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for name, other := range map[string]string{
		"a space":                strings.Replace(text, ":1,", ": 1,", 1),
		"another order":          strings.Replace(text, `"v":1,"id":"ent_aaaaaaaaaaaaaaaaaaaaaaaaaa"`, `"id":"ent_aaaaaaaaaaaaaaaaaaaaaaaaaa","v":1`, 1),
		"a field twice":          strings.Replace(text, `"v":1`, `"v":1,"v":1`, 1),
		"a field in capitals":    strings.Replace(text, `"tenant"`, `"TENANT"`, 1),
		"an unknown field":       strings.Replace(text, `"v":1`, `"v":1,"x":1`, 1),
		"another format":         strings.Replace(text, `"v":1`, `"v":2`, 1),
		"a time zone":            strings.Replace(text, "000001Z", "000001+00:00", 1),
		"an escaped letter":      strings.Replace(text, "ten_1", `ten_\u0031`, 1),
		"something after it":     text + "\n",
		"an actor of no kind":    strings.Replace(text, "client:", "nobody:", 1),
		"a first with a past":    strings.Replace(text, `"after"`, `"previous":"`+strings.Repeat("0", 63)+`1","after"`, 1),
		"an outcome of no sort":  strings.Replace(text, `"done"`, `"perhaps"`, 1),
		"an upper-case hash":     strings.Replace(text, `"after":"01`, `"after":"AB`, 1),
		"a revision before one":  strings.Replace(text, `"revision":1`, `"revision":0`, 1),
		"no tenant":              strings.Replace(text, "ten_1", "", 1),
		"nothing":                "",
		"a list":                 "[]",
		"a zero hash written":    strings.Replace(text, `"after":"01`, `"previous":"","after":"01`, 1),
		"a revision in exponent": strings.Replace(text, `"revision":1`, `"revision":1e0`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if other == text {
				t.Fatal("the case changes nothing")
			}
			if _, err := ledger.Parse([]byte(other)); err == nil {
				t.Error("was accepted")
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	raw, err := entry().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := ledger.Parse(raw)
		if err != nil {
			return
		}
		again, err := e.Encode()
		if err != nil || !bytes.Equal(raw, again) {
			t.Errorf("%q came back as %q (%v)", raw, again, err)
		}
	})
}

// TestDocumentHash fixes the format: the value below must never change, or old entries no longer match their documents.
func TestDocumentHash(t *testing.T) {
	t.Parallel()
	fields := map[string]any{
		"nothing": nil, "yes": true, "no": false, "count": int64(-3), "share": 0.5, "name": "smörgås",
		"raw": []byte{0, 255}, "at": time.Date(2026, 3, 1, 12, 0, 0, 1000, time.UTC),
		"list": []any{int64(1), "two"}, "map": map[string]any{"a": int64(1)},
	}
	h, err := ledger.HashDocument(fields)
	if err != nil {
		t.Fatal(err)
	}
	const want = "8ecdec811c609bdfae02842f834c1b917adf1fc07575991ae9ef96262b9f16ea"
	if h.String() != want {
		t.Errorf("hash is %s, want %s", h, want)
	}
}

func TestDocumentHashSeesEveryChangeButItsOwnFields(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		doc := rapid.MapOfN(rapid.StringN(1, 5, -1), value(3), 1, 6).Draw(t, "document")
		before, err := ledger.HashDocument(doc)
		if err != nil {
			t.Fatal(err)
		}
		marked := maps.Clone(doc)
		marked[ledger.FieldEntry], marked[ledger.FieldUpdatedAt] = "x", "y"
		delete(doc, ledger.FieldEntry)
		delete(doc, ledger.FieldUpdatedAt)
		if after, err := ledger.HashDocument(marked); err != nil || after != before {
			t.Fatalf("the left-out fields count: %v, %v", after, err)
		}
		changed := maps.Clone(doc)
		changed[rapid.SampledFrom([]string{"new", "other"}).Draw(t, "field")] = "something new and long"
		if after, err := ledger.HashDocument(changed); err != nil || after == before {
			t.Fatalf("a change is not seen: %v", err)
		}
	})
}

func TestDocumentHashRefusesForeignTypes(t *testing.T) {
	t.Parallel()
	for _, v := range []any{int(1), int32(1), float32(1), []string{"a"}, map[string]string{}, json.Number("1"), struct{}{}} {
		if _, err := ledger.HashDocument(map[string]any{"f": []any{v}}); err == nil {
			t.Errorf("a %T was hashed", v)
		}
	}
}

func value(depth int) *rapid.Generator[any] {
	kinds := []*rapid.Generator[any]{
		rapid.Just[any](nil), rapid.Bool().AsAny(), rapid.Int64().AsAny(), rapid.Float64().AsAny(), rapid.String().AsAny(),
		rapid.SliceOf(rapid.Byte()).AsAny(),
	}
	if depth > 0 {
		kinds = append(kinds,
			rapid.SliceOfN(value(depth-1), 0, 3).AsAny(),
			rapid.MapOfN(rapid.StringN(1, 5, -1), value(depth-1), 0, 3).AsAny())
	}
	return rapid.OneOf(kinds...)
}
