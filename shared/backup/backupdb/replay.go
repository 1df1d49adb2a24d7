package backupdb

import (
	"context"
	"fmt"

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
	rules  map[string]string         // of ids, by collection
	ranges map[string][]backup.Range // of shards, by collection, as far as they were asked for
	atOnce int64                     // how many changed documents are remembered
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

// share is what one pass goes through of a chain: some shards of the full run, or some documents of one shard.
type share struct {
	*replay

	from, to int // the shards
	slice    int // of the documents of these shards, by their hashes
	slices   int
}

// shares cuts a chain so that what is remembered for each is about so much as is allowed. Shards of the full run come
// first: then no file of it is read twice.
func (r *replay) shares() []share {
	shards := r.chain[0].Shards
	n := 1 + int((r.chain.Documents()-r.chain[0].Documents())/r.atOnce)
	groups, each := min(n, shards), (n+shards-1)/shards
	var all []share
	for g := range groups {
		for s := range each {
			all = append(all, share{replay: r, from: g * shards / groups, to: (g + 1) * shards / groups, slice: s, slices: each})
		}
	}
	return all
}

// units returns how many files are gone through.
func (r *replay) units() (n int) {
	for _, s := range r.shares() {
		for i, m := range r.chain {
			for _, f := range m.Files {
				if s.reads(i, f) {
					n++
				}
			}
		}
	}
	return n
}

// reads tells whether a share goes through a file of a run.
func (s share) reads(run int, f backup.File) bool {
	return run > 0 || s.from <= f.Shard && f.Shard < s.to
}

// holds tells whether a document is of the share.
func (s share) holds(collection, id string) bool {
	if s.slices > 1 && int(keyOf(collection, id)[0])*s.slices>>8 != s.slice {
		return false
	}
	if s.all() {
		return true
	}
	shard := s.shardOf(collection, id)
	return s.from <= shard && shard < s.to
}

// all tells whether the share has all shards.
func (s share) all() bool { return s.from == 0 && s.to == s.chain[0].Shards }

func (r *replay) run(ctx context.Context) error {
	r.ranges = map[string][]backup.Range{}
	for _, s := range r.shares() {
		if err := s.run(ctx); err != nil {
			return err
		}
	}
	return nil
}

// run goes through a share.
func (s share) run(ctx context.Context) error {
	newest, err := overlayOf(ctx, s.vault, s.chain, s.holds)
	if err != nil {
		return err
	}
	for i, m := range s.chain {
		for _, f := range m.Files {
			if !s.reads(i, f) {
				continue
			}
			each := func(l []byte) error { return s.line(newest, i, f, l) }
			if err := s.file(ctx, m, f, each); err != nil {
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

func (s share) line(newest overlay, run int, f backup.File, l []byte) error {
	collection, id, err := line.Name(l)
	if err != nil {
		return err
	}
	if run == 0 && !s.all() && s.shardOf(collection, id) != f.Shard {
		return fmt.Errorf("%s/%s is in shard %d of the full run, where this release does not look for it: use the release that made the backup", collection, id, f.Shard)
	}
	if !s.holds(collection, id) || !newest.newest(uint8(run), collection, id) { //nolint:gosec // a chain is short
		return nil
	}
	return s.each(version{collection, id, l})
}

// shardOf returns the shard of the full run that a document is in.
func (r *replay) shardOf(collection, id string) int {
	ranges, known := r.ranges[collection]
	if !known {
		ranges = backup.Ranges(r.rules[collection], r.chain[0].Shards)
		r.ranges[collection] = ranges
	}
	for i, r := range ranges {
		if id >= r.From && (r.To == "" || id < r.To) {
			return i
		}
	}
	return 0
}
