package firestore

import (
	"context"
	"slices"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
)

// The numbers of the fields that are read here and not by protocol buffers' own code.
const (
	writesOfCommit   protowire.Number = 2
	updateOfWrite    protowire.Number = 1
	deleteOfWrite    protowire.Number = 2
	changeOfWrite    protowire.Number = 6
	fieldsOfDocument protowire.Number = 2
)

// service is the generated description of the service, with a reader of commits that leaves documents encoded.
func service() *grpc.ServiceDesc {
	desc := firestorepb.Firestore_ServiceDesc
	desc.Methods = slices.Clone(desc.Methods)
	for i, m := range desc.Methods {
		if m.MethodName == "Commit" {
			desc.Methods[i].Handler = commitHandler
		}
	}
	return &desc
}

// commitHandler does what the generated one does. It lets gRPC decode a message without fields, which keeps all bytes as
// unknown ones, and reads those itself: decoding documents would cost more than committing them.
func commitHandler(srv any, ctx context.Context, decode func(any) error, interceptor grpc.UnaryServerInterceptor) (any, error) { //nolint:revive // gRPC's order
	var sent emptypb.Empty
	if err := decode(&sent); err != nil {
		return nil, err
	}
	req, err := readCommit(sent.ProtoReflect().GetUnknown())
	if err != nil {
		return nil, status.Errorf(codes.Internal, "unmarshalling the request: %v", err) // as gRPC says itself
	}
	server, _ := srv.(firestorepb.FirestoreServer) // gRPC has checked it
	if interceptor == nil {
		return server.Commit(ctx, req)
	}
	info := &grpc.UnaryServerInfo{Server: srv, FullMethod: firestorepb.Firestore_Commit_FullMethodName}
	return interceptor(ctx, req, info, func(ctx context.Context, req any) (any, error) {
		commit, _ := req.(*firestorepb.CommitRequest)
		return server.Commit(ctx, commit)
	})
}

// readCommit reads a CommitRequest. In documents that are written whole the fields stay as they were sent, as bytes that
// the message does not know; [sentFields] returns them.
func readCommit(b []byte) (*firestorepb.CommitRequest, error) {
	req := &firestorepb.CommitRequest{}
	var rest []byte
	err := fieldByField(b, func(number protowire.Number, whole, payload []byte) error {
		if number != writesOfCommit || payload == nil {
			rest = append(rest, whole...)
			return nil
		}
		w, err := readWrite(payload)
		req.Writes = append(req.Writes, w)
		return err
	})
	if err != nil {
		return nil, err
	}
	return req, proto.UnmarshalOptions{Merge: true}.Unmarshal(rest, req)
}

func readWrite(b []byte) (*firestorepb.Write, error) {
	w := &firestorepb.Write{}
	var rest, update []byte
	operations := 0
	err := fieldByField(b, func(number protowire.Number, whole, payload []byte) error {
		if number == updateOfWrite || number == deleteOfWrite || number == changeOfWrite {
			operations++
		}
		if number == updateOfWrite && payload != nil {
			update = payload
		} else {
			rest = append(rest, whole...)
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case update == nil, operations > 1: // of several the last one holds, or all of them together
		return w, proto.Unmarshal(b, w)
	}
	doc, err := readDocument(update)
	if err != nil {
		return nil, err
	}
	w.Operation = &firestorepb.Write_Update{Update: doc}
	return w, proto.UnmarshalOptions{Merge: true}.Unmarshal(rest, w)
}

func readDocument(b []byte) (*firestorepb.Document, error) {
	doc := &firestorepb.Document{}
	var rest, fields []byte
	err := fieldByField(b, func(number protowire.Number, whole, payload []byte) error {
		if number == fieldsOfDocument && payload != nil {
			fields = append(fields, whole...)
		} else {
			rest = append(rest, whole...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(rest, doc); err != nil {
		return nil, err
	}
	doc.ProtoReflect().SetUnknown(fields)
	return doc, nil
}

// sentFields returns the fields of a document that [readCommit] has left encoded, and nil for one that was decoded.
func sentFields(d *firestorepb.Document) []byte { return d.ProtoReflect().GetUnknown() }

// fieldByField calls do with every field of a message: all of it, and what it holds if it is of the kind that messages are.
func fieldByField(b []byte, do func(number protowire.Number, whole, payload []byte) error) error {
	for len(b) > 0 {
		number, kind, tag := protowire.ConsumeTag(b)
		if tag < 0 {
			return protowire.ParseError(tag)
		}
		size := protowire.ConsumeFieldValue(number, kind, b[tag:])
		if size < 0 {
			return protowire.ParseError(size)
		}
		var payload []byte
		if kind == protowire.BytesType {
			payload, _ = protowire.ConsumeBytes(b[tag:])
			if payload == nil {
				payload = []byte{}
			}
		}
		if err := do(number, b[:tag+size], payload); err != nil {
			return err
		}
		b = b[tag+size:]
	}
	return nil
}
