package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"

	"ryggrad.internal/hub/shared/backup"
	"ryggrad.internal/hub/shared/backup/backupdb"
)

type backupCommands struct {
	List      listBackups     `cmd:"" help:"List the backups that are kept."`
	Verify    verifyBackups   `cmd:"" help:"Read backups whole, open them and name what is wrong; exits 1 if anything is."`
	Restore   restoreBackup   `cmd:"" help:"Bring back a moment into a new database."`
	Drill     drillBackup     `cmd:"" help:"Restore the newest backup into a scratch database, compare it, empty the database again, and record the result."`
	Confirm   confirmRestored `cmd:"" help:"Enable credentials again that a restore disabled, because they were changed after its moment."`
	Decrypt   decryptBackup   `cmd:"" help:"Print a file's documents, one a line; with --offline-key it needs no cloud."`
	Signers   listSigners     `cmd:"" help:"Print the public keys that sign manifests. Keep them with the offline key: --signer takes them where KMS cannot be asked."`
	ExportKey exportKey       `cmd:"" name:"export-key" help:"Make the offline key, and print the recipient that backups are sealed to."`
}

// errBad says that something is wrong with backups; what it is was printed.
var errBad = errors.New("the backups have findings")

// keepers are the flags by which backups are found and opened.
type keepers struct {
	From       string   `help:"A FOLDER that the buckets were copied to, instead of the buckets themselves." placeholder:"FOLDER" type:"existingdir"`
	Monthly    bool     `help:"The backups that are kept for a year."`
	Project    string   `help:"Whose backups, if not the hub's own PROJECT." placeholder:"PROJECT"`
	OfflineKey string   `help:"A FILE with the offline key, instead of KMS." placeholder:"FILE" type:"existingfile"`
	Signer     []string `help:"A public KEY that may have signed manifests, instead of asking KMS; several times for several." placeholder:"KEY"`
}

// vault opens the backups.
func (k keepers) vault(d *desk) (backupdb.Vault, error) {
	v := backupdb.Vault{Project: k.Project}
	if k.From == "" || k.OfflineKey == "" || len(k.Signer) == 0 || k.Project == "" {
		var err error
		if v, err = k.cloudVault(d); err != nil {
			return v, err
		}
	}
	if k.From != "" {
		at := folderLog(k.From)
		list := func(ctx context.Context, prefix, start string) ([]string, error) {
			return listFolder(ctx, at.List, prefix, start)
		}
		v.Shelf = func(backup.Set) backupdb.Shelf { return backupdb.Shelf{Read: at.Read, List: list} }
	}
	if len(k.Signer) > 0 {
		v.Signers = func(context.Context) ([]string, error) { return k.Signer, nil }
	}
	if k.OfflineKey != "" {
		key, err := readOfflineKey(k.OfflineKey)
		if err != nil {
			return v, err
		}
		v.Unlock = backupdb.UnlockOffline(key)
	}
	return v, nil
}

func (k keepers) cloudVault(d *desk) (backupdb.Vault, error) {
	h, err := d.hub()
	if err != nil {
		return backupdb.Vault{}, err
	}
	settings, buckets, err := d.backups()
	if err != nil {
		return backupdb.Vault{}, err
	}
	v := settings.Vault(h, buckets)
	if k.Monthly {
		v.Shelf = func(backup.Set) backupdb.Shelf { return backupdb.BucketShelf(buckets.Monthly) }
	}
	if k.Project != "" && k.Project != v.Project {
		v.Project = k.Project
		v.Signers = func(context.Context) ([]string, error) {
			return nil, fmt.Errorf("say with --signer who signs the manifests of %s", k.Project)
		}
	}
	return v, nil
}

// listFolder lists a folder as a bucket is listed.
func listFolder(ctx context.Context, list func(context.Context, string) ([]string, error), prefix, start string) ([]string, error) {
	names, err := list(ctx, prefix)
	for len(names) > 0 && names[0] < start {
		names = names[1:]
	}
	return names, err
}

func readOfflineKey(file string) (backup.OfflineKey, error) {
	text, err := os.ReadFile(file) //nolint:gosec // the operator's own file
	if err != nil {
		return backup.OfflineKey{}, err
	}
	return backup.ParseOfflineKey(string(text))
}

// progress shows how far something is, with its rate and the time that is left.
func (d *desk) progress(what string) (tell func(backupdb.Tidings), end func()) {
	var bar *progressbar.ProgressBar
	stage := ""
	finish := func() {
		if bar != nil {
			_ = bar.Finish()
			fmt.Fprintln(d.err)
		}
	}
	return func(t backupdb.Tidings) {
		if t.Stage != stage {
			finish()
			stage = t.Stage
			bar = progressbar.NewOptions64(t.Of, progressbar.OptionSetWriter(d.err), progressbar.OptionSetDescription(what+" "+stage),
				progressbar.OptionShowIts(), progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true),
				progressbar.OptionSetSpinnerChangeInterval(0)) // its ticker races with ChangeMax64
		}
		bar.ChangeMax64(t.Of)
		_ = bar.Set64(t.Documents)
	}, finish
}

// chosenSets reads the flag of sets; none are all.
func chosenSets(names []string) ([]backup.Set, error) {
	if len(names) == 0 {
		return backup.Sets(), nil
	}
	var sets []backup.Set
	for _, name := range names {
		set, err := backup.ParseSet(name)
		if err != nil {
			return nil, err
		}
		sets = append(sets, set)
	}
	return sets, nil
}

// parseMoment reads a moment of a flag.
func parseMoment(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z", "2006-01-02"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC(), nil
		}
	}
	if at, err := backup.ParseStamp(text); err == nil {
		return at, nil
	}
	return time.Time{}, fmt.Errorf("%q is no moment; write it as 2026-03-01T12:00Z", text)
}

