package channel

import (
	"math"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/fault"
)

func TestWhatIsNotUsedIsLeftOver(t *testing.T) {
	t.Parallel()
	root, err := parse([]byte(`{"id":7,"name":"x","gone":null,"a.b":{"c":1},"list":[{"used":1,"not":[2]},{"not":{}}],"whole":{"a":{"b":2}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if root.get("id").text() != "7" || root.get("name").text() != "x" || root.get("list").list()[0].get("used").text() != "1" {
		t.Error("a value is read wrong")
	}
	if root.get("whole", "a", "b").peek() != "2" || root.get("whole", "x", "b").text() != "" || root.get("nothing").list() != nil {
		t.Error("a value that is not there reads as something")
	}
	got := extras{}
	root.leftovers(got)
	want := extras{
		`["a.b"]`: jsontext.Value(`{"c":1}`), "list[0].not": jsontext.Value(`[2]`), "list[1]": jsontext.Value(`{"not":{}}`),
		"whole": jsontext.Value(`{"a":{"b":2}}`),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("left over (-want +got):\n%s", diff)
	}
}

func TestPayloadsAreReadStrictly(t *testing.T) {
	t.Parallel()
	for body, at := range map[string]string{
		``: "", `{`: "body", `{"a":1,"a":2}`: "body.a", `{"a":[{"b":1,"b":1}]}`: "body.a[0].b", "{\"a\":\"\xff\"}": "body.a",
		`{} {}`: "body", `{} x`: "body", `[1,]`: "body", strings.Repeat("[", 20_000): "",
	} {
		_, err := parse([]byte(body))
		if !fault.Is(err, fault.Malformed) {
			t.Errorf("%.40q is read: %v", body, err)
		}
		if at != "" && !strings.Contains(detailAt(err), at) {
			t.Errorf("%.40q is wrong at %s, want %s", body, detailAt(err), at)
		}
	}
}

func detailAt(err error) string {
	f, ok := err.(*fault.Error) //nolint:errorlint // made by parse itself
	if !ok || len(f.Details) == 0 {
		return ""
	}
	return f.Details[0].Location
}

func TestDecimalsAreExact(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		minor int64
		exact bool
	}{
		"9": {900, true}, "9.5": {950, true}, "9.50": {950, true}, "-9.5": {-950, true}, "+9.5": {950, true},
		"0.1": {10, true}, "0.29": {29, true}, "1.005": {101, false}, "1.0049": {100, false}, "-1.005": {-101, false}, "0.005": {1, false},
		"0.004": {0, false}, "0.0004": {0, false}, "1e3": {100_000, true}, "1.5E-1": {15, true}, "0": {0, true}, "0e50": {0, true}, ".5": {50, true}, "5.": {500, true},
		"123456789012345.67": {12345678901234567, true}, "99999999999999999999": {math.MaxInt64, true}, "1e99": {math.MaxInt64, true},
	} {
		d, ok := parseDecimal(text)
		got, exact := d.scaled(2)
		if !ok || got != want.minor || exact != want.exact {
			t.Errorf("%q is %d (exact %t, read %t), want %d (%t)", text, got, exact, ok, want.minor, want.exact)
		}
	}
	for _, text := range []string{"", " ", "-", "+", ".", "1,5", "1.2.3", "0x1", "1e", "1e999999999999", "1e101", "NaN", "--1", "-+1", "1 000", "١"} {
		if d, ok := parseDecimal(text); ok {
			t.Errorf("%q is read as %+v", text, d)
		}
	}
}
