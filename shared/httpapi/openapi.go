package httpapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"ryggrad.internal/hub/shared/identity"
)

// schemaPrefix is where schemas stand in a description.
const schemaPrefix = "#/components/schemas/"

// describing begins a function's OpenAPI document. Schemas of exported types, which functions share, keep their names;
// those of a function's own types begin with the function's name, so that the merged description has no two meanings
// for one name.
func describing(opts Options) *huma.OpenAPI {
	doc := huma.DefaultConfig(opts.Title, "1").OpenAPI
	doc.Info.Description = opts.Description
	doc.Components.Schemas = huma.NewMapRegistry(schemaPrefix, func(t reflect.Type, hint string) string {
		name := huma.DefaultSchemaNamer(t, hint)
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
			t = t.Elem()
		}
		if first, _ := utf8.DecodeRuneInString(t.Name()); unicode.IsUpper(first) {
			return name
		}
		return strings.ToUpper(opts.Name[:1]) + opts.Name[1:] + name
	})
	doc.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer": {Type: "http", Scheme: "bearer", Description: "An access token, an API key (`ryg_…`) or a session (`rys_…`)."},
		"signature": {Type: "apiKey", In: "header", Name: identity.HeaderClient, Description: "The client's id, with the headers of " +
			"Standard Webhooks: webhook-id (new for every request), webhook-timestamp, webhook-signature. What is signed under the " +
			"client's signing secret is `id.timestamp.METHOD path.body`, the path with its query as sent, but that in the path letters, " +
			"digits, `-`, `.`, `_` and `~` are signed unescaped, and other escapes with upper-case digits (RFC 3986, 6.2.2)."},
	}
	return doc
}

// description serves the function's OpenAPI document, which is made when it is first asked for.
func (a *API) description() http.HandlerFunc {
	text := sync.OnceValues(func() ([]byte, error) {
		doc := newHuma(a.opts, &operation{})
		for _, part := range a.parts {
			part(doc)
		}
		text, err := json.MarshalIndent(doc.OpenAPI(), "", "  ")
		return append(text, '\n'), err
	})
	return func(w http.ResponseWriter, r *http.Request) {
		text, err := text()
		if err != nil {
			a.writeProblem(w, r, a.problem(r.Context(), fmt.Errorf("write the description: %w", err)))
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(text) // the caller may have left
	}
}

// Merge joins the OpenAPI documents of several functions into one, for those who want the whole hub in one file. Two
// functions may not describe the same path, nor give one name to different schemas.
func Merge(title, about string, docs ...[]byte) ([]byte, error) {
	all := merged{
		OpenAPI: "3.1.0", Info: map[string]string{"title": title, "version": "1", "description": about},
		Paths: map[string]json.RawMessage{}, Webhooks: map[string]json.RawMessage{},
		Components: map[string]map[string]json.RawMessage{},
	}
	for _, text := range docs {
		var doc merged
		if err := json.Unmarshal(text, &doc); err != nil {
			return nil, fmt.Errorf("read a description: %w", err)
		}
		if err := all.add(doc); err != nil {
			return nil, err
		}
	}
	return json.MarshalIndent(all, "", "  ")
}

// merged is as much of an OpenAPI document as merging looks at.
type merged struct {
	OpenAPI    string                                `json:"openapi"`
	Info       any                                   `json:"info"`
	Paths      map[string]json.RawMessage            `json:"paths"`
	Webhooks   map[string]json.RawMessage            `json:"webhooks,omitempty"`
	Components map[string]map[string]json.RawMessage `json:"components"`
}

func (m *merged) add(doc merged) error {
	for path, item := range doc.Paths {
		if _, taken := m.Paths[path]; taken {
			return fmt.Errorf("two functions describe the path %s", path)
		}
		m.Paths[path] = item
	}
	if err := union(m.Webhooks, doc.Webhooks); err != nil {
		return err
	}
	for kind, named := range doc.Components {
		if m.Components[kind] == nil {
			m.Components[kind] = map[string]json.RawMessage{}
		}
		if err := union(m.Components[kind], named); err != nil {
			return err
		}
	}
	return nil
}

func union(all, more map[string]json.RawMessage) error {
	for name, item := range more {
		var here bytes.Buffer
		if err := json.Compact(&here, item); err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		if there, taken := all[name]; taken && !bytes.Equal(there, here.Bytes()) {
			return fmt.Errorf("two functions mean different things by %s", name)
		}
		all[name] = here.Bytes()
	}
	return nil
}