// parseMoments reads moments of single sets.
func parseMoments(texts map[string]string) (map[backup.Set]time.Time, error) {
	moments := map[backup.Set]time.Time{}
	for name, text := range texts {
		set, err := backup.ParseSet(name)
		if err != nil {
			return nil, err
		}
		if moments[set], err = parseMoment(text); err != nil {
			return nil, err
		}
	}
	return moments, nil
}

type listBackups struct {
	keepers

	Set []string `help:"Only this SET: hot, config or keys." placeholder:"SET"`
}

// backupAnswer is a backup as it is printed.
type backupAnswer struct {
	Set       backup.Set `json:"set"`
	At        time.Time  `json:"at"`
	Full      bool       `json:"full"`
	Documents int64      `json:"documents"`
	Files     int        `json:"files"`
	Bytes     int64      `json:"bytes"`
	Finding   string     `json:"finding,omitempty"`
}

// Run lists.
func (c *listBackups) Run(d *desk) error {
	v, err := c.vault(d)
	if err != nil {
		return err
	}
	sets, err := chosenSets(c.Set)
	if err != nil {
		return err
	}
	all := []backupAnswer{}
	for _, set := range sets {
		moments, err := v.Moments(d.ctx, set, time.Time{})
		if err != nil {
			return err
		}
		for _, at := range moments {
			all = append(all, describeBackup(d.ctx, v, set, at))
		}
	}
	return d.print(all)
}

func describeBackup(ctx context.Context, v backupdb.Vault, set backup.Set, at time.Time) backupAnswer {
	a := backupAnswer{Set: set, At: at}
	m, _, err := v.Manifest(ctx, set, at)
	if err != nil {
		a.Finding = err.Error()
		return a
	}
	a.Full, a.Documents, a.Files = m.Full(), m.Documents(), len(m.Files)
	for _, f := range m.Files {
		a.Bytes += f.Size
	}
	return a
}

type verifyBackups struct {
	keepers

	Set   []string `help:"Only this SET: hot, config or keys." placeholder:"SET"`
	At    string   `help:"Only what brings this MOMENT back; by default everything that is kept." placeholder:"MOMENT"`
	Quick bool     `help:"Compare checksums only, and open nothing."`
}

// Run verifies.
func (c *verifyBackups) Run(d *desk) error {
	v, err := c.vault(d)
	if err != nil {
		return err
	}
	sets, err := chosenSets(c.Set)
	if err != nil {
		return err
	}
	at, err := parseMoment(c.At)
	if err != nil {
		return err
	}
	answer, wrong := map[backup.Set]backupdb.Checked{}, 0
	tell, end := d.progress("verify")
	for _, set := range sets {
		opts := backupdb.CheckOptions{Set: set, Tell: tell}
		if c.Quick {
			opts.Open = func(backup.Manifest, string) bool { return false }
		}
		if !at.IsZero() {
			if opts.At, err = v.Newest(d.ctx, set, at); err != nil {
				return err
			}
		}
		checked, err := v.Check(d.ctx, opts)
		if err != nil {
			return err
		}
		answer[set] = checked
		wrong += len(checked.Findings)
	}
	end()
	if err := d.print(answer); err != nil {
		return err
	}
	if wrong > 0 {
		return errBad
	}
	return nil
}

type decryptBackup struct {
	File       string `arg:"" help:"A FILE of a backup, as it is in the bucket." type:"existingfile"`
	OfflineKey string `help:"A FILE with the offline key, instead of KMS." placeholder:"FILE" type:"existingfile"`
}

// Run prints.
func (c *decryptBackup) Run(d *desk) error {
	data, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	header, err := backup.ReadHeader(data)
	if err != nil {
		return backup.Broken(c.File, "it is no file of a backup", err)
	}
	unlock, err := c.unlock(d)
	if err != nil {
		return err
	}
	key, err := unlock(d.ctx, header)
	if err != nil {
		return backup.Locked(c.File, err)
	}
	r, err := backup.NewReader(data, key)
	if err != nil {
		return backup.Broken(c.File, "it does not open", err)
	}
	defer r.Close()
	for {
		l, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return backup.Broken(c.File, "it does not open", err)
		}
		fmt.Fprintf(d.out, "%s\n", l)
	}
}

func (c *decryptBackup) unlock(d *desk) (func(context.Context, backup.Header) (backup.FileKey, error), error) {
	if c.OfflineKey != "" {
		key, err := readOfflineKey(c.OfflineKey)
		return backupdb.UnlockOffline(key), err
	}
	h, err := d.hub()
	if err != nil {
		return nil, err
	}
	settings, _, err := d.backups()
	return backupdb.UnlockWith(settings.Wrapping(h)), err
}

type listSigners struct{}

// Run prints.
func (listSigners) Run(d *desk) error {
	v, err := keepers{}.vault(d)
	if err != nil {
		return err
	}
	keys, err := v.Signers(d.ctx)
	if err != nil {
		return err
	}
	return d.print(keys)
}

type exportKey struct {
	Out string `arg:"" help:"The FILE to write the private key to. It must not exist. Keep it away from every machine that the hub or its cloud can reach, and a copy of it elsewhere." placeholder:"FILE"`
}

// Run makes the key.
func (c *exportKey) Run(d *desk) error {
	key, err := backup.NewOfflineKey()
	if err != nil {
		return err
	}
	secret, err := key.Secret()
	if err != nil {
		return err
	}
	file, err := os.OpenFile(c.Out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(file, secret+"\n"); err != nil {
		return errors.Join(err, file.Close())
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return err
	}
	return d.print(map[string]string{"name": key.Recipient().Name(), "RYGGRAD_BACKUP_RECIPIENT": key.Recipient().String(), "secret": c.Out})
}
