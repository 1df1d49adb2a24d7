package privacy

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/order"
)

// The prefixes of the ids that an erasure holds, beside those of orders; see [order.IsID].
const (
	ErasurePrefix = "era_"
	messagePrefix = "msg_"
)

// ErasureFolder begins the name of every erasure's object.
const ErasureFolder = "erasures/"

// MaxErased bounds how many orders and messages one erasure names, so that its object and its work stay small.
const MaxErased = 5000

// version is the format of an erasure's bytes; a change of their shape is a new one.
const version = 1

// timeFormat is RFC 3339 with microseconds, what Firestore keeps.
const timeFormat = "2006-01-02T15:04:05.000000Z"

// Erasure says whose data must not come back. It holds no personal data.
type Erasure struct {
	ID       string    // see [NewErasureID]
	Tenant   string    // whose guest it was
	At       time.Time // UTC, microseconds
	Orders   []string  // whose keys and originals are deleted; sorted, each once
	Messages []string  // kept messages whose keys and originals are deleted; sorted, each once
	All      bool      // all that the tenant has, which was destroyed; no orders and messages are named then
}

// body is the erasure as written; its field order is the canonical one.
type body struct {
	Version  int      `json:"version"`
	ID       string   `json:"id"`
	Tenant   string   `json:"tenant"`
	At       string   `json:"at"`
	Orders   []string `json:"orders"`
	Messages []string `json:"messages"`
	All      bool     `json:"all,omitzero"`
}

// NewErasureID draws an erasure's id from random.
func NewErasureID(random io.Reader) (string, error) { return identity.NewID(ErasurePrefix, random) }

// ErasureObject returns the name of an erasure's object in its bucket.
func ErasureObject(id string) string { return ErasureFolder + id }

// Object returns the name of the erasure's object.
func (e Erasure) Object() string { return ErasureObject(e.ID) }

// Encode returns the erasure's canonical bytes. It fails with [fault.Invalid] for one that [Parse] would not take.
func (e Erasure) Encode() ([]byte, error) {
	b := body{
		Version: version, ID: e.ID, Tenant: e.Tenant, At: e.At.UTC().Format(timeFormat),
		Orders: e.Orders, Messages: e.Messages, All: e.All,
	}
	if err := b.check(); err != nil {
		return nil, err
	}
	return b.encode()
}

func (b body) encode() ([]byte, error) {
	raw, err := json.Marshal(b) // nil lists are written as empty ones
	if err != nil {
		return nil, fmt.Errorf("encode an erasure: %w", err)
	}
	return raw, nil
}

// Parse reads an erasure's canonical bytes. Every other spelling of the same is [fault.Invalid], and so is an erasure
// that names nothing, or something that is no order and no message.
func Parse(raw []byte) (Erasure, error) {
	var b body
	if err := json.Unmarshal(raw, &b, json.RejectUnknownMembers(true)); err != nil {
		return Erasure{}, fault.New(fault.Invalid, "an erasure's bytes are not readable").Because(err)
	}
	if b.Version != version {
		return Erasure{}, fault.New(fault.Invalid, "an erasure of format %d is not known here", b.Version)
	}
	if err := b.check(); err != nil {
		return Erasure{}, err
	}
	if again, err := b.encode(); err != nil || !bytes.Equal(again, raw) {
		return Erasure{}, fault.New(fault.Invalid, "an erasure's bytes are not in their canonical form").Because(err)
	}
	at, err := time.Parse(timeFormat, b.At)
	if err != nil || at.Format(timeFormat) != b.At {
		return Erasure{}, fault.New(fault.Invalid, "an erasure's time is not in its canonical form").Because(err)
	}
	return Erasure{ID: b.ID, Tenant: b.Tenant, At: at, Orders: b.Orders, Messages: b.Messages, All: b.All}, nil
}

func (b body) check() error {
	switch {
	case !identity.WellFormed(ErasurePrefix, b.ID):
		return fault.New(fault.Invalid, "an erasure's id is not one")
	case !identity.WellFormed(identity.TenantPrefix, b.Tenant):
		return fault.New(fault.Invalid, "an erasure's tenant is not one")
	case b.All && len(b.Orders)+len(b.Messages) > 0:
		return fault.New(fault.Invalid, "an erasure of all that a tenant has names nothing of it")
	case !b.All && len(b.Orders)+len(b.Messages) == 0:
		return fault.New(fault.Invalid, "an erasure names at least one order or message")
	case len(b.Orders)+len(b.Messages) > MaxErased:
		return fault.New(fault.Invalid, "an erasure names at most %d orders and messages", MaxErased)
	case !ascending(b.Orders) || !ascending(b.Messages):
		return fault.New(fault.Invalid, "an erasure's ids are sorted, and each is there once")
	case !all(b.Orders, order.IsID):
		return fault.New(fault.Invalid, "an erasure names an order that is none")
	case !all(b.Messages, isMessage):
		return fault.New(fault.Invalid, "an erasure names a message that is none")
	}
	return nil
}

func isMessage(id string) bool { return identity.WellFormed(messagePrefix, id) }

func ascending(ids []string) bool {
	return slices.IsSorted(ids) && len(slices.Compact(slices.Clone(ids))) == len(ids)
}

func all(ids []string, ok func(string) bool) bool {
	return !slices.ContainsFunc(ids, func(id string) bool { return !ok(id) })
}
