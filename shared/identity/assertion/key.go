package assertion

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"

	"github.com/go-json-experiment/json"

	"ryggrad.internal/hub/shared/fault"
)

// The bounds of an RSA key's length in bits.
const (
	minRSA = 2048
	maxRSA = 4096
)

// ClientKey is a client's public key as it is registered (RFC 7517). It has no members for private ones, so a private key is
// refused where the form is read.
type ClientKey struct {
	Type      string `json:"kty" enum:"EC,OKP,RSA" doc:"The kind of key"`
	Use       string `json:"use,omitempty" enum:"sig" doc:"What it is for"`
	Algorithm string `json:"alg,omitempty" enum:"ES256,EdDSA,PS256" doc:"The algorithm; follows from the kind"`
	ID        string `json:"kid,omitempty" maxLength:"64" doc:"What assertions may name it by, beside its thumbprint (RFC 7638)"`
	Curve     string `json:"crv,omitempty" enum:"P-256,Ed25519" doc:"Of EC and OKP keys"`
	X         string `json:"x,omitempty" maxLength:"64" doc:"Of EC and OKP keys, base64url"`
	Y         string `json:"y,omitempty" maxLength:"64" doc:"Of EC keys, base64url"`
	N         string `json:"n,omitempty" maxLength:"700" doc:"Of RSA keys, base64url: 2048 to 4096 bits"`
	E         string `json:"e,omitempty" maxLength:"8" doc:"Of RSA keys, base64url"`
}

// Key is a registered key, ready to verify with.
type Key struct {
	Thumbprint string // RFC 7638, base64url
	name       string // its own kid
	algorithm  string
	public     crypto.PublicKey
}

// NewKey reads a registered key. One that is none, or too weak, is [fault.Invalid].
func NewKey(j ClientKey) (Key, error) {
	k := Key{name: j.ID}
	var members string
	var err error
	switch j.Type {
	case "EC":
		k.algorithm, members = "ES256", fmt.Sprintf(`{"crv":%q,"kty":"EC","x":%q,"y":%q}`, j.Curve, j.X, j.Y)
		k.public, err = j.ec()
	case "OKP":
		k.algorithm, members = "EdDSA", fmt.Sprintf(`{"crv":%q,"kty":"OKP","x":%q}`, j.Curve, j.X)
		k.public, err = j.ed25519()
	case "RSA":
		k.algorithm, members = "PS256", fmt.Sprintf(`{"e":%q,"kty":"RSA","n":%q}`, j.E, j.N)
		k.public, err = j.rsa()
	default:
		err = errors.New("it is of another kind than EC, OKP and RSA")
	}
	if err == nil && (j.Algorithm != "" && j.Algorithm != k.algorithm || j.Use != "" && j.Use != "sig") {
		err = errors.New("its alg or use is another")
	}
	if err != nil {
		return Key{}, fault.New(fault.Invalid, "the public key is not one that is taken").
			With(fault.Detail{Location: "body.jwk", Message: err.Error()})
	}
	sum := sha256.Sum256([]byte(members))
	k.Thumbprint = base64.RawURLEncoding.EncodeToString(sum[:])
	return k, nil
}

// ParseKey reads a key that was stored as the JSON of its [ClientKey].
func ParseKey(text string) (Key, error) {
	var j ClientKey
	if err := json.Unmarshal([]byte(text), &j, json.RejectUnknownMembers(true)); err != nil {
		return Key{}, fmt.Errorf("read a registered key: %w", err)
	}
	return NewKey(j)
}

func (j ClientKey) ec() (crypto.PublicKey, error) {
	x, errX := canonical(j.X)
	y, errY := canonical(j.Y)
	if j.Curve != "P-256" || errX != nil || errY != nil || len(x) != 32 || len(y) != 32 {
		return nil, errors.New("it is no point on P-256")
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, x...), y...))
	if err != nil {
		return nil, errors.New("it is no point on P-256")
	}
	return key, nil
}

func (j ClientKey) ed25519() (crypto.PublicKey, error) {
	x, err := canonical(j.X)
	if j.Curve != "Ed25519" || err != nil || len(x) != ed25519.PublicKeySize {
		return nil, errors.New("it is no key of Ed25519")
	}
	return ed25519.PublicKey(x), nil
}

func (j ClientKey) rsa() (crypto.PublicKey, error) {
	n, errN := canonical(j.N)
	e, errE := canonical(j.E)
	if errN != nil || errE != nil || len(e) == 0 || len(e) > 4 {
		return nil, errors.New("it is no RSA key")
	}
	key := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
	if bits := key.N.BitLen(); bits < minRSA || bits > maxRSA || key.E < 65537 || key.E%2 == 0 {
		return nil, fmt.Errorf("an RSA key has %d to %d bits and an odd exponent of at least 65537", minRSA, maxRSA)
	}
	return key, nil
}

// verifies tells whether the key signed the text.
func (k Key) verifies(text string, signature []byte) bool {
	digest := sha256.Sum256([]byte(text))
	switch public := k.public.(type) {
	case *ecdsa.PublicKey:
		if len(signature) != 64 {
			return false
		}
		return ecdsa.Verify(public, digest[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
	case ed25519.PublicKey:
		return ed25519.Verify(public, []byte(text), signature)
	case *rsa.PublicKey:
		return rsa.VerifyPSS(public, crypto.SHA256, digest[:], signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
	default:
		return false
	}
}
