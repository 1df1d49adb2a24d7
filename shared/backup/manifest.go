package backup

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

const manifestFormat = "ryggrad-backup-manifest-2"

// Manifest says what belongs to a run. A run is a backup when its manifest is there.
type Manifest struct {
	Format string `json:"format"`
	Run

	Files       []File  `json:"files"` // by shard and number
	Collections Tallies `json:"collections"`
	Checkpoint  string  `json:"checkpoint,omitempty"` // the newest signed one of the audit log, as the run ended
}

// Note is what is kept with a part when it is created: what its manifest will say of it, and where its shard goes on.
type Note struct {
	File

	Tallies Tallies `json:"collections"`
	Next    Cursor  `json:"next"`
}

// NoteOf returns the note of a part that was written.
func NoteOf(h Header, s Sealed, next Cursor) Note {
	return Note{
		File: File{
			Shard: h.Shard, Number: h.Number, SHA256: s.SHA256, CRC32C: s.CRC32C, Size: int64(len(s.Data)),
			Documents: s.Documents, Bytes: s.Bytes, KMS: h.KMS.By, Offline: h.Offline.By,
		},
		Tallies: s.Tallies, Next: next,
	}
}

// File is a part, as its manifest knows it.
type File struct {
	Shard     int    `json:"shard"`
	Number    int    `json:"number"`
	SHA256    string `json:"sha256"`
	CRC32C    uint32 `json:"crc32c"`
	Size      int64  `json:"size"`
	Documents int64  `json:"documents"`
	Bytes     int64  `json:"bytes"` // before compression
	KMS       string `json:"kms"`   // the version of the KMS key that wrapped its key
	Offline   string `json:"offline"`
}

// Made returns what planning needs to know of the manifest, whose object has this hash.
func (m Manifest) Made(hash string) Made {
	made := Made{Link: Link{At: m.At, SHA256: hash}, Chain: m.Chain, Base: m.Base}
	if m.Full() {
		made.Base = Base{At: m.At, Documents: m.Documents()}
	}
	return made
}

// Documents returns how many lines the run has.
func (m Manifest) Documents() int64 { return m.Collections.Documents() }

// Text returns the manifest as its object holds it: one line of JSON.
func (m Manifest) Text() (string, error) {
	m.Format = manifestFormat
	raw, err := json.Marshal(m)
	return string(raw) + "\n", err
}

// noteOf returns the text of the note that is signed for a manifest. It is short however many parts a run has: KMS signs
// 64 KiB at most.
func noteOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return manifestFormat + "\n" + hex.EncodeToString(sum[:]) + "\n"
}

// SignerName is the name of the key that signs a project's manifests.
func SignerName(project string) string { return project + "/backup" }

// Sign returns the manifest's object: its text, and the note that signs it. The signature is made by sign with the key of
// this text, see [note.NewEd25519VerifierKey].
func (m Manifest) Sign(key string, sign func(message []byte) ([]byte, error)) ([]byte, error) {
	text, err := m.Text()
	if err != nil {
		return nil, fmt.Errorf("sign a manifest: %w", err)
	}
	v, err := note.NewVerifier(key)
	if err != nil {
		return nil, fmt.Errorf("sign a manifest: %w", err)
	}
	signed, err := note.Sign(&note.Note{Text: noteOf(text)}, signer{v, sign})
	if err != nil {
		return nil, fmt.Errorf("sign a manifest: %w", err)
	}
	return append([]byte(text), signed...), nil
}

type signer struct {
	note.Verifier
	sign func([]byte) ([]byte, error)
}

// Sign makes the signature.
func (s signer) Sign(message []byte) ([]byte, error) { return s.sign(message) }

// HashManifest returns a signed manifest's SHA-256 as links have it.
func HashManifest(signed []byte) string {
	sum := sha256.Sum256(signed)
	return hex.EncodeToString(sum[:])
}

