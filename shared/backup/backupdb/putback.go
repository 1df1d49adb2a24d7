package backupdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"cloud.google.com/go/firestore"
	"cloud.google.com/go/firestore/apiv1/firestorepb"

	"ryggrad.internal/hub/shared"
	"ryggrad.internal/hub/shared/backup"
	"ryggrad.internal/hub/shared/backup/line"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// Choice says what is brought back.
type Choice struct {
	At          time.Time                // the newest backup at or before this moment; zero: the newest
	SetAt       map[backup.Set]time.Time // likewise, of one set alone, such as one whose newest backup is damaged
	Tenant      string                   // only what is this tenant's; empty: everybody's
	Collections []string                 // only of these; empty: of all
}

// notAfter returns the moment of a set that is asked for.
func (c Choice) notAfter(set backup.Set) time.Time {
	if at, ok := c.SetAt[set]; ok {
		return at
	}
	return c.At
}

// part tells whether something is left out.
func (c Choice) part() bool { return c.Tenant != "" || len(c.Collections) > 0 }

// in tells whether a collection is chosen.
func (c Choice) in(collection string) bool {
	return len(c.Collections) == 0 || slices.Contains(c.Collections, collection)
}

// of tells whether a document is the chosen tenant's.
func (c Choice) of(doc *firestorepb.Document) bool {
	return c.Tenant == "" || doc.GetFields()["tenant"].GetStringValue() == c.Tenant
}

// never are collections that nothing is put back into: what is missing in the log is a finding, not a gap to fill.
func never() []string { return []string{"audit", "sealBatches", "sealState", collectionTombstones} }

// puttingBack is a putting back under way.
type puttingBack struct {
	*Restorer

	by     ledgerdb.Act
	choice Choice
	now    time.Time
	erased erased
	out    Restored
	page   []*firestorepb.Document
}

// PutBack writes what a backup has and the database has not any more, into a database that lives. What is there stays as
// it is. Every object that acts write comes back by an act, which continues its chain; credentials whose deletion the
// log tells of come back disabled, see [Restorer.Confirm]. It can be repeated.
func (r *Restorer) PutBack(ctx context.Context, by ledgerdb.Act, c Choice) (Restored, error) {
	id, err := identity.NewID(restorePrefix, r.opts.Random)
	if err != nil {
		return Restored{}, err
	}
	if err := r.knows(c); err != nil {
		return Restored{}, err
	}
	p := &puttingBack{Restorer: r, by: by, choice: c, now: r.opts.Now()}
	p.out = Restored{ID: id, Moments: map[backup.Set]time.Time{}, Lost: []string{}, Disabled: []Disabled{}}
	if p.erased, err = r.readErased(ctx); err != nil {
		return p.out, err
	}
	for _, set := range backup.Sets() {
		if err := p.set(ctx, set); err != nil {
			return p.out, fmt.Errorf("put back %s: %w", set, err)
		}
	}
	if err := r.forget(ctx, by); err != nil {
		return p.out, err
	}
	p.out.Seconds = r.opts.Now().Sub(p.now).Seconds()
	act := by
	act.Tenant, act.Action = identity.Hub, "restore"
	_, err = r.opts.Ledger.Commit(ctx, act, []ledgerdb.Change{ledgerdb.Create(ledgerdb.Ref{Collection: collectionRestores, ID: id},
		map[string]any{"source": r.opts.Vault.Project, "documents": p.out.Documents, "missingOnly": true, "disabled": disabledFields(p.out.Disabled)})})
	return p.out, err
}

func (p *puttingBack) wanted(set backup.Set, collection string) bool {
	return p.choice.in(collection) && p.sets[collection] == set && !slices.Contains(never(), collection)
}

func (p *puttingBack) set(ctx context.Context, set backup.Set) error {
	if !slices.ContainsFunc(p.target.table, func(c shared.Collection) bool { return p.wanted(set, c.Name) }) {
		return nil
	}
	at, err := p.opts.Vault.Newest(ctx, set, p.choice.notAfter(set))
	if err != nil {
		return err
	}
	chain, err := p.opts.Vault.Chain(ctx, set, at)
	if err != nil {
		return err
	}
	p.out.Moments[set] = at
	n := int64(0)
	play := p.replay(chain)
	play.each = func(v version) error {
		if n++; n%1000 == 0 {
			p.opts.Tell(Tidings{Stage: string(set), Documents: n, Of: max(n, chain[0].Documents())})
		}
		if !p.wanted(set, v.collection) {
			return nil
		}
		return p.take(ctx, v)
	}
	if err := play.run(ctx); err != nil {
		return err
	}
	return p.flush(ctx)
}

// take gathers a document.
func (p *puttingBack) take(ctx context.Context, v version) error {
	doc, err := line.Parse(v.line, p.target.root())
	if err != nil {
		return err
	}
	switch {
	case !p.choice.of(doc):
		return nil
	case p.erased.names(v, doc):
		p.out.Erased++
		return nil
	case expired(doc, p.ttl[v.collection], p.now):
		p.out.Expired++
		return nil
	}
	if p.page = append(p.page, doc); len(p.page) == perCommit {
		return p.flush(ctx)
	}
	return nil
}

