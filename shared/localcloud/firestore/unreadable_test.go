package firestore_test

import (
	"errors"
	"testing"

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
	for label, c := range map[string]struct {
		rpc, request string
		want         codes.Code
	}{
		"no protocol buffer":             {"Commit", "\xff\xff\xff", codes.Internal},
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
