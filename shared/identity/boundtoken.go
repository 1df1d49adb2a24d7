package identity

import (
	"fmt"
	"io"
	"math/big"

	"ryggrad.internal/hub/shared/fault"
)

// The prefixes of tokens that carry the id of what they belong to.
const (
	sessionTokenPrefix = "rys_"
	deviceTokenPrefix  = "ryd_"
)

// DevicePrefix begins a device's id.
const DevicePrefix = "dev_"

// boundIDLength is that of an id without its own prefix, 128 bits.
const boundIDLength = 26

func boundToken(prefix, id string, raw [32]byte) Secret {
	body := prefix + id + "_" + base62(new(big.Int).SetBytes(raw[:]), 43)
	return Secret{prefix: prefix, id: id, text: body + checksum(body)}
}

func parseBound(prefix, text, what string) (Secret, error) {
	if len(text) < len(prefix) || text[:len(prefix)] != prefix {
		return Secret{}, fault.New(fault.Unauthenticated, "this is no %s", what)
	}
	id, ok := secretForm(text[len(prefix):], boundIDLength)
	if !ok || checksum(text[:len(text)-6]) != text[len(text)-6:] {
		return Secret{}, fault.New(fault.Unauthenticated, "the %s is mistyped or cut", what)
	}
	return Secret{prefix: prefix, id: id, text: text}, nil
}

// NewDevice makes a device and the secret that it keeps, of the form of a session's token with the prefix `ryd_`.
func NewDevice(random io.Reader) (Device, Secret, error) {
	id, err := NewID(DevicePrefix, random)
	if err != nil {
		return Device{}, Secret{}, err
	}
	var raw [32]byte
	if _, err := io.ReadFull(random, raw[:]); err != nil {
		return Device{}, Secret{}, fmt.Errorf("read random bytes for a device: %w", err)
	}
	token := boundToken(deviceTokenPrefix, id[len(DevicePrefix):], raw)
	return Device{ID: id, Hash: token.Hash()}, token, nil
}

// ParseDeviceToken reads what a device keeps. It reports false for anything else: a device that cannot prove itself is an
// unknown one.
func ParseDeviceToken(text string) (token Secret, device string, ok bool) {
	token, err := parseBound(deviceTokenPrefix, text, "device's token")
	return token, DevicePrefix + token.id, err == nil
}
