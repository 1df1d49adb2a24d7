package webhook_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ryggrad.internal/hub/shared/webhook"
)

func TestURLsAreCheckedAtRegistration(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]error{
		"https://pos.example.com":                  nil,
		"https://pos.example.com:443/hooks?shop=1": nil,
		"https://pos.example.com:8443/":            nil,
		"HTTPS://POS.Example.COM/":                 nil,
		"https://under_score.example.com/":         nil,
		"https://8.8.8.8/":                         nil,
		"https://[2a00:1450:400f:80d::200e]/":      nil,
		"http://pos.example.com/":                  webhook.ErrScheme,
		"ftp://pos.example.com/":                   webhook.ErrScheme,
		"javascript:alert(1)":                      webhook.ErrURL,
		"//pos.example.com/":                       webhook.ErrScheme,
		"/hooks":                                   webhook.ErrURL,
		"":                                         webhook.ErrURL,
		"https://":                                 webhook.ErrURL,
		"https:///hooks":                           webhook.ErrURL,
		"https://pos.example.com/" + strings.Repeat("a", 2048): webhook.ErrURL,
		"https://pos.example.com/\n":                           webhook.ErrURL,
		"https://pos.example.com/ x":                           webhook.ErrURL,
		"https://pös.example.com/":                             webhook.ErrURL,
		"https://user:pw@pos.example.com/":                     webhook.ErrUser,
		"https://@pos.example.com/":                            webhook.ErrUser,
		"https://pos.example.com/#part":                        webhook.ErrSuffix,
		"https://pos.example.com/#":                            webhook.ErrSuffix,
		"https://pos.example.com:22/":                          webhook.ErrPort,
		"https://pos.example.com:80/":                          webhook.ErrPort,
		"https://pos.example.com:0/":                           webhook.ErrPort,
		"https://pos.example.com:/":                            webhook.ErrPort,
		"https://pos.example.com:65536/":                       webhook.ErrPort,
		"https://localhost/":                                   webhook.ErrHost,
		"https://pos/":                                         webhook.ErrHost,
		"https://pos.example.com./":                            webhook.ErrHost,
		"https://a..example.com/":                              webhook.ErrHost,
		"https://-a.example.com/":                              webhook.ErrHost,
		"https://metadata.google.internal/":                    webhook.ErrHost,
		"https://METADATA.GOOGLE.INTERNAL/":                    webhook.ErrHost,
		"https://printer.local/":                               webhook.ErrHost,
		"https://127.1/":                                       webhook.ErrHost,
		"https://0x7f.0.0.0x1/":                                webhook.ErrHost,
		"https://2130706433/":                                  webhook.ErrHost,
		"https://10.0.0.256/":                                  webhook.ErrHost,
		"https://127.0.0.1/":                                   webhook.ErrAddress,
		"https://169.254.169.254/computeMetadata/v1/":          webhook.ErrAddress,
		"https://[::1]/":                                       webhook.ErrAddress,
		"https://[::ffff:10.0.0.1]/":                           webhook.ErrAddress,
		"https://[fe80::1%25eth0]/":                            webhook.ErrAddress,
	} {
		u, err := webhook.Policy{}.CheckURL(url)
		if !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", url, err, want)
		}
		if (u == nil) == (err == nil) {
			t.Errorf("%q: URL %v with error %v", url, u, err)
		}
	}
}

func TestLoopbackIsReachableOnlyWhereAllowed(t *testing.T) {
	t.Parallel()
	local := webhook.Policy{AllowLoopback: true}
	for url, want := range map[string]error{
		"http://127.0.0.1:8080/hook": nil,
		"http://localhost:8080/hook": nil,
		"https://[::1]:9/":           nil,
		"http://pos.example.com/":    webhook.ErrScheme,
		"http://10.0.0.1/":           webhook.ErrScheme,
		"https://10.0.0.1/":          webhook.ErrAddress,
		"ftp://localhost/":           webhook.ErrScheme,
		"http://u:p@localhost/":      webhook.ErrUser,
		"http://pos.localhost/":      webhook.ErrScheme,
	} {
		if _, err := local.CheckURL(url); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", url, err, want)
		}
	}
	for _, addr := range []string{"127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"} {
		if err := local.CheckAddr(netip.MustParseAddr(addr)); err != nil {
			t.Errorf("%s: %v", addr, err)
		}
	}
}