// flush writes those of the gathered documents that are not there.
func (p *puttingBack) flush(ctx context.Context) error {
	page := p.page
	p.page = nil
	missing, err := p.target.missing(ctx, page)
	if err != nil {
		return err
	}
	for _, doc := range missing {
		if err := p.putBack(ctx, doc); err != nil {
			return fmt.Errorf("%s: %w", doc.GetName()[len(p.target.root()):], err)
		}
		p.out.Documents++
	}
	return nil
}

// missing returns the documents that are not there now.
func (s source) missing(ctx context.Context, page []*firestorepb.Document) ([]*firestorepb.Document, error) {
	if len(page) == 0 {
		return nil, nil
	}
	request := &firestorepb.BatchGetDocumentsRequest{
		Database: "projects/" + s.project + "/databases/" + s.database, Mask: &firestorepb.DocumentMask{FieldPaths: []string{"us"}},
	}
	for _, doc := range page {
		request.Documents = append(request.Documents, doc.GetName())
	}
	stream, err := s.client.BatchGetDocuments(ctx, request)
	if err != nil {
		return nil, err
	}
	gone := map[string]bool{}
	for {
		answer, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		gone[answer.GetMissing()] = true
	}
	return slices.DeleteFunc(page, func(doc *firestorepb.Document) bool { return !gone[doc.GetName()] }), nil
}

// putBack writes a document that is not there.
func (p *puttingBack) putBack(ctx context.Context, doc *firestorepb.Document) error {
	collection, id, _ := cutObject(doc.GetName()[len(p.target.root()):])
	ref := ledgerdb.Ref{Collection: collection, ID: id}
	fields, err := goValues(doc.GetFields())
	if err != nil {
		return err
	}
	tenant, _ := fields["tenant"].(string)
	revision, acts := fields["revision"].(int64)
	for _, ours := range []string{"us", "revision", "entry", "updatedAt"} {
		delete(fields, ours)
	}
	if !acts {
		return p.opts.Ledger.Bookkeep(ctx, tenant, ledgerdb.Add(ref, fields))
	}
	prior, err := p.end(ctx, tenant, ref)
	if err != nil {
		return err
	}
	if d, credential := disablings()[collection]; credential && prior.Revision > revision {
		if d.field == "" {
			return nil
		}
		if was, _ := fields[d.field].(bool); was != d.value {
			fields[d.field] = d.value
			p.out.Disabled = append(p.out.Disabled, Disabled{Object: ref.String(), Tenant: tenant})
		}
	}
	p.out.PutBack++
	act := p.by
	act.Tenant, act.Action = tenant, "restore"
	_, err = p.opts.Ledger.Commit(ctx, act, []ledgerdb.Change{ledgerdb.Revive(prior, fields)})
	return err
}

// end finds where an object's chain ended: by its tombstone, or by the log's entries where it vanished without one.
func (p *puttingBack) end(ctx context.Context, tenant string, ref ledgerdb.Ref) (ledgerdb.Object, error) {
	prior := ledgerdb.Object{Ref: ref}
	all, err := p.opts.Ledger.List(ctx, p.opts.Ledger.Query(tenant, collectionAudit).Where("object", "==", ref.String()).
		Where("revision", ">", 0).OrderBy("revision", firestore.Asc))
	for _, o := range all {
		hash, _ := o.Fields["hash"].(string)
		if prior.Entry, err = ledger.ParseHash(hash); err != nil {
			return prior, err
		}
		prior.Revision = o.Revision
	}
	return prior, err
}

// goValues turns Firestore's values into those that documents are made of.
func goValues(fields map[string]*firestorepb.Value) (map[string]any, error) {
	out := make(map[string]any, len(fields))
	for name, v := range fields {
		one, err := goValue(v)
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", name, err)
		}
		out[name] = one
	}
	return out, nil
}

func goValue(v *firestorepb.Value) (any, error) {
	switch v := v.GetValueType().(type) {
	case *firestorepb.Value_NullValue:
		return nil, nil
	case *firestorepb.Value_BooleanValue:
		return v.BooleanValue, nil
	case *firestorepb.Value_IntegerValue:
		return v.IntegerValue, nil
	case *firestorepb.Value_DoubleValue:
		return v.DoubleValue, nil
	case *firestorepb.Value_StringValue:
		return v.StringValue, nil
	case *firestorepb.Value_BytesValue:
		return v.BytesValue, nil
	case *firestorepb.Value_TimestampValue:
		return v.TimestampValue.AsTime(), nil
	case *firestorepb.Value_MapValue:
		return goValues(v.MapValue.GetFields())
	case *firestorepb.Value_ArrayValue:
		list := make([]any, len(v.ArrayValue.GetValues()))
		for i, one := range v.ArrayValue.GetValues() {
			value, err := goValue(one)
			if err != nil {
				return nil, err
			}
			list[i] = value
		}
		return list, nil
	default:
		return nil, fmt.Errorf("a %T cannot be put back by an act; restore into a new database instead", v)
	}
}
