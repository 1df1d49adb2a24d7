package sealing_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/transparency-dev/formats/log"
	formats "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"

	"ryggrad.internal/hub/shared/ledger/sealing"
	"ryggrad.internal/hub/shared/ledger/tlog"
)

// witness is somebody else's server as https://c2sp.org/tlog-witness describes it, made of other people's code: it
// remembers the newest checkpoint it signed, and signs only what follows from it.
type witness struct {
	mu     sync.Mutex
	url    string
	log    note.Verifier
	signer *formats.Signer
	key    string // by which others verify it
	old    log.Checkpoint
	calls  int
	adds   string // to its answers
}

// newWitness returns one that knows the log of a world, and a sealer that asks it.
func newWitness(t *testing.T, w *world) *witness {
	t.Helper()
	secret, public, err := note.GenerateKey(rand.Reader, "witness.test")
	w.must(err)
	signer, err := formats.NewSignerForCosignatureV1(secret)
	w.must(err)
	key, err := formats.VKeyToCosignatureV1(public)
	w.must(err)
	logKey, err := note.NewVerifier(w.keys()[0])
	w.must(err)
	other := &witness{signer: signer, key: key, log: logKey}
	server := httptest.NewServer(other)
	t.Cleanup(server.Close)
	other.url = server.URL
	w.cfg.Witnesses = server.URL + " " + key
	w.seal = w.sealer()
	return other
}

func (o *witness) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.calls++
	raw, err := io.ReadAll(r.Body)
	if err != nil || r.Method != http.MethodPost || r.URL.Path != "/add-checkpoint" {
		rw.WriteHeader(http.StatusNotFound)
		return
	}
	head, signed, _ := bytes.Cut(raw, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	before, err := strconv.ParseUint(strings.TrimPrefix(lines[0], "old "), 10, 64)
	if err != nil {
		rw.WriteHeader(http.StatusBadRequest)
		return
	}
	opened, err := note.Open(signed, note.VerifierList(o.log))
	if err != nil {
		rw.WriteHeader(http.StatusForbidden)
		return
	}
	var c log.Checkpoint
	if _, err := c.Unmarshal([]byte(opened.Text)); err != nil || before > c.Size {
		rw.WriteHeader(http.StatusBadRequest)
		return
	}
	if before != o.old.Size {
		rw.Header().Set("Content-Type", "text/x.tlog.size")
		rw.WriteHeader(http.StatusConflict)
		_, _ = fmt.Fprintln(rw, o.old.Size)
		return
	}
	if !o.follows(c, lines[1:]) {
		rw.WriteHeader(http.StatusUnprocessableEntity)
		return
	}
	o.old = c
	_, _ = io.WriteString(rw, o.adds+o.line(opened.Text))
}

// follows checks the proof that a checkpoint follows from the newest one that was signed.
func (o *witness) follows(c log.Checkpoint, lines []string) bool {
	hashes := make([][]byte, len(lines))
	for i, line := range lines {
		var err error
		if hashes[i], err = base64.StdEncoding.DecodeString(line); err != nil {
			return false
		}
	}
	if o.old.Size == 0 {
		return len(hashes) == 0
	}
	return proof.VerifyConsistency(rfc6962.DefaultHasher, o.old.Size, c.Size, hashes, o.old.Hash, c.Hash) == nil
}

// line returns the witness's signature on a note's text.
func (o *witness) line(text string) string {
	signed, err := note.Sign(&note.Note{Text: text}, o.signer)
	if err != nil {
		return ""
	}
	_, line, _ := strings.Cut(string(signed), "\n\n")
	return line
}

// published returns the newest checkpoint as it stands in the bucket.
func (w *world) published() []byte {
	w.t.Helper()
	signed, err := w.store.Bucket(w.cfg.HeadBucket).Read(w.t.Context(), tlog.CheckpointPath)
	w.must(err)
	return signed
}

func TestAWitnessSignsEveryCheckpointThatFollows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create("ep_0")
	w.run() // before anybody watched
	other := newWitness(t, w)
	other.adds = "— somebody.else AAAAAAAA\n"
	for i := range 3 {
		w.create(fmt.Sprint("ep_a", i), fmt.Sprint("ep_b", i))
		if i == 2 {
			w.seal = w.sealer() // one that does not know what the witness has seen
		}
		w.run()
		signed := w.published()
		if !tlog.IsCosigned(signed, other.key) || bytes.Contains(signed, []byte("somebody.else")) {
			t.Errorf("published is\n%s", signed)
		}
		if c, err := w.keys().Open(signed); err != nil || c.Size != other.old.Size {
			t.Errorf("the witness has seen %d entries of %d, %v", other.old.Size, c.Size, err)
		}
	}
	asked := other.calls
	w.run()
	if other.calls != asked {
		t.Error("a witness that has signed is asked again")
	}
	w.check(7)
	if f := w.log.findings(); len(f) > 0 {
		t.Errorf("found %v", f)
	}
}

func TestAWitnessThatFailsStopsNothing(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"unknown log":  func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusNotFound) },
		"no signature": func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, "thank you\n") },
		"a foreign one": func(rw http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(rw, "— somebody.else AAAAAAAA\n")
		},
		"a size that is not": func(rw http.ResponseWriter, _ *http.Request) { sayStale(rw, "many") },
		"endless text": func(rw http.ResponseWriter, _ *http.Request) {
			_, _ = rw.Write(bytes.Repeat([]byte("— x AAAA\n"), 1<<16))
		},
		"a broken line": hangUp,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			other := newWitness(t, w)
			server := httptest.NewServer(answer)
			t.Cleanup(server.Close)
			w.cfg.Witnesses = server.URL + " " + other.key
			w.seal = w.sealer()
			w.create("ep_0")
			w.run()
			w.check(1)
			if tlog.IsCosigned(w.published(), other.key) {
				t.Error("something was taken for a signature")
			}
		})
	}
}

// hangUp ends the connection without an answer.
func hangUp(rw http.ResponseWriter, _ *http.Request) {
	if c, _, err := http.NewResponseController(rw).Hijack(); err == nil {
		_ = c.Close()
	}
}

func sayStale(rw http.ResponseWriter, size string) {
	rw.Header().Set("Content-Type", "text/x.tlog.size")
	rw.WriteHeader(http.StatusConflict)
	_, _ = io.WriteString(rw, size+"\n")
}

func TestAWitnessThatHasSeenMoreTellsThatTheLogWasPutBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := newWitness(t, w)
	other.old = log.Checkpoint{Size: 9, Hash: make([]byte, 32)}
	w.create("ep_0")
	w.run()
	if f := w.log.findings(); !slices.Contains(f, "a witness has seen more entries than are published") {
		t.Errorf("found %v", f)
	}
	if tlog.IsCosigned(w.published(), other.key) {
		t.Error("the witness signed")
	}
}

func TestWitnessesAreConfiguredAsAddressAndKey(t *testing.T) {
	t.Parallel()
	all, err := sealing.ParseWitnesses(" https://a.test/ a+1+x , https://b.test b+2+y,")
	if err != nil || len(all) != 2 || all[0] != (sealing.Witness{URL: "https://a.test", Key: "a+1+x"}) {
		t.Errorf("%v, %v", all, err)
	}
	for _, bad := range []string{"https://a.test", "https://a.test key", "a+1+x"} {
		if _, err := sealing.ParseWitnesses(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
