package identity

import (
	"crypto/sha256"
	"fmt"
	"time"
)

// Document gives the user's fields for the store: hashes and sealed bytes, nothing that tells who they are.
func (u User) Document() map[string]any {
	return map[string]any{
		"tenant": u.Tenant, "role": string(u.Role), "disabled": u.Disabled,
		"createdAt": stored(u.CreatedAt), "loggedInAt": stored(u.LoggedInAt),
		"emailIndex": u.EmailIndex, "sealed": u.Sealed,
		"password": map[string]any{
			"hash": u.Password.Hash, "former": u.Password.Former, "initial": u.Password.Initial,
			"expiresAt": stored(u.Password.ExpiresAt), "setAt": stored(u.Password.SetAt),
		},
		"totp": map[string]any{
			"sealed": u.TOTP.Sealed, "lastStep": u.TOTP.LastStep, "addedAt": stored(u.TOTP.AddedAt),
			"next": u.TOTP.Next, "nextAt": stored(u.TOTP.NextAt),
		},
		"passkeys": passkeyList(u.Passkeys), "recovery": hashList(u.Recovery), "devices": deviceList(u.Devices),
		"sessions": list(u.Sessions), "unfinished": list(u.Unfinished),
	}
}

// ParseUser reads what [User.Document] wrote under the id.
func ParseUser(id string, fields map[string]any) (User, error) {
	d := readDocument("user", fields)
	password, totp := d.part("password"), d.part("totp")
	u := User{
		ID: id, Tenant: need[string](d, "tenant"), Role: Role(need[string](d, "role")), Disabled: field[bool](d, "disabled"),
		CreatedAt: field[time.Time](d, "createdAt"), LoggedInAt: field[time.Time](d, "loggedInAt"),
		EmailIndex: field[[]byte](d, "emailIndex"), Sealed: field[[]byte](d, "sealed"),
		Password: Password{
			Hash: field[string](password, "hash"), Former: field[string](password, "former"), Initial: field[bool](password, "initial"),
			ExpiresAt: field[time.Time](password, "expiresAt"), SetAt: field[time.Time](password, "setAt"),
		},
		TOTP: TOTP{
			Sealed: field[[]byte](totp, "sealed"), LastStep: field[int64](totp, "lastStep"),
			AddedAt: field[time.Time](totp, "addedAt"), Next: field[[]byte](totp, "next"), NextAt: field[time.Time](totp, "nextAt"),
		},
		Recovery: readHashes(d, "recovery"), Sessions: texts[string](d, "sessions"), Unfinished: texts[string](d, "unfinished"),
	}
	d.each("passkeys", func(at document) {
		u.Passkeys = append(u.Passkeys, Passkey{
			ID: need[string](at, "id"), Key: field[[]byte](at, "key"), Record: field[[]byte](at, "record"),
			Name: field[string](at, "name"), AddedAt: field[time.Time](at, "addedAt"), UsedAt: field[time.Time](at, "usedAt"),
		})
	})
	d.each("devices", func(at document) {
		u.Devices = append(u.Devices, Device{
			ID: need[string](at, "id"), Hash: readHash(at, "hash"), SeenAt: field[time.Time](at, "seenAt"), Trusted: field[bool](at, "trusted"),
		})
	})
	return u, d.err()
}

func passkeyList(all []Passkey) []any {
	out := make([]any, len(all))
	for i, p := range all {
		out[i] = map[string]any{
			"id": p.ID, "key": p.Key, "record": p.Record, "name": p.Name, "addedAt": stored(p.AddedAt), "usedAt": stored(p.UsedAt),
		}
	}
	return out
}

func deviceList(all []Device) []any {
	out := make([]any, len(all))
	for i, d := range all {
		out[i] = map[string]any{"id": d.ID, "hash": d.Hash[:], "seenAt": stored(d.SeenAt), "trusted": d.Trusted}
	}
	return out
}

// Document gives the session's fields for the store. It holds hashes, no tokens.
func (s Session) Document() map[string]any {
	return map[string]any{
		"tenant": s.Tenant, "user": s.User, "role": string(s.Role), "stage": string(s.Stage),
		"createdAt": stored(s.CreatedAt), "expireAt": stored(s.ExpiresAt), "seenAt": stored(s.SeenAt),
		"provedAt": stored(s.ProvedAt), "device": s.Device, "token": s.Token[:],
		"challenge": map[string]any{
			"state": s.Challenge.State, "for": s.Challenge.For, "expiresAt": stored(s.Challenge.ExpiresAt),
		},
		"parent": s.Parent[:], "salt": s.Salt, "rotatedAt": stored(s.RotatedAt), "spent": hashList(s.Spent),
	}
}

// ParseSession reads what [Session.Document] wrote under the id.
func ParseSession(id string, fields map[string]any) (Session, error) {
	d := readDocument("session", fields)
	challenge := d.part("challenge")
	s := Session{
		ID: id, Tenant: need[string](d, "tenant"), User: need[string](d, "user"), Role: Role(need[string](d, "role")),
		Stage: Stage(field[string](d, "stage")), CreatedAt: field[time.Time](d, "createdAt"),
		ExpiresAt: need[time.Time](d, "expireAt"), SeenAt: need[time.Time](d, "seenAt"),
		ProvedAt: field[time.Time](d, "provedAt"), Device: field[string](d, "device"), Token: readHash(d, "token"),
		Challenge: Challenge{
			State: field[[]byte](challenge, "state"), For: field[string](challenge, "for"),
			ExpiresAt: field[time.Time](challenge, "expiresAt"),
		},
		Parent: readHash(d, "parent"), Salt: field[[]byte](d, "salt"), RotatedAt: field[time.Time](d, "rotatedAt"),
		Spent: readHashes(d, "spent"),
	}
	return s, d.err()
}

// part reads a map within the document.
func (d document) part(name string) document {
	return document{fields: field[map[string]any](d, name), at: d.at + "." + name, errs: d.errs}
}

func hashList(all []Hash) []any {
	out := make([]any, len(all))
	for i := range all {
		out[i] = all[i][:]
	}
	return out
}

func readHashes(d document, name string) []Hash {
	var all []Hash
	for i, value := range field[[]any](d, name) {
		hash, _ := value.([]byte)
		if len(hash) != sha256.Size {
			*d.errs = append(*d.errs, fmt.Errorf("%s.%s[%d] is no hash", d.at, name, i))
			continue
		}
		all = append(all, Hash(hash))
	}
	return all
}

func readHash(d document, name string) Hash {
	hash := field[[]byte](d, name)
	if len(hash) != sha256.Size {
		*d.errs = append(*d.errs, fmt.Errorf("%s.%s has %d bytes", d.at, name, len(hash)))
		return Hash{}
	}
	return Hash(hash)
}

// Document gives the attempts' fields for the store.
func (a Attempts) Document() map[string]any {
	return map[string]any{
		"failures": int64(a.Failures), "lastAt": stored(a.LastAt), "expireAt": stored(a.LastAt.Add(attemptsForgotten)),
	}
}

// ParseAttempts reads what [Attempts.Document] wrote; no document is no attempts.
func ParseAttempts(fields map[string]any) (Attempts, error) {
	d := readDocument("attempts", fields)
	a := Attempts{Failures: int(field[int64](d, "failures")), LastAt: field[time.Time](d, "lastAt")}
	return a, d.err()
}
