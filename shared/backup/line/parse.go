package line

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Parse reads a line that [Append] wrote as a document of another root, or of the same.
func Parse(l []byte, root Root) (*firestorepb.Document, error) {
	r := newReader(l, root)
	r.expect('{')
	r.member("name")
	name := r.text()
	r.member("fields")
	doc := &firestorepb.Document{Name: string(root) + name, Fields: r.fields(0)}
	r.expect('}')
	r.end()
	if r.err != nil {
		return nil, fmt.Errorf("read the line of %.200q: %w", name, r.err)
	}
	if _, _, err := split(name); err != nil {
		return nil, err
	}
	return doc, nil
}

// reader reads a line's tokens; after a fault it reads nothing more.
type reader struct {
	json *jsontext.Decoder
	root Root
	err  error
}

func newReader(l []byte, root Root) *reader {
	return &reader{json: jsontext.NewDecoder(bytes.NewReader(l)), root: root}
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *reader) token() jsontext.Token {
	if r.err != nil {
		return jsontext.Null
	}
	t, err := r.json.ReadToken()
	if err != nil {
		r.fail(err)
		return jsontext.Null
	}
	return t
}

func (r *reader) expect(kind jsontext.Kind) {
	if t := r.token(); r.err == nil && t.Kind() != kind {
		r.fail(fmt.Errorf("%s stands where %s belongs", t.Kind(), kind))
	}
}

func (r *reader) text() string {
	t := r.token()
	if r.err == nil && t.Kind() != '"' {
		r.fail(fmt.Errorf("%s stands where a text belongs", t.Kind()))
	}
	if r.err != nil {
		return ""
	}
	return t.String()
}

func (r *reader) member(name string) {
	if got := r.text(); r.err == nil && got != name {
		r.fail(fmt.Errorf("%.40q stands where %s belongs", got, name))
	}
}

// more tells whether a list or an object goes on.
func (r *reader) more(end jsontext.Kind) bool { return r.err == nil && r.json.PeekKind() != end }

func (r *reader) end() {
	if r.err != nil {
		return
	}
	if _, err := r.json.ReadToken(); !errors.Is(err, io.EOF) {
		r.fail(errors.New("something follows the document"))
	}
}

func (r *reader) fields(depth int) map[string]*firestorepb.Value {
	r.expect('{')
	fields := map[string]*firestorepb.Value{}
	for r.more('}') {
		name := r.text()
		fields[name] = r.value(depth)
	}
	r.expect('}')
	return fields
}

func (r *reader) value(depth int) *firestorepb.Value {
	if depth > maxDepth {
		r.fail(errors.New("values are nested too deep"))
		return nil
	}
	r.expect('{')
	v := r.kind(r.text(), depth)
	r.expect('}')
	return v
}

func (r *reader) kind(kind string, depth int) *firestorepb.Value {
	switch kind {
	case "nullValue":
		r.expect('n')
		return &firestorepb.Value{ValueType: &firestorepb.Value_NullValue{NullValue: structpb.NullValue_NULL_VALUE}}
	case "booleanValue":
		t := r.token()
		if r.err == nil && t.Kind() != 't' && t.Kind() != 'f' {
			r.fail(errors.New("a boolean is true or false"))
		}
		return &firestorepb.Value{ValueType: &firestorepb.Value_BooleanValue{BooleanValue: t.Kind() == 't'}}
	case "integerValue":
		n, err := strconv.ParseInt(r.text(), 10, 64)
		r.check(err)
		return &firestorepb.Value{ValueType: &firestorepb.Value_IntegerValue{IntegerValue: n}}
	case "doubleValue":
		return &firestorepb.Value{ValueType: &firestorepb.Value_DoubleValue{DoubleValue: r.double()}}
	case "stringValue":
		return &firestorepb.Value{ValueType: &firestorepb.Value_StringValue{StringValue: r.text()}}
	case "bytesValue":
		b, err := base64.StdEncoding.Strict().DecodeString(r.text())
		r.check(err)
		return &firestorepb.Value{ValueType: &firestorepb.Value_BytesValue{BytesValue: b}}
	default:
		return r.rare(kind, depth)
	}
}

// rare reads the other kinds of values.
func (r *reader) rare(kind string, depth int) *firestorepb.Value {
	switch kind {
	case "timestampValue":
		at, err := time.Parse(time.RFC3339Nano, r.text())
		r.check(err)
		return &firestorepb.Value{ValueType: &firestorepb.Value_TimestampValue{TimestampValue: timestamppb.New(at)}}
	case "referenceValue":
		name := r.text()
		if !strings.HasPrefix(name, "projects/") || !strings.Contains(name, "/databases/") {
			name = string(r.root) + name
		}
		return &firestorepb.Value{ValueType: &firestorepb.Value_ReferenceValue{ReferenceValue: name}}
	case "geoPointValue":
		r.expect('{')
		r.member("latitude")
		latitude := r.double()
		r.member("longitude")
		longitude := r.double()
		r.expect('}')
		return geo(latitude, longitude)
	case "arrayValue":
		r.expect('[')
		list := &firestorepb.ArrayValue{}
		for r.more(']') {
			list.Values = append(list.Values, r.value(depth+1))
		}
		r.expect(']')
		return &firestorepb.Value{ValueType: &firestorepb.Value_ArrayValue{ArrayValue: list}}
	case "mapValue":
		return &firestorepb.Value{ValueType: &firestorepb.Value_MapValue{MapValue: &firestorepb.MapValue{Fields: r.fields(depth + 1)}}}
	default:
		r.fail(fmt.Errorf("%.40q is no kind of value", kind))
		return nil
	}
}

func (r *reader) check(err error) {
	if err != nil {
		r.fail(err)
	}
}

func (r *reader) double() float64 {
	t := r.token()
	if r.err != nil {
		return 0
	}
	switch t.Kind() {
	case '0':
		f, err := strconv.ParseFloat(t.String(), 64)
		r.check(err)
		return f
	case '"':
		return r.special(t.String())
	default:
		r.fail(fmt.Errorf("%s is no number", t.Kind()))
		return 0
	}
}

func (r *reader) special(text string) float64 {
	switch text {
	case "NaN":
		return math.Float64frombits(plainNaN)
	case "Infinity":
		return math.Inf(1)
	case "-Infinity":
		return math.Inf(-1)
	}
	digits, ok := strings.CutPrefix(text, "NaN(")
	digits, closed := strings.CutSuffix(digits, ")")
	bits, err := strconv.ParseUint(digits, 16, 64)
	if f := math.Float64frombits(bits); ok && closed && err == nil && len(digits) == 16 && math.IsNaN(f) {
		return f
	}
	r.fail(fmt.Errorf("%.40q is no number", text))
	return 0
}
