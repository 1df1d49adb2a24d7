package backupdb

import (
	"context"
	"crypto/sha256"
	"errors"

	"ryggrad.internal/hub/shared/backup"
	"ryggrad.internal/hub/shared/backup/line"
)

// overlay knows, of a chain, in which run the newest version of every document is that the incremental runs changed. A
// document that it doesn't know is as the full run has it.
type overlay map[[16]byte]newestIn

// newestIn is where a document's newest version is.
type newestIn struct {
	run     uint8 // of the chain
	deleted bool
}

func keyOf(collection, id string) [16]byte {
	sum := sha256.Sum256([]byte(collection + "/" + id))
	return [16]byte(sum[:16])
}

// collectionTombstones holds the traces of what code deleted.
const collectionTombstones = "tombstones"

// see notes a line of a run. A document of a run that has its tombstone too was made again after it was deleted.
func (o overlay) see(run uint8, l []byte, mine func(collection, id string) bool) error {
	collection, id, err := line.Name(l)
	if err != nil {
		return err
	}
	if mine(collection, id) {
		o[keyOf(collection, id)] = newestIn{run: run}
	}
	if collection != collectionTombstones {
		return nil
	}
	doc, err := line.Parse(l, "")
	if err != nil {
		return err
	}
	collection, id, ok := cutObject(doc.GetFields()["object"].GetStringValue())
	if !ok {
		return errors.New("a tombstone names no document")
	}
	if key := keyOf(collection, id); mine(collection, id) {
		if there, known := o[key]; !known || there.run < run {
			o[key] = newestIn{run: run, deleted: true}
		}
	}
	return nil
}

func cutObject(object string) (collection, id string, ok bool) {
	for i := range object {
		if object[i] == '/' {
			return object[:i], object[i+1:], i > 0 && i < len(object)-1
		}
	}
	return "", "", false
}

// newest tells whether a run's version of a document is the newest one.
func (o overlay) newest(run uint8, collection, id string) bool {
	if len(o) == 0 {
		return true
	}
	there, known := o[keyOf(collection, id)]
	if !known {
		return run == 0
	}
	return there.run == run && !there.deleted
}

// overlayOf reads the incremental runs of a chain, for the documents that are mine.
func overlayOf(ctx context.Context, v Vault, chain backup.Chain, mine func(collection, id string) bool) (overlay, error) {
	o := overlay{}
	for i, m := range chain[1:] {
		for _, f := range m.Files {
			err := v.Lines(ctx, m, f, func(l []byte) error { return o.see(uint8(i+1), l, mine) }) //nolint:gosec // a chain is short
			if err != nil {
				return nil, err
			}
		}
	}
	return o, nil
}
