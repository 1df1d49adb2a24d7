package identity

import (
	"errors"
	"fmt"
	"time"
)

// document reads a stored document field by field and collects what doesn't fit. Fields that nobody asks for are
// left alone, so that an older version can read what a newer one wrote.
type document struct {
	fields map[string]any
	at     string // where the document is, for messages
	errs   *[]error
}

func readDocument(at string, fields map[string]any) document {
	return document{fields: fields, at: at, errs: new([]error)}
}

// err joins what was wrong. Its text names fields, never their values.
func (d document) err() error { return errors.Join(*d.errs...) }

// field reads one field of type T; a missing or null one is T's zero value.
func field[T any](d document, name string) T {
	var zero T
	value, ok := d.fields[name]
	if !ok || value == nil {
		return zero
	}
	typed, ok := value.(T)
	if !ok {
		*d.errs = append(*d.errs, fmt.Errorf("%s.%s is a %T, not a %T", d.at, name, value, zero))
	}
	return typed
}

// need reads a field that must be there.
func need[T comparable](d document, name string) T {
	value := field[T](d, name)
	var zero T
	if value == zero {
		*d.errs = append(*d.errs, fmt.Errorf("%s.%s is missing", d.at, name))
	}
	return value
}

// texts reads a list of strings as a list of any kind of string.
func texts[T ~string](d document, name string) []T {
	var list []T
	for i, value := range field[[]any](d, name) {
		text, ok := value.(string)
		if !ok {
			*d.errs = append(*d.errs, fmt.Errorf("%s.%s[%d] is a %T, not a string", d.at, name, i, value))
		}
		list = append(list, T(text))
	}
	return list
}

// each calls read with every document of a list.
func (d document) each(name string, read func(document)) {
	for i, value := range field[[]any](d, name) {
		at := fmt.Sprintf("%s.%s[%d]", d.at, name, i)
		fields, ok := value.(map[string]any)
		if !ok {
			*d.errs = append(*d.errs, fmt.Errorf("%s is a %T, not a map", at, value))
			continue
		}
		read(document{fields: fields, at: at, errs: d.errs})
	}
}

// stored gives a time the form it has in the store: UTC, whole microseconds, null when it is zero.
func stored(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Truncate(time.Microsecond)
}

// list gives a slice of strings the form it has in the store.
func list[T ~string](values []T) []any {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = string(v)
	}
	return out
}
