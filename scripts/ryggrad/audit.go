package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/schollz/progressbar/v3"

	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/gcp/objects"
	"ryggrad.internal/hub/shared/ledger"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/ledger/sealing"
	"ryggrad.internal/hub/shared/ledger/tlog"
	"ryggrad.internal/hub/shared/ledger/verify"
)

// auditCommands are what can be asked of the audit log.
type auditCommands struct {
	Verify     verifyCommand     `cmd:"" help:"Check the whole log and name what is wrong; exits 1 if anything is."`
	Show       showCommand       `cmd:"" help:"Show a tenant's entries."`
	Prove      proveCommand      `cmd:"" help:"Write an entry's proof, a file that stands on its own."`
	CheckProof checkProofCommand `cmd:"" help:"Check a proof file without a hub."`
	Keys       auditKeysCommand  `cmd:"" help:"Show the public keys that may sign the hub's log, as its key service has them."`
}

// errWrong says that something is wrong with the log; what it is was printed.
var errWrong = errors.New("the audit log does not hold")

type verifyCommand struct {
	From    string   `help:"Where the log is: a DIRECTORY, an address as in https://hub.example/log, or gs://BUCKET; of a bucket, or a copy of one, the newest checkpoint that was kept is taken. Without, the hub's own buckets, and its database is held against them." placeholder:"PLACE"`
	Since   string   `help:"A FILE with a checkpoint that you kept: the log must be its continuation." placeholder:"FILE"`
	Object  string   `help:"Check the chain of this object only, as in orders/ord_…." placeholder:"OBJECT"`
	Tenant  string   `help:"Check the chains of this tenant only, by its ID." placeholder:"TENANT"`
	Key     []string `help:"A public KEY that may have signed, as /log/keys shows them; several times for several. Get it another way than the log." placeholder:"KEY"`
	Witness string   `help:"A FILE of the functions' structured log: every entry that it speaks of must be there." placeholder:"FILE"`
}

// Run verifies.
func (c *verifyCommand) Run(d *desk) error {
	opts := verify.Options{Object: c.Object, Tenant: c.Tenant, Keys: c.Key}
	var err error
	if c.Since != "" {
		if opts.Since, err = readFile(c.Since, mostOf(tlog.CheckpointPath)); err != nil {
			return err
		}
	}
	at, err := d.openLog(c.From)
	if err != nil {
		return err
	}
	opts.Log, opts.Explain = at.Log, at.explain
	if len(opts.Keys) == 0 {
		if opts.Keys, err = at.keys(d.ctx); err != nil {
			return err
		}
	}
	bar := progressbar.NewOptions64(-1, progressbar.OptionSetWriter(d.err), progressbar.OptionSetDescription("entries"), progressbar.OptionShowIts(),
		progressbar.OptionShowCount(), progressbar.OptionSetSpinnerChangeInterval(0)) // its ticker races with ChangeMax64
	opts.Progress = func(done, size uint64) { bar.ChangeMax64(int64(size)); _ = bar.Set64(int64(done)) } //nolint:gosec // a log is never that long
	report, err := verify.Verify(d.ctx, opts)
	_ = bar.Finish()
	fmt.Fprintln(d.err)
	if err != nil {
		return fmt.Errorf("the log cannot be read: %w", err)
	}
	for _, f := range report.Findings {
		fmt.Fprintln(d.out, "WRONG ", f)
	}
	wrong := len(report.Findings) + report.More
	more, err := c.reconcile(d, opts.Log, report.Checkpoint.Size)
	if err != nil {
		return err
	}
	if wrong += more; wrong > 0 {
		fmt.Fprintf(d.out, "%d findings in a log of %d entries\n", wrong, report.Checkpoint.Size)
		return errWrong
	}
	fmt.Fprintf(d.out, "%s holds: %d entries, root %s; %d signed checkpoints, the bytes of %d entries, %d chains\n",
		report.Checkpoint.Origin, report.Checkpoint.Size, report.Checkpoint.Root, report.Checkpoints, report.Bytes, report.Chains)
	if opts.Log.List == nil {
		fmt.Fprintln(d.out, "Only the public log was checked; chains need the entries' bytes, which are not public.")
	}
	return nil
}

