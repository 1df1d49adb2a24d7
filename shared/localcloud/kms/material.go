package kms

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"

	"cloud.google.com/go/kms/apiv1/kmspb"
)

// The algorithms that this server has.
const (
	symmetric = kmspb.CryptoKeyVersion_GOOGLE_SYMMETRIC_ENCRYPTION
	p256      = kmspb.CryptoKeyVersion_EC_SIGN_P256_SHA256
	ed        = kmspb.CryptoKeyVersion_EC_SIGN_ED25519
)

const (
	format     = 1 // the first byte of a ciphertext
	headerSize = 5 // format and version
)

// errCiphertext is what opening a ciphertext that was not sealed so, or not with this key, ends in.
var errCiphertext = errors.New("the ciphertext is invalid")

// generate makes material: 32 random bytes of an AES key, or a PKCS #8 private key.
func generate(algorithm kmspb.CryptoKeyVersion_CryptoKeyVersionAlgorithm) ([]byte, error) {
	switch algorithm {
	case symmetric:
		key := make([]byte, 32)
		_, err := rand.Read(key)
		return key, err
	case p256:
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, err
		}
		return x509.MarshalPKCS8PrivateKey(key)
	case ed:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return nil, err
		}
		return x509.MarshalPKCS8PrivateKey(key)
	default:
		return nil, fmt.Errorf("algorithm %v is not supported", algorithm)
	}
}

func aead(material []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(material)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// seal encrypts plaintext under the version with the given number and material.
func seal(material []byte, number int, plaintext, associated []byte) ([]byte, error) {
	box, err := aead(material)
	if err != nil {
		return nil, err
	}
	header := make([]byte, headerSize, headerSize+len(plaintext)+box.Overhead())
	header[0] = format
	binary.BigEndian.PutUint32(header[1:], uint32(number))   //nolint:gosec // a version's number has at most nine digits
	return box.Seal(header, nil, plaintext, associated), nil //nolint:gosec // G407: this box makes its own nonce
}

// sealedBy tells the number of the version that a ciphertext says it was sealed by, and 0 when it is none of ours.
func sealedBy(ciphertext []byte) int {
	if len(ciphertext) < headerSize || ciphertext[0] != format {
		return 0
	}
	return int(binary.BigEndian.Uint32(ciphertext[1:headerSize]))
}

// open decrypts what seal made, and fails with errCiphertext for anything else.
func open(material, ciphertext, associated []byte) ([]byte, error) {
	box, err := aead(material)
	if err != nil {
		return nil, err
	}
	plaintext, err := box.Open(nil, nil, ciphertext[headerSize:], associated)
	if err != nil {
		return nil, errCiphertext
	}
	return plaintext, nil
}

// sign signs a SHA-256 digest (P-256; the signature is DER) or a message (Ed25519; 64 bytes).
func sign(material, input []byte) ([]byte, error) {
	key, err := x509.ParsePKCS8PrivateKey(material)
	if err != nil {
		return nil, err
	}
	switch key := key.(type) {
	case *ecdsa.PrivateKey:
		return ecdsa.SignASN1(rand.Reader, key, input)
	case ed25519.PrivateKey:
		return ed25519.Sign(key, input), nil
	default:
		return nil, fmt.Errorf("a %T cannot sign", key)
	}
}

// publicPEM returns the public half of a signing key as a PEM block of its SubjectPublicKeyInfo.
func publicPEM(material []byte) ([]byte, error) {
	key, err := x509.ParsePKCS8PrivateKey(material)
	if err != nil {
		return nil, err
	}
	var public any
	switch key := key.(type) {
	case *ecdsa.PrivateKey:
		public = key.Public()
	case ed25519.PrivateKey:
		public = key.Public()
	default:
		return nil, fmt.Errorf("a %T has no public half", key)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}
