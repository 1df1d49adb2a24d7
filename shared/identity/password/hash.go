package password

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

// The parameters of hashes, and the most that a stored one may ask for.
const (
	lanes    = 1
	tagSize  = 32
	saltSize = 16

	mostMemoryKiB = 64 * 1024
	mostPasses    = 8
)

// Cost is what a new hash costs. More of either makes guessing slower, and logging in too.
type Cost struct {
	MemoryKiB uint32
	Passes    uint32
}

// Recommended is what hashes cost unless there is a reason: OWASP's first choice.
func Recommended() Cost { return Cost{MemoryKiB: 19 * 1024, Passes: 2} }

func (c Cost) kind(pepper Pepper) kind {
	return kind{memory: c.MemoryKiB, passes: c.Passes, lanes: lanes, pepper: pepper.ID}
}

// Salt makes equal passwords different hashes. It is 16 random bytes.
type Salt = [saltSize]byte

// Pepper is a key that hashes need and that is not kept beside them.
type Pepper struct {
	ID  string // a few letters and digits
	Key []byte // 32 random bytes
}

// String keeps the key from being printed.
func (p Pepper) String() string { return "pepper " + p.ID }

// GoString keeps the key from being printed.
func (p Pepper) GoString() string { return p.String() }

// Peppers are all peppers that stored hashes may need, the newest last.
type Peppers []Pepper

// Newest returns the pepper of new hashes, or the zero Pepper when there is none.
func (p Peppers) Newest() Pepper {
	if len(p) == 0 {
		return Pepper{}
	}
	return p[len(p)-1]
}

func (p Peppers) find(id string) (Pepper, bool) {
	for _, one := range p {
		if one.ID == id {
			return one, true
		}
	}
	return Pepper{}, false
}

// Answer is what came of a password.
type Answer int

// The answers.
const (
	Wrong Answer = iota
	Right
	RightButOld // right, and to be hashed anew: parameters or pepper have changed since
)

// Errors of stored hashes: somebody must look.
var (
	ErrForm   = errors.New("a stored password hash is not readable, or asks for more than it may")
	ErrPepper = errors.New("a stored password hash needs a pepper that is not known here")
)

// Hash returns what is kept of a password: a PHC string.
func (c Cost) Hash(text string, pepper Pepper, salt Salt) string {
	k := c.kind(pepper)
	return k.encode(salt[:], k.tag(text, pepper, salt[:]))
}

// Decoy returns what stands for the hash of an account that does not exist: checking against it is the same work, and no
// password is right.
func (c Cost) Decoy(pepper Pepper) string {
	return c.kind(pepper).encode(make([]byte, saltSize), make([]byte, tagSize))
}

// Verify checks a password against what was kept. It takes one slow hash, whatever the answer.
func (c Cost) Verify(text, stored string, peppers Peppers) (Answer, error) {
	k, salt, want, err := parse(stored)
	if err != nil {
		return Wrong, err
	}
	pepper, known := peppers.find(k.pepper)
	if !known {
		return Wrong, ErrPepper
	}
	if subtle.ConstantTimeCompare(k.tag(text, pepper, salt), want) != 1 || subtle.ConstantTimeCompare(want, make([]byte, tagSize)) == 1 {
		return Wrong, nil
	}
	if k != c.kind(peppers.Newest()) {
		return RightButOld, nil
	}
	return Right, nil
}

// kind is how a hash was made.
type kind struct {
	memory, passes uint32
	lanes          uint8
	pepper         string
}

func (k kind) tag(text string, pepper Pepper, salt []byte) []byte {
	mac := hmac.New(sha256.New, pepper.Key)
	mac.Write([]byte(Normal(text)))
	return argon2.IDKey(mac.Sum(nil), salt, k.passes, k.memory, k.lanes, tagSize)
}

func (k kind) encode(salt, tag []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d,keyid=%s$%s$%s",
		argon2.Version, k.memory, k.passes, k.lanes, k.pepper, b64.EncodeToString(salt), b64.EncodeToString(tag))
}

var phc = regexp.MustCompile(`^\$argon2id\$v=19\$m=([0-9]{1,9}),t=([0-9]{1,9}),p=([0-9]{1,3}),keyid=([0-9A-Za-z]{1,32})\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})$`)

// parse reads what encode wrote.
func parse(stored string) (k kind, salt, tag []byte, err error) {
	match := phc.FindStringSubmatch(strings.TrimSpace(stored))
	if match == nil {
		return k, nil, nil, ErrForm
	}
	m, mErr := strconv.ParseUint(match[1], 10, 32)
	t, tErr := strconv.ParseUint(match[2], 10, 32)
	p, pErr := strconv.ParseUint(match[3], 10, 8)
	salt, saltErr := base64.RawStdEncoding.DecodeString(match[5])
	tag, tagErr := base64.RawStdEncoding.DecodeString(match[6])
	if err := errors.Join(mErr, tErr, pErr, saltErr, tagErr); err != nil || m < 8 || m > mostMemoryKiB || t < 1 || t > mostPasses || p != lanes {
		return k, nil, nil, ErrForm
	}
	return kind{memory: uint32(m), passes: uint32(t), lanes: uint8(p), pepper: match[4]}, salt, tag, nil
}
