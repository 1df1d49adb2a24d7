package backupdb

import (
	"github.com/go-json-experiment/json"

	"ryggrad.internal/hub/shared/backup"
	"ryggrad.internal/hub/shared/fault"
)

// Topic is the topic of the messages.
const Topic = "backup"

// Step is what a message asks for.
type Step string

// The steps of a backup.
const (
	Plan   Step = "plan"   // look what is due; the schedule's message asks for it by saying nothing
	Shard  Step = "shard"  // write a shard's parts, from a cursor on
	Finish Step = "finish" // write the manifest, if all parts are there
	Copy   Step = "copy"   // keep the run for a year
)

// Message is one step's. A message that an operator sends may be {"sets":["hot"],"now":true}.
type Message struct {
	Step Step         `json:"step,omitempty"`
	Sets []backup.Set `json:"sets,omitempty"` // to plan; none: all
	Now  bool         `json:"now,omitempty"`  // begin them although they are not due

	Run    backup.Run    `json:"run,omitzero"`
	Shard  int           `json:"shard,omitempty"`
	Number int           `json:"number,omitempty"` // of the next part, or of the next file to copy
	Cursor backup.Cursor `json:"cursor,omitzero"`
}

// ParseMessage reads a message about a database. One of another project or database is refused.
func ParseMessage(raw []byte, project, database string) (Message, error) {
	var m Message
	if len(raw) == 0 { // somebody published nothing, to start it
		raw = []byte("{}")
	}
	if err := json.Unmarshal(raw, &m, json.RejectUnknownMembers(true)); err != nil {
		return m, fault.New(fault.Malformed, "this is no step of a backup").Because(err)
	}
	if m.Step == "" {
		m.Step = Plan
	}
	for _, set := range m.Sets {
		if _, err := backup.ParseSet(string(set)); err != nil {
			return m, err
		}
	}
	if m.Step == Plan {
		return m, nil
	}
	if _, err := backup.ParseSet(string(m.Run.Set)); err != nil {
		return m, err
	}
	if m.Run.Project != project || m.Run.Database != database || m.Run.At.IsZero() || m.Shard < 0 || m.Shard >= m.Run.Shards || m.Number < 0 {
		return m, fault.New(fault.Malformed, "this is no step of a backup of this database")
	}
	return m, nil
}
