package firestore

import (
	"context"
	"crypto/rand"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"ryggrad.internal/hub/shared/localcloud/firestore/resource"
)

// CreateDocument implements google.firestore.v1.Firestore.
func (s *Server) CreateDocument(_ context.Context, req *firestorepb.CreateDocumentRequest) (*firestorepb.Document, error) {
	id := req.GetDocumentId()
	if id == "" {
		id = rand.Text()[:20]
	}
	if err := checkNew(req, id); err != nil {
		return nil, err
	}
	name := req.GetParent() + "/" + req.GetCollectionId() + "/" + id
	absent := &firestorepb.Precondition{ConditionType: &firestorepb.Precondition_Exists{Exists: false}}
	return s.write(name, req.GetMask(), &firestorepb.Write{
		Operation:       &firestorepb.Write_Update{Update: &firestorepb.Document{Name: name, Fields: req.GetDocument().GetFields()}},
		CurrentDocument: absent,
	})
}

func checkNew(req *firestorepb.CreateDocumentRequest, id string) error {
	if req.GetCollectionId() == "" {
		return invalid("collectionId is the empty string.")
	}
	if req.GetDocument().GetName() != "" {
		return invalid("document.name must not be set")
	}
	if _, _, err := resource.Split(resource.Parent, req.GetParent()); err != nil {
		return refuse(err)
	}
	if err := resource.CheckCollection(req.GetCollectionId()); err != nil {
		return refuse(err)
	}
	return refuse(resource.CheckDocument(id))
}

// UpdateDocument implements google.firestore.v1.Firestore.
func (s *Server) UpdateDocument(_ context.Context, req *firestorepb.UpdateDocumentRequest) (*firestorepb.Document, error) {
	return s.write(req.GetDocument().GetName(), req.GetMask(), &firestorepb.Write{
		Operation:       &firestorepb.Write_Update{Update: req.GetDocument()},
		UpdateMask:      req.GetUpdateMask(),
		CurrentDocument: req.GetCurrentDocument(),
	})
}

// DeleteDocument implements google.firestore.v1.Firestore.
func (s *Server) DeleteDocument(_ context.Context, req *firestorepb.DeleteDocumentRequest) (*emptypb.Empty, error) {
	d, _, err := s.document(req.GetName())
	if err != nil {
		return nil, err
	}
	op, err := d.parse(&firestorepb.Write{
		Operation:       &firestorepb.Write_Delete{Delete: req.GetName()},
		CurrentDocument: req.GetCurrentDocument(),
	})
	if err != nil {
		return nil, err
	}
	if _, err := d.writeAlone(op); err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, nil
}

// write makes one write and answers with the document as it is after it.
func (s *Server) write(name string, answer *firestorepb.DocumentMask, w *firestorepb.Write) (*firestorepb.Document, error) {
	mask, err := readMask(answer)
	if err != nil {
		return nil, err
	}
	d, key, err := s.document(name)
	if err != nil {
		return nil, err
	}
	op, err := d.parse(w)
	if err != nil {
		return nil, err
	}
	result, err := d.writeAlone(op)
	if err != nil {
		return nil, err
	}
	s.compactWhenDue()
	doc, v := d.read(key, result.GetUpdateTime().AsTime().UnixMicro())
	if v == nil {
		return nil, status.Error(codes.Internal, "the document that was written cannot be read")
	}
	return message(doc, v, mask)
}