// OpenManifest reads the manifest that must be under a name, of a project, signed by one of the keys. Anything else is a
// [Refusal].
func OpenManifest(object, project string, signed []byte, keys []string) (Manifest, error) {
	verifiers := make([]note.Verifier, 0, len(keys))
	for _, key := range keys {
		v, err := note.NewVerifier(key)
		if err != nil {
			return Manifest{}, fmt.Errorf("a manifest's key is not readable: %w", err)
		}
		verifiers = append(verifiers, v)
	}
	text, rest, _ := bytes.Cut(signed, []byte("\n"))
	text = signed[:min(len(text)+1, len(signed))] // with the end of its line
	n, err := note.Open(rest, note.VerifierList(verifiers...))
	var unverified *note.UnverifiedNoteError
	switch {
	case errors.As(err, &unverified) && ofOther(unverified.Note, project):
		return Manifest{}, &Refusal{Object: object, What: "it is signed for another project", Remedy: remedyAlien, Cause: err}
	case err != nil:
		return Manifest{}, &Refusal{Object: object, What: "its signature does not hold", Remedy: remedyForge, Cause: err}
	}
	if n.Text != noteOf(string(text)) {
		return Manifest{}, &Refusal{Object: object, What: "it is not the manifest that was signed", Remedy: remedyForge}
	}
	m, err := parseManifest(string(text))
	if err != nil {
		return Manifest{}, &Refusal{Object: object, What: "it is no manifest", Remedy: remedyForge, Cause: err}
	}
	switch {
	case m.Project != project:
		return Manifest{}, &Refusal{Object: object, What: "it is of the project " + m.Project, Remedy: remedyAlien}
	case m.Manifest() != object:
		return Manifest{}, &Refusal{Object: object, What: "it is the manifest " + m.Manifest() + ", under another name", Remedy: remedyForge}
	}
	return m, nil
}

// ofOther tells whether a note bears the signature of another project's key only.
func ofOther(n *note.Note, project string) bool {
	return n != nil && len(n.UnverifiedSigs) > 0 && !slices.ContainsFunc(n.UnverifiedSigs, func(s note.Signature) bool { return s.Name == SignerName(project) })
}

func parseManifest(text string) (Manifest, error) {
	var m Manifest
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return m, err
	}
	if m.Format != manifestFormat {
		return m, fmt.Errorf("its format is %.40q, and only %s is known", m.Format, manifestFormat)
	}
	if again, err := m.Text(); err != nil || again != text {
		return m, errors.New("it is not written as a manifest is")
	}
	return m, m.check()
}

// check looks whether the parts are whole shards, in order.
func (m Manifest) check() error {
	shard, number := 0, 0
	for i, f := range m.Files {
		if i > 0 && f.Shard == shard+1 && f.Number == 0 {
			shard, number = f.Shard, 0
		}
		if f.Shard != shard || f.Number != number {
			return fmt.Errorf("it has part %d of shard %d where part %d of shard %d belongs", f.Number, f.Shard, number, shard)
		}
		number++
	}
	switch {
	case len(m.Files) == 0 || shard != m.Shards-1:
		return errors.New("parts are missing")
	case !m.At.Equal(m.At.Truncate(time.Second)) || !m.Since.Before(m.At):
		return errors.New("its moments make no sense")
	}
	return nil
}

// Check holds a file against what its manifest says of it.
func (f File) Check(part Part, data []byte) error {
	object := part.Object()
	mine, err := part.Bound()
	if err != nil {
		return err
	}
	h, unreadable := ReadHeader(data)
	theirs, err := h.Bound()
	if err != nil {
		return err
	}
	sum, crc := Sums(data)
	switch {
	case unreadable == nil && !bytes.Equal(mine, theirs):
		return Broken(object, "it is "+h.Object()+" of the project "+h.Project+", under another name", nil)
	case int64(len(data)) < f.Size:
		return Broken(object, fmt.Sprintf("it is cut: %d bytes of %d", len(data), f.Size), nil)
	case sum != f.SHA256 || crc != f.CRC32C:
		return Broken(object, "it is not the file that was written: its checksum is another", nil)
	case unreadable != nil:
		return Broken(object, "it is no file of a backup", unreadable)
	}
	return nil
}
