package firestore_test

import (
	"errors"
	"strings"
	"testing"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	firestore "ryggrad.internal/hub/shared/localcloud/firestore"
)

// bytesCodec sends and takes messages as they are.
type bytesCodec struct{}

var errNoBytes = errors.New("not bytes")

func (bytesCodec) Marshal(v any) ([]byte, error) {
	if b, ok := v.(*[]byte); ok {
		return *b, nil
	}
	return nil, errNoBytes
}

func (bytesCodec) Unmarshal(data []byte, v any) error {
	b, ok := v.(*[]byte)
	if !ok {
		return errNoBytes
	}
	*b = data
	return nil
}

func (bytesCodec) Name() string { return "proto" }

// gRPC itself refuses what is no message, before the server sees it.
func TestWhatCannotBeReadIsRefused(t *testing.T) {
	t.Parallel()
	conn := serve(t, firestore.Options{})
	const name = "\x0a\x2dprojects/p/databases/(default)/documents/c/no"
	const commit = "\x0a\x1eprojects/p/databases/(default)\x12\x34\x0a\x32" + name // and three bytes of the document's fields
	for label, c := range map[string]struct {
		rpc, request string
		want         codes.Code
	}{
		"no protocol buffer":             {"Commit", "\xff\xff\xff", codes.Internal},
		"a document's fields":            {"Commit", commit + "\x12\x01\xff", codes.InvalidArgument},
		"half of a message":              {"GetDocument", name[:20], codes.Internal},
		"text that is not UTF-8":         {"GetDocument", name[:len(name)-1] + "\xff", codes.Internal},
		"no protocol buffer to a stream": {"RunQuery", "\xff\xff\xff", codes.Internal},
		"a field that is not known":      {"GetDocument", name + "\xfa\x3e\x01A", codes.NotFound},
		"a whole message":                {"GetDocument", name, codes.NotFound},
		"a method that there is not":     {"Nothing", "", codes.Unimplemented},
	} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			request, answer := []byte(c.request), []byte(nil)
			err := conn.Invoke(t.Context(), "/google.firestore.v1.Firestore/"+c.rpc, &request, &answer, grpc.ForceCodec(bytesCodec{}))
			if got := status.Code(err); got != c.want {
				t.Errorf("answered %v, want %v", err, c.want)
			}
		})
	}
}

func TestADateTakesThePlaceOfWhatIsTooLarge(t *testing.T) {
	t.Parallel()
	client := firestorepb.NewFirestoreClient(serve(t, firestore.Options{}))
	const database = "projects/p/databases/(default)"
	for name, want := range map[string]codes.Code{"t": codes.OK, "other": codes.InvalidArgument} {
		large := &firestorepb.Value{ValueType: &firestorepb.Value_StringValue{StringValue: strings.Repeat("x", 1<<20)}}
		_, err := client.Commit(t.Context(), &firestorepb.CommitRequest{Database: database, Writes: []*firestorepb.Write{{
			Operation: &firestorepb.Write_Update{Update: &firestorepb.Document{
				Name: database + "/documents/c/" + name, Fields: map[string]*firestorepb.Value{name: large}}},
			UpdateTransforms: []*firestorepb.DocumentTransform_FieldTransform{{FieldPath: "t",
				TransformType: &firestorepb.DocumentTransform_FieldTransform_SetToServerValue{
					SetToServerValue: firestorepb.DocumentTransform_FieldTransform_REQUEST_TIME}}},
		}}})
		if status.Code(err) != want {
			t.Errorf("%s: answered %v, want %v", name, err, want)
		}
	}
}
