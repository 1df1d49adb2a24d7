package ledgerdb

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"cloud.google.com/go/firestore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"ryggrad.internal/hub/shared"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger"
)

const (
	// pageOfDocuments is how many documents are looked at together.
	pageOfDocuments = 300
	// maxLogLine is the longest line of a log that is read.
	maxLogLine = 1 << 20
)

// CheckDocuments holds every document that acts write against its newest entry, and tells what does not fit: changed
// ones, and those that no act made where acts make all. It returns how many it looked at. It reads while the hub works: a
// document that changes in between is looked at twice.
func (s *Store) CheckDocuments(ctx context.Context, tell func(what string)) (int, error) {
	all, err := shared.Collections()
	if err != nil {
		return 0, err
	}
	n := 0
	for _, c := range all {
		looked, err := s.checkCollection(ctx, c.Name, tell)
		if err != nil {
			return n, err
		}
		n += looked
	}
	return n, nil
}

// collectionMessages is the one collection in which both acts and bookkeeping make documents.
const collectionMessages = "messages"

func (s *Store) checkCollection(ctx context.Context, name string, tell func(string)) (n int, err error) {
	var without []string
	err = s.everyPage(ctx, name, func(page []*firestore.DocumentSnapshot) error {
		for _, snap := range page {
			looked, err := s.checkDocument(ctx, snap, tell)
			if err != nil {
				return err
			}
			if n += looked; looked == 0 && len(without) < mostMissing {
				without = append(without, snap.Ref.ID)
			}
		}
		return nil
	})
	if n > 0 && name != collectionMessages {
		for _, id := range without {
			tell(name + "/" + id + ": no act made it")
		}
	}
	return n, err
}

// everyPage reads a collection by its documents' names.
func (s *Store) everyPage(ctx context.Context, collection string, do func([]*firestore.DocumentSnapshot) error) error {
	q := s.opts.Firestore.Collection(collection).OrderBy(firestore.DocumentID, firestore.Asc).Limit(pageOfDocuments)
	for next := q; ; {
		page, err := next.Documents(ctx).GetAll()
		if err != nil {
			return readFault(err)
		}
		if err := do(page); err != nil {
			return err
		}
		if len(page) < pageOfDocuments {
			return nil
		}
		next = q.StartAfter(page[len(page)-1].Ref.ID)
	}
}

func (s *Store) checkDocument(ctx context.Context, snap *firestore.DocumentSnapshot, tell func(string)) (int, error) {
	head, acts := snap.Data()[fieldEntry].(string)
	if !acts || snap.Ref.Parent.ID == collectionTombstones {
		return 0, nil
	}
	what, err := s.misfit(ctx, snap, head)
	if err != nil || what == "" {
		return 1, err
	}
	again, err := snap.Ref.Get(ctx)
	if status.Code(err) == codes.NotFound {
		return 1, nil // it was removed meanwhile
	}
	if err != nil {
		return 1, readFault(err)
	}
	if !again.UpdateTime.Equal(snap.UpdateTime) {
		head, _ = again.Data()[fieldEntry].(string)
		if what, err = s.misfit(ctx, again, head); err != nil {
			return 1, err
		}
	}
	if what != "" {
		tell(fmt.Sprintf("%s/%s: %s", snap.Ref.Parent.ID, snap.Ref.ID, what))
	}
	return 1, nil
}

// misfit says what is wrong with a document, or nothing.
func (s *Store) misfit(ctx context.Context, snap *firestore.DocumentSnapshot, head string) (string, error) {
	object := snap.Ref.Parent.ID + "/" + snap.Ref.ID
	found, err := s.opts.Firestore.Collection(collectionAudit).Where(fieldHash, "==", head).Limit(1).Documents(ctx).GetAll()
	if err != nil {
		return "", readFault(err)
	}
	if len(found) == 0 {
		return "the entry that it names is not there", nil
	}
	stored := parseStored(found[0])
	e, err := ledger.Parse(stored.Bytes)
	if err != nil || ledger.HashEntry(stored.Bytes).String() != head {
		return "the bytes of its entry " + stored.ID + " were changed", nil //nolint:nilerr // it is what is told
	}
	tenant, _ := snap.Data()[fieldTenant].(string)
	revision, _ := snap.Data()[fieldRevision].(int64)
	if e.Object != object || e.Tenant != tenant || e.Revision != revision {
		return "its entry " + e.ID + " speaks of another document or revision", nil
	}
	after, err := ledger.HashDocument(snap.Data())
	if err != nil || after != e.After {
		return "it was changed behind its entry " + e.ID, nil //nolint:nilerr // it is what is told
	}
	later, err := s.Query(e.Tenant, collectionAudit).Where("object", "==", object).Where(fieldRevision, ">", revision).
		OrderBy(fieldRevision, firestore.Asc).Limit(1).Documents(ctx).GetAll()
	if err != nil {
		return "", readFault(err)
	}
	if len(later) > 0 {
		return fmt.Sprintf("it was put back to revision %d; %s tells of a later one", revision, later[0].Ref.ID), nil
	}
	return "", nil
}

// witnessLine is what [Store.Commit] tells the structured log, alone or as Cloud Logging exports it.
type witnessLine struct {
	ID      string       `json:"entry_id"`
	Hash    string       `json:"entry_hash"`
	Payload *witnessLine `json:"jsonPayload"`
}

// CheckWitness reads the lines of a structured log and tells which entries it has seen that are not there, or are
// another. It returns how many lines spoke of entries. Lines of anything else are passed over.
func (s *Store) CheckWitness(ctx context.Context, log io.Reader, tell func(what string)) (int, error) {
	lines := bufio.NewScanner(log)
	lines.Buffer(make([]byte, 64<<10), maxLogLine)
	n, waiting := 0, []witnessLine(nil)
	for lines.Scan() {
		var l witnessLine
		if json.Unmarshal(lines.Bytes(), &l) != nil {
			continue
		}
		if l.Payload != nil {
			l = *l.Payload
		}
		if !identity.WellFormed("ent_", l.ID) || l.Hash == "" {
			continue
		}
		n++
		if waiting = append(waiting, l); len(waiting) == pageOfDocuments {
			if err := s.checkWitness(ctx, waiting, tell); err != nil {
				return n, err
			}
			waiting = waiting[:0]
		}
	}
	if err := lines.Err(); err != nil {
		return n, fmt.Errorf("read the log: %w", err)
	}
	return n, s.checkWitness(ctx, waiting, tell)
}

func (s *Store) checkWitness(ctx context.Context, lines []witnessLine, tell func(string)) error {
	if len(lines) == 0 {
		return nil
	}
	ids := make([]string, len(lines))
	for i, l := range lines {
		ids[i] = l.ID
	}
	found, err := s.EntriesByID(ctx, ids)
	if err != nil {
		return err
	}
	for i, l := range lines {
		switch {
		case found[i].ID == "":
			tell("the entry " + l.ID + " was committed, says the log of the functions, and is not there")
		case ledger.HashEntry(found[i].Bytes).String() != l.Hash:
			tell("the entry " + l.ID + " is not the one that was committed, says the log of the functions")
		}
	}
	return nil
}
