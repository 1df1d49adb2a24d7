package status

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"ryggrad.internal/hub/shared/evidence"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/incident"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

const collectionStatus = "status"

const (
	idSummary  = "summary"
	idMeasures = "measures"
)

const (
	barDays = 90 // of a function's bar
	// maxSummary bounds the summary in bytes; a document holds 1 MiB. Beyond it the oldest incidents are left out.
	maxSummary = 900 << 10
	// maxIncidents is how many incidents of a year are looked at.
	maxIncidents = 1000
)

// summary is all that the pages show.
type summary struct {
	BuiltAt   time.Time           `json:"builtAt"`
	Evidence  []evidence.Evidence `json:"evidence"`
	Functions []part              `json:"functions"`
	Regions   []part              `json:"regions"`
	Incidents []incident.Incident `json:"incidents"` // public ones of a year, newest first
	Months    []month             `json:"months"`    // newest first
}

// part is a function or a region.
type part struct {
	Name   string  `json:"name"`
	Words  string  `json:"words"`
	Group  string  `json:"group"`
	Health health  `json:"health"`
	Days   string  `json:"days"`  // one letter a day, the oldest first; see [health]
	Share  float64 `json:"share"` // of the measured minutes of these days in which it answered; -1 when none was measured
}

// health is how well something is, by the letters of a bar.
type health string

// The letters of a bar, from the best to the worst.
const (
	unknown  health = "-" // nothing was measured and nothing happened
	well     health = "w"
	degraded health = "d"
	partly   health = "p"
	down     health = "o"
)

func (h health) worse(other health) health {
	const order = "-wdpo"
	for i := len(order) - 1; i >= 0; i-- {
		if c := health(order[i]); c == h || c == other {
			return c
		}
	}
	return h
}

// words says the health for people.
func (h health) words() string {
	switch h {
	case well:
		return "Works"
	case degraded:
		return "Degraded"
	case partly:
		return "Partly out of service"
	case down:
		return "Out of service"
	case unknown:
	}
	return "Not measured"
}

func healthOf(i incident.Impact) health {
	switch i {
	case incident.Minor:
		return degraded
	case incident.Major:
		return partly
	case incident.Critical:
		return down
	case incident.None:
	}
	return unknown
}

// month is a month's uptime.
type month struct {
	Name     string  `json:"name"`     // as in 2026-11
	Share    float64 `json:"share"`    // of the measured minutes
	Measured int     `json:"measured"` // minutes
}

// encode returns the summary's bytes, without the oldest incidents where it would be too large.
func (s summary) encode() ([]byte, error) {
	for {
		raw, err := json.Marshal(s)
		if err != nil {
			return nil, fmt.Errorf("encode the summary: %w", err)
		}
		if len(raw) <= maxSummary || len(s.Incidents) == 0 {
			return raw, nil
		}
		s.Incidents = s.Incidents[:len(s.Incidents)*9/10]
	}
}

func decodeSummary(raw []byte) (s summary, err error) {
	if err = json.Unmarshal(raw, &s); err != nil {
		return s, fmt.Errorf("read the summary: %w", err)
	}
	return s, nil
}

// newest returns the evidence by its kind.
func (s summary) newest() map[evidence.Kind]evidence.Evidence {
	all := make(map[evidence.Kind]evidence.Evidence, len(s.Evidence))
	for _, e := range s.Evidence {
		all[e.Kind] = e
	}
	return all
}

// loadDocument reads one of the collection's documents, in one RPC.
func loadDocument(ctx context.Context, ledger *ledgerdb.Store, id string) (ledgerdb.Object, []byte, error) {
	found, err := ledger.GetAll(ctx, identity.Hub, ledgerdb.Ref{Collection: collectionStatus, ID: id})
	if err != nil {
		return ledgerdb.Object{}, nil, err
	}
	raw, _ := found[0].Fields["json"].([]byte)
	return found[0], raw, nil
}

// errNothing says that nothing was measured yet.
var errNothing = errors.New("there is no summary yet")

// loadSummary reads the summary from the database.
func loadSummary(ctx context.Context, ledger *ledgerdb.Store) (summary, error) {
	o, raw, err := loadDocument(ctx, ledger, idSummary)
	if err != nil {
		return summary{}, err
	}
	if !o.Exists() {
		return summary{}, errNothing
	}
	return decodeSummary(raw)
}
