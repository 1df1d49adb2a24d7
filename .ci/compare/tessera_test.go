package compare_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"

	"ryggrad.internal/hub/shared/ledger"
	"ryggrad.internal/hub/shared/ledger/tlog"
)

const origin = "hub.test/log"

// leaves are n entries' hashes.
func leaves(n int) []ledger.Hash {
	all := make([]ledger.Hash, n)
	for i := range all {
		all[i] = sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(i)))
	}
	return all
}

// put writes objects as files.
func put(tb testing.TB, dir string, objects []tlog.Object) {
	tb.Helper()
	for _, o := range objects {
		path := filepath.Join(dir, filepath.FromSlash(o.Path))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, o.Data, 0o600)); err != nil {
			tb.Fatal(err)
		}
	}
}

// sealed makes a signed log of n entries in a folder, in batches, and returns its key.
func sealed(tb testing.TB, dir string, n, batch int) note.Verifier {
	tb.Helper()
	secret, public, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		tb.Fatal(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		tb.Fatal(err)
	}
	edge, all := &tlog.Edge{}, leaves(n)
	for len(all) > 0 {
		next := min(batch, len(all))
		put(tb, dir, edge.Append(all[:next]))
		all = all[next:]
	}
	c := tlog.Checkpoint{Origin: origin, Size: edge.Size(), Root: edge.Root()}
	signed, err := c.Sign(public, signer.Sign)
	if err != nil {
		tb.Fatal(err)
	}
	put(tb, dir, []tlog.Object{{Path: tlog.CheckpointPath, Data: signed}})
	v, err := note.NewVerifier(public)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

// hashBundle is what Tessera's checker asks of a log with entries of its own: their leaves' hashes.
func hashBundle(raw []byte) ([][]byte, error) {
	var bundle api.EntryBundle
	if err := bundle.UnmarshalText(raw); err != nil {
		return nil, err
	}
	hashes := make([][]byte, len(bundle.Entries))
	for i, e := range bundle.Entries {
		hashes[i] = rfc6962.DefaultHasher.HashLeaf(e)
	}
	return hashes, nil
}

// check has Tessera's tool check a log. It has many workers, because each ends with the first fault it finds, and the tool
// waits for ever when none is left.
func check(tb testing.TB, dir string, v note.Verifier) error {
	tb.Helper()
	return fsck.New(origin, v, client.FileFetcher{Root: dir}, hashBundle, fsck.Opts{N: 64}).Check(tb.Context())
}

// TestTesserasCheckerAcceptsTheLog has logs of many sizes checked, whole, by the tool of another log.
func TestTesserasCheckerAcceptsTheLog(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 255, 256, 257, 5_000, 20_000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			v := sealed(t, dir, n, 300)
			if err := check(t, dir, v); err != nil {
				t.Fatal(err)
			}
			bundle := filepath.Join(dir, "tile/entries/000")
			if n < tlog.TileWidth {
				bundle += fmt.Sprintf(".p/%d", n)
			}
			raw, err := os.ReadFile(bundle)
			if err != nil {
				t.Fatal(err)
			}
			raw[10] ^= 1
			if err := os.WriteFile(bundle, raw, 0o600); err != nil {
				t.Fatal(err)
			}
			if check(t, dir, v) == nil {
				t.Error("a changed entry is accepted")
			}
		})
	}
}

// BenchmarkTree appends the same leaves to our tree in memory, to ours with its files written, and to Tessera's on its
// POSIX driver, which writes them too.
func BenchmarkTree(b *testing.B) {
	const n = 100_000
	all := leaves(n)
	b.Run("ours/memory", func(b *testing.B) {
		for b.Loop() {
			edge := &tlog.Edge{}
			for at := 0; at < n; at += tlog.MaxBatch {
				edge.Append(all[at:min(at+tlog.MaxBatch, n)])
			}
			_ = edge.Root()
		}
	})
	b.Run("ours/files", func(b *testing.B) {
		for b.Loop() {
			dir, edge := b.TempDir(), &tlog.Edge{}
			for at := 0; at < n; at += tlog.MaxBatch {
				put(b, dir, edge.Append(all[at:min(at+tlog.MaxBatch, n)]))
			}
		}
	})
	b.Run("tessera/posix", func(b *testing.B) {
		for b.Loop() {
			appendToTessera(b, all)
		}
	})
}

// appendToTessera returns when the last of the leaves is in the tree.
func appendToTessera(b *testing.B, all []ledger.Hash) {
	b.Helper()
	secret, _, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		b.Fatal(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		b.Fatal(err)
	}
	driver, err := posix.New(b.Context(), posix.Config{Path: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	appender, shutdown, _, err := tessera.NewAppender(b.Context(), driver, tessera.NewAppendOptions().
		WithCheckpointSigner(signer).WithBatching(tlog.MaxBatch, 100*time.Millisecond).WithPushback(uint(len(all))+1))
	if err != nil {
		b.Fatal(err)
	}
	futures := make([]tessera.IndexFuture, len(all))
	for i, leaf := range all {
		futures[i] = appender.Add(b.Context(), tessera.NewEntry(leaf[:]))
	}
	for _, f := range futures {
		if _, err := f(); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	if err := shutdown(context.Background()); err != nil {
		b.Fatal(err)
	}
	b.StartTimer()
}
