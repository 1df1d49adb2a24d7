package backupdb

import (
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"ryggrad.internal/hub/shared/backup"
)

// CheckOptions say what is checked.
type CheckOptions struct {
	Set  backup.Set
	From time.Time                                   // the oldest moment
	At   time.Time                                   // only this one and what it stands on; zero: all
	Open func(m backup.Manifest, object string) bool // which files are opened, and not only read; nil: all
	Tell func(Tidings)                               // how far it is; nil: nobody
}

// Checked tells what was checked.
type Checked struct {
	Manifests int      `json:"manifests"`
	Files     int      `json:"files"`
	Opened    int      `json:"opened"` // of the files
	Bytes     int64    `json:"bytes"`
	Documents int64    `json:"documents"` // in the files that were opened
	Findings  []string `json:"findings"`
}

// Check reads manifests and files whole and says what is wrong. A failure that is nobody's fault ends it.
func (v Vault) Check(ctx context.Context, opts CheckOptions) (Checked, error) {
	c := Checked{Findings: []string{}}
	all, err := v.chosen(ctx, &c, opts)
	if err != nil {
		return c, err
	}
	files, done := int64(0), int64(0)
	for _, m := range all {
		files += int64(len(m.Files))
	}
	for _, m := range all {
		c.Manifests++
		for _, f := range m.Files {
			if err := v.checkFile(ctx, &c, opts, m, f); err != nil {
				return c, err
			}
			if done++; opts.Tell != nil {
				opts.Tell(Tidings{Stage: string(opts.Set), Documents: done, Of: files})
			}
		}
	}
	return c, nil
}

// lifecycleSlack is how much later than the oldest manifest one may have gone by its age: they are not made in the order
// of their moments.
const lifecycleSlack = 8 * time.Hour

// chosen reads the manifests that are checked. Every incremental one is followed to its full one.
func (v Vault) chosen(ctx context.Context, c *Checked, opts CheckOptions) ([]backup.Manifest, error) {
	if !opts.At.IsZero() {
		chain, err := v.Chain(ctx, opts.Set, opts.At)
		return chain, c.take(err)
	}
	moments, err := v.Moments(ctx, opts.Set, opts.From)
	if err != nil {
		return nil, err
	}
	var all []backup.Manifest
	hashes := map[time.Time]string{}
	read, err := v.read(ctx, opts.Set, moments)
	if err != nil {
		return nil, err
	}
	for i, r := range read {
		m := r.manifest
		if r.refusal != nil {
			c.Findings = append(c.Findings, r.refusal.Error())
			continue
		}
		hashes[moments[i]] = r.hash
		known, ok := hashes[m.Follows.At]
		switch {
		case ok && known != m.Follows.SHA256:
			c.Findings = append(c.Findings, m.Manifest()+": the manifest that it follows is another one now")
		case !m.Full() && !slices.Contains(moments, m.Follows.At) && m.Follows.At.After(moments[0].Add(lifecycleSlack)):
			c.Findings = append(c.Findings, backup.Missing(backup.ManifestObject(opts.Set, m.Follows.At), nil).Error())
		}
		all = append(all, m)
	}
	return all, nil
}

// reads is how many manifests are read at once. Months of them are kept, and each takes a moment to come.
const reads = 16

// kept is a manifest that was read, or why it was refused.
type kept struct {
	manifest backup.Manifest
	hash     string
	refusal  *backup.Refusal
}

// read reads the manifests of moments. It ends with the first error that is no refusal of one.
func (v Vault) read(ctx context.Context, set backup.Set, moments []time.Time) ([]kept, error) {
	all := make([]kept, len(moments))
	reading, ctx := errgroup.WithContext(ctx)
	reading.SetLimit(reads)
	for i, at := range moments {
		reading.Go(func() error {
			m, hash, err := v.Manifest(ctx, set, at)
			all[i] = kept{manifest: m, hash: hash}
			if errors.As(err, &all[i].refusal) {
				return nil
			}
			return err
		})
	}
	return all, reading.Wait()
}

func (v Vault) checkFile(ctx context.Context, c *Checked, opts CheckOptions, m backup.Manifest, f backup.File) error {
	c.Files++
	c.Bytes += f.Size
	if opts.Open != nil && !opts.Open(m, m.Part(f.Shard, f.Number).Object()) {
		_, err := v.file(ctx, m, f)
		return c.take(err)
	}
	c.Opened++
	return c.take(v.Lines(ctx, m, f, func([]byte) error {
		c.Documents++
		return nil
	}))
}

// take makes a finding of a refusal, and returns other errors.
func (c *Checked) take(err error) error {
	var refusal *backup.Refusal
	if errors.As(err, &refusal) {
		c.Findings = append(c.Findings, refusal.Error())
		return nil
	}
	return err
}
