package firestore

import (
	"context"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"ryggrad.internal/hub/shared/localcloud/firestore/fieldpath"
	"ryggrad.internal/hub/shared/localcloud/firestore/query"
	"ryggrad.internal/hub/shared/localcloud/firestore/wire"
)

// view is what a request reads: a database at a time, maybe for a transaction.
type view struct {
	database *database
	at       int64
	tx       *transaction // nil: none
	begun    bool         // by this request, which has to tell its id
}

// consistency is what the requests that read have in common.
type consistency interface {
	GetTransaction() []byte
	GetReadTime() *timestamppb.Timestamp
}

// view opens what a request reads, by its own choice of a time, a transaction, or neither.
func (s *Server) view(d *database, req consistency) (view, error) {
	if begins, ok := req.(interface {
		GetNewTransaction() *firestorepb.TransactionOptions
	}); ok && begins.GetNewTransaction() != nil {
		tx, err := s.transactions.begin(d, begins.GetNewTransaction())
		if err != nil {
			return view{}, err
		}
		return view{database: d, at: tx.at(), tx: tx, begun: true}, nil
	}
	if len(req.GetTransaction()) > 0 {
		tx, err := s.transactions.find(d, req.GetTransaction())
		if err != nil {
			return view{}, err
		}
		return view{database: d, at: tx.at(), tx: tx}, nil
	}
	if req.GetReadTime() != nil {
		at, err := d.readTime(req.GetReadTime())
		return view{database: d, at: at}, err
	}
	return view{database: d, at: d.snapshot()}, nil
}

// begunID is the id that the request's first answer has to carry, nil for none.
func (v view) begunID() []byte {
	if !v.begun {
		return nil
	}
	return []byte(v.tx.id)
}

// readTime checks a time to read at and sees to it that nothing can be committed up to it any more.
func (d *database) readTime(t *timestamppb.Timestamp) (int64, error) {
	at, err := micros(t)
	if err != nil {
		return 0, err
	}
	if at <= 0 {
		return 0, invalid("Only timestamps past epoch are supported.")
	}
	now := d.now()
	if at > now.UnixMicro() && at > d.snapshot() {
		return 0, invalid("The requested 'read_time' cannot be in the future.")
	}
	if at < now.Add(-retention).UnixMicro() {
		return 0, status.Error(codes.FailedPrecondition, "The requested 'read_time' is too old.")
	}
	for d.snapshot() < at { // a commit up to that time is being made durable
		if err := d.catchUp(); err != nil {
			return 0, err
		}
	}
	return at, nil
}

// micros is a time that a request names, in microseconds since 1970: the store knows nothing finer.
func micros(t *timestamppb.Timestamp) (int64, error) {
	switch {
	case t.CheckValid() != nil:
		return 0, invalid("a timestamp is invalid")
	case t.GetNanos()%1000 != 0:
		return 0, invalid("timestamp cannot have more than microseconds precision")
	default:
		return t.AsTime().UnixMicro(), nil
	}
}

// catchUp waits until what is committed now is durable and visible.
func (d *database) catchUp() error {
	d.mu.Lock()
	last, ticket := d.last, d.appended()
	d.mu.Unlock()
	return d.settle(ticket, last)
}

// GetDocument implements google.firestore.v1.Firestore.
func (s *Server) GetDocument(_ context.Context, req *firestorepb.GetDocumentRequest) (*firestorepb.Document, error) {
	d, key, err := s.document(req.GetName())
	if err != nil {
		return nil, err
	}
	mask, err := readMask(req.GetMask())
	if err != nil {
		return nil, err
	}
	v, err := s.view(d, req)
	if err != nil {
		return nil, err
	}
	v.tx.sawDocument(key)
	doc, found := d.read(key, v.at)
	if found == nil {
		return nil, notFound(req.GetName())
	}
	return message(doc, found, mask)
}

// BatchGetDocuments implements google.firestore.v1.Firestore.
func (s *Server) BatchGetDocuments(req *firestorepb.BatchGetDocumentsRequest, stream firestorepb.Firestore_BatchGetDocumentsServer) error {
	d, err := s.named(req.GetDatabase())
	if err != nil {
		return err
	}
	wanted, err := d.distinct(req.GetDocuments())
	if err != nil {
		return err
	}
	mask, err := readMask(req.GetMask())
	if err != nil {
		return err
	}
	v, err := s.view(d, req)
	if err != nil {
		return err
	}
	return v.sendAll(wanted, mask, stream)
}

// wanted is a document that a request names.
type wanted struct{ name, key string }

// distinct are the documents of a list of names, each once.
func (d *database) distinct(names []string) ([]wanted, error) {
	all := make([]wanted, 0, len(names))
	seen := make(map[string]bool, len(names))
	for _, name := range names {
		key, err := d.documentKey(name)
		if err != nil {
			return nil, err
		}
		if !seen[key] {
			seen[key] = true
			all = append(all, wanted{name: name, key: key})
		}
	}
	return all, nil
}

func (v view) sendAll(all []wanted, mask query.Projection, stream firestorepb.Firestore_BatchGetDocumentsServer) error {
	transaction := v.begunID()
	if transaction != nil {
		if err := stream.Send(&firestorepb.BatchGetDocumentsResponse{Transaction: transaction}); err != nil {
			return err
		}
	}
	for _, w := range all {
		v.tx.sawDocument(w.key)
		answer := &firestorepb.BatchGetDocumentsResponse{ReadTime: timestamp(v.at)}
		if doc, found := v.database.read(w.key, v.at); found == nil {
			answer.Result = &firestorepb.BatchGetDocumentsResponse_Missing{Missing: w.name}
		} else if m, err := message(doc, found, mask); err != nil {
			return err
		} else {
			answer.Result = &firestorepb.BatchGetDocumentsResponse_Found{Found: m}
		}
		if err := stream.Send(answer); err != nil {
			return err
		}
	}
	return nil
}

// readMask is what a mask lets through, nil for all.
func readMask(mask *firestorepb.DocumentMask) (query.Projection, error) {
	if mask == nil {
		return nil, nil
	}
	paths, err := parseMask(mask)
	return paths, err
}

// message is a document as it is sent. The fields go in as they are stored, as bytes that protocol buffers pass on
// unread: on the wire they are the document's fields.
func message(doc *document, v *version, mask query.Projection) (*firestorepb.Document, error) {
	m := &firestorepb.Document{Name: doc.name, CreateTime: timestamp(v.created), UpdateTime: timestamp(v.at)}
	fields, err := project(v.fields, mask)
	if err != nil {
		return nil, err
	}
	m.ProtoReflect().SetUnknown([]byte(fields))
	return m, nil
}

func project(fields wire.Fields, mask query.Projection) (wire.Fields, error) {
	if mask == nil {
		return fields, nil
	}
	wanted := map[string]bool{}
	deep := false
	for _, path := range mask {
		wanted[path[0]] = true
		deep = deep || len(path) > 1
	}
	if !deep {
		return fields.Keep(func(name string) bool { return wanted[name] }), nil
	}
	return projectDeep(fields, mask)
}

func projectDeep(fields wire.Fields, mask []fieldpath.Path) (wire.Fields, error) {
	from, err := fields.Decode()
	if err != nil {
		return nil, err
	}
	to := map[string]*firestorepb.Value{}
	for _, path := range mask {
		if v := lookup(from, path); v != nil {
			set(to, path, v)
		}
	}
	return wire.Encode(to)
}
