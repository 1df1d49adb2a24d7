package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
)

// version is the format of the entry's bytes; a change of their shape is a new one.
const version = 1

// timeFormat is RFC 3339 with microseconds, what Firestore keeps.
const timeFormat = "2006-01-02T15:04:05.000000Z"

// Outcome tells how an act ended.
type Outcome string

// The outcomes of an act.
const (
	Done    Outcome = "done"
	Refused Outcome = "refused"
)

// Hash is a SHA-256. Its text is lower-case hex; the zero Hash's text is empty.
type Hash [sha256.Size]byte

// String gives lower-case hex, or nothing for the zero Hash.
func (h Hash) String() string {
	if h == (Hash{}) {
		return ""
	}
	return hex.EncodeToString(h[:])
}

// ParseHash reads what [Hash.String] wrote.
func ParseHash(s string) (Hash, error) {
	var h Hash
	if s == "" {
		return h, nil
	}
	raw, err := hex.DecodeString(s)
	if err != nil || len(raw) != len(h) || strings.ToLower(s) != s {
		return h, fault.New(fault.Invalid, "a hash is 64 lower-case hex digits")
	}
	return Hash(raw), nil
}

// Entry says who did what to which object, on which request, and what came of it. It holds no personal data.
type Entry struct {
	ID        string          // 128 random bits, see [NewID]
	Tenant    string          // whose object it is
	At        time.Time       // UTC, microseconds
	Actor     identity.Actor  // whose authority was used
	Act       *identity.Actor // who really acted, when it was somebody else
	Action    string          // as in `order.receive`
	Object    string          // collection and id, as in `orders/ord_…`
	Revision  int64           // of the object after the act, from 1
	Previous  Hash            // of the object's entry before; zero at its first
	After     Hash            // of the object's document after; zero when the act removed it
	Outcome   Outcome
	Reason    string // of a refusal; a constant text
	Count     int64  // of refusals that the entry stands for, when it is not just one; see [Refusal]
	RequestID string
}

// body is the entry as written; its field order is the canonical one.
type body struct {
	Version   int    `json:"v"`
	ID        string `json:"id"`
	Tenant    string `json:"tenant"`
	At        string `json:"at"`
	Actor     string `json:"actor"`
	Act       string `json:"act,omitempty"`
	Action    string `json:"action"`
	Object    string `json:"object"`
	Revision  int64  `json:"revision"`
	Previous  string `json:"previous,omitempty"`
	After     string `json:"after,omitempty"`
	Outcome   string `json:"outcome"`
	Reason    string `json:"reason,omitempty"`
	Count     int64  `json:"count,omitempty"`
	RequestID string `json:"request,omitempty"`
}

// idEncoding is the alphabet of all of the hub's ids: lower-case base32 without padding.
func idEncoding() *base32.Encoding {
	return base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
}

// NewID draws an entry's id, `ent_` and 128 bits, from random.
func NewID(random io.Reader) (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("draw an entry's id: %w", err)
	}
	return "ent_" + idEncoding().EncodeToString(b[:]), nil
}

// Encode returns the entry's canonical bytes.
func (e Entry) Encode() ([]byte, error) {
	b := body{
		Version: version, ID: e.ID, Tenant: e.Tenant, At: e.At.UTC().Format(timeFormat), Actor: e.Actor.String(),
		Action: e.Action, Object: e.Object, Revision: e.Revision, Previous: e.Previous.String(), After: e.After.String(),
		Outcome: string(e.Outcome), Reason: e.Reason, Count: e.Count, RequestID: e.RequestID,
	}
	if e.Act != nil {
		b.Act = e.Act.String()
	}
	if err := b.check(); err != nil {
		return nil, err
	}
	return b.encode()
}

func (b body) encode() ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(b); err != nil {
		return nil, fmt.Errorf("encode an entry: %w", err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

func (b body) check() error {
	for _, s := range []string{b.ID, b.Tenant, b.Action, b.Object, b.Reason, b.RequestID} {
		if !utf8.ValidString(s) {
			return fault.New(fault.Invalid, "an entry's text is not UTF-8")
		}
	}
	switch {
	case b.ID == "" || b.Tenant == "" || b.Actor == "" || b.Action == "" || b.Object == "":
		return fault.New(fault.Invalid, "an entry needs an id, a tenant, an actor, an action and an object")
	case b.Outcome != string(Done) && b.Outcome != string(Refused):
		return fault.New(fault.Invalid, "an entry's outcome is done or refused")
	}
	return b.checkOutcome()
}

// checkOutcome looks at what only acts have, and what only refusals have.
func (b body) checkOutcome() error {
	refused := b.Outcome == string(Refused)
	switch {
	case b.Count < 0 || b.Count > 0 && !refused:
		return fault.New(fault.Invalid, "only refusals are counted")
	case refused && (b.Revision != 0 || b.Previous != "" || b.After != ""):
		return fault.New(fault.Invalid, "a refusal changes nothing and stands in no chain")
	case !refused && b.Revision < 1:
		return fault.New(fault.Invalid, "an act's revision begins at 1")
	case !refused && (b.Previous == "") != (b.Revision == 1):
		return fault.New(fault.Invalid, "only an object's first entry has none before it")
	}
	return nil
}

// Parse reads an entry's canonical bytes and refuses every other spelling of the same, so that equal entries have equal
// bytes and a hash speaks for one entry only.
func Parse(raw []byte) (Entry, error) {
	var b body
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&b); err != nil {
		return Entry{}, fault.New(fault.Invalid, "an entry's bytes are not readable").Because(err)
	}
	if b.Version != version {
		return Entry{}, fault.New(fault.Invalid, "an entry of format %d is not known here", b.Version)
	}
	if err := b.check(); err != nil {
		return Entry{}, err
	}
	if again, err := b.encode(); err != nil || !bytes.Equal(again, raw) {
		return Entry{}, fault.New(fault.Invalid, "an entry's bytes are not in their canonical form").Because(err)
	}
	return b.entry()
}

func (b body) entry() (Entry, error) {
	e := Entry{
		ID: b.ID, Tenant: b.Tenant, Action: b.Action, Object: b.Object, Revision: b.Revision,
		Outcome: Outcome(b.Outcome), Reason: b.Reason, Count: b.Count, RequestID: b.RequestID,
	}
	var ok bool
	var err error
	if e.Actor, ok = identity.ParseActor(b.Actor); !ok {
		return e, fault.New(fault.Invalid, "an entry's actor is not one")
	}
	if b.Act != "" {
		act, ok := identity.ParseActor(b.Act)
		if !ok {
			return e, fault.New(fault.Invalid, "who really acted is not an actor")
		}
		e.Act = &act
	}
	if e.At, err = time.Parse(timeFormat, b.At); err != nil || e.At.Format(timeFormat) != b.At {
		return e, fault.New(fault.Invalid, "an entry's time is not in its canonical form").Because(err)
	}
	if e.Previous, err = ParseHash(b.Previous); err != nil {
		return e, err
	}
	e.After, err = ParseHash(b.After)
	return e, err
}

// HashEntry returns the SHA-256 of an entry's bytes.
func HashEntry(raw []byte) Hash { return sha256.Sum256(raw) }
