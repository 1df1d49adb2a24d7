package privacy_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/order"
	"ryggrad.internal/hub/shared/privacy"
)

const (
	tenant  = "ten_aaaaaaaaaaaaaaaaaaaaaaaaaa"
	first   = "ord_aaaaaaaaaaaaaaaaaaaaaaaaaa"
	second  = "ord_baaaaaaaaaaaaaaaaaaaaaaaaa"
	message = "msg_aaaaaaaaaaaaaaaaaaaaaaaaaa"
	written = `{"version":1,"id":"era_aaaaaaaaaaaaaaaaaaaaaaaaaa","tenant":"` + tenant +
		`","at":"2026-03-01T11:00:00.123456Z","orders":["` + first + `","` + second + `"],"messages":["` + message + `"]}`
)

func erasure() privacy.Erasure {
	return privacy.Erasure{
		ID: "era_aaaaaaaaaaaaaaaaaaaaaaaaaa", Tenant: tenant, At: time.Date(2026, 3, 1, 11, 0, 0, 123456000, time.UTC),
		Orders: []string{first, second}, Messages: []string{message},
	}
}

func TestAnErasureIsItsBytes(t *testing.T) {
	t.Parallel()
	raw, err := erasure().Encode()
	if err != nil || string(raw) != written {
		t.Fatalf("it is written as %s, %v", raw, err)
	}
	back, err := privacy.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(erasure(), back); diff != "" {
		t.Errorf("it is read as (-want +got):\n%s", diff)
	}
	if back.Object() != "erasures/era_aaaaaaaaaaaaaaaaaaaaaaaaaa" {
		t.Errorf("its object is %s", back.Object())
	}
}

func TestAnErasureOfOneKindAloneIsReadAgain(t *testing.T) {
	t.Parallel()
	e := erasure()
	e.Messages = nil
	e.At = e.At.In(time.FixedZone("CET", 3600))
	raw, err := e.Encode()
	if err != nil || !strings.HasSuffix(string(raw), `"messages":[]}`) || !strings.Contains(string(raw), "T11:00:00.123456Z") {
		t.Fatalf("it is written as %s, %v", raw, err)
	}
	if back, err := privacy.Parse(raw); err != nil || len(back.Messages) != 0 || !slices.Equal(back.Orders, e.Orders) {
		t.Errorf("it is read as %+v, %v", back, err)
	}
}

func TestAnErasureOfAllThatATenantHasNamesNothing(t *testing.T) {
	t.Parallel()
	e := erasure()
	e.Orders, e.Messages, e.All = nil, nil, true
	raw, err := e.Encode()
	if err != nil || !strings.HasSuffix(string(raw), `"orders":[],"messages":[],"all":true}`) {
		t.Fatalf("it is written as %s, %v", raw, err)
	}
	if back, err := privacy.Parse(raw); err != nil || !back.All || back.Tenant != tenant {
		t.Errorf("it is read as %+v, %v", back, err)
	}
}

func TestIDsAreDrawn(t *testing.T) {
	t.Parallel()
	id, err := privacy.NewErasureID(bytes.NewReader(make([]byte, 16)))
	if err != nil || id != erasure().ID {
		t.Errorf("drew %q, %v", id, err)
	}
	if _, err := privacy.NewErasureID(strings.NewReader("short")); err == nil {
		t.Error("an id without randomness")
	}
}

func TestEveryOtherSpellingIsRefused(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"nothing":             ``,
		"another version":     strings.Replace(written, `"version":1`, `"version":2`, 1),
		"a space":             strings.Replace(written, `,"id"`, `, "id"`, 1),
		"a line break after":  written + "\n",
		"something after":     written + "{}",
		"another order":       strings.Replace(written, `"version":1,"id":"era_aaaaaaaaaaaaaaaaaaaaaaaaaa"`, `"id":"era_aaaaaaaaaaaaaaaaaaaaaaaaaa","version":1`, 1),
		"a name twice":        strings.Replace(written, `"orders"`, `"orders":[],"orders"`, 1),
		"a name in capitals":  strings.Replace(written, `"orders"`, `"Orders"`, 1),
		"an unknown name":     strings.Replace(written, `"orders"`, `"guest":"Alva","orders"`, 1),
		"no list":             strings.Replace(written, `,"messages":["`+message+`"]`, ``, 1),
		"a list that is null": strings.Replace(written, `["`+message+`"]`, `null`, 1),
		"another's id":        strings.Replace(written, `"era_`, `"ord_`, 1),
		"no tenant":           strings.Replace(written, tenant, ``, 1),
		"a path as tenant":    strings.Replace(written, tenant, `../ten`, 1),
		"a time in a zone":    strings.Replace(written, `.123456Z`, `.123456+00:00`, 1),
		"a coarse time":       strings.Replace(written, `.123456Z`, `Z`, 1),
		"no such day":         strings.Replace(written, `03-01`, `02-30`, 1),
		"an order twice":      strings.Replace(written, second, first, 1),
		"orders unsorted":     strings.Replace(written, `"`+first+`","`+second+`"`, `"`+second+`","`+first+`"`, 1),
		"no order's id":       strings.Replace(written, second, `ord_zzz`, 1),
		"an id that none has": strings.Replace(written, second, `ord_bbbbbbbbbbbbbbbbbbbbbbbbbb`, 1),
		"no message's id":     strings.Replace(written, message, second, 1),
		"all and some":        strings.Replace(written, `]}`, `],"all":true}`, 1),
		"not all":             strings.Replace(written, `]}`, `],"all":false}`, 1),
		"nothing to erase":    strings.Replace(strings.Replace(written, `"`+first+`","`+second+`"`, ``, 1), `"`+message+`"`, ``, 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if raw == written {
				t.Fatal("the case changes nothing")
			}
			if e, err := privacy.Parse([]byte(raw)); fault.KindOf(err) != fault.Invalid {
				t.Errorf("it is read as %+v, %v", e, err)
			}
		})
	}
}

func TestWhatCouldNotBeReadIsNotWritten(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*privacy.Erasure){
		"no id":           func(e *privacy.Erasure) { e.ID = "" },
		"no tenant":       func(e *privacy.Erasure) { e.Tenant = "" },
		"nothing":         func(e *privacy.Erasure) { e.Orders, e.Messages = nil, nil },
		"all and some":    func(e *privacy.Erasure) { e.All = true },
		"orders unsorted": func(e *privacy.Erasure) { slices.Reverse(e.Orders) },
		"too many": func(e *privacy.Erasure) {
			for range privacy.MaxErased {
				e.Orders = append(e.Orders, order.ID(tenant, "lnk", e.Orders[len(e.Orders)-1]))
			}
			slices.Sort(e.Orders)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := erasure()
			change(&e)
			if raw, err := e.Encode(); fault.KindOf(err) != fault.Invalid {
				t.Errorf("it is written as %.200s, %v", raw, err)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(written))
	f.Add([]byte(`{"version":1,"id":"era_aaaaaaaaaaaaaaaaaaaaaaaaaa","tenant":"` + tenant + `","at":"2026-03-01T11:00:00.000000Z","orders":[],"messages":["` + message + `"]}`))
	f.Add([]byte(`{"version":1,"VERSION":2}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := privacy.Parse(raw)
		if err != nil {
			return
		}
		if again, err := e.Encode(); err != nil || !bytes.Equal(again, raw) {
			t.Errorf("%q is read as %+v and written as %q, %v", raw, e, again, err)
		}
	})
}
