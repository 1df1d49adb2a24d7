package backup_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/note"
	"pgregory.net/rapid"

	"ryggrad.internal/hub/shared/backup"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func run() backup.Run {
	return backup.Run{Project: "p", Database: "(default)", Set: backup.Hot, At: noon, Shards: 1}
}

// sealed writes a part with lines of all kinds of lengths.
func sealed(t *testing.T, part backup.Part, key backup.FileKey, lines ...string) backup.Sealed {
	t.Helper()
	w, err := new(backup.Writers).Begin(backup.Header{Part: part, KMS: backup.Wrapped{By: "k/1", Key: []byte("x")}, Offline: backup.Wrapped{By: "o", Key: []byte("y")}}, key)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lines {
		if err := w.Add("orders", []byte(l)); err != nil {
			t.Fatal(err)
		}
	}
	s, err := w.Close()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// read returns a file's lines.
func read(data []byte, key backup.FileKey) ([]string, error) {
	r, err := backup.NewReader(data, key)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var lines []string
	for {
		l, err := r.Next()
		if errors.Is(err, io.EOF) {
			return lines, nil
		}
		if err != nil {
			return lines, err
		}
		lines = append(lines, string(l))
	}
}

func key(t *testing.T) backup.FileKey {
	t.Helper()
	k, err := backup.NewFileKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func noise(n int) string {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	b := make([]byte, n)
	for i := range b {
		b[i] = 'a' + byte(r.IntN(26))
	}
	return string(b)
}

func TestAFileComesBack(t *testing.T) {
	t.Parallel()
	k := key(t)
	lines := []string{"{}", "", noise(100), noise(70_000), noise(3 << 20), "{}"}
	s := sealed(t, run().Part(0, 0), k, lines...)
	got, err := read(s.Data, k)
	if diff := cmp.Diff(lines, got); diff != "" || err != nil {
		t.Errorf("%v, lines (-want +got):\n%.300s", err, diff)
	}
	if s.Documents != 6 || s.Tallies["orders"].Documents != 6 {
		t.Errorf("counted %d and %v", s.Documents, s.Tallies["orders"])
	}
	if bytes.Contains(s.Data, []byte(lines[2])) {
		t.Error("a line is in the file in plain")
	}
}

func TestEveryChangeOfAFileIsSeen(t *testing.T) {
	t.Parallel()
	k := key(t)
	lines := []string{noise(3 << 20), noise(10)}
	data := sealed(t, run().Part(0, 0), k, lines...).Data
	for name, change := range map[string]func([]byte) []byte{
		"nothing of the ciphertext":  func(b []byte) []byte { return b[:bytes.IndexByte(b, '\n')+1] },
		"cut by a byte":              func(b []byte) []byte { return b[:len(b)-1] },
		"cut at a segment":           func(b []byte) []byte { return b[:bytes.IndexByte(b, '\n')+1+1<<20] },
		"an appended byte":           func(b []byte) []byte { return append(b, 0) },
		"the last byte":              func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
		"a byte in the middle":       func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"another part in the header": func(b []byte) []byte { return bytes.Replace(b, []byte(`"number":0`), []byte(`"number":1`), 1) },
		"two segments swapped": func(b []byte) []byte {
			first := bytes.IndexByte(b, '\n') + 1 + 1<<20
			return bytes.Join([][]byte{b[:first], b[first+1<<20 : min(len(b), first+2<<20)], b[first : first+1<<20], b[min(len(b), first+2<<20):]}, nil)
		},
	} {
		if got, err := read(change(bytes.Clone(data)), k); err == nil {
			t.Errorf("%s: it is read, with %d lines", name, len(got))
		}
	}
	if _, err := read(data, key(t)); err == nil {
		t.Error("another key opens it")
	}
}

func TestTheOfflineKeyOpensWhatIsBoundToTheFile(t *testing.T) {
	t.Parallel()
	offline, err := backup.NewOfflineKey()
	if err != nil {
		t.Fatal(err)
	}
	secret, err := offline.Secret()
	if err != nil {
		t.Fatal(err)
	}
	again, err := backup.ParseOfflineKey(secret + "\n")
	if err != nil {
		t.Fatal(err)
	}
	to, err := backup.ParseRecipient(offline.Recipient().String())
	if err != nil || to.Name() != again.Recipient().Name() {
		t.Fatalf("the recipient is read as %s: %v", to.Name(), err)
	}
	k := key(t)
	w, err := to.Seal(k, []byte("here"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := again.Open(w, []byte("here")); err != nil || got != k {
		t.Errorf("opened %v: %v", got == k, err)
	}
	if _, err := again.Open(w, []byte("there")); err == nil {
		t.Error("it opens for another file")
	}
	other, err := backup.NewOfflineKey()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Open(w, []byte("here")); err == nil || !strings.Contains(err.Error(), to.Name()) {
		t.Errorf("another key: %v", err)
	}
	if strings.Contains(fmt.Sprintf("%v %+v %s", again, again, again), secret[30:]) {
		t.Error("the key prints itself")
	}
}

type hand struct {
	text    string
	private ed25519.PrivateKey
}

func newHand(t *testing.T, name string) hand {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := note.NewEd25519VerifierKey(name, public)
	if err != nil {
		t.Fatal(err)
	}
	return hand{text, private}
}

func (h hand) sign(t *testing.T, m backup.Manifest) []byte {
	t.Helper()
	signed, err := m.Sign(h.text, func(message []byte) ([]byte, error) {
		if len(message) > 200 {
			t.Errorf("%d bytes are to be signed", len(message))
		}
		return ed25519.Sign(h.private, message), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func manifest(r backup.Run, parts ...backup.Sealed) backup.Manifest {
	m := backup.Manifest{Run: r, Collections: backup.Tallies{}}
	for i, s := range parts {
		m.Files = append(m.Files, backup.File{Number: i, SHA256: s.SHA256, CRC32C: s.CRC32C, Size: int64(len(s.Data)), Documents: s.Documents, Bytes: s.Bytes, KMS: "k/1", Offline: "o"})
		m.Collections.Sum(s.Tallies)
	}
	return m
}

func TestAManifestComesBackAsItWasSigned(t *testing.T) {
	t.Parallel()
	h := newHand(t, backup.SignerName("p"))
	m := manifest(run(), sealed(t, run().Part(0, 0), key(t), "a", "b"))
	m.Checkpoint = "origin\n1\nroot\n\n— origin sig\n"
	signed := h.sign(t, m)
	got, err := backup.OpenManifest("manifests/hot/20260301T120000Z", "p", signed, []string{h.text})
	m.Format = got.Format
	if diff := cmp.Diff(m, got); diff != "" || err != nil {
		t.Errorf("%v, manifest (-want +got):\n%s", err, diff)
	}
	if !bytes.Equal(signed, h.sign(t, m)) {
		t.Error("signed twice, it is not the same")
	}
}

// line and signature are a manifest's two halves.
func line(signed []byte) []byte      { return signed[:bytes.IndexByte(signed, '\n')+1] }
func signature(signed []byte) []byte { return signed[bytes.IndexByte(signed, '\n')+1:] }

func TestWhatIsNoManifestOfOursIsRefused(t *testing.T) {
	t.Parallel()
	ours, theirs, forger := newHand(t, backup.SignerName("p")), newHand(t, backup.SignerName("q")), newHand(t, backup.SignerName("p"))
	part := sealed(t, run().Part(0, 0), key(t), "a")
	m := manifest(run(), part)
	foreign := m
	foreign.Project = "q"
	holes := manifest(run(), part, part)
	holes.Files[1].Number = 2
	shards := m
	shards.Shards = 4
	const object = "manifests/hot/20260301T120000Z"
	for name, c := range map[string]struct {
		object string
		signed []byte
		says   string
	}{
		"forged":                         {object, forger.sign(t, m), "signature"},
		"of another project":             {object, theirs.sign(t, foreign), "--project"},
		"of another project, signed too": {object, ours.sign(t, foreign), "--project"},
		"changed":                        {object, bytes.Replace(ours.sign(t, m), []byte(`"documents":1`), []byte(`"documents":2`), 1), "not the manifest that was signed"},
		"with another one's note":        {object, append(line(ours.sign(t, m)), signature(ours.sign(t, holes))...), "not the manifest that was signed"},
		"without its note":               {object, line(ours.sign(t, m)), "signature"},
		"on two lines":                   {object, append([]byte("\n"), ours.sign(t, m)...), "signature"},
		"replayed under another name":    {"manifests/hot/20260301T130000Z", ours.sign(t, m), "under another name"},
		"with a hole":                    {object, ours.sign(t, holes), "part 2"},
		"without shards":                 {object, ours.sign(t, shards), "parts are missing"},
		"empty":                          {object, nil, "signature"},
	} {
		_, err := backup.OpenManifest(c.object, "p", c.signed, []string{ours.text})
		var refusal *backup.Refusal
		if !errors.As(err, &refusal) || refusal.Object != c.object || refusal.Remedy == "" || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAFileIsHeldAgainstItsManifest(t *testing.T) {
	t.Parallel()
	k := key(t)
	part, other := run().Part(0, 0), run().Part(0, 1)
	s, o := sealed(t, part, k, "a"), sealed(t, other, k, "a")
	m := manifest(run(), s, o)
	if err := m.Files[0].Check(part, s.Data); err != nil {
		t.Error(err)
	}
	changed := bytes.Clone(s.Data)
	changed[len(changed)-1] ^= 1
	swapped := m.Files[1] // a manifest that was made of files in the wrong places
	for name, c := range map[string]struct {
		file backup.File
		data []byte
		says string
	}{
		"cut": {m.Files[0], s.Data[:20], "cut"}, "changed": {m.Files[0], changed, "checksum"},
		"another's": {m.Files[0], o.Data, "under another name"}, "replayed": {swapped, o.Data, "under another name"},
	} {
		err := c.file.Check(part, c.data)
		if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), part.Object()) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAChainIsFollowedByHashes(t *testing.T) {
	t.Parallel()
	full := manifest(run(), sealed(t, run().Part(0, 0), key(t)))
	next := func(m backup.Manifest, hash string) backup.Manifest {
		r := m.Run
		r.Chain = m.Chain + 1
		r.At, r.Since, r.Follows = m.At.Add(time.Hour), m.At.Add(-backup.Overlap), backup.Link{At: m.At, SHA256: hash}
		return manifest(r)
	}
	one := next(full, "h0")
	two := next(one, "h1")
	known := map[time.Time]backup.Manifest{full.At: full, one.At: one}
	hashes := map[time.Time]string{full.At: "h0", one.At: "h1"}
	load := func(at time.Time) (backup.Manifest, string, error) {
		m, ok := known[at]
		if !ok {
			return m, "", backup.Missing(backup.ManifestObject(backup.Hot, at), nil)
		}
		return m, hashes[at], nil
	}
	chain, err := backup.Follow(two, load)
	if err != nil || len(chain) != 3 || !chain[0].Full() || !chain.At().Equal(two.At) {
		t.Fatalf("followed %d: %v", len(chain), err)
	}
	hashes[one.At] = "another"
	if _, err := backup.Follow(two, load); err == nil || !strings.Contains(err.Error(), one.Manifest()) {
		t.Errorf("another manifest in the chain: %v", err)
	}
	delete(known, full.At)
	hashes[one.At] = "h1"
	if _, err := backup.Follow(two, load); err == nil || !strings.Contains(err.Error(), full.Manifest()) {
		t.Errorf("a missing one: %v", err)
	}
}

func TestADigestKnowsNoOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfNDistinct(rapid.String(), 1, 8, rapid.ID).Draw(t, "lines")
		var a, b, rest backup.Digest
		for _, l := range lines {
			a.Add([]byte(l))
		}
		for i := range lines {
			if i%2 == 0 {
				b.Add([]byte(lines[len(lines)-1-i]))
			} else {
				rest.Add([]byte(lines[len(lines)-1-i]))
			}
		}
		b.Sum(rest)
		text, err := a.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var back backup.Digest
		if err := back.UnmarshalText(text); err != nil || a != b || back != a {
			t.Fatalf("%v, %v and %v: %v", a, b, back, err)
		}
		b.Add([]byte(lines[0]))
		if a == b {
			t.Fatal("a line too many is not seen")
		}
	})
	var d backup.Digest
	d.Add([]byte("abc"))
	sum := sha256.Sum256([]byte("abc"))
	if text, _ := d.MarshalText(); string(text) != fmt.Sprintf("%x", sum) {
		t.Errorf("the digest of one line is %s", text)
	}
}

func FuzzReadHeader(f *testing.F) {
	w, err := new(backup.Writers).Begin(backup.Header{Part: run().Part(0, 0)}, backup.FileKey{})
	if err != nil {
		f.Fatal(err)
	}
	s, err := w.Close()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(s.Data)
	f.Add([]byte("{}\n"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		if h, err := backup.ReadHeader(data); err == nil {
			_ = h.Object()
		}
		_, _ = read(data, backup.FileKey{})
	})
}

func FuzzOpenManifest(f *testing.F) {
	f.Add([]byte("{}\n\n— p/backup AAAAAA==\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := backup.OpenManifest("manifests/hot/20260301T120000Z", "p", data, nil); err == nil {
			t.Error("an unsigned manifest is taken")
		}
	})
}