// reconcile holds the hub's database against its log of a verified size; 0 when there is none.
func (c *verifyCommand) reconcile(d *desk, log verify.Log, size uint64) (wrong int, err error) {
	if c.From != "" && c.Witness == "" {
		return 0, nil
	}
	h, err := d.hub()
	if err != nil {
		return 0, err
	}
	tell := func(what string) {
		wrong++
		fmt.Fprintln(d.out, "WRONG ", what)
	}
	if c.Witness != "" {
		file, err := os.Open(c.Witness)
		if err != nil {
			return 0, err
		}
		defer file.Close() //nolint:errcheck // it was only read
		n, err := h.Ledger.CheckWitness(d.ctx, file, tell)
		if err != nil {
			return wrong, err
		}
		fmt.Fprintf(d.out, "%d lines of the functions' log were held against the entries\n", n)
	}
	if c.From != "" {
		return wrong, nil
	}
	if size > 0 {
		leaves := &leafReader{ctx: d.ctx, read: log.Read, size: size, kept: map[uint64][]ledger.Hash{}}
		if _, err := h.Ledger.CheckEntries(d.ctx, size, leaves.at, tell); err != nil {
			return wrong, err
		}
	}
	n, err := h.Ledger.CheckDocuments(d.ctx, tell)
	fmt.Fprintf(d.out, "%d documents were held against their newest entries\n", n)
	return wrong, err
}

// leafReader finds what was sealed at a place.
type leafReader struct {
	ctx  context.Context //nolint:containedctx // a command's own, for as long as it runs
	read tlog.Read
	size uint64
	kept map[uint64][]ledger.Hash // by bundle
}

// keptBundles bounds the memory of a leafReader: 8 KiB each.
const keptBundles = 4096

func (l *leafReader) at(place uint64) (ledger.Hash, error) {
	if place >= l.size { // it was sealed after the checkpoint was read
		signed, err := l.read(l.ctx, tlog.CheckpointPath)
		if err != nil {
			return ledger.Hash{}, err
		}
		c, err := tlog.Unverified(signed)
		if err != nil || place >= c.Size {
			return ledger.Hash{}, err
		}
		l.size = c.Size
		clear(l.kept)
	}
	n := place / tlog.TileWidth
	if _, ok := l.kept[n]; !ok {
		if len(l.kept) >= keptBundles {
			clear(l.kept)
		}
		t, _ := tlog.Tile{Entries: true, Index: n}.At(l.size)
		raw, err := l.read(l.ctx, t.Path())
		if err != nil {
			return ledger.Hash{}, err
		}
		if l.kept[n], err = tlog.ParseBundle(raw, t.Width); err != nil {
			return ledger.Hash{}, err
		}
	}
	return l.kept[n][place%tlog.TileWidth], nil
}

type showCommand struct {
	Tenant string `arg:"" help:"The tenant's ID, or hub for what is nobody's."`
	Object string `help:"Only of this object, as in orders/ord_…." placeholder:"OBJECT"`
	Actor  string `help:"Only by this actor, as in client:cli_…." placeholder:"ACTOR"`
	Limit  int    `help:"How many at most." default:"50"`
	After  string `help:"Where the list before said to go on." placeholder:"CURSOR"`
}

// Run shows.
func (c *showCommand) Run(d *desk) error {
	h, err := d.hub()
	if err != nil {
		return err
	}
	page, err := h.Ledger.Entries(d.ctx, c.Tenant, ledgerdb.EntryFilter{Object: c.Object, Actor: c.Actor, Limit: c.Limit, Cursor: c.After})
	if err != nil {
		return err
	}
	for _, e := range page.Entries {
		place := "unsealed"
		if e.Sealed {
			place = fmt.Sprint(e.Index)
		}
		fmt.Fprintf(d.out, "%s\t%s\n", place, e.Bytes)
	}
	if page.Next != "" {
		fmt.Fprintln(d.err, "There are more: --after", page.Next)
	}
	return nil
}

type proveCommand struct {
	Tenant string `arg:"" help:"The tenant's ID, or hub for what is nobody's."`
	Entry  string `arg:"" help:"The entry's ID."`
	Out    string `help:"The FILE to write; by default ENTRY.tlog-proof." placeholder:"FILE"`
}

