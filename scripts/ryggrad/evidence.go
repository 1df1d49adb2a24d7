package main

import (
	"strconv"
	"time"

	"ryggrad.internal/hub/shared/evidence"
	"ryggrad.internal/hub/shared/evidence/evidencedb"
)

type evidenceCommands struct {
	Record recordEvidence `cmd:"" help:"Record that something was done that the trust page claims, such as a scan or a review."`
	List   listEvidence   `cmd:"" help:"List the newest evidence of each kind."`
}

type recordEvidence struct {
	Kind string            `arg:"" help:"What was done, as in vulnerability-scan, edge, remote-access, admin-access, policies, build."`
	Fact map[string]string `help:"name=value: what came of it, as in ok=true or findings=0; may be repeated."`
}

// Run records evidence as of now.
func (c recordEvidence) Run(d *desk) error {
	if _, err := d.act(""); err != nil { // whoever records it is asked who they are
		return err
	}
	h, err := d.hub()
	if err != nil {
		return err
	}
	facts := map[string]any{}
	for name, text := range c.Fact {
		facts[name] = factOf(text)
	}
	return evidencedb.New(h.Ledger).Record(d.ctx, evidence.Kind(c.Kind), time.Now(), facts)
}

// factOf reads a value as what it looks like.
func factOf(text string) any {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil {
		return f
	}
	if text == "true" || text == "false" {
		return text == "true"
	}
	return text
}

// evidenceAnswer is evidence as it is printed.
type evidenceAnswer struct {
	Kind  evidence.Kind  `json:"kind"`
	At    time.Time      `json:"at"`
	Facts evidence.Facts `json:"facts"`
}

type listEvidence struct{}

// Run lists evidence.
func (listEvidence) Run(d *desk) error {
	h, err := d.hub()
	if err != nil {
		return err
	}
	newest, _, err := evidencedb.New(h.Ledger).Load(d.ctx)
	if err != nil {
		return err
	}
	all := []evidenceAnswer{}
	for _, k := range evidence.Kinds() {
		if e, there := newest[k]; there {
			all = append(all, evidenceAnswer{e.Kind, e.At, e.Facts})
		}
	}
	return d.print(all)
}
