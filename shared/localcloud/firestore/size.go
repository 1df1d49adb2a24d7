package firestore

import (
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"ryggrad.internal/hub/shared/localcloud/firestore/wire"
)

// The limits of production (https://firebase.google.com/docs/firestore/quotas#limits), in bytes.
const (
	maxDocument = 1 << 20
	maxValue    = maxDocument - 89
	maxRequest  = 10 << 20
)

// requestSize measures a request, and refuses one that is too large. Below a number of writes none can be, because documents
// are limited: its size is 0.
func requestSize(req proto.Message, writes int) (int, error) {
	if writes <= surelySmall {
		return 0, nil
	}
	size := proto.Size(req)
	if size > maxRequest {
		return 0, invalid("Request payload size exceeds the limit: %d bytes.", maxRequest)
	}
	return size, nil
}

// surelySmall is how many documents always have room in a commit.
const surelySmall = maxRequest/maxDocument - 1

// errTooBig is what production says of a commit whose deletions are too large.
var errTooBig = status.Error(codes.InvalidArgument, "Transaction too big. Decrease transaction size.")

// checkDeleted refuses a commit that deletes too much: production counts what it deletes with its whole size, beside the
// request.
func (b *batch) checkDeleted(request int) error {
	if len(b.staged) <= surelySmall {
		return nil
	}
	size := request
	for _, s := range b.staged {
		if s.now != nil && s.now.deleted && s.before != nil && !s.before.deleted {
			size += documentSize(s.name, s.before.fields)
		}
	}
	if size > maxRequest {
		return errTooBig
	}
	return nil
}

// checkSize refuses a document that is too large.
func checkSize(name string, fields wire.Fields) error {
	const atMostTimes = 6 // what the billed size can be of the encoded one
	if len(fields) < maxDocument/atMostTimes {
		return nil
	}
	for field, v := range fields.All() {
		if valueSize(v) > maxValue {
			return invalid("The value of property %q is longer than %d bytes.", field, maxValue)
		}
	}
	if size := documentSize(name, fields); size > maxDocument {
		return invalid("Document %q cannot be written because its size (%d bytes) exceeds the maximum allowed size of %d bytes.",
			name, size, maxDocument)
	}
	return nil
}

// documentSize is what production bills for a document (https://firebase.google.com/docs/firestore/storage-size).
func documentSize(name string, fields wire.Fields) int {
	size := nameSize(name) + emptyDocument
	for field, v := range fields.All() {
		size += len(field) + 1 + valueSize(v)
	}
	return size
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