// Run proves.
func (c *proveCommand) Run(d *desk) error {
	h, err := d.hub()
	if err != nil {
		return err
	}
	stored, err := h.Ledger.Entry(d.ctx, c.Tenant, c.Entry)
	if err != nil {
		return err
	}
	at, err := d.openLog("")
	if err != nil {
		return err
	}
	signed, err := at.Read(d.ctx, tlog.CheckpointPath)
	if err != nil {
		return err
	}
	head, err := tlog.Unverified(signed)
	if err != nil {
		return err
	}
	if !stored.Sealed || stored.Index >= head.Size {
		return errors.New("the entry is not sealed yet, which takes a minute")
	}
	hashes, err := tlog.Inclusion(d.ctx, at.Read, stored.Index, head.Size)
	if err != nil {
		return err
	}
	if err := tlog.CheckInclusion(head, stored.Index, ledger.HashEntry(stored.Bytes), hashes); err != nil {
		return fmt.Errorf("the entry is not what was sealed: %w", err)
	}
	if c.Out == "" {
		c.Out = c.Entry + ".tlog-proof"
	}
	text := tlog.Proof{Index: stored.Index, Hashes: hashes, Checkpoint: signed, Entry: stored.Bytes}.Encode()
	fmt.Fprintln(d.out, c.Out)
	return os.WriteFile(c.Out, text, 0o600)
}

type checkProofCommand struct {
	File string   `arg:"" help:"The proof's file."`
	Key  []string `help:"A public KEY that may have signed, as /log/keys shows them; several times for several." placeholder:"KEY" required:""`
}

// Run checks.
func (c *checkProofCommand) Run(d *desk) error {
	text, err := readFile(c.File, mostOf(c.File))
	if err != nil {
		return err
	}
	p, err := tlog.ParseProof(text)
	if err != nil {
		return err
	}
	_, checkpoint, err := p.Check(c.Key)
	if err != nil {
		return err
	}
	fmt.Fprintf(d.out, "It holds: entry %d of %s at %d entries.\n%s\n", p.Index, checkpoint.Origin, checkpoint.Size, p.Entry)
	return nil
}

type auditKeysCommand struct{}

// Run shows the keys, one a line.
func (*auditKeysCommand) Run(d *desk) error {
	at, err := d.openLog("")
	if err != nil {
		return err
	}
	keys, err := at.keys(d.ctx)
	for _, key := range keys {
		fmt.Fprintln(d.out, key)
	}
	return err
}

// sealedLog is a log that was opened.
type sealedLog struct {
	verify.Log

	keys    func(context.Context) (tlog.Keys, error)
	explain verify.Explain
}

// openLog reaches a log: a folder, an address, a bucket, or the hub's own.
func (d *desk) openLog(from string) (sealedLog, error) {
	switch {
	case from == "":
		return d.ownLog()
	case strings.HasPrefix(from, "http://"), strings.HasPrefix(from, "https://"):
		return unsigned(addressLog(d.web, from)), nil
	case strings.HasPrefix(from, "gs://"):
		return d.bucketLog(strings.Trim(strings.TrimPrefix(from, "gs://"), "/"))
	default:
		return unsigned(orNewestKept(folderLog(from))), nil
	}
}

// ownLog reaches the hub's own log, whose keys KMS knows.
func (d *desk) ownLog() (sealedLog, error) {
	h, err := d.hub()
	if err != nil {
		return sealedLog{}, err
	}
	env, err := d.environment()
	if err != nil {
		return sealedLog{}, err
	}
	settings, err := gcp.Load[sealing.Settings](env)
	if err != nil {
		return sealedLog{}, err
	}
	store, err := objects.Open(d.ctx, h.Config, nil)
	if err != nil {
		return sealedLog{}, err
	}
	key := settings.Key(h)
	return sealedLog{bucketsLog(store.Bucket(settings.LogBucket), store.Bucket(settings.HeadBucket)), key.Keys, key.Explain}, nil
}

// bucketLog reaches a copy of a log in one bucket.
func (d *desk) bucketLog(name string) (sealedLog, error) {
	env, err := d.environment()
	if err != nil {
		return sealedLog{}, err
	}
	store, err := objects.Open(d.ctx, gcp.Config{StorageHost: env["STORAGE_EMULATOR_HOST"]}, nil)
	if err != nil {
		return sealedLog{}, err
	}
	return unsigned(orNewestKept(bucketsLog(store.Bucket(name), store.Bucket(name)))), nil
}

// unsigned is a log whose keys must be given.
func unsigned(l verify.Log) sealedLog {
	return sealedLog{Log: l, keys: func(context.Context) (tlog.Keys, error) {
		return nil, errors.New("say with --key who may have signed; a log that names its own keys proves nothing")
	}}
}
