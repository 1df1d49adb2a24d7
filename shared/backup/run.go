package backup

import (
	"fmt"
	"strings"
	"time"

	"ryggrad.internal/hub/shared/fault"
)

// stampFormat is how moments stand in objects' names; the names sort by time.
const stampFormat = "20060102T150405Z"

// Stamp writes a moment as objects' names have it.
func Stamp(at time.Time) string { return at.UTC().Format(stampFormat) }

// ParseStamp reads what [Stamp] wrote.
func ParseStamp(s string) (time.Time, error) {
	at, err := time.Parse(stampFormat, s)
	if err != nil {
		return time.Time{}, fault.New(fault.Invalid, "%q is no moment of a backup, which look like %s", s, stampFormat)
	}
	return at, nil
}

// Run is one backup of one set at one moment.
type Run struct {
	Project  string    `json:"project"`
	Database string    `json:"database"`
	Set      Set       `json:"set"`
	At       time.Time `json:"at"`               // the read time, a whole minute
	Since    time.Time `json:"since,omitzero"`   // it holds what changed since; zero: everything
	Follows  Link      `json:"follows,omitzero"` // the newest manifest before it
	Chain    int       `json:"chain"`            // incremental runs since the full one, with it
	Base     Base      `json:"base,omitzero"`    // the full run that it stands on; zero: it is full
	Shards   int       `json:"shards"`
}

// Base is a full run, by what planning needs to know of it.
type Base struct {
	At        time.Time `json:"at"`
	Documents int64     `json:"documents"`
}

// Link names a manifest.
type Link struct {
	At     time.Time `json:"at"`
	SHA256 string    `json:"sha256"` // of the whole object
}

// Full tells whether the run holds everything.
func (r Run) Full() bool { return r.Since.IsZero() }

// Object returns the name of the object that says the run was begun.
func (r Run) Object() string { return RunsPrefix(r.Set) + Stamp(r.At) }

// Manifest returns the name of the run's manifest.
func (r Run) Manifest() string { return ManifestObject(r.Set, r.At) }

// Abandoned returns the name of the object that says the run was given up.
func (r Run) Abandoned() string { return AbandonedPrefix(r.Set) + Stamp(r.At) }

// FilesPrefix returns what the names of a set's parts begin with.
func FilesPrefix(set Set) string { return fmt.Sprintf("files/%s/", set) }

// FilesPrefix returns what the names of the run's parts begin with.
func (r Run) FilesPrefix() string { return FilesPrefix(r.Set) + Stamp(r.At) + "/" }

// ShardPrefix returns what the names of one shard's parts begin with.
func (r Run) ShardPrefix(shard int) string { return fmt.Sprintf("%s%02d-", r.FilesPrefix(), shard) }

// Part returns one of the run's parts.
func (r Run) Part(shard, number int) Part {
	return Part{Project: r.Project, Database: r.Database, Set: r.Set, At: r.At, Since: r.Since, Shard: shard, Number: number}
}

// RunsPrefix is what the names of a set's begun runs begin with.
func RunsPrefix(s Set) string { return "runs/" + string(s) + "/" }

// ManifestsPrefix is what the names of a set's manifests begin with.
func ManifestsPrefix(s Set) string { return "manifests/" + string(s) + "/" }

// AbandonedPrefix is what the names of a set's given-up runs begin with.
func AbandonedPrefix(s Set) string { return "abandoned/" + string(s) + "/" }

// ManifestObject returns the name of a manifest.
func ManifestObject(s Set, at time.Time) string { return ManifestsPrefix(s) + Stamp(at) }

// MomentOf returns the moment in the name of a run's, a manifest's or a given-up run's object.
func MomentOf(object string) (time.Time, error) {
	return ParseStamp(object[strings.LastIndexByte(object, '/')+1:])
}

// Part is one file of a run.
type Part struct {
	Project  string    `json:"project"`
	Database string    `json:"database"`
	Set      Set       `json:"set"`
	At       time.Time `json:"at"`
	Since    time.Time `json:"since,omitzero"`
	Shard    int       `json:"shard"`
	Number   int       `json:"number"` // within the shard, from 0
}

// Object returns the part's name.
func (p Part) Object() string {
	return fmt.Sprintf("files/%s/%s/%02d-%05d", p.Set, Stamp(p.At), p.Shard, p.Number)
}
