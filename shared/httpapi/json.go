package httpapi

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"ryggrad.internal/hub/shared/fault"
)

// pointerMark separates, in a decoding error's text, where the fault is from what it is: huma keeps only the text.
const pointerMark = "\x00"

// Decode reads one JSON value into v as everything from outside is read: duplicate names, names in another case,
// unknown names, invalid UTF-8 and anything after the value are refused, with a [fault.Malformed] that says where.
func Decode(data []byte, v any) error {
	err := json.Unmarshal(data, v, json.RejectUnknownMembers(true))
	if err == nil {
		return nil
	}
	where, what := explain(err)
	return fault.New(fault.Malformed, "the body is not what is expected here").
		With(fault.Detail{Location: "body" + where, Message: what})
}

// decodeError is a fault in a body as huma passes it on: by its text alone.
type decodeError struct{ where, what string }

func (e decodeError) Error() string { return e.where + pointerMark + e.what }

func formats() map[string]huma.Format {
	f := huma.Format{Marshal: encode, Unmarshal: decode}
	return map[string]huma.Format{"application/json": f, "json": f}
}

// encode ends with a newline, for those who read it in a terminal.
func encode(w io.Writer, v any) error {
	text, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return fmt.Errorf("write an answer: %w", err)
	}
	_, err = w.Write(append(text, '\n'))
	return err
}

func decode(data []byte, v any) error {
	err := json.Unmarshal(data, v, json.RejectUnknownMembers(true))
	if err == nil {
		return nil
	}
	where, what := explain(err)
	return decodeError{where, what}
}

// explain says where a body is wrong, as in `.items[0].quantity`, and what is wrong there, without the value that was
// sent.
func explain(err error) (where, what string) {
	var syntactic *jsontext.SyntacticError
	var semantic *json.SemanticError
	switch {
	case errors.As(err, &syntactic):
		if errors.Is(err, jsontext.ErrDuplicateName) {
			return location(syntactic.JSONPointer), "is given twice"
		}
		return location(syntactic.JSONPointer), "is not valid JSON (RFC 8259, in UTF-8)"
	case errors.Is(err, json.ErrUnknownName) && errors.As(err, &semantic):
		return location(semantic.JSONPointer), "is not known here"
	case errors.As(err, &semantic):
		return location(semantic.JSONPointer), "is not of the expected type or out of range"
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "", "ends too early"
	default:
		return "", "is not valid JSON (RFC 8259, in UTF-8)"
	}
}

// location turns a JSON pointer into the form of fault details. A name that the caller made up is cut short.
func location(p jsontext.Pointer) string {
	const longest = 64
	var b strings.Builder
	for token := range p.Tokens() {
		if len(token) > longest {
			token = strings.ToValidUTF8(token[:longest], "") + "…"
		}
		if isIndex(token) {
			b.WriteString("[" + token + "]")
		} else {
			b.WriteString("." + token)
		}
	}
	return b.String()
}

func isIndex(token string) bool {
	return token != "" && strings.Trim(token, "0123456789") == ""
}
