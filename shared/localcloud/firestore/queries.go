package firestore

import (
	"cloud.google.com/go/firestore/apiv1/firestorepb"

	"ryggrad.internal/hub/shared/localcloud/firestore/fieldpath"
	"ryggrad.internal/hub/shared/localcloud/firestore/query"
)

// RunQuery implements google.firestore.v1.Firestore.
func (s *Server) RunQuery(req *firestorepb.RunQueryRequest, stream firestorepb.Firestore_RunQueryServer) error {
	if req.GetStructuredQuery() == nil {
		return invalid("only structured queries are supported")
	}
	p, v, err := s.plan(req.GetParent(), req.GetStructuredQuery(), req)
	if err != nil {
		return err
	}
	if v.begun {
		if err := stream.Send(&firestorepb.RunQueryResponse{Transaction: v.begunID()}); err != nil {
			return err
		}
	}
	return v.sendHits(p, stream)
}

// plan opens a query with what it reads.
func (s *Server) plan(parent string, q *firestorepb.StructuredQuery, req consistency, summed ...fieldpath.Path) (*query.Plan, view, error) {
	d, path, err := s.parent(parent)
	if err != nil {
		return nil, view{}, err
	}
	p, err := query.Compile(d.name, path, q, summed...)
	if err != nil {
		return nil, view{}, err
	}
	if s.opts.Indexes != nil {
		if err := s.opts.Indexes.Check(p); err != nil {
			return nil, view{}, err
		}
	}
	v, err := s.view(d, req)
	if err != nil {
		return nil, view{}, err
	}
	d.index(p)
	v.tx.sawQuery(p)
	return p, v, nil
}

func (v view) sendHits(p *query.Plan, stream firestorepb.Firestore_RunQueryServer) error {
	readTime := timestamp(v.at)
	next := &firestorepb.RunQueryResponse{ReadTime: readTime, SkippedResults: int32(p.Offset)} //nolint:gosec // it came as one
	for h := range v.database.run(p, v.at) {
		if next.Document != nil {
			if err := stream.Send(next); err != nil {
				return err
			}
			next = &firestorepb.RunQueryResponse{ReadTime: readTime}
		}
		var err error
		if next.Document, err = message(h.doc, h.version, p.Projection); err != nil {
			return err
		}
	}
	if next.Document == nil {
		next.SkippedResults = 0
	}
	next.ContinuationSelector = &firestorepb.RunQueryResponse_Done{Done: true}
	return stream.Send(next)
}

// RunAggregationQuery implements google.firestore.v1.Firestore.
func (s *Server) RunAggregationQuery(req *firestorepb.RunAggregationQueryRequest, stream firestorepb.Firestore_RunAggregationQueryServer) error {
	q := req.GetStructuredAggregationQuery()
	if q.GetStructuredQuery() == nil {
		return invalid("structured_query is required.")
	}
	sums, err := aggregates(q.GetAggregations())
	if err != nil {
		return err
	}
	p, v, err := s.plan(req.GetParent(), q.GetStructuredQuery(), req, summed(sums)...)
	if err != nil {
		return err
	}
	if v.begun {
		if err := stream.Send(&firestorepb.RunAggregationQueryResponse{Transaction: v.begunID()}); err != nil {
			return err
		}
	}
	for h := range v.database.run(p, v.at) {
		addAll(sums, h.version.fields)
	}
	result := &firestorepb.AggregationResult{AggregateFields: map[string]*firestorepb.Value{}}
	for _, a := range sums {
		result.AggregateFields[a.alias] = a.value()
	}
	return stream.Send(&firestorepb.RunAggregationQueryResponse{Result: result, ReadTime: timestamp(v.at)})
}
