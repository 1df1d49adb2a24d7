package webhook

import (
	"errors"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// Policy says where outbound requests may go. The zero value is what production uses: HTTPS to public addresses only.
type Policy struct {
	// AllowLoopback also allows this machine's own addresses, by HTTP too and on every port, for a hub that runs beside
	// its receivers on one workstation.
	AllowLoopback bool
}

const maxURLLength = 2048

// The reasons why a URL or an address is refused. Their texts are fit for the caller and quote nothing.
var (
	ErrURL     = errors.New("is not an absolute URL of at most 2048 ASCII characters")
	ErrScheme  = errors.New("does not begin with https://")
	ErrUser    = errors.New("carries a user name or password")
	ErrSuffix  = errors.New("carries a fragment")
	ErrHost    = errors.New("does not name a public host")
	ErrPort    = errors.New("has a port that is neither 443 nor 1024 to 65535")
	ErrAddress = errors.New("is not a public address")
)

// CheckURL reads a URL that requests may be sent to. It wants https, a host with at least two labels or a public address,
// no credentials, no fragment, and port 443 or an unprivileged one: the ports below belong to other protocols, which
// nobody may have the hub speak to. It resolves nothing, so a name that passes may still lead to an address that
// [Policy.CheckAddr] refuses.
func (p Policy) CheckURL(raw string) (*url.URL, error) {
	if len(raw) > maxURLLength || !ascii(raw) {
		return nil, ErrURL
	}
	u, err := url.Parse(raw)
	if err != nil || u.Opaque != "" || u.Host == "" {
		return nil, ErrURL // the parser's error quotes the URL
	}
	if u.User != nil {
		return nil, ErrUser
	}
	if u.Fragment != "" || strings.Contains(raw, "#") {
		return nil, ErrSuffix
	}
	if p.AllowLoopback && loopbackHost(u.Hostname()) && (u.Scheme == "http" || u.Scheme == "https") {
		return u, nil
	}
	if err := p.checkPublic(u); err != nil {
		return nil, err
	}
	return u, nil
}

func (p Policy) checkPublic(u *url.URL) error {
	if u.Scheme != "https" {
		return ErrScheme
	}
	if !allowedPort(u) {
		return ErrPort
	}
	if addr, err := netip.ParseAddr(u.Hostname()); err == nil {
		return p.CheckAddr(addr)
	}
	if !publicName(u.Hostname()) {
		return ErrHost
	}
	return nil
}

func allowedPort(u *url.URL) bool {
	if u.Port() == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && (port == 443 || port >= 1024)
}

func loopbackHost(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Unmap().IsLoopback()
	}
	return host == "localhost"
}

// privateSuffixes returns the names that never lead to the public internet (RFC 6761, 6762, 8375, 7686; ICANN for
// .internal).
func privateSuffixes() []string {
	return []string{".internal", ".local", ".localhost", ".home.arpa", ".onion", ".test", ".invalid"}
}

// publicName tells whether a host name could be somebody's on the public internet. A last label that begins with a digit
// makes it a spelling of an IPv4 address (127.1, 0x7f.1) for some resolvers.
func publicName(host string) bool {
	name := strings.ToLower(host)
	labels := strings.Split(name, ".")
	if len(labels) < 2 || len(name) > 253 {
		return false
	}
	for _, label := range labels {
		if !validLabel(label) {
			return false
		}
	}
	for _, suffix := range privateSuffixes() {
		if strings.HasSuffix(name, suffix) {
			return false
		}
	}
	last := labels[len(labels)-1]
	return last[0] < '0' || last[0] > '9'
}

func validLabel(label string) bool {
	for i := range len(label) {
		c := label[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return label != "" && len(label) <= 63 && label[0] != '-' && label[len(label)-1] != '-'
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
