// Package line writes documents of Firestore as lines of JSON and reads them back without losing anything: the types of
// values are those of Firestore's own REST interface, so that a line can be read by any tool that knows it.
//
//	{"name":"orders/ord_…","fields":{"n":{"integerValue":"7"},"at":{"timestampValue":"2026-03-01T12:00:00.000001Z"}}}
//
// A document has one line: fields are in the order of their names, and every value has one spelling. NaN, Infinity and
// -Infinity are texts, -0 is -0, and a NaN of other bits than 0x7ff8000000000001 has them in parentheses. References
// into the document's own database begin below its root and are re-rooted where they are restored. The times of creation
// and of the last write are not kept: the database sets them itself.
package line

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/genproto/googleapis/type/latlng"
)

// maxDepth is how deep values are nested at most; Firestore allows 20.
const maxDepth = 40

// plainNaN are the bits of Go's NaN, which is written without them.
const plainNaN = 0x7ff8000000000001

// Root is what the names of a database's documents begin with: projects/P/databases/D/documents/.
type Root string

// RootOf returns the root of a database.
func RootOf(project, database string) Root {
	return Root("projects/" + project + "/databases/" + database + "/documents/")
}

// Append appends a document's line, without a newline.
func Append(b []byte, root Root, doc *firestorepb.Document) ([]byte, error) {
	path, ok := strings.CutPrefix(doc.GetName(), string(root))
	if !ok {
		return nil, fmt.Errorf("write %s: it is not in %s", doc.GetName(), root)
	}
	w := writer{b: b, root: root}
	w.raw(`{"name":`)
	w.text(path)
	w.raw(`,"fields":`)
	w.fields(doc.GetFields(), 0)
	w.raw(`}`)
	if w.err != nil {
		return nil, fmt.Errorf("write %s: %w", path, w.err)
	}
	return w.b, nil
}

type writer struct {
	b    []byte
	root Root
	err  error
}

func (w *writer) raw(s string) { w.b = append(w.b, s...) }

func (w *writer) text(s string) {
	b, err := jsontext.AppendQuote(w.b, s)
	if err != nil {
		w.err = errors.Join(w.err, err)
		return
	}
	w.b = b
}

func (w *writer) fields(fields map[string]*firestorepb.Value, depth int) {
	w.raw(`{`)
	for i, name := range slices.Sorted(maps.Keys(fields)) {
		if i > 0 {
			w.raw(`,`)
		}
		w.text(name)
		w.raw(`:`)
		w.value(fields[name], depth)
	}
	w.raw(`}`)
}

func (w *writer) value(v *firestorepb.Value, depth int) {
	if depth > maxDepth {
		w.err = errors.New("values are nested too deep")
		return
	}
	switch v := v.GetValueType().(type) {
	case *firestorepb.Value_NullValue:
		w.raw(`{"nullValue":null}`)
	case *firestorepb.Value_BooleanValue:
		w.raw(`{"booleanValue":` + strconv.FormatBool(v.BooleanValue) + `}`)
	case *firestorepb.Value_IntegerValue:
		w.raw(`{"integerValue":"`)
		w.b = strconv.AppendInt(w.b, v.IntegerValue, 10)
		w.raw(`"}`)
	case *firestorepb.Value_DoubleValue:
		w.raw(`{"doubleValue":`)
		w.double(v.DoubleValue)
		w.raw(`}`)
	case *firestorepb.Value_StringValue:
		w.raw(`{"stringValue":`)
		w.text(v.StringValue)
		w.raw(`}`)
	case *firestorepb.Value_BytesValue:
		w.raw(`{"bytesValue":"`)
		w.b = base64.StdEncoding.AppendEncode(w.b, v.BytesValue)
		w.raw(`"}`)
	default:
		w.rare(v, depth)
	}
}

// rare writes the other kinds of values.
func (w *writer) rare(v any, depth int) {
	switch v := v.(type) {
	case *firestorepb.Value_TimestampValue:
		w.raw(`{"timestampValue":"`)
		w.time(v.TimestampValue.AsTime(), v.TimestampValue.CheckValid())
		w.raw(`"}`)
	case *firestorepb.Value_ReferenceValue:
		w.raw(`{"referenceValue":`)
		w.text(strings.TrimPrefix(v.ReferenceValue, string(w.root)))
		w.raw(`}`)
	case *firestorepb.Value_GeoPointValue:
		w.raw(`{"geoPointValue":{"latitude":`)
		w.double(v.GeoPointValue.GetLatitude())
		w.raw(`,"longitude":`)
		w.double(v.GeoPointValue.GetLongitude())
		w.raw(`}}`)
	case *firestorepb.Value_ArrayValue:
		w.raw(`{"arrayValue":[`)
		for i, one := range v.ArrayValue.GetValues() {
			if i > 0 {
				w.raw(`,`)
			}
			w.value(one, depth+1)
		}
		w.raw(`]}`)
	case *firestorepb.Value_MapValue:
		w.raw(`{"mapValue":`)
		w.fields(v.MapValue.GetFields(), depth+1)
		w.raw(`}`)
	default:
		w.err = fmt.Errorf("a %T is not a value of a document", v)
	}
}

func (w *writer) time(at time.Time, invalid error) {
	if invalid != nil {
		w.err = errors.Join(w.err, invalid)
	}
	w.b = at.AppendFormat(w.b, time.RFC3339Nano)
}

func (w *writer) double(f float64) {
	switch {
	case math.Float64bits(f) == plainNaN:
		w.raw(`"NaN"`)
	case math.IsNaN(f):
		w.raw(fmt.Sprintf(`"NaN(%016x)"`, math.Float64bits(f)))
	case math.IsInf(f, 1):
		w.raw(`"Infinity"`)
	case math.IsInf(f, -1):
		w.raw(`"-Infinity"`)
	default:
		w.b = strconv.AppendFloat(w.b, f, 'g', -1, 64)
	}
}

// Name returns the collection and the id of a line's document, without reading the rest of it.
func Name(l []byte) (collection, id string, err error) {
	const before = `{"name":"`
	rest, ok := strings.CutPrefix(string(l[:min(len(l), 4096)]), before)
	name, _, ended := strings.Cut(rest, `"`)
	if !ok || !ended || strings.Contains(name, `\`) {
		return nameOf(l)
	}
	return split(name)
}

// nameOf reads a name that is not as plain as most.
func nameOf(l []byte) (collection, id string, err error) {
	r := newReader(l, "")
	r.expect('{')
	r.member("name")
	name := r.text()
	if r.err != nil {
		return "", "", fmt.Errorf("read a line: %w", r.err)
	}
	return split(name)
}

func split(name string) (collection, id string, err error) {
	collection, id, ok := strings.Cut(name, "/")
	if !ok || collection == "" || id == "" {
		return "", "", errors.New("read a line: it has no document's name")
	}
	return collection, id, nil
}

// geo makes a geo point.
func geo(latitude, longitude float64) *firestorepb.Value {
	return &firestorepb.Value{ValueType: &firestorepb.Value_GeoPointValue{GeoPointValue: &latlng.LatLng{Latitude: latitude, Longitude: longitude}}}
}
