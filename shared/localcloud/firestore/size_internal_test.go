package firestore

import (
	"fmt"
	"testing"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestWhatACommitDeletesCountsWithItsSize(t *testing.T) {
	t.Parallel()
	s := open(t, Options{})
	name := func(n int) string { return fmt.Sprintf("%s/documents/c/d%03d", crashDatabase, n) }
	const large, many = 11, 100
	for n := range many {
		content := []byte("small")
		if n < large {
			content = make([]byte, maxValue-100)
		}
		commit(t, s, &firestorepb.Write{Operation: &firestorepb.Write_Update{Update: &firestorepb.Document{Name: name(n),
			Fields: map[string]*firestorepb.Value{"b": {ValueType: &firestorepb.Value_BytesValue{BytesValue: content}}}}}})
	}
	deletes := func(from, to int) (all []*firestorepb.Write) {
		for n := from; n < to; n++ {
			all = append(all, &firestorepb.Write{Operation: &firestorepb.Write_Delete{Delete: name(n)}})
		}
		return all
	}
	_, err := s.Commit(t.Context(), &firestorepb.CommitRequest{Database: crashDatabase, Writes: deletes(0, many)})
	if status.Code(err) != codes.InvalidArgument || status.Convert(err).Message() != "Transaction too big. Decrease transaction size." {
		t.Errorf("too much was deleted: %v", err)
	}
	if left := contents(s, s.database(crashDatabase).snapshot()); len(left) != many {
		t.Errorf("%d are left after nothing was deleted", len(left))
	}
	for _, some := range [][]*firestorepb.Write{deletes(2, many), deletes(0, many)} { // what is gone counts no more
		if _, err := s.Commit(t.Context(), &firestorepb.CommitRequest{Database: crashDatabase, Writes: some}); err != nil {
			t.Errorf("a commit with room was refused: %v", err)
		}
	}
	if left := contents(s, s.database(crashDatabase).snapshot()); len(left) != 0 {
		t.Errorf("%d are left", len(left))
	}
}

func TestWritesThatAreCommitsOfTheirOwnDeleteAnySum(t *testing.T) {
	t.Parallel()
	s := open(t, Options{})
	request := &firestorepb.BatchWriteRequest{Database: crashDatabase}
	for n := range 12 {
		name := fmt.Sprintf("%s/documents/c/%d", crashDatabase, n)
		commit(t, s, &firestorepb.Write{Operation: &firestorepb.Write_Update{Update: &firestorepb.Document{Name: name,
			Fields: map[string]*firestorepb.Value{"b": {ValueType: &firestorepb.Value_BytesValue{BytesValue: make([]byte, 1_000_000)}}}}}})
		request.Writes = append(request.Writes, &firestorepb.Write{Operation: &firestorepb.Write_Delete{Delete: name}})
	}
	answer, err := s.BatchWrite(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	for i, got := range answer.GetStatus() {
		if got.GetCode() != 0 {
			t.Errorf("the deletion %d: %s", i, got.GetMessage())
		}
	}
}
