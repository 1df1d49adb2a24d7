// Package functions holds THE table of functions: what is deployed, where its code is, what calls it and what it may
// use. The local runner, the bundler and Terraform read the same file, functions.json; nothing repeats it.
//
// A route covers its path and everything below it; `*` stands for one segment, and a trailing `**` for whatever
// follows. The longest route wins. A function marked `coming` is part of the design and not built yet: nothing is
// routed to it and nothing of it is deployed.
//
// Roles are the least that will do, proven both ways: a test has every function do all that it does, listens to what it
// asks the cloud for, and refuses a role that is missing, unused or larger than need be.
//
// Beside it, metrics.json says what alerts build on in the functions' log: each metric counts the lines of some constant
// messages, or takes the value of a field of them. Terraform makes the metrics from it. Every error that code logs is in
// it, because an error means that a person must look.
package functions

import (
	_ "embed" // for the table
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
)

//go:embed functions.json
var table []byte

// Trigger is what makes a function run.
type Trigger string

// The triggers.
const (
	HTTP   Trigger = "http"   // a request on one of its routes
	PubSub Trigger = "pubsub" // a message on its topic, pushed
)

// Function is one line of the table.
type Function struct {
	Name         string   `json:"name"`
	Package      string   `json:"package"` // folder of its code
	Trigger      Trigger  `json:"trigger"`
	Routes       []string `json:"routes"`      // of HTTP functions
	Topic        string   `json:"topic"`       // of Pub/Sub functions
	Schedule     string   `json:"schedule"`    // cron, UTC: when a message is published on the topic by itself
	Memory       string   `json:"memory"`      // as Cloud Run writes it
	CPU          float64  `json:"cpu"`         // vCPUs
	Concurrency  int      `json:"concurrency"` // requests at once in one instance
	Timeout      int      `json:"timeout"`     // seconds
	MinInstances int      `json:"minInstances"`
	MaxInstances int      `json:"maxInstances"`
	Roles        Roles    `json:"roles"`
	Coming       bool     `json:"coming"` // not built yet
}

// Roles are what the function's service account may do, by what it may do it to.
type Roles struct {
	Project []string            `json:"project"`
	Topics  map[string][]string `json:"topics"`
	Keys    map[string][]string `json:"keys"`
	Buckets map[string][]string `json:"buckets"`
}

// Deadline returns the function's timeout.
func (f Function) Deadline() time.Duration { return time.Duration(f.Timeout) * time.Second }

// aftermath is what of its timeout a function of Pub/Sub keeps for what follows a handler that ran out of time: what is
// put off is written down, the failure is logged, and 503 is answered. Cloud Run would cut all of it off at the timeout.
const aftermath = 5 * time.Second

// Handling returns how long the handling of one message may take.
func (f Function) Handling() time.Duration { return f.Deadline() - aftermath }

// Table reads the table.
func Table() ([]Function, error) {
	var t struct {
		Functions []Function `json:"functions"`
	}
	if err := json.Unmarshal(table, &t, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("read functions.json: %w", err)
	}
	return t.Functions, nil
}

// Find returns the function of that name.
func Find(name string) (Function, error) {
	all, err := Table()
	if err != nil {
		return Function{}, err
	}
	i := slices.IndexFunc(all, func(f Function) bool { return f.Name == name })
	if i < 0 {
		return Function{}, fmt.Errorf("function %s is not in functions.json", name)
	}
	return all[i], nil
}