func TestOnlyPublicAddressesAreReached(t *testing.T) {
	t.Parallel()
	public := []string{"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0",
		"192.167.255.255", "198.17.255.255", "198.20.0.0", "223.255.255.255", "::ffff:8.8.8.8", "64:ff9b::808:808",
		"2001:4860:4860::8888", "2600::", "2a00:1450::1", "3ffe::1"}
	refused := []string{"0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.255",
		"127.0.0.1", "127.255.255.255", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1",
		"192.88.99.1", "192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.7", "224.0.0.1",
		"239.255.255.250", "240.0.0.1", "255.255.255.255", "::", "::1", "::7f00:1", "::10.0.0.1", "::ffff:127.0.0.1",
		"::ffff:169.254.169.254", "::ffff:0:127.0.0.1", "64:ff9b::a00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1", "100::1",
		"2001::1", "2001:0:a00:1::", "2001:db8::1", "2002:a00:1::", "2002:808:808::", "3fff::1", "5f00::1", "fc00::1",
		"fd00:ec2::254", "fd20:ce::254", "fe80::1", "fe80::1%eth0", "2600::1%eth0", "fec0::1", "ff02::1"}
	for _, addr := range public {
		if err := (webhook.Policy{}).CheckAddr(netip.MustParseAddr(addr)); err != nil {
			t.Errorf("%s is refused", addr)
		}
	}
	for _, addr := range refused {
		if err := (webhook.Policy{}).CheckAddr(netip.MustParseAddr(addr)); !errors.Is(err, webhook.ErrAddress) {
			t.Errorf("%s is reached", addr)
		}
	}
	if err := (webhook.Policy{AllowLoopback: true}).CheckAddr(netip.Addr{}); err == nil {
		t.Error("no address at all is reached")
	}
}

// Whatever the standard library knows as not for the public is refused in every spelling, and allowing loopback opens
// nothing else.
func TestNoSpellingOfAPrivateAddressPasses(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v4 := netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "address")))
		b := v4.As4()
		mapped := netip.AddrFrom16(v4.As16())
		nat64 := netip.AddrFrom16([16]byte{1: 0x64, 2: 0xff, 3: 0x9b, 12: b[0], 13: b[1], 14: b[2], 15: b[3]})
		local := webhook.Policy{AllowLoopback: true}
		for _, addr := range []netip.Addr{v4, mapped, nat64} {
			strict, loose := webhook.Policy{}.CheckAddr(addr), local.CheckAddr(addr)
			if private := !v4.IsGlobalUnicast() || v4.IsPrivate(); private && strict == nil {
				t.Fatalf("%s passes", addr)
			}
			if (strict == nil) != (loose == nil) && !v4.IsLoopback() {
				t.Fatalf("allowing loopback changes %s", addr)
			}
		}
	})
}

func FuzzCheckURL(f *testing.F) {
	f.Add("https://pos.example.com:8443/a?b=c")
	f.Add("https://user@[::ffff:7f00:1]:1/")
	f.Add("http://0x7f000001/")
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := webhook.Policy{}.CheckURL(raw)
		if err != nil {
			if len(raw) > 8 && strings.Contains(err.Error(), raw) {
				t.Fatalf("the error quotes %q", raw)
			}
			return
		}
		if u.Scheme != "https" || u.User != nil || u.Fragment != "" || !strings.ContainsAny(u.Hostname(), ".:") {
			t.Fatalf("%q passes as %+v", raw, u)
		}
		if addr, err := netip.ParseAddr(u.Hostname()); err == nil && !addr.Unmap().IsGlobalUnicast() {
			t.Fatalf("%q passes", raw)
		}
	})
}
