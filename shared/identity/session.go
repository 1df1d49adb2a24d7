package identity

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"time"

	"ryggrad.internal/hub/shared/fault"
)

// SessionPrefix begins a session's id.
const SessionPrefix = "ses_"

// The limits of sessions (NIST SP 800-63B, section 2.2.3, second level: a day at most, an hour of silence at most).
const (
	SessionLife   = 12 * time.Hour   // from the login to the end, whatever happens
	SessionIdle   = 30 * time.Minute // of silence that ends a session
	PendingLife   = 15 * time.Minute // of a session that misses something, such as its second factor
	StepUpLife    = 10 * time.Minute // how recent a proof must be for what is dangerous
	RefreshGrace  = 10 * time.Second // how long a token that was just replaced is taken, for those who race
	SeenEvery     = 5 * time.Minute  // how often it is written that a session was used, so silence is known to within that
	maxSpent      = 128              // tokens that a session remembers to have replaced
	maxPerAccount = 20               // sessions that a person has at once; a new one ends the oldest
	maxUnfinished = 5                // of those that miss something, likewise, and by themselves
)

// Stage says how far somebody has logged in, which is what the session lets them do. Its text is the `next` of the API.
type Stage string

// The stages of a session.
const (
	Complete     Stage = ""                     // everything that the role allows
	SecondFactor Stage = "second_factor"        // the password held; the second factor is missing
	Enroll       Stage = "enroll_second_factor" // the role needs a second factor, and there is none yet
	SetPassword  Stage = "set_password"         // the initial password held; it must be replaced
)

// Permissions returns what a session of the stage lets somebody of the role do.
func (s Stage) Permissions(r Role) Scopes {
	switch {
	case !r.Known():
		return nil
	case s == Complete:
		return r.Permissions()
	case s == Enroll:
		return NewScopes(SessionsOwn, AccountFactors)
	case s == SetPassword:
		return NewScopes(SessionsOwn, AccountPassword)
	default:
		return NewScopes(SessionsOwn)
	}
}

// Session is a person's login. It is found by the id within its token, and ends when its document is deleted.
type Session struct {
	ID        string // `ses_…`
	Tenant    string
	User      string // `usr_…`
	Role      Role   // as it was at the login: a change of role ends the session
	Stage     Stage
	CreatedAt time.Time
	ExpiresAt time.Time // absolute
	SeenAt    time.Time // last use, to within [SeenEvery]
	ProvedAt  time.Time // when the person last proved who they are, with the strongest factor they have
	Device    string    // the id of the device that logged in
	Token     Hash      // of the token in use
	Challenge Challenge // of a passkey, while it is waited for

	Parent    Hash // of the token that was replaced last
	Salt      []byte
	RotatedAt time.Time
	Spent     []Hash // of the tokens replaced before
}

// Hash is a SHA-256.
type Hash = [sha256.Size]byte

// Challenge is what a passkey is asked to sign, kept until it is answered once.
type Challenge struct {
	State     []byte // as the library that made it wants it back
	For       string // what it was made for: `login` or `enroll`
	ExpiresAt time.Time
}

// NewSessionToken makes a token of a session that is made of nothing before it. It has the form of the other credentials, with the session's id in
// place of a key's:
//
//	rys_<session id without its prefix>_<256 bits><crc>
func NewSessionToken(session string, random io.Reader) (Secret, error) {
	var raw [32]byte
	if _, err := io.ReadFull(random, raw[:]); err != nil {
		return Secret{}, fmt.Errorf("read random bytes for a session: %w", err)
	}
	return sessionToken(session, raw), nil
}

func sessionToken(session string, raw [32]byte) Secret {
	return boundToken(sessionTokenPrefix, session[len(SessionPrefix):], raw)
}

// ParseSessionToken reads a session's token and returns the session's id too. It checks form and checksum, as
// [ParseAPIKey] does.
func ParseSessionToken(text string) (token Secret, session string, err error) {
	token, err = parseBound(sessionTokenPrefix, text, "session's token")
	return token, SessionPrefix + token.id, err
}

// TokenState is what a token is to its session.
type TokenState int

// What a token can be.
const (
	TokenUnknown TokenState = iota // never this session's
	TokenSpent                     // replaced, and nobody can have it any more but a thief or its victim
	TokenRacing                    // replaced a moment ago
	TokenLive                      // the one in use
)

