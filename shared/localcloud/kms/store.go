package kms

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"cloud.google.com/go/kms/apiv1/kmspb"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

const (
	suffix    = ".json"
	unwritten = "new-" // what the names of files begin with while they are being written, then without the suffix
)

// store keeps rings and keys in a directory, one file each at its resource's name, and nowhere when dir is empty.
type store struct{ dir string }

// keyFile is a key as it is kept.
type keyFile struct {
	Key      json.RawMessage `json:"key"`
	Primary  int             `json:"primary"`
	Versions []versionFile   `json:"versions"`
}

type versionFile struct {
	Version  json.RawMessage `json:"version"`
	Material []byte          `json:"material,omitempty"`
}

func (s store) saveRing(r *kmspb.KeyRing) error {
	if s.dir == "" {
		return nil
	}
	data, err := protojson.Marshal(r)
	if err != nil {
		return err
	}
	return s.replace(r.Name, data)
}

func (s store) saveKey(k *key) error {
	if s.dir == "" {
		return nil
	}
	data, err := encodeKey(k)
	if err != nil {
		return err
	}
	return s.replace(k.info.Name, data)
}

// load reads everything that is kept. A file that cannot be read is an error: a key must not go missing unnoticed.
func (s store) load() (map[string]*kmspb.KeyRing, map[string]*key, error) {
	rings, keys := map[string]*kmspb.KeyRing{}, map[string]*key{}
	if s.dir == "" {
		return rings, keys, nil
	}
	err := filepath.WalkDir(s.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if filepath.Ext(path) != suffix {
			return forget(path)
		}
		data, err := os.ReadFile(path) //nolint:gosec // a path below the directory that the caller gave
		if err != nil {
			return err
		}
		if filepath.Base(filepath.Dir(path)) == "keyRings" {
			return decodeRing(data, rings)
		}
		return decodeKey(data, keys)
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return rings, keys, err
}

// forget removes what a crash left half written, for it may hold key material.
func forget(path string) error {
	if strings.HasPrefix(filepath.Base(path), unwritten) {
		return os.Remove(path)
	}
	return nil
}

func encodeKey(k *key) ([]byte, error) {
	info, err := protojson.Marshal(k.info)
	if err != nil {
		return nil, err
	}
	file := keyFile{Key: info, Primary: k.primary}
	for _, v := range k.versions {
		data, err := protojson.Marshal(v.info)
		if err != nil {
			return nil, err
		}
		file.Versions = append(file.Versions, versionFile{Version: data, Material: v.material})
	}
	return json.MarshalIndent(file, "", "\t")
}

func decodeRing(data []byte, into map[string]*kmspb.KeyRing) error {
	var r kmspb.KeyRing
	if err := protojson.Unmarshal(data, &r); err != nil {
		return fmt.Errorf("read key ring: %w", err)
	}
	into[r.Name] = &r
	return nil
}

func decodeKey(data []byte, into map[string]*key) error {
	var file keyFile
	if err := json.Unmarshal(data, &file); err != nil {
		return fmt.Errorf("read key: %w", err)
	}
	k := &key{info: &kmspb.CryptoKey{}, primary: file.Primary}
	if err := readProto(file.Key, k.info); err != nil {
		return err
	}
	for _, v := range file.Versions {
		info := &kmspb.CryptoKeyVersion{}
		if err := readProto(v.Version, info); err != nil {
			return err
		}
		k.versions = append(k.versions, version{info: info, material: v.Material})
	}
	if k.primary < 0 || k.primary > len(k.versions) {
		return fmt.Errorf("read key %s: it has no version %d", k.info.Name, k.primary)
	}
	into[k.info.Name] = k
	return nil
}

func readProto(data json.RawMessage, into proto.Message) error {
	if err := protojson.Unmarshal(data, into); err != nil {
		return fmt.Errorf("read key: %w", err)
	}
	return nil
}

// replace puts data into the file of a resource, whole or not at all, readable by the owner only. It is on the disk
// when replace returns.
func (s store) replace(name string, data []byte) error {
	path := filepath.Join(s.dir, filepath.FromSlash(name)+suffix)
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	temp, err := os.CreateTemp(dir, unwritten+"*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temp.Name()) }() // gone already when all went well
	if err := writeSynced(temp, data); err != nil {
		return err
	}
	if err := os.Rename(temp.Name(), path); err != nil {
		return err
	}
	return s.syncDirs(dir)
}

func writeSynced(f *os.File, data []byte) error {
	_, err := f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

// syncDirs syncs a directory and those above it, up to the store's own, for they may be new.
func (s store) syncDirs(dir string) error {
	for {
		if err := syncDir(dir); err != nil || len(dir) <= len(s.dir) {
			return err
		}
		dir = filepath.Dir(dir)
	}
}

func syncDir(dir string) error {
	f, err := os.Open(dir) //nolint:gosec // a path below the directory that the caller gave
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
