package firestore

import (
	"strings"

	"google.golang.org/protobuf/proto"

	"ryggrad.internal/hub/shared/localcloud/firestore/wire"
)

// The limits of production (https://firebase.google.com/docs/firestore/quotas#limits), in bytes.
const (
	maxDocument = 1 << 20
	maxValue    = maxDocument - 89
	maxRequest  = 10 << 20
)

// checkRequest refuses a request that is too large. Below a number of writes none can be, because documents are limited.
func checkRequest(req proto.Message, writes int) error {
	const surelySmall = maxRequest/maxDocument - 1
	if writes > surelySmall && proto.Size(req) > maxRequest {
		return invalid("Request payload size exceeds the limit: %d bytes.", maxRequest)
	}
	return nil
}

// checkSize refuses a document that is too large, by the size that production bills
// (https://firebase.google.com/docs/firestore/storage-size).
func checkSize(name string, fields wire.Fields) error {
	const atMostTimes = 6 // what the billed size can be of the encoded one
	if len(fields) < maxDocument/atMostTimes {
		return nil
	}
	size := nameSize(name) + emptyDocument
	for field, v := range fields.All() {
		n := valueSize(v)
		if n > maxValue {
			return invalid("The value of property %q is longer than %d bytes.", field, maxValue)
		}
		size += len(field) + 1 + n
	}
	if size > maxDocument {
		return invalid("Document %q cannot be written because its size (%d bytes) exceeds the maximum allowed size of %d bytes.",
			name, size, maxDocument)
	}
	return nil
}

// emptyDocument is what every document, and every map, is billed beyond its content.
const emptyDocument = 32

func nameSize(name string) int {
	_, path, _ := strings.Cut(name, "/documents/")
	return len(path) + 1 + 16
}

func valueSize(v wire.Value) int {
	kind, _, payload := v.Kind()
	switch kind {
	case wire.Null, wire.Boolean:
		return 1
	case wire.GeoPoint:
		return 16
	case wire.String:
		return len(payload) + 1
	case wire.Bytes:
		return len(payload)
	case wire.Reference:
		return nameSize(string(payload))
	case wire.Array:
		return sum(payload)
	case wire.Map:
		size := 0
		for name, field := range wire.Entries(payload) {
			size += len(name) + 1 + valueSize(field)
		}
		return size + emptyDocument
	default:
		return numberSize
	}
}

const numberSize = 8

func sum(array []byte) int {
	size := 0
	for element := range wire.Elements(array) {
		size += valueSize(element)
	}
	return size
}
