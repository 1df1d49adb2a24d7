package functions_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"ryggrad.internal/hub/shared/httpapi"
)

func TestAllDescriptionsMergeIntoOneThatNamesEveryRoute(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	var docs [][]byte
	described := map[string]bool{}
	for _, r := range w.routes {
		name := strings.ToLower(r.function)
		if described[name] {
			continue
		}
		described[name] = true
		rec := httptest.NewRecorder()
		r.handler.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/openapi/"+name+".json", http.NoBody))
		docs = append(docs, rec.Body.Bytes())
	}
	text, err := httpapi.Merge("Ryggrad", "All of it.", docs...)
	w.must(err)
	var doc struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	w.must(json.Unmarshal(text, &doc))
	for _, r := range w.routes {
		if doc.Paths[strings.ReplaceAll(r.Path, "...}", "}")][strings.ToLower(r.Method)] == nil {
			t.Errorf("%s %s is not described", r.Method, r.Path)
		}
	}
}
