package ledgerdb

import (
	"iter"

	"ryggrad.internal/hub/shared/gcp/encode"
)

// deletedBytes is how large the documents are that one commit deletes. Firestore counts them, and their entries in indexes,
// toward the 10 MiB of a commit; the entries are not measured here, and have the rest.
const deletedBytes = 4 << 20

// Portions cuts objects into what one commit can delete: at most most of them, and about 4 MiB of documents.
func Portions(objects []Object, most int) iter.Seq[[]Object] {
	return func(yield func([]Object) bool) {
		var room []byte
		begun, size := 0, 0
		for i, o := range objects {
			var n int
			n, room = measure(o, room)
			if i-begun == most || (size+n > deletedBytes && i > begun) {
				if !yield(objects[begun:i]) {
					return
				}
				begun, size = i, 0
			}
			size += n
		}
		if begun < len(objects) {
			yield(objects[begun:])
		}
	}
}

// measure tells how large an object's fields are, encoded in the room.
func measure(o Object, room []byte) (int, []byte) {
	all, err := encode.AppendFields(room[:0], o.Fields)
	if err != nil { // of a kind that the hub does not write
		return deletedBytes, room
	}
	return len(all), all
}
