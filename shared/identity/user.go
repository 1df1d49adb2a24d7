package identity

import (
	"crypto/subtle"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"ryggrad.internal/hub/shared/fault"
)

// UserPrefix begins a user's id.
const UserPrefix = "usr_"

// InitialPasswordLife is how long an initial password can be used, once.
const InitialPasswordLife = 24 * time.Hour

// How many devices of a person are remembered; a new one forgets the one of its kind that was away longest. Those by which
// no login was finished are counted by themselves, so that whoever has only the password drives out nobody's own.
const (
	maxTrusted   = 20
	maxUntrusted = 5
)

// User is a person of a tenant. Nothing in it tells who that is: name and address are sealed, and the address is found by
// its blind index only.
type User struct {
	ID         string // `usr_…`
	Tenant     string
	Role       Role
	Disabled   bool
	CreatedAt  time.Time
	LoggedInAt time.Time
	EmailIndex []byte // of the hub's own index key: an address belongs to one person of the hub
	Sealed     []byte // a [Profile], by a key of the tenant
	Password   Password
	TOTP       TOTP
	Passkeys   []Passkey
	Recovery   []Hash // of recovery codes that were not used yet
	Devices    []Device
	Sessions   []string // ids of the sessions that may still live, oldest first
	Unfinished []string // those of them that miss something, such as the second factor
}

// Profile is who a person is: personal data.
type Profile struct {
	Email string `json:"email"`
	Name  string `json:"name"`
}

// Password is what is kept of a password.
type Password struct {
	Hash      string // with its parameters; empty when there is none to log in by
	Former    string // the hash of an initial one that was used, until another is set: that must not be the same
	Initial   bool   // made by the hub: good once, and only to set another
	ExpiresAt time.Time
	SetAt     time.Time
}

// TOTP is a generator of one-time passwords (RFC 6238).
type TOTP struct {
	Sealed   []byte // its secret, by a key of the tenant; none when there is no generator
	LastStep int64  // the newest time step that was accepted; none before it is taken again
	AddedAt  time.Time
	Next     []byte // a secret that was shown and takes the place of the present one with its first code
	NextAt   time.Time
}

// Active tells whether codes are taken.
func (t TOTP) Active() bool { return len(t.Sealed) > 0 }

// Confirm puts the next secret in place, by a code of the step.
func (t TOTP) Confirm(step int64, now time.Time) TOTP {
	return TOTP{Sealed: t.Next, LastStep: step, AddedAt: now}
}

// Passkey is a WebAuthn credential.
type Passkey struct {
	ID      string // `psk_…`, the hub's own
	Key     []byte // the credential's own id
	Record  []byte // the credential as the library keeps it: public key, counter, flags
	Name    string // what the person calls it
	AddedAt time.Time
	UsedAt  time.Time
}

// Device is a browser or program that logged in once and can prove it, so that a stranger's guesses do not keep it out.
type Device struct {
	ID      string
	Hash    Hash // of the secret that it keeps
	SeenAt  time.Time
	Trusted bool // a login by it was finished; before, it is anybody who knows the password
}

// HasSecondFactor tells whether the person has one.
func (u User) HasSecondFactor() bool { return u.TOTP.Active() || len(u.Passkeys) > 0 }

// Owns tells whether the person answers for the account now.
func (u User) Owns() bool { return u.Role == Owner && !u.Disabled }

// Next returns what is still to be done after the person's password held.
func (u User) Next() Stage {
	switch {
	case u.Password.Initial && u.HasSecondFactor():
		return SecondFactor // a new password is not for whoever found the initial one
	case u.Password.Initial:
		return SetPassword
	default:
		return u.NextAfterPassword()
	}
}

// NextAfterPassword returns what is still to be done once a password of the person's own is set.
func (u User) NextAfterPassword() Stage {
	switch {
	case u.HasSecondFactor():
		return SecondFactor
	case u.Role.NeedsSecondFactor():
		return Enroll
	default:
		return Complete
	}
}

// NextAfterSecondFactor returns what is still to be done once the second factor held.
func (u User) NextAfterSecondFactor() Stage {
	if u.Password.Initial {
		return SetPassword
	}
	return Complete
}

