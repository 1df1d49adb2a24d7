package envelope

import (
	"encoding/binary"
	"errors"
)

// version is the first byte of everything sealed here; doc.go describes what it stands for.
const version = 1

// ErrDamaged says that bytes are not what this package writes: cut short, or of a version it does not know.
var ErrDamaged = errors.New("envelope: not sealed bytes of a known version")

// ErrRefused says that sealed bytes do not open here: they were changed, sealed for another place, or by another key.
var ErrRefused = errors.New("envelope: sealed for another place, by another key, or changed")

// ErrUnbound says that a [Binding] leaves a part of the place open, or names another tenant than the key's.
var ErrUnbound = errors.New("envelope: the binding must name the key's tenant, a collection, a document and a field")

// Binding is the one place that sealed bytes are good for. All four parts are required.
type Binding struct {
	Tenant     string // tenant id
	Collection string // id of the Firestore collection, as in `orders`
	Document   string // document id
	Field      string // field of the document
}

func (b Binding) complete() bool {
	return b.Tenant != "" && b.Collection != "" && b.Document != "" && b.Field != ""
}

// purpose keeps bytes made for one use from being taken for another. The numbers are part of the format.
type purpose byte

const (
	forContent  purpose = 1
	forDataKey  purpose = 2
	forSecret   purpose = 3
	forIndexKey purpose = 4
	forDigest   purpose = 5
)

// associated returns the associated data of doc.go.
func (b Binding) associated(p purpose, header []byte) []byte {
	const lengths = 5 * 4
	size := 1 + lengths + len(header) + len(b.Tenant) + len(b.Collection) + len(b.Document) + len(b.Field)
	data := make([]byte, 0, size)
	data = append(data, byte(p))
	data = appendPart(data, header)
	data = appendPart(data, b.Tenant)
	data = appendPart(data, b.Collection)
	data = appendPart(data, b.Document)
	return appendPart(data, b.Field)
}

func appendPart[T string | []byte](data []byte, part T) []byte {
	data = binary.BigEndian.AppendUint32(data, uint32(len(part))) //nolint:gosec // names and headers are far below 4 GiB
	return append(data, part...)
}
