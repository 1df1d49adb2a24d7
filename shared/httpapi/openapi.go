package httpapi

import (
	"encoding/json"
	"maps"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// Description returns the OpenAPI 3.1 document of the function's routes.
func (a *API) Description() *huma.OpenAPI { return a.huma.OpenAPI() }

func (a *API) serveDescription(w http.ResponseWriter, r *http.Request) {
	WriteDescription(w, a.Description())
}

// WriteDescription answers with an OpenAPI document.
func WriteDescription(w http.ResponseWriter, doc *huma.OpenAPI) {
	text, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		http.Error(w, "the description cannot be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(text, '\n')) // the caller may have left
}

// Merge joins the descriptions of several functions into one, for those who want the whole hub in one file. The
// functions share one namespace of schemas; a name that two of them use means the same type in both.
func Merge(title, description string, docs ...*huma.OpenAPI) *huma.OpenAPI {
	all := huma.DefaultConfig(title, "1").OpenAPI
	all.Info.Description = description
	all.Paths = map[string]*huma.PathItem{}
	all.Webhooks = map[string]*huma.PathItem{}
	all.Components.SecuritySchemes = map[string]*huma.SecurityScheme{}
	for _, doc := range docs {
		maps.Copy(all.Paths, doc.Paths)
		maps.Copy(all.Webhooks, doc.Webhooks)
		maps.Copy(all.Components.Schemas.Map(), doc.Components.Schemas.Map())
		maps.Copy(all.Components.SecuritySchemes, doc.Components.SecuritySchemes)
	}
	return all
}
