package kms_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/kms/apiv1/kmspb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	"ryggrad.internal/hub/shared/localcloud/kms"
)

// files returns the files below a directory.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestKeysSurviveARestart(t *testing.T) {
	t.Parallel()
	dir, clock := filepath.Join(t.TempDir(), "kms"), newClock()
	s := open(t, dir, clock)
	s.ring(t)
	name, signer := s.key(t, "ring", sealing()), s.key(t, "s", signing(ed))
	before := s.public(t, signer+"/cryptoKeyVersions/1")
	sealed := s.seal(t, name, "guest", "tenant").Ciphertext
	s.stop()

	s = open(t, dir, clock)
	opened, err := s.unseal(t, name, sealed, "tenant")
	if err != nil || string(opened.Plaintext) != "guest" {
		t.Errorf("after a restart the ciphertext opens as %v, %v", opened, err)
	}
	if diff := cmp.Diff(before, s.public(t, signer+"/cryptoKeyVersions/1")); diff != "" {
		t.Errorf("after a restart the signing key is another (-before +after):\n%s", diff)
	}
	_, err = s.CreateKeyRing(t.Context(), &kmspb.CreateKeyRingRequest{Parent: location, KeyRingId: "r"})
	wantCode(t, err, codes.AlreadyExists)
}

func TestOnlyTheOwnerReadsTheFiles(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "kms")
	s := open(t, dir, newClock())
	s.ring(t)
	s.key(t, "k", sealing())
	found := files(t, dir)
	if len(found) != 2 {
		t.Errorf("files %v, want one of the ring and one of the key", found)
	}
	for _, path := range found {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
	}
}

func TestDestroyedMaterialLeavesTheDisk(t *testing.T) {
	t.Parallel()
	dir, clock := filepath.Join(t.TempDir(), "kms"), newClock()
	s := open(t, dir, clock)
	s.ring(t)
	name := s.key(t, "k", sealing())
	path := filepath.Join(dir, filepath.FromSlash(name)+".json")
	if data, err := os.ReadFile(path); err != nil || !bytes.Contains(data, []byte(`"material"`)) {
		t.Fatalf("no material to begin with: %v", err)
	}
	_, err := s.DestroyCryptoKeyVersion(t.Context(), &kmspb.DestroyCryptoKeyVersionRequest{Name: name + "/cryptoKeyVersions/1"})
	if err != nil {
		t.Fatal(err)
	}
	s.stop()
	clock.Advance(31 * 24 * time.Hour)
	s = open(t, dir, clock)
	_, err = s.Encrypt(t.Context(), &kmspb.EncryptRequest{Name: name})
	wantCode(t, err, codes.FailedPrecondition)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(data, []byte(`"material"`)) {
		t.Errorf("the file of a destroyed key still has material: %s", data)
	}
}

func TestAHalfWrittenFileIsForgottenAndADamagedOneStopsTheServer(t *testing.T) {
	t.Parallel()
	dir, clock := filepath.Join(t.TempDir(), "kms"), newClock()
	s := open(t, dir, clock)
	s.ring(t)
	name := s.key(t, "k", sealing())
	s.stop()
	path := filepath.Join(dir, filepath.FromSlash(name)+".json")
	half := filepath.Join(filepath.Dir(path), "new-1234")
	if err := os.WriteFile(half, []byte(`{"key":`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := kms.Open(kms.Options{Dir: dir, Now: clock.Now}); err != nil {
		t.Errorf("with a half written file: %v", err)
	}
	if _, err := os.Stat(half); err == nil {
		t.Error("the half written file is still there")
	}
	for _, damage := range []string{`{"key":`, `{"key":{"name":"x"},"primary":2}`, `{"key":{"nome":"x"}}`} {
		if err := os.WriteFile(path, []byte(damage), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := kms.Open(kms.Options{Dir: dir, Now: clock.Now}); err == nil {
			t.Errorf("a server opens over %s", damage)
		}
	}
}

func TestAKeyThatCannotBeKeptIsNotUsed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, newClock())
	s.ring(t)
	name := ringName + "/cryptoKeys/k"
	blocked := filepath.Join(dir, filepath.FromSlash(name)+".json", "in-the-way")
	if err := os.MkdirAll(blocked, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := s.CreateCryptoKey(t.Context(), &kmspb.CreateCryptoKeyRequest{Parent: ringName, CryptoKeyId: "k", CryptoKey: sealing()})
	wantCode(t, err, codes.Internal)
	_, err = s.GetCryptoKey(t.Context(), &kmspb.GetCryptoKeyRequest{Name: name})
	wantCode(t, err, codes.NotFound)
}

func TestVersionsMadeAtOnceAreAllKept(t *testing.T) {
	t.Parallel()
	s := start(t)
	name := s.key(t, "k", sealing())
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			_, err := s.CreateCryptoKeyVersion(t.Context(), &kmspb.CreateCryptoKeyVersionRequest{Parent: name})
			if err != nil {
				t.Error(err)
			}
		})
		all.Go(func() { s.seal(t, name, "guest", "") })
	}
	all.Wait()
	_, err := s.GetCryptoKeyVersion(t.Context(), &kmspb.GetCryptoKeyVersionRequest{Name: name + "/cryptoKeyVersions/17"})
	if err != nil {
		t.Error(err)
	}
}
