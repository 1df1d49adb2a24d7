package httpapi

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/danielgtaylor/huma/v2"
)

type kept struct {
	Name  string   `json:"name" minLength:"1" maxLength:"5"`
	Kind  string   `json:"kind,omitempty" enum:"a,b"`
	Code  string   `json:"code,omitempty" pattern:"^[A-Z]+$"`
	At    string   `json:"at,omitempty" format:"date-time"`
	Count int64    `json:"count" minimum:"1" maximum:"9"`
	Yes   bool     `json:"yes,omitempty"`
	Share float64  `json:"share,omitempty"`
	Texts []string `json:"texts,omitempty" maxItems:"2" nullable:"false"`
	Under []kept   `json:"under,omitempty" maxItems:"2" nullable:"false"`
}

func keptSchema() (huma.Registry, *huma.Schema) {
	registry := huma.NewMapRegistry(schemaPrefix, huma.DefaultSchemaNamer)
	schema := registry.Schema(reflect.TypeFor[kept](), true, "kept")
	return registry, schema
}

func TestCommonBodiesTakeTheShortPass(t *testing.T) {
	t.Parallel()
	registry, schema := keptSchema()
	for body, want := range map[string]bool{
		`{"name":"a","count":1}`: true,
		`{"name":"åä","kind":"b","code":"X","at":"2026-03-01T18:04:05+01:00","count":9,"yes":true,"share":-0.5,"texts":["x"],"under":[{"name":"b","count":2}]}`: true,
		"{ \"count\" : 1 ,\n\"name\" : \"a\" }\n": true,
		`{"name":"a"}`:                      false,
		`{"name":"","count":1}`:             false,
		`{"name":"a","count":10}`:           false,
		`{"name":"a","count":1,"name":"b"}`: false,
		`{"name":"a","count":1}x`:           false,
		`{"name":"a","count":1`:             false,
	} {
		if got := keeps(registry, schema, []byte(body)); got != want {
			t.Errorf("%s keeps to the schema: %t", body, got)
		}
	}
}

// FuzzKeeps holds the short pass to huma: what it takes, huma takes too.
func FuzzKeeps(f *testing.F) {
	registry, schema := keptSchema()
	f.Add(`{"name":"åä","kind":"b","code":"X","at":"2026-03-01T18:04:05+01:00","count":9,"yes":true,"texts":["x"],"under":[{"name":"b","count":2}]}`)
	f.Add(`{"name":"abcdef","count":0,"kind":"c","share":0.5}`)
	f.Add(`{"name":"\u0061","count":-0,"under":null}`)
	f.Fuzz(func(t *testing.T, body string) {
		if !keeps(registry, schema, []byte(body)) {
			return
		}
		var parsed any
		if err := json.Unmarshal([]byte(body), &parsed); err != nil {
			t.Fatalf("%s was taken: %v", body, err)
		}
		var result huma.ValidateResult
		huma.Validate(registry, schema, huma.NewPathBuffer(nil, 0), huma.ModeWriteToServer, parsed, &result)
		if len(result.Errors) > 0 {
			t.Fatalf("%s was taken: %v", body, result.Errors)
		}
	})
}
