package httpapi_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/identity"
)

type thing struct {
	Role  string `json:"role" minLength:"1"`
	Total int64  `json:"total"`
	Lines []line `json:"lines,omitempty"`
}

type rawInput struct {
	ContentType string `header:"Content-Type" hidden:"true"`
	RawBody     []byte `contentType:"application/json"`
}

// newRuledAPI is an API whose handler finds an odd total, an owner and a line called x wrong.
func newRuledAPI(t testing.TB) *httpapi.API {
	t.Helper()
	a := httpapi.New(httpapi.Options{Name: "test", Title: "Test", Authenticate: authenticate, Log: slog.New(slog.DiscardHandler), Now: time.Now})
	body := httpapi.BodyOf[thing](a)
	httpapi.Handle(a, httpapi.Route{
		Method: http.MethodPost, Path: "/v1/things", ID: "put-thing", Summary: "Put a thing", Permission: identity.OrdersWrite,
		Takes: []httpapi.Content{{Of: thing{}}},
	}, func(_ context.Context, _ httpapi.Call, in *rawInput) (*output, error) {
		got, found, err := body.Read(in.ContentType, in.RawBody)
		if err != nil {
			return nil, err
		}
		out := &output{}
		out.Body.Role = got.Role
		return out, found.With(rulesOf(got)).Err()
	})
	return a
}

func rulesOf(got thing) []fault.Detail {
	var more []fault.Detail
	if got.Total%2 != 0 {
		more = append(more, fault.Detail{Location: "body.total", Message: "is odd"})
	}
	if got.Role == "" || got.Role == "owner" {
		more = append(more, fault.Detail{Location: "body.role", Message: "is not one to give"})
	}
	for i, l := range got.Lines {
		if l.Name == "" || l.Name == "x" {
			more = append(more, fault.Detail{Location: "body.lines[" + string(rune('0'+i)) + "].name", Message: "is not a name"})
		}
	}
	return more
}

func TestRulesAreToldBesideTheSchemasFaults(t *testing.T) {
	t.Parallel()
	a := newRuledAPI(t)
	for name, c := range map[string]struct {
		body   string
		status int
		where  []string
	}{
		"nothing wrong":               {`{"role":"viewer","total":2}`, 200, nil},
		"rules only":                  {`{"role":"owner","total":1}`, 422, []string{"body.role", "body.total"}},
		"a rule beside a missing one": {`{"total":1}`, 422, []string{"body.role", "body.total"}},
		"a rule beside a wrong type":  {`{"role":"owner","total":"1"}`, 422, []string{"body.role", "body.total"}},
		"a rule behind a wrong type":  {`{"total":true,"lines":[{"name":7,"quantity":1},{"name":"x","quantity":1}],"role":"owner"}`, 422, []string{"body.lines[0].name", "body.lines[1].name", "body.role", "body.total"}},
		"a rule beside a wrong line":  {`{"role":"viewer","total":1,"lines":["x"]}`, 422, []string{"body.lines[0]", "body.total"}},
		"an unknown name":             {`{"role":"viewer","total":1,"admin":true}`, 422, []string{"body.admin", "body.total"}},
		"an unknown name with dots":   {`{"role":"viewer","total":1,"a.b[0]":true}`, 422, []string{"body.a.b[0]", "body.total"}},
		"a list":                      {`[]`, 422, []string{"body"}},
		"half a body":                 {`{"role":"vie`, 400, []string{"body.role"}},
		"a name twice":                {`{"role":"viewer","role":"owner","total":1}`, 400, []string{"body.role"}},
	} {
		w := send(a, c.body, "application/json")
		var where []string
		if w.Code != http.StatusOK {
			for _, e := range problem(t, w).Errors {
				where = append(where, e.Location)
			}
		}
		slices.Sort(where)
		if diff := cmp.Diff(c.where, where); w.Code != c.status || diff != "" {
			t.Errorf("%s: answered %d, locations (-want +got):\n%s\n%s", name, w.Code, diff, w.Body)
		}
	}
	if w := send(a, `<role/>`, "application/xml"); w.Code != http.StatusUnsupportedMediaType {
		t.Errorf("XML is answered %d %s", w.Code, w.Body)
	}
	if w := send(a, `{"role":"viewer","total":2}`, ""); w.Code != http.StatusOK {
		t.Errorf("a body of no type is answered %d %s", w.Code, w.Body)
	}
}

func send(h http.Handler, body, contentType string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/v1/things", strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer writer")
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func FuzzRuledBody(f *testing.F) {
	a := newRuledAPI(f)
	f.Add(`{"role":"viewer","total":2,"lines":[{"name":"a","quantity":1}]}`)
	f.Add(`{"total":true,"lines":[{"name":7,"quantity":1},{"name":"x","quantity":1}],"role":"owner"}`)
	f.Add(`{"a.b[0]":[[[]]],"lines":[[{}]]}`)
	f.Fuzz(func(t *testing.T, body string) {
		switch w := send(a, body, "application/json"); w.Code {
		case http.StatusOK, http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge:
		default:
			t.Errorf("answered %d %s", w.Code, w.Body)
		}
	})
}
