package httpapi

import (
	"errors"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"

	"ryggrad.internal/hub/shared/fault"
)

// Body reads the JSON bodies of an operation whose handler has rules of its own to tell beside the schema's, so that its
// caller hears of all faults at once. Such an operation's input has a `RawBody []byte` instead of a `Body`, and its
// [Route.Takes] names the type. It is safe for concurrent use.
type Body[T any] struct {
	api   *API
	rules func() rules
}

// rules are what a body must keep to. The schema refers to others in the registry.
type rules struct {
	registry huma.Registry
	schema   *huma.Schema
}

// BodyOf returns a reader of bodies that are a T, with the schema of its struct tags, which is made for the first of them.
func BodyOf[T any](a *API) *Body[T] {
	return &Body[T]{api: a, rules: sync.OnceValue(func() rules {
		var zero T
		registry := describing(a.opts).Components.Schemas
		schema := schemaOf(registry, zero)
		schema.PrecomputeMessages()
		return rules{registry, schema}
	})}
}

// Faults are what is wrong with a body, in the order in which it was found.
type Faults []fault.Detail

// Read decodes a body, and returns what is wrong with it by its schema. The value beside such faults lacks what they
// speak of, so that the rest can be looked at; see [Faults.With]. A body that cannot be read at all, or not beside its
// faults, is an error.
func (b *Body[T]) Read(contentType string, raw []byte) (value T, found Faults, err error) {
	r := b.rules()
	if keeps(r.registry, r.schema, raw) {
		if err := b.api.codec.Unmarshal(contentType, raw, &value); err == nil {
			return value, nil, nil
		}
	}
	var parsed any
	if err := b.api.codec.Unmarshal(contentType, raw, &parsed); err != nil {
		return value, nil, unreadable(err)
	}
	var result huma.ValidateResult
	path := huma.NewPathBuffer(make([]byte, 0, 128), 0)
	path.Push("body")
	huma.Validate(r.registry, r.schema, path, huma.ModeWriteToServer, parsed, &result)
	if len(result.Errors) == 0 {
		if err := b.api.codec.Unmarshal(contentType, raw, &value); err != nil {
			return value, nil, invalid([]fault.Detail{readable("body", err.Error())})
		}
		return value, nil, nil
	}
	found = detailsOf(result.Errors)
	rest, err := json.Marshal(without(parsed, found))
	if err == nil {
		err = json.Unmarshal(rest, &value)
	}
	if err != nil {
		return value, nil, invalid(found)
	}
	return value, found, nil
}

// With adds what a handler found, but for what is at or below the place of a fault that is told already.
func (f Faults) With(more []fault.Detail) Faults {
	all := f
	for _, d := range more {
		if len(all) < mostDetails && !f.tells(d.Location) {
			all = append(all, d)
		}
	}
	return all
}

func (f Faults) tells(location string) bool {
	for _, d := range f {
		below, found := strings.CutPrefix(location, d.Location)
		if found && (below == "" || below[0] == '.' || below[0] == '[') {
			return true
		}
	}
	return false
}

// Err returns the faults as one, or nil when there are none.
func (f Faults) Err() error {
	if len(f) == 0 {
		return nil
	}
	return invalid(f)
}

func invalid(details []fault.Detail) error {
	return fault.New(fault.Invalid, "the request breaks the rules").With(details...)
}

func unreadable(err error) error {
	if errors.Is(err, huma.ErrUnknownContentType) {
		return fault.New(fault.Unsupported, "the body must be application/json")
	}
	return fault.New(fault.Malformed, "the request could not be read").With(readable("body", err.Error()))
}

// without returns a parsed body without what the faults speak of.
func without(parsed any, found []fault.Detail) any {
	for _, d := range found {
		steps := strings.FieldsFunc(strings.TrimPrefix(d.Location, "body"), func(r rune) bool { return r == '.' || r == '[' || r == ']' })
		if len(steps) == 0 {
			return map[string]any{}
		}
		remove(parsed, steps)
	}
	return parsed
}

// remove takes a member away, or makes an element of a list nothing.
func remove(parsed any, steps []string) {
	for _, step := range steps[:len(steps)-1] {
		parsed = child(parsed, step)
	}
	last := steps[len(steps)-1]
	switch parent := parsed.(type) {
	case map[string]any:
		delete(parent, last)
	case []any:
		if i, err := strconv.Atoi(last); err == nil && i < len(parent) {
			parent[i] = nil
		}
	}
}

func child(parsed any, step string) any {
	switch parent := parsed.(type) {
	case map[string]any:
		return parent[step]
	case []any:
		if i, err := strconv.Atoi(step); err == nil && i < len(parent) {
			return parent[i]
		}
	}
	return nil
}
