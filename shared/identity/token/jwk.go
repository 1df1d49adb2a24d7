package token

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
)

// JWK is a public key of ES256 as published (RFC 7517; RFC 7518, section 6.2).
type JWK struct {
	Type      string `json:"kty" enum:"EC" doc:"The kind of key"`
	Use       string `json:"use" enum:"sig" doc:"What it is for"`
	Algorithm string `json:"alg" enum:"ES256" doc:"The only algorithm it is used with"`
	ID        string `json:"kid" doc:"What tokens name it by: its RFC 7638 thumbprint"`
	Curve     string `json:"crv" enum:"P-256" doc:"The curve"`
	X         string `json:"x" doc:"32 bytes, base64url"`
	Y         string `json:"y" doc:"32 bytes, base64url"`
}

// JWKS is a set of published keys.
type JWKS struct {
	Keys []JWK `json:"keys" doc:"The keys that tokens may be signed with, the newest last"`
}

// NewJWK describes a public key on P-256. Its id is its thumbprint by RFC 7638, so that it says which key it is and the
// same key never has two.
func NewJWK(key *ecdsa.PublicKey) (JWK, error) {
	if key.Curve != elliptic.P256() {
		return JWK{}, errors.New("the key is not on P-256")
	}
	point, err := key.Bytes()
	if err != nil {
		return JWK{}, fmt.Errorf("describe a public key: %w", err)
	}
	k := JWK{
		Type: "EC", Use: "sig", Algorithm: algorithm, Curve: "P-256",
		X: base64.RawURLEncoding.EncodeToString(point[1:33]),
		Y: base64.RawURLEncoding.EncodeToString(point[33:]),
	}
	members := fmt.Sprintf(`{"crv":%q,"kty":%q,"x":%q,"y":%q}`, k.Curve, k.Type, k.X, k.Y)
	sum := sha256.Sum256([]byte(members))
	k.ID = base64.RawURLEncoding.EncodeToString(sum[:])
	return k, nil
}

// Key returns the public key. A description that is not one of a point on P-256 for ES256 is an error.
func (k JWK) Key() (*ecdsa.PublicKey, error) {
	if k.Type != "EC" || k.Use != "sig" || k.Algorithm != algorithm || k.Curve != "P-256" {
		return nil, errors.New("the key is not one of ES256")
	}
	x, errX := canonical(k.X)
	y, errY := canonical(k.Y)
	if errX != nil || errY != nil || len(x) != 32 || len(y) != 32 {
		return nil, errors.New("the key's coordinates are not 32 bytes each")
	}
	point := append(append([]byte{4}, x...), y...)
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return nil, fmt.Errorf("read a public key: %w", err)
	}
	return key, nil
}