// Knows tells what the token is to the session. It takes the same time for each.
func (s Session) Knows(token Secret, now time.Time) TokenState {
	hash := token.Hash()
	spent := 0
	for _, h := range s.Spent {
		spent |= subtle.ConstantTimeCompare(h[:], hash[:])
	}
	live := subtle.ConstantTimeCompare(s.Token[:], hash[:])
	parent := subtle.ConstantTimeCompare(s.Parent[:], hash[:])
	switch {
	case live == 1:
		return TokenLive
	case parent == 1 && now.Before(s.RotatedAt.Add(RefreshGrace)):
		return TokenRacing
	case parent == 1 || spent == 1:
		return TokenSpent
	default:
		return TokenUnknown
	}
}

// ActiveAt tells whether the session has neither expired nor been silent for too long.
func (s Session) ActiveAt(now time.Time) bool {
	return now.Before(s.ExpiresAt) && now.Before(s.SeenAt.Add(SessionIdle))
}

// Ends returns when the session ends unless it is used.
func (s Session) Ends() time.Time {
	if idle := s.SeenAt.Add(SessionIdle); idle.Before(s.ExpiresAt) {
		return idle
	}
	return s.ExpiresAt
}

// Caller returns who acts by the session now.
func (s Session) Caller(now time.Time) Caller {
	return Caller{
		Tenant: s.Tenant, Actor: Actor{KindUser, s.User}, Role: s.Role, Scopes: s.Stage.Permissions(s.Role),
		Locations: Locations{EveryLocation}, Credential: s.ID,
		SteppedUp: s.Stage != SecondFactor && now.Before(s.ProvedAt.Add(StepUpLife)),
	}
}

// Refresh replaces the token in use by its child, which is made of the parent and a salt that the session keeps. So two
// tabs that race, or one that repeats because the answer was lost, get the same child within [RefreshGrace]; whoever
// reads the store has no parent to make it of. A spent token is refused with [ErrTokenReused]: somebody stole it or was
// stolen from, and the session must end.
func (s Session) Refresh(parent Secret, salt [32]byte, now time.Time) (Session, Secret, error) {
	switch s.Knows(parent, now) {
	case TokenLive:
		s = s.spend(s.Parent)
		s.Parent, s.Salt, s.RotatedAt, s.SeenAt = s.Token, salt[:], now, now
		child := s.child(parent)
		s.Token = child.Hash()
		return s, child, nil
	case TokenRacing:
		return s, s.child(parent), nil
	case TokenSpent:
		return s, Secret{}, ErrTokenReused
	default:
		return s, Secret{}, fault.New(fault.Unauthenticated, "the session does not hold")
	}
}

// spend notes that a token was replaced, if there was one.
func (s Session) spend(token Hash) Session {
	if token == (Hash{}) {
		return s
	}
	spent := append(slices.Clone(s.Spent), token)
	s.Spent = spent[max(0, len(spent)-maxSpent):]
	return s
}

// ErrTokenReused says that a token was used after it had been replaced.
var ErrTokenReused = fault.New(fault.Unauthenticated, "this session was ended, because a token of it was used twice; log in again")

func (s Session) child(parent Secret) Secret {
	mac := hmac.New(sha256.New, s.Salt)
	mac.Write(binary.BigEndian.AppendUint32(nil, uint32(len(parent.text)))) //nolint:gosec // a token is 80 bytes
	mac.Write([]byte(parent.text))
	return sessionToken(s.ID, [32]byte(mac.Sum(nil)))
}

// Seen tells whether the use of the session at now is to be written.
func (s Session) Seen(now time.Time) bool { return now.Sub(s.SeenAt) >= SeenEvery }

// Begin returns the session of a login at now, by a device, and its first token. What is still to be done is the stage.
func (u User) Begin(id string, device Device, stage Stage, now time.Time) Session {
	s := Session{
		ID: id, Tenant: u.Tenant, User: u.ID, Role: u.Role, Stage: stage, CreatedAt: now, SeenAt: now,
		ExpiresAt: now.Add(PendingLife), Device: device.ID,
	}
	if stage != SecondFactor {
		s.ProvedAt = now
	}
	if stage == Complete {
		s.ExpiresAt = now.Add(SessionLife)
	}
	return s
}

// Proceed returns the session after another step of the login, or after a proof was repeated, under a new token: the
// former one is spent, and so is the one before it. What is still to be done is the stage.
func (s Session) Proceed(token Secret, stage Stage, now time.Time) Session {
	s = s.spend(s.Parent).spend(s.Token)
	s.Token, s.Parent, s.Salt, s.Challenge = token.Hash(), Hash{}, nil, Challenge{}
	s.SeenAt, s.ProvedAt, s.Stage = now, now, stage
	if stage == Complete {
		s.ExpiresAt = s.CreatedAt.Add(SessionLife)
	}
	return s
}