// WithSession adds a session and tells which ones must end, because there are too many. Unfinished logins end only
// unfinished ones: whoever has only the password ends nobody's work.
func (u User) WithSession(id string, stage Stage) (after User, ended []string) {
	u.Sessions = append(slices.Clone(u.Sessions), id)
	if stage == Complete {
		return u.without(surplus(u.finished(), maxPerAccount))
	}
	u.Unfinished = append(slices.Clone(u.Unfinished), id)
	return u.without(surplus(u.Unfinished, maxUnfinished))
}

// Finishing notes that nothing is missing from a session any more, and tells which ones must end for it.
func (u User) Finishing(id string) (after User, ended []string) {
	u.Unfinished = slices.DeleteFunc(slices.Clone(u.Unfinished), func(s string) bool { return s == id })
	return u.without(surplus(u.finished(), maxPerAccount))
}

// finished are the sessions from which nothing is missing, oldest first.
func (u User) finished() []string {
	return slices.DeleteFunc(slices.Clone(u.Sessions), func(id string) bool { return slices.Contains(u.Unfinished, id) })
}

// surplus are the oldest of all that are more than most.
func surplus(all []string, most int) []string { return slices.Clone(all[:max(0, len(all)-most)]) }

// without takes sessions off and tells which.
func (u User) without(ids []string) (after User, ended []string) {
	for _, id := range ids {
		u = u.WithoutSession(id)
	}
	return u, ids
}

// WithoutSessions takes all sessions off but one, and tells which ones must end.
func (u User) WithoutSessions(but string) (after User, ended []string) {
	for _, id := range u.Sessions {
		if id != but {
			ended = append(ended, id)
		}
	}
	other := func(id string) bool { return id != but }
	u.Sessions = slices.DeleteFunc(slices.Clone(u.Sessions), other)
	u.Unfinished = slices.DeleteFunc(slices.Clone(u.Unfinished), other)
	return u, ended
}

// WithoutSession takes a session off.
func (u User) WithoutSession(id string) User {
	this := func(s string) bool { return s == id }
	u.Sessions = slices.DeleteFunc(slices.Clone(u.Sessions), this)
	u.Unfinished = slices.DeleteFunc(slices.Clone(u.Unfinished), this)
	return u
}

// Device finds the device of this id that proves itself by the token.
func (u User) Device(id string, token Secret) (Device, bool) {
	hash := token.Hash()
	for _, d := range u.Devices {
		if d.ID == id && subtle.ConstantTimeCompare(d.Hash[:], hash[:]) == 1 {
			return d, true
		}
	}
	return Device{}, false
}

// Trusting returns the user with the device marked as one by which a login was finished.
func (u User) Trusting(device string) User {
	u.Devices = slices.Clone(u.Devices)
	for i := range u.Devices {
		u.Devices[i].Trusted = u.Devices[i].Trusted || u.Devices[i].ID == device
	}
	return u.forgetful()
}

// Trusts tells whether a login by the device was finished once.
func (u User) Trusts(device string) bool {
	return slices.ContainsFunc(u.Devices, func(d Device) bool { return d.ID == device && d.Trusted })
}

// WithDevice adds a device, or notes that it was seen.
func (u User) WithDevice(d Device) User {
	u.Devices = slices.DeleteFunc(slices.Clone(u.Devices), func(have Device) bool { return have.ID == d.ID })
	u.Devices = append(u.Devices, d)
	return u.forgetful()
}

// forgetful keeps the devices that were seen last.
func (u User) forgetful() User {
	left := map[bool]int{true: maxTrusted, false: maxUntrusted}
	var kept []Device
	for _, d := range slices.Backward(u.Devices) {
		if left[d.Trusted]--; left[d.Trusted] >= 0 {
			kept = append(kept, d)
		}
	}
	slices.Reverse(kept)
	u.Devices = kept
	return u
}

// Check tells everything that is wrong with a person who is about to be created, but for their address.
func (p Profile) Check(r Role) error {
	var f faults
	f.name(p.Name)
	if !r.Known() {
		f.add("body.role", "is not a role")
	}
	return f.fault("the user")
}

// Encode gives the bytes that are sealed into [User.Sealed].
func (p Profile) Encode() ([]byte, error) { return json.Marshal(p) }

// ParseProfile reads what [Profile.Encode] wrote. Its errors hold nothing of it.
func ParseProfile(b []byte) (Profile, error) {
	var p Profile
	if err := json.Unmarshal(b, &p, json.RejectUnknownMembers(true)); err != nil {
		return p, fault.New(fault.Internal, "a profile is not readable")
	}
	return p, nil
}
