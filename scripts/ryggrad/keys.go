package main

import (
	"strings"
	"time"

	"ryggrad.internal/hub/shared/hub"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/identity/token"
)

type keyCommands struct {
	List   listKeys   `cmd:"" help:"List the signing keys of access tokens, and how old the one that signs is."`
	Rotate rotateKeys `cmd:"" help:"Publish a new signing key; it signs in an hour, and the former one retires when its last token has ended."`
}

// keyAnswer is a signing key as it is printed.
type keyAnswer struct {
	ID       string     `json:"kid"`
	Version  string     `json:"version"` // of the KMS key
	State    string     `json:"state"`   // waiting, signing, retiring or retired
	Begins   time.Time  `json:"begins"`
	Retires  *time.Time `json:"retires,omitempty"`
	AgeInDay int        `json:"ageInDays"` // since it began
}

func showKeys(set token.KeySet, now time.Time) []keyAnswer {
	signing, _ := set.Signing(now)
	accepted := set.JWKS(now).Keys
	answers := make([]keyAnswer, len(set))
	for i, k := range set {
		a := keyAnswer{ID: k.ID, Version: k.Version[strings.LastIndexByte(k.Version, '/')+1:], Begins: k.NotBefore, State: "retired"}
		for _, known := range accepted {
			if known.ID == k.ID {
				a.State = "retiring"
			}
		}
		switch {
		case k.ID == signing.ID:
			a.State = "signing"
		case now.Before(k.NotBefore):
			a.State = "waiting"
		}
		if !k.NotAfter.IsZero() {
			a.Retires = &k.NotAfter
		}
		a.AgeInDay = max(0, int(now.Sub(k.NotBefore).Hours()/24))
		answers[i] = a
	}
	return answers
}

func signer(h *hub.Hub) *identitydb.Signer {
	return identitydb.NewSigner(identitydb.SignerOptions{
		Ledger: h.Ledger, KMS: h.KMS, KeyName: h.Config.KeyName("access-tokens"), Now: h.Now,
	})
}

type listKeys struct{}

// Run lists the signing keys.
func (listKeys) Run(d *desk) error {
	h, err := d.hub()
	if err != nil {
		return err
	}
	set, err := signer(h).Keys(d.ctx)
	if err != nil {
		return err
	}
	return d.print(showKeys(set, h.Now()))
}

type rotateKeys struct {
	Compromised bool `help:"Somebody else may have the key: let the new one sign at once and refuse all tokens of the others."`
}

// Run rolls the signing key.
func (c rotateKeys) Run(d *desk) error {
	by, err := d.act(identity.Hub)
	if err != nil {
		return err
	}
	h, err := d.hub()
	if err != nil {
		return err
	}
	change := signer(h).Roll
	if c.Compromised {
		change = signer(h).Replace
	}
	set, err := change(d.ctx, by)
	if err != nil {
		return err
	}
	return d.print(showKeys(set, h.Now()))
}
