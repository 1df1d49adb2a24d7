package firestore

import (
	"testing"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"ryggrad.internal/hub/shared/localcloud/firestore/wire"
)

// odd holds requests as no client writes them, and which protocol buffers allow, or nearly allow.
func odd(t testing.TB) map[string][]byte {
	t.Helper()
	text := &firestorepb.Value{ValueType: &firestorepb.Value_StringValue{StringValue: "a"}}
	bytes := func(m proto.Message) []byte {
		b, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	field := func(number protowire.Number, payload []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), payload)
	}
	unknown := protowire.AppendVarint(protowire.AppendTag(nil, 99, protowire.VarintType), 1)
	document := bytes(&firestorepb.Document{Name: "projects/p/databases/d/documents/c/d", Fields: map[string]*firestorepb.Value{"a": text}})
	update := field(updateOfWrite, document)
	mask := bytes(&firestorepb.Write{UpdateMask: &firestorepb.DocumentMask{FieldPaths: []string{"a"}}})
	gone := bytes(&firestorepb.Write{Operation: &firestorepb.Write_Delete{Delete: "x"}})
	write := func(parts ...[]byte) []byte {
		var w []byte
		for _, part := range parts {
			w = append(w, part...)
		}
		return field(writesOfCommit, w)
	}
	database := bytes(&firestorepb.CommitRequest{Database: "projects/p/databases/d", Transaction: []byte("t")})
	return map[string][]byte{
		"nothing": {}, "one": append(database, write(update, mask)...), "two": append(write(mask, update), append(database, write(gone)...)...),
		"updated twice": write(update, field(updateOfWrite, bytes(&firestorepb.Document{Fields: map[string]*firestorepb.Value{"b": text}}))),
		"then deleted":  write(update, gone), "deleted before": write(gone, update), "no operation": write(mask), "no write": write(),
		"unknown fields": append(unknown, write(unknown, field(updateOfWrite, append(unknown, document...)))...),
		"other kinds": append(protowire.AppendVarint(protowire.AppendTag(nil, writesOfCommit, protowire.VarintType), 1),
			write(protowire.AppendVarint(protowire.AppendTag(nil, updateOfWrite, protowire.VarintType), 1))...),
		"no fields": write(field(updateOfWrite, nil)), "name no UTF-8": write(field(updateOfWrite, field(1, []byte("\xff")))),
		"fields no entry": write(field(updateOfWrite, field(fieldsOfDocument, []byte("\xff")))), "cut": write(update)[:20],
		"write no message": field(writesOfCommit, []byte("\xff")), "update no message": write(field(updateOfWrite, []byte("\xff"))),
		"database no UTF-8": field(1, []byte("\xff")), "group": {0x0b, 0x0c}, "group not ended": {0x0b},
	}
}

// checkReading compares with protocol buffers' own reading.
func checkReading(t *testing.T, sent []byte) {
	t.Helper()
	want := &firestorepb.CommitRequest{}
	refused := proto.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(sent, want)
	got, err := readCommit(sent)
	for _, w := range got.GetWrites() {
		if doc := w.GetUpdate(); err == nil && doc != nil && doc.Fields == nil && len(sentFields(doc)) > 0 {
			doc.Fields, err = wire.Fields(sentFields(doc)).Decode()
		}
	}
	if (err == nil) != (refused == nil) {
		t.Fatalf("%x is read with %v, and by others with %v", sent, err, refused)
	}
	if err != nil {
		return
	}
	again, err := proto.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	known := &firestorepb.CommitRequest{}
	// The fields are there twice now, decoded and as they were sent, which means the same.
	if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(again, known); err != nil || !proto.Equal(known, want) {
		t.Fatalf("%x is read as %v, and by others as %v (%v)", sent, known, want, err)
	}
}

func TestCommitsAreReadAsProtocolBuffersReadThem(t *testing.T) {
	t.Parallel()
	for name, sent := range odd(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkReading(t, sent)
		})
	}
}

func FuzzReadCommit(f *testing.F) {
	for _, sent := range odd(f) {
		f.Add(sent)
	}
	f.Fuzz(checkReading)
}
