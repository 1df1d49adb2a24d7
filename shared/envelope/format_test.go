package envelope_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"os"
	"testing"

	"ryggrad.internal/hub/shared/envelope"
)

// vectors are bytes that one version of the format wrote. They stay readable for ever: never change a file of them,
// add one for a new version.
type vectors struct {
	Secret    []byte // of the data key
	Keyset    []byte // of the tenant key ten_a_2026-10
	Index     []byte // its sealed index key
	Guest     []byte // guestPlace, sealed by the data key
	Digest    []byte // of the same plaintext
	Original  []byte // the same plaintext as an original
	Wrapped   []byte // the data key
	Signing   []byte // the plaintext as a secret of the tenant
	Blind     []byte // index of the plaintext as an address
	BlindTel  []byte // index of phoneNumber
	Plaintext string
}

func readVectors(tb testing.TB, name string) vectors {
	tb.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		tb.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(text, &v); err != nil {
		tb.Fatal(err)
	}
	return v
}

func TestOldBytesStayReadable(t *testing.T) {
	t.Parallel()
	v := readVectors(t, "v1.json")
	tenant, err := envelope.OpenTenantKey(october, v.Keyset, v.Index)
	if err != nil {
		t.Fatal(err)
	}
	key, err := tenant.Unwrap(v.Wrapped, guestPlace)
	if err != nil {
		t.Fatal(err)
	}
	opened := map[string]func() ([]byte, error){
		"guest":    func() ([]byte, error) { return key.Open(v.Guest, guestPlace) },
		"original": func() ([]byte, error) { return envelope.NewOriginals().Open(key, v.Original, guestPlace) },
		"secret":   func() ([]byte, error) { return tenant.Open(v.Signing, guestPlace) },
	}
	for name, open := range opened {
		if got, err := open(); err != nil || string(got) != v.Plaintext {
			t.Errorf("%s opened as %q, %v", name, got, err)
		}
	}
	if !bytes.Equal(key.Digest([]byte(v.Plaintext), guestPlace), v.Digest) {
		t.Error("the digest changed")
	}
	if !bytes.Equal(tenant.Index(email(t, v.Plaintext)), v.Blind) {
		t.Error("the blind index of an address changed")
	}
	if !bytes.Equal(tenant.Index(phone(t, phoneNumber)), v.BlindTel) {
		t.Error("the blind index of a number changed")
	}
}

// TestTheDocumentedFormatIsTheRealOne opens the vectors with nothing but the standard library and what doc.go says.
func TestTheDocumentedFormatIsTheRealOne(t *testing.T) {
	t.Parallel()
	v := readVectors(t, "v1.json")
	gcm := gcmOf(t, derived(t, v.Secret, "ryggrad envelope 1 content"))
	got, err := gcm.Open(nil, v.Guest[1:13], v.Guest[13:], documented(1, v.Guest[:1]))
	if err != nil || string(got) != v.Plaintext {
		t.Errorf("guest opened as %q, %v", got, err)
	}
	mac := hmac.New(sha256.New, derived(t, v.Secret, "ryggrad envelope 1 digest"))
	mac.Write(documented(5, []byte{1}))
	mac.Write([]byte(v.Plaintext))
	if !bytes.Equal(mac.Sum(nil), v.Digest) {
		t.Error("the digest is another one")
	}
	if id := v.Wrapped[2 : 2+v.Wrapped[1]]; v.Wrapped[0] != 1 || string(id) != october.String() {
		t.Errorf("the wrapped key names %q", id)
	}
}

func derived(t *testing.T, secret []byte, info string) []byte {
	t.Helper()
	key, err := hkdf.Key(sha256.New, secret, nil, info, 32)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func gcmOf(t *testing.T, key []byte) cipher.AEAD {
	t.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	return gcm
}

// documented is the associated data of guestPlace.
func documented(purpose byte, header []byte) []byte {
	data := []byte{purpose}
	for _, part := range [][]byte{header, []byte("ten_a"), []byte("orders"), []byte("ord_1"), []byte("guest")} {
		data = binary.BigEndian.AppendUint32(data, uint32(len(part)))
		data = append(data, part...)
	}
	return data
}

func FuzzOpen(f *testing.F) {
	v := readVectors(f, "v1.json")
	tenant, err := envelope.OpenTenantKey(october, v.Keyset, v.Index)
	if err != nil {
		f.Fatal(err)
	}
	data, err := tenant.Unwrap(v.Wrapped, guestPlace)
	if err != nil {
		f.Fatal(err)
	}
	known := [][]byte{v.Guest, v.Original, v.Wrapped, v.Signing}
	for _, seed := range append(known, nil, []byte{1}, []byte{1, 255}) {
		f.Add(seed)
	}
	originals := envelope.NewOriginals()
	f.Fuzz(func(t *testing.T, sealed []byte) {
		for _, good := range known {
			if bytes.Equal(sealed, good) {
				return
			}
		}
		_, openErr := data.Open(sealed, guestPlace)
		_, originalErr := originals.Open(data, sealed, guestPlace)
		_, wrapErr := tenant.Unwrap(sealed, guestPlace)
		_, secretErr := tenant.Open(sealed, guestPlace)
		if openErr == nil || originalErr == nil || wrapErr == nil || secretErr == nil {
			t.Errorf("forged bytes were opened: %x", sealed)
		}
		if id, err := envelope.SealedBy(sealed); err == nil && !bytes.Contains(sealed, []byte(id.String())) {
			t.Errorf("%x names %s", sealed, id)
		}
	})
}

// FuzzOpenTenantKey feeds damaged keysets: what KMS returns is trusted, what it was given once may not be.
func FuzzOpenTenantKey(f *testing.F) {
	v := readVectors(f, "v1.json")
	f.Add(v.Keyset, v.Index)
	f.Add(v.Keyset[:10], v.Index)
	f.Add([]byte(nil), []byte(nil))
	f.Fuzz(func(t *testing.T, keyset, index []byte) {
		key, err := envelope.OpenTenantKey(october, keyset, index)
		if err == nil && key.ID() != october {
			t.Errorf("opened as %s", key.ID())
		}
	})
}
