package backupdb

import (
	"context"

	"ryggrad.internal/hub/shared"
	"ryggrad.internal/hub/shared/backup"
	"ryggrad.internal/hub/shared/backup/line"
)

// version is a document as a run has it.
type version struct {
	collection, id string
	line           []byte
}

// replay gives the documents of a chain, each once and in its newest version, to each.
type replay struct {
	vault  Vault
	chain  backup.Chain
	rules  map[string]string // of ids, by collection
	atOnce int64             // how many changed documents are remembered
	each   func(version) error
	ended  func(context.Context) error // after each file; maybe nil
	skip   int                         // files whose end is not told: they were ended before
}

// rulesOf returns the rules of ids by collection.
func rulesOf(table []shared.Collection) map[string]string {
	rules := make(map[string]string, len(table))
	for _, c := range table {
		rules[c.Name] = c.ID
	}
	return rules
}

// passes returns how often the chain's incremental runs are gone through, each time for some of the full run's shards.
func (r *replay) passes() int {
	changed := r.chain.Documents() - r.chain[0].Documents()
	return min(1+int(changed/r.atOnce), r.chain[0].Shards)
}

// units returns how many files are gone through.
func (r *replay) units() int {
	n := len(r.chain[0].Files)
	for _, m := range r.chain[1:] {
		n += r.passes() * len(m.Files)
	}
	return n
}

func (r *replay) run(ctx context.Context) error {
	n := r.passes()
	for pass := range n {
		if err := r.pass(ctx, pass, n); err != nil {
			return err
		}
	}
	return nil
}

// pass goes through the full run's shards of a pass, and through what was changed of their documents.
func (r *replay) pass(ctx context.Context, pass, of int) error {
	shards := r.chain[0].Shards
	mine := func(shard int) bool { return shard*of/shards == pass }
	holds := func(collection, id string) bool { return of == 1 || mine(shardOf(r.rules[collection], shards, id)) }
	newest, err := overlayOf(ctx, r.vault, r.chain, holds)
	if err != nil {
		return err
	}
	for i, m := range r.chain {
		for _, f := range m.Files {
			if i == 0 && !mine(f.Shard) {
				continue
			}
			if err := r.file(ctx, m, f, func(l []byte) error { return r.line(newest, uint8(i), l, holds) }); err != nil { //nolint:gosec // a chain is short
				return err
			}
		}
	}
	return nil
}

func (r *replay) file(ctx context.Context, m backup.Manifest, f backup.File, each func(l []byte) error) error {
	if err := r.vault.Lines(ctx, m, f, each); err != nil {
		return err
	}
	if r.skip > 0 {
		r.skip--
		return nil
	}
	if r.ended == nil {
		return nil
	}
	return r.ended(ctx)
}

func (r *replay) line(newest overlay, run uint8, l []byte, holds func(collection, id string) bool) error {
	collection, id, err := line.Name(l)
	if err != nil {
		return err
	}
	if run > 0 && !holds(collection, id) || !newest.newest(run, collection, id) {
		return nil
	}
	return r.each(version{collection, id, l})
}

// shardOf returns the shard of a full run that a document is in.
func shardOf(rule string, shards int, id string) int {
	for i, r := range backup.Ranges(rule, shards) {
		if id >= r.From && (r.To == "" || id < r.To) {
			return i
		}
	}
	return 0
}
