package firestore

import (
	"errors"

	"google.golang.org/protobuf/encoding/protowire"

	"ryggrad.internal/hub/shared/localcloud/firestore/sortkey"
	"ryggrad.internal/hub/shared/localcloud/firestore/wire"
	"ryggrad.internal/hub/shared/localcloud/journal"
)

// The fields of a record: what a commit left behind, not what it was asked. A record is a protocol buffer.
const (
	recordDatabase protowire.Number = 1 // resource name
	recordEntry    protowire.Number = 2 // repeated: one version of one document

	entryPath    protowire.Number = 1 // below the database's documents
	entryAt      protowire.Number = 2 // commit time, µs
	entryCreated protowire.Number = 3 // create time, µs
	entryFields  protowire.Number = 4 // the encoded fields; absent in a deletion
	entryDeleted protowire.Number = 5 // 1 for a deletion
)

var errRecord = errors.New("a record's checksum is right, but its content cannot be read")

func (d *database) beginRecord(dst []byte) []byte {
	dst = protowire.AppendTag(dst, recordDatabase, protowire.BytesType)
	return protowire.AppendString(dst, d.name)
}

func (d *database) appendEntry(dst []byte, name string, v *version) []byte {
	path := name[len(d.prefix):]
	size := len(path) + len(v.fields) + 48 // more than the rest can need
	entry := make([]byte, 0, size)
	entry = protowire.AppendTag(entry, entryPath, protowire.BytesType)
	entry = protowire.AppendString(entry, path)
	entry = appendNumber(entry, entryAt, v.at)
	entry = appendNumber(entry, entryCreated, v.created)
	if v.deleted {
		entry = appendNumber(entry, entryDeleted, 1)
	} else {
		entry = protowire.AppendTag(entry, entryFields, protowire.BytesType)
		entry = protowire.AppendBytes(entry, v.fields)
	}
	dst = protowire.AppendTag(dst, recordEntry, protowire.BytesType)
	return protowire.AppendBytes(dst, entry)
}

func appendNumber(dst []byte, field protowire.Number, n int64) []byte {
	dst = protowire.AppendTag(dst, field, protowire.VarintType)
	return protowire.AppendVarint(dst, uint64(n)) //nolint:gosec // two's complement
}

// recover opens the journal and installs all that it holds.
func (s *Server) recover() error {
	j, cut, err := journal.Open(s.opts.Dir, s.replay)
	if err != nil {
		return err
	}
	if cut > 0 {
		s.opts.Log.Warn("the torn end of the journal was cut off: commits that were never answered", "bytes", cut)
	}
	s.journal = j
	for _, d := range s.databases {
		d.journal = j
		d.visible.Store(d.last)
	}
	return nil
}

// replay installs a record. Versions that are there already are passed over: a snapshot and a segment may overlap.
func (s *Server) replay(record []byte) error {
	var d *database
	return eachField(record, func(field protowire.Number, _ uint64, content []byte) error {
		switch field {
		case recordDatabase:
			d = s.database(string(content))
		case recordEntry:
			if d == nil {
				return errRecord
			}
			return d.replay(content)
		default: // of a later format
		}
		return nil
	})
}

func (d *database) replay(entry []byte) error {
	var path string
	v := &version{}
	err := eachField(entry, func(field protowire.Number, number uint64, content []byte) error {
		switch field {
		case entryPath:
			path = string(content)
		case entryAt:
			v.at = int64(number) //nolint:gosec // two's complement
		case entryCreated:
			v.created = int64(number) //nolint:gosec // two's complement
		case entryFields:
			v.fields = append(wire.Fields{}, content...)
		case entryDeleted:
			v.deleted = true
		default: // of a later format
		}
		return nil
	})
	if err != nil || path == "" {
		return errRecord
	}
	key := string(sortkey.AppendPath(nil, path))
	node, place := d.docs.Find(key)
	if node != nil && node.Value.latest.Load().at >= v.at {
		return nil
	}
	d.install(place, key, d.prefix+path, v)
	d.last = max(d.last, v.at)
	return nil
}

func eachField(message []byte, take func(field protowire.Number, number uint64, content []byte) error) error {
	for b := message; len(b) > 0; {
		field, shape, n := protowire.ConsumeTag(b)
		if n < 0 {
			return errRecord
		}
		var number uint64
		var content []byte
		var size int
		if shape == protowire.BytesType {
			content, size = protowire.ConsumeBytes(b[n:])
		} else {
			number, size = protowire.ConsumeVarint(b[n:])
		}
		if size < 0 {
			return errRecord
		}
		if err := take(field, number, content); err != nil {
			return err
		}
		b = b[n+size:]
	}
	return nil
}
