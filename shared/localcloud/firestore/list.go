package firestore

import (
	"context"
	"encoding/base64"
	"strings"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"ryggrad.internal/hub/shared/localcloud/firestore/query"
	"ryggrad.internal/hub/shared/localcloud/firestore/resource"
	"ryggrad.internal/hub/shared/localcloud/firestore/sortkey"
)

// defaultPage is the size of a page that the request leaves open, maxPage the largest.
const (
	defaultPage = 100
	maxPage     = 300
)

func pageSize(asked int32) (int, error) {
	switch {
	case asked < 0:
		return 0, invalid("Page size must be nonnegative.")
	case asked == 0:
		return defaultPage, nil
	default:
		return min(int(asked), maxPage), nil
	}
}

// A page token is the key of the last item of the page before.
func pageToken(key string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(tokenMark + key))
}

// tokenMark begins every page token, so that others are told from it.
const tokenMark = "after:"

func parsePageToken(token string) (string, error) {
	if token == "" {
		return "", nil
	}
	text, err := base64.RawURLEncoding.DecodeString(token)
	key, marked := strings.CutPrefix(string(text), tokenMark)
	if err != nil || !marked {
		return "", invalid("invalid page token")
	}
	return key, nil
}

// ListDocuments implements google.firestore.v1.Firestore.
func (s *Server) ListDocuments(_ context.Context, req *firestorepb.ListDocumentsRequest) (*firestorepb.ListDocumentsResponse, error) {
	q, err := listQuery(req)
	if err != nil {
		return nil, err
	}
	mask, err := readMask(req.GetMask())
	if err != nil {
		return nil, err
	}
	p, v, err := s.plan(req.GetParent(), q, req)
	if err != nil {
		return nil, err
	}
	p.Projection = mask
	size, err := pageSize(req.GetPageSize())
	if err != nil {
		return nil, err
	}
	after, err := parsePageToken(req.GetPageToken())
	if err != nil {
		return nil, err
	}
	if req.GetShowMissing() {
		return v.listWithMissing(p, size, after)
	}
	return v.list(p, size, after)
}

// listQuery is the query that a listing stands for.
func listQuery(req *firestorepb.ListDocumentsRequest) (*firestorepb.StructuredQuery, error) {
	if req.GetCollectionId() != "" {
		if err := resource.CheckCollection(req.GetCollectionId()); err != nil {
			return nil, refuse(err)
		}
	}
	if req.GetShowMissing() && req.GetOrderBy() != "" {
		return nil, invalid("cannot specify an order when show_missing is true")
	}
	q := &firestorepb.StructuredQuery{
		From: []*firestorepb.StructuredQuery_CollectionSelector{{CollectionId: req.GetCollectionId()}},
	}
	if req.GetOrderBy() == "" {
		return q, nil
	}
	for text := range strings.SplitSeq(req.GetOrderBy(), ",") {
		words := strings.Fields(text)
		if len(words) == 0 || len(words) > 2 || (len(words) == 2 && words[1] != "desc" && words[1] != "asc") {
			return nil, invalid("Invalid order by clause %q.", req.GetOrderBy())
		}
		order := &firestorepb.StructuredQuery_Order{
			Field: &firestorepb.StructuredQuery_FieldReference{FieldPath: words[0]}, Direction: firestorepb.StructuredQuery_ASCENDING}
		if len(words) == 2 && words[1] == "desc" {
			order.Direction = firestorepb.StructuredQuery_DESCENDING
		}
		q.OrderBy = append(q.OrderBy, order)
	}
	return q, nil
}

func (v view) list(p *query.Plan, size int, after string) (*firestorepb.ListDocumentsResponse, error) {
	answer := &firestorepb.ListDocumentsResponse{}
	last := ""
	for h := range v.database.ordered(p, v.at) {
		if string(h.sort) <= after && after != "" {
			continue
		}
		if len(answer.Documents) == size {
			answer.NextPageToken = pageToken(last)
			break
		}
		m, err := message(h.doc, h.version, p.Projection)
		if err != nil {
			return nil, err
		}
		answer.Documents = append(answer.Documents, m)
		last = string(h.sort)
	}
	return answer, nil
}

