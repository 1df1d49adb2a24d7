package objects_test

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"

	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/gcp/objects"
	"ryggrad.internal/hub/shared/localcloud"
	"ryggrad.internal/hub/shared/localcloud/cloudtest"
)

func bucket(t *testing.T) objects.Bucket {
	t.Helper()
	cloud := cloudtest.Start(t)
	cfg, err := gcp.Load[gcp.Config](cloud.Env())
	if err != nil {
		t.Fatal(err)
	}
	client, err := objects.Open(t.Context(), cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	return client.Bucket(localcloud.AuditBucket(cloud.Project))
}

func TestAnObjectIsCreatedOnce(t *testing.T) {
	t.Parallel()
	b := bucket(t)
	if err := b.Create(t.Context(), "a/b", []byte("one")); err != nil {
		t.Fatal(err)
	}
	if err := b.Create(t.Context(), "a/b", []byte("one")); err != nil {
		t.Errorf("the same again: %v", err)
	}
	if err := b.Create(t.Context(), "a/b", []byte("two")); !errors.Is(err, objects.ErrExists) {
		t.Errorf("something else: %v", err)
	}
	if data, err := b.Read(t.Context(), "a/b"); err != nil || string(data) != "one" {
		t.Errorf("it reads %q, %v", data, err)
	}
	if _, err := b.Read(t.Context(), "a/c"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what is not there: %v", err)
	}
}

func TestOfManyWhoReplaceOneWins(t *testing.T) {
	t.Parallel()
	b := bucket(t)
	if err := b.Replace(t.Context(), "head", []byte("0"), 0); err != nil {
		t.Fatal(err)
	}
	_, generation, err := b.Load(t.Context(), "head")
	if err != nil {
		t.Fatal(err)
	}
	var won atomic.Int64
	var all sync.WaitGroup
	for _, text := range []string{"1", "2", "3", "4"} {
		all.Go(func() {
			switch err := b.Replace(t.Context(), "head", []byte(text), generation); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, objects.ErrStale):
				t.Error(err)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 {
		t.Errorf("%d replaced one generation", won.Load())
	}
	if err := b.Replace(t.Context(), "head", []byte("x"), 0); !errors.Is(err, objects.ErrStale) {
		t.Errorf("replacing nothing where something is: %v", err)
	}
}

// More than fit into a page of a list.
func TestObjectsAreListedInOrder(t *testing.T) {
	t.Parallel()
	b := bucket(t)
	var want []string
	var all errgroup.Group
	all.SetLimit(8)
	for i := range 1003 {
		name := fmt.Sprintf("e/%04d", i)
		want = append(want, name)
		all.Go(func() error { return b.CreateNoted(t.Context(), name, []byte(name), name) })
	}
	all.Go(func() error { return b.Create(t.Context(), "f/1", nil) })
	if err := all.Wait(); err != nil {
		t.Fatal(err)
	}
	got, err := b.List(t.Context(), "e/", want[1])
	if err != nil || !slices.Equal(got, want[1:]) {
		t.Errorf("listed %d, %v", len(got), err)
	}
	noted, err := b.ListNoted(t.Context(), "e/")
	for i, n := range noted {
		if n.Name != want[i] || n.Note != n.Name || n.Size != 6 || n.CRC32C == 0 || n.Created.IsZero() {
			t.Fatalf("noted %+v at %d", n, i)
		}
	}
	if err != nil || len(noted) != len(want) {
		t.Errorf("noted %d, %v", len(noted), err)
	}
	sizes, err := b.Sizes(t.Context(), "e/")
	if err != nil || len(sizes) != len(want) || sizes[want[1002]] != 6 {
		t.Errorf("%d sizes, %v", len(sizes), err)
	}
}

func TestAnObjectKeepsItsNote(t *testing.T) {
	t.Parallel()
	b, other := bucket(t), bucket(t)
	ctx := t.Context()
	if err := b.CreateNoted(ctx, "files/1", []byte("content"), `{"n":1}`); err != nil {
		t.Fatal(err)
	}
	if err := b.CreateNoted(ctx, "files/1", []byte("content"), "another"); !errors.Is(err, objects.ErrExists) {
		t.Errorf("written again: %v", err)
	}
	all, err := b.ListNoted(ctx, "files/")
	if err != nil || len(all) != 1 || all[0].Note != `{"n":1}` || all[0].Size != 7 || all[0].CRC32C == 0 {
		t.Errorf("listed %+v: %v", all, err)
	}
	for range 2 {
		if err := b.CopyTo(ctx, other, "files/1"); err != nil {
			t.Error(err)
		}
	}
	if there, err := other.Look(ctx, "files/1"); err != nil || there.Note != all[0].Note || there.CRC32C != all[0].CRC32C {
		t.Errorf("copied as %+v: %v", there, err)
	}
	if err := b.CopyTo(ctx, other, "files/2"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing one: %v", err)
	}
	if err := b.CreateNoted(ctx, "files/3", []byte("one"), ""); err != nil {
		t.Fatal(err)
	}
	if err := other.CreateNoted(ctx, "files/3", []byte("two"), ""); err != nil {
		t.Fatal(err)
	}
	if err := b.CopyTo(ctx, other, "files/3"); !errors.Is(err, objects.ErrExists) {
		t.Errorf("over another one: %v", err)
	}
}
