package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"ryggrad.internal/hub/shared/hub"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

type exportTenant struct {
	Tenant string `arg:"" help:"Its id."`
	Dir    string `arg:"" help:"A directory that does not exist yet."`
}

// manifest tells what an export is. It is written last: a directory without it is half an export.
type manifest struct {
	Format  string         `json:"format"`
	Tenant  string         `json:"tenant"`
	Begun   time.Time      `json:"begun"`
	Files   []exportedFile `json:"files"`
	Comment string         `json:"comment"`
}

type exportedFile struct {
	Collection string `json:"collection"`
	File       string `json:"file"`
	Documents  int    `json:"documents"`
	Bytes      int64  `json:"bytes"`
	SHA256     string `json:"sha256"`
}

// sealedComment is said in every manifest, so that nobody takes an export for more than it is.
const sealedComment = "Documents as they are stored, by collection, one a line, values with Firestore's type names. " +
	"Guests' data and secrets stay sealed by the tenant's keys, which are not in it; passwords and credentials are in it as their " +
	"hashes, so keep it as you keep those. Documents were read one after another, not at one moment."

// Run writes a tenant's documents into a directory: one file of NDJSON for each collection, and a manifest.
func (c exportTenant) Run(d *desk) error {
	h, err := d.hub()
	if err != nil {
		return err
	}
	if _, err := h.Identities().Tenant(d.ctx, c.Tenant); err != nil {
		return err
	}
	names, err := collectionsIn("config", "hot")
	if err != nil {
		return err
	}
	if err := os.Mkdir(c.Dir, 0o700); err != nil {
		return fmt.Errorf("make the directory: %w", err)
	}
	m := manifest{Format: "ryggrad-tenant-export-1", Tenant: c.Tenant, Begun: h.Now().UTC(), Files: []exportedFile{}, Comment: sealedComment}
	for _, name := range names {
		file, err := c.write(d, h, name)
		if err != nil {
			return err
		}
		if file.Documents > 0 {
			m.Files = append(m.Files, file)
		}
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(c.Dir, "manifest.json"), append(text, '\n'), 0o600); err != nil {
		return err
	}
	return d.print(m)
}

// write writes the tenant's documents of one collection; there is no file where there are none.
func (c exportTenant) write(d *desk, h *hub.Hub, collection string) (exportedFile, error) {
	out := exportedFile{Collection: collection, File: collection + ".ndjson"}
	var lines *lineFile
	err := sweep(d.ctx, h, c.Tenant, collection, func(page []ledgerdb.Object) (err error) {
		if lines == nil {
			if lines, err = createLines(filepath.Join(c.Dir, out.File)); err != nil {
				return err
			}
		}
		for _, o := range page {
			if err := lines.write(map[string]any{"id": o.ID, "fields": typedFields(o.Fields)}); err != nil {
				return err
			}
			out.Documents++
		}
		return nil
	})
	if lines == nil {
		return out, err
	}
	out.Bytes, out.SHA256 = lines.bytes, hex.EncodeToString(lines.sum.Sum(nil))
	if closed := lines.close(); err == nil {
		err = closed
	}
	return out, err
}

// lineFile is a file of JSON lines, which is hashed as it is written.
type lineFile struct {
	file  *os.File
	to    *bufio.Writer
	sum   hash.Hash
	bytes int64
}

func createLines(name string) (*lineFile, error) {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // the operator's own directory
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	return &lineFile{file: file, to: bufio.NewWriter(io.MultiWriter(file, sum)), sum: sum}, nil
}

func (f *lineFile) write(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	f.bytes += int64(len(line)) + 1
	if _, err := f.to.Write(append(line, '\n')); err != nil {
		return err
	}
	return f.to.Flush()
}

func (f *lineFile) close() error {
	if err := f.file.Sync(); err != nil {
		return err
	}
	return f.file.Close()
}

func typedFields(fields map[string]any) map[string]any {
	out := make(map[string]any, len(fields))
	for name, v := range fields {
		out[name] = typed(v)
	}
	return out
}

// typed gives a value the form of Firestore's REST interface, which keeps apart what JSON does not.
func typed(v any) map[string]any {
	switch v := v.(type) {
	case nil:
		return map[string]any{"nullValue": nil}
	case bool:
		return map[string]any{"booleanValue": v}
	case int64:
		return map[string]any{"integerValue": strconv.FormatInt(v, 10)}
	case float64:
		return map[string]any{"doubleValue": v}
	case string:
		return map[string]any{"stringValue": v}
	case []byte:
		return map[string]any{"bytesValue": base64.StdEncoding.EncodeToString(v)}
	case time.Time:
		return map[string]any{"timestampValue": v.UTC().Format(time.RFC3339Nano)}
	case []any:
		values := make([]any, len(v))
		for i, one := range v {
			values[i] = typed(one)
		}
		return map[string]any{"arrayValue": map[string]any{"values": values}}
	case map[string]any:
		return map[string]any{"mapValue": map[string]any{"fields": typedFields(v)}}
	default:
		return map[string]any{"stringValue": fmt.Sprint(v)}
	}
}
