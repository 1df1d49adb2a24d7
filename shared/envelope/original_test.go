package envelope_test

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"

	"ryggrad.internal/hub/shared/envelope"
)

func TestAnOriginalTakesLessSpace(t *testing.T) {
	t.Parallel()
	content := []byte(strings.Repeat(`{"plu":"P-1","name":"Margherita","quantity":1},`, 100))
	sealed, err := envelope.NewOriginals().Seal(newDataKey(t), content, guestPlace)
	if err != nil || len(sealed) > len(content)/10 {
		t.Errorf("%d bytes became %d, %v", len(content), len(sealed), err)
	}
}

func TestAnOriginalHasALimit(t *testing.T) {
	t.Parallel()
	originals, key := envelope.NewOriginals(), newDataKey(t)
	largest := make([]byte, envelope.MaxOriginal)
	sealed, err := originals.Seal(key, largest, guestPlace)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := originals.Open(key, sealed, guestPlace); err != nil || !bytes.Equal(got, largest) {
		t.Errorf("the largest original came back with %d bytes, %v", len(got), err)
	}
	if _, err := originals.Seal(key, append(bytes.Clone(largest), 0), guestPlace); !errors.Is(err, envelope.ErrTooLarge) {
		t.Errorf("one byte more: %v", err)
	}
}

func TestABombIsNotUnpacked(t *testing.T) {
	t.Parallel()
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	key := newDataKey(t)
	bomb, err := key.Seal(encoder.EncodeAll(make([]byte, 100*envelope.MaxOriginal), nil), guestPlace)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := envelope.NewOriginals().Open(key, bomb, guestPlace); !errors.Is(err, envelope.ErrTooLarge) {
		t.Errorf("a bomb of %d bytes gave %d, %v", len(bomb), len(got), err)
	}
}

func TestBytesThatAreNotCompressedAreDamaged(t *testing.T) {
	t.Parallel()
	key := newDataKey(t)
	sealed, err := key.Seal([]byte("not zstd"), guestPlace)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := envelope.NewOriginals().Open(key, sealed, guestPlace); !errors.Is(err, envelope.ErrDamaged) {
		t.Errorf("opened with %v", err)
	}
}

func TestOriginalsServeManyAtOnce(t *testing.T) {
	t.Parallel()
	originals, key := envelope.NewOriginals(), newDataKey(t)
	var all sync.WaitGroup
	for i := range 32 {
		all.Go(func() {
			content := bytes.Repeat([]byte{byte(i)}, 1000+i)
			sealed, err := originals.Seal(key, content, guestPlace)
			if err != nil {
				t.Error(err)
				return
			}
			if got, err := originals.Open(key, sealed, guestPlace); err != nil || !bytes.Equal(got, content) {
				t.Errorf("message %d came back as %d bytes, %v", i, len(got), err)
			}
		})
	}
	all.Wait()
}