// listWithMissing lists also the documents that do not exist, but have documents below them.
func (v view) listWithMissing(p *query.Plan, size int, after string) (*firestorepb.ListDocumentsResponse, error) {
	answer := &firestorepb.ListDocumentsResponse{}
	last := ""
	prefix := p.Parent
	for n := v.database.docs.Seek(max(prefix, after)); n != nil && strings.HasPrefix(n.Key(), prefix); {
		child := sortkey.FirstChild(n.Key(), prefix)
		if n.Value.at(v.at) == nil || child <= after {
			n = n.Next()
			continue
		}
		if len(answer.Documents) == size {
			answer.NextPageToken = pageToken(last)
			break
		}
		m, err := v.present(child, n.Value, n.Key() == child, p)
		if err != nil {
			return nil, err
		}
		answer.Documents = append(answer.Documents, m)
		last = child
		n = v.database.docs.Seek(child + "\xff")
	}
	return answer, nil
}

// present is a document of a listing: one that exists, or the missing one above one that exists.
func (v view) present(child string, doc *document, exists bool, p *query.Plan) (*firestorepb.Document, error) {
	if exists {
		return message(doc, doc.at(v.at), p.Projection)
	}
	ids := strings.Count(child, "\x00\x01")
	path := strings.SplitN(strings.TrimPrefix(doc.name, v.database.prefix), "/", ids+1)
	return &firestorepb.Document{Name: v.database.prefix + strings.Join(path[:ids], "/")}, nil
}

// ListCollectionIds implements google.firestore.v1.Firestore.
func (s *Server) ListCollectionIds( //nolint:revive // the name of the RPC
	_ context.Context, req *firestorepb.ListCollectionIdsRequest) (*firestorepb.ListCollectionIdsResponse, error) {
	d, path, err := s.parent(req.GetParent())
	if err != nil {
		return nil, err
	}
	size, err := pageSize(req.GetPageSize())
	if err != nil {
		return nil, err
	}
	after, err := parsePageToken(req.GetPageToken())
	if err != nil {
		return nil, err
	}
	v, err := s.view(d, atTime{req})
	if err != nil {
		return nil, err
	}
	return v.collectionIDs(path, size, after), nil
}

// atTime is a request that cannot be part of a transaction.
type atTime struct {
	*firestorepb.ListCollectionIdsRequest
}

func (atTime) GetTransaction() []byte { return nil }

func (r atTime) GetReadTime() *timestamppb.Timestamp { return r.ListCollectionIdsRequest.GetReadTime() }

func (v view) collectionIDs(parent string, size int, after string) *firestorepb.ListCollectionIdsResponse {
	answer := &firestorepb.ListCollectionIdsResponse{}
	prefix := string(sortkey.AppendPath(nil, parent))
	depth := 0
	if parent != "" {
		depth = strings.Count(parent, "/") + 1
	}
	last := ""
	from := prefix
	if after != "" {
		from = after + "\xff"
	}
	for n := v.database.docs.Seek(from); n != nil && strings.HasPrefix(n.Key(), prefix); {
		if n.Key() == prefix || n.Value.at(v.at) == nil {
			n = n.Next()
			continue
		}
		if len(answer.CollectionIds) == size {
			answer.NextPageToken = pageToken(last)
			break
		}
		last = sortkey.FirstChild(n.Key(), prefix)
		answer.CollectionIds = append(answer.CollectionIds, strings.Split(strings.TrimPrefix(n.Value.name, v.database.prefix), "/")[depth])
		n = v.database.docs.Seek(last + "\xff")
	}
	return answer
}
