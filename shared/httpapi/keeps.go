package httpapi

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json/jsontext"
)

// pass reads a body's tokens beside its schema. It builds nothing: most bodies keep to their schema, and making maps of
// them to find that out costs more than decoding them.
type pass struct {
	registry huma.Registry
	dec      *jsontext.Decoder
}

// keeps tells whether a body surely keeps to the schema. It takes the common forms of both; where it says no, huma's
// own validation has the last word.
func keeps(registry huma.Registry, schema *huma.Schema, raw []byte) bool {
	p := pass{registry: registry, dec: jsontext.NewDecoder(bytes.NewBuffer(raw))}
	if !p.value(schema) {
		return false
	}
	_, err := p.dec.ReadToken()
	return errors.Is(err, io.EOF)
}

func (p pass) value(s *huma.Schema) bool {
	for s.Ref != "" {
		s = p.registry.SchemaFromRef(s.Ref)
	}
	if combined(s) {
		return false
	}
	switch kind := p.dec.PeekKind(); s.Type {
	case huma.TypeObject:
		return kind == '{' && p.object(s)
	case huma.TypeArray:
		return kind == '[' && p.array(s)
	case huma.TypeString:
		return kind == '"' && p.text(s)
	case huma.TypeInteger, huma.TypeNumber:
		return kind == '0' && p.number(s)
	case huma.TypeBoolean:
		return (kind == 't' || kind == 'f') && p.truth(s)
	default:
		return false
	}
}

// combined tells whether a schema is made of others.
func combined(s *huma.Schema) bool {
	return s.OneOf != nil || s.AnyOf != nil || s.AllOf != nil || s.Not != nil
}

func (p pass) truth(s *huma.Schema) bool {
	_, err := p.dec.ReadToken()
	return err == nil && s.Enum == nil
}

func (p pass) object(s *huma.Schema) bool {
	if s.AdditionalProperties != false || s.MinProperties != nil || s.MaxProperties != nil || len(s.DependentRequired) > 0 {
		return false
	}
	if _, err := p.dec.ReadToken(); err != nil {
		return false
	}
	missing := len(s.Required)
	for p.dec.PeekKind() == '"' {
		name, err := p.dec.ReadValue()
		if err != nil {
			return false
		}
		property, known := s.Properties[string(name[1:len(name)-1])]
		if !known {
			return false
		}
		if slices.ContainsFunc(s.Required, func(r string) bool { return r == string(name[1:len(name)-1]) }) {
			missing--
		}
		if !p.value(property) {
			return false
		}
	}
	_, err := p.dec.ReadToken()
	return err == nil && missing == 0
}

func (p pass) array(s *huma.Schema) bool {
	if _, err := p.dec.ReadToken(); err != nil || s.Items == nil || s.UniqueItems || s.Enum != nil {
		return false
	}
	n := 0
	for ; p.dec.PeekKind() != ']'; n++ {
		if !p.value(s.Items) {
			return false
		}
	}
	_, err := p.dec.ReadToken()
	return err == nil && (s.MinItems == nil || n >= *s.MinItems) && (s.MaxItems == nil || n <= *s.MaxItems)
}

// text judges plain texts by their bytes, of which there are at least as many as code points.
func (p pass) text(s *huma.Schema) bool {
	raw, err := p.dec.ReadValue()
	if err != nil {
		return false
	}
	if s.Pattern != "" || s.Format != "" || s.Enum != nil || s.ContentEncoding != "" {
		return p.special(s, raw)
	}
	n := len(raw) - len(`""`)
	return (s.MaxLength == nil || n <= *s.MaxLength) && (s.MinLength == nil || *s.MinLength == 0 || *s.MinLength == 1 && n > 0)
}

// special leaves patterns, formats and vocabularies to huma, text by text.
func (p pass) special(s *huma.Schema, raw jsontext.Value) bool {
	text, err := jsontext.AppendUnquote(nil, raw)
	if err != nil {
		return false
	}
	var result huma.ValidateResult
	huma.Validate(p.registry, s, huma.NewPathBuffer(nil, 0), huma.ModeWriteToServer, string(text), &result)
	return len(result.Errors) == 0
}

func (p pass) number(s *huma.Schema) bool {
	raw, err := p.dec.ReadValue()
	if err != nil || s.ExclusiveMinimum != nil || s.ExclusiveMaximum != nil || s.MultipleOf != nil || s.Enum != nil {
		return false
	}
	if _, err := strconv.ParseInt(string(raw), 10, 64); s.Type == huma.TypeInteger && err != nil {
		return false
	}
	n, err := strconv.ParseFloat(string(raw), 64)
	return err == nil && (s.Minimum == nil || n >= *s.Minimum) && (s.Maximum == nil || n <= *s.Maximum)
}
