package tlog

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/transparency-dev/formats/log"
	formats "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/ledger"
)

// Checkpoint is a log at one size.
type Checkpoint struct {
	Origin string // the log's name, and that of its keys
	Size   uint64
	Root   ledger.Hash
}

// Text returns the note that is signed.
func (c Checkpoint) Text() string {
	return string(log.Checkpoint{Origin: c.Origin, Size: c.Size, Hash: c.Root[:]}.Marshal())
}

// parseCheckpoint reads a note's text and refuses every other spelling, extension lines included.
func parseCheckpoint(text string) (Checkpoint, error) {
	var f log.Checkpoint
	if _, err := f.Unmarshal([]byte(text)); err != nil {
		return Checkpoint{}, fault.New(fault.Invalid, "this is not a checkpoint").Because(err)
	}
	if len(f.Hash) != len(ledger.Hash{}) {
		return Checkpoint{}, fault.New(fault.Invalid, "a checkpoint's root is 32 bytes")
	}
	c := Checkpoint{Origin: f.Origin, Size: f.Size, Root: ledger.Hash(f.Hash)}
	if c.Text() != text {
		return Checkpoint{}, fault.New(fault.Invalid, "this is not a checkpoint as it is written")
	}
	return c, nil
}

// Key returns an Ed25519 key's text, by which notes under its signature are opened: `name+hash+key`.
func Key(name string, public ed25519.PublicKey) (string, error) {
	return note.NewEd25519VerifierKey(name, public)
}

// Sign returns the signed note. The signature is made by sign over the note's text, with the key of this text.
func (c Checkpoint) Sign(key string, sign func(message []byte) ([]byte, error)) ([]byte, error) {
	v, err := note.NewVerifier(key)
	if err != nil {
		return nil, fmt.Errorf("sign a checkpoint: %w", err)
	}
	signed, err := note.Sign(&note.Note{Text: c.Text()}, signer{v, sign})
	if err != nil {
		return nil, fmt.Errorf("sign a checkpoint: %w", err)
	}
	return signed, nil
}

type signer struct {
	note.Verifier
	sign func([]byte) ([]byte, error)
}

// Sign makes the signature.
func (s signer) Sign(message []byte) ([]byte, error) { return s.sign(message) }

// Keys are the texts of the keys that may sign a log's checkpoints: the one that signs now and those before it.
type Keys []string

// ErrUnsigned says that none of the known keys signed.
var ErrUnsigned = errors.New("none of the known keys signed this")

// Open reads a signed checkpoint. One that none of the keys signed is [ErrUnsigned]; a signature of one of them that
// does not hold is refused although another one's does.
func (k Keys) Open(signed []byte) (Checkpoint, error) {
	verifiers := make([]note.Verifier, 0, len(k))
	for _, key := range k {
		v, err := note.NewVerifier(key)
		if err != nil {
			return Checkpoint{}, fault.New(fault.Invalid, "a checkpoint's key is not readable").Because(err)
		}
		verifiers = append(verifiers, v)
	}
	n, err := note.Open(signed, note.VerifierList(verifiers...))
	var unverified *note.UnverifiedNoteError
	switch {
	case errors.As(err, &unverified):
		return Checkpoint{}, fault.New(fault.Invalid, "the checkpoint is signed by none of the known keys").Because(ErrUnsigned)
	case err != nil:
		return Checkpoint{}, fault.New(fault.Invalid, "the checkpoint's signature does not hold").Because(err)
	}
	c, err := parseCheckpoint(n.Text)
	if err != nil {
		return c, err
	}
	if !slices.ContainsFunc(n.Sigs, func(s note.Signature) bool { return s.Name == c.Origin }) {
		return c, fault.New(fault.Invalid, "the checkpoint is of another log than its signature").Because(ErrUnsigned)
	}
	return c, nil
}

// Unverified reads a checkpoint without asking who signed it, for those who were given it by whoever they trust.
func Unverified(signed []byte) (Checkpoint, error) {
	text, _, found := strings.Cut(string(signed), "\n\n")
	if !found {
		return Checkpoint{}, fault.New(fault.Invalid, "this is not a signed checkpoint")
	}
	return parseCheckpoint(text + "\n")
}

// Cosigned returns the signed note with what a witness answered: its signatures, and no others. Lines of other keys are
// left out; the witness may have several. See https://c2sp.org/tlog-cosignature and https://c2sp.org/tlog-witness.
func Cosigned(signed, answer []byte, witness string) ([]byte, error) {
	v, err := formats.NewVerifierForCosignatureV1(witness)
	if err != nil {
		return nil, fmt.Errorf("read a witness's key: %w", err)
	}
	lines := string(answer)
	if !strings.HasPrefix(lines, "— ") || !strings.HasSuffix(lines, "\n") || strings.Contains(lines, "\n\n") {
		return nil, fault.New(fault.Invalid, "the witness did not answer with signatures")
	}
	n, err := note.Open(append(slices.Clone(signed), answer...), note.VerifierList(v))
	if err != nil {
		return nil, fault.New(fault.Invalid, "the witness's signature does not hold").Because(err)
	}
	whole := slices.Clone(signed)
	for _, s := range n.Sigs {
		whole = fmt.Appendf(whole, "— %s %s\n", s.Name, s.Base64)
	}
	return whole, nil
}

// IsCosigned tells whether a witness's signature is on a note.
func IsCosigned(signed []byte, witness string) bool {
	v, err := formats.NewVerifierForCosignatureV1(witness)
	if err != nil {
		return false
	}
	_, err = note.Open(signed, note.VerifierList(v))
	return err == nil
}
