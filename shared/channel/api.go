package channel

import (
	"encoding/base64"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/order"
	"ryggrad.internal/hub/shared/webhook"
)

// OptionAPI is the option that says where a link's platform is called: an address beginning with https://, in the place of
// the documented one.
const OptionAPI = "api"

// OptionCallbackHost is the option that says which host alone a link's webhooks may name to be called back at.
const OptionCallbackHost = "callbackHost"

// The names of the credentials by which platforms are called.
const (
	CredentialID     = "clientId"
	CredentialSecret = "clientSecret"
	CredentialToken  = "token" // where the platform gives one for good
)

// An API says how the hub calls a platform. It is a description; package channel/platformapi makes the calls.
type API struct {
	Base  string   // the documented address; "" where every link says its own, see [OptionAPI]
	Hosts []string // documented hosts beside that of Base that may be called

	token  func(base string, a Account) webhook.Call                   // asks for an access token; nil where none is needed
	auth   func(a Account, token string) (name, value string)          // the header that carries it; nil means none
	order  func(base string, from Reference) webhook.Call              // asks for an order; nil where webhooks carry all
	report func(base string, r Report, a Account) (webhook.Call, bool) // tells of a status; nil where that is not documented

	retimes   bool // report also tells of another time to be ready at
	callsBack bool // reports go to the address that the order's webhook named, see [NewOrder.Callback]; it stands for base
}

// An Account is what a link has to call its platform with.
type Account struct {
	Options    Options
	Credential func(name string) string // the newest value of a secret; "" for none
}

// A Report tells a platform what became of its order.
type Report struct {
	Order          string // the hub's id
	ChannelOrderID string
	Place          string // the platform's id of the restaurant; "" when it has none
	Status         order.Status
	Reason         string
	ReadyAt        order.Time
	Retimed        bool   // the status is known already: what is new is ReadyAt
	First          bool   // nobody had decided about the order before
	Callback       string // where the order's webhook wanted to hear of it; "" when it named nothing
	At             time.Time
}

// Fetches tells whether the platform's orders can be asked for.
func (a Adapter) Fetches() bool { return a.API.order != nil }

// CallsBack tells whether reports go to the address that an order's webhook named.
func (a Adapter) CallsBack() bool { return a.API.callsBack }

// base returns where the account's platform is called.
func (a Adapter) base(account Account) string {
	if own := account.Options[OptionAPI]; own != "" {
		return strings.TrimSuffix(own, "/")
	}
	return a.API.Base
}

// TokenCall returns the call that asks for an access token; it is false where the platform needs none.
func (a Adapter) TokenCall(account Account) (webhook.Call, bool) {
	if a.API.token == nil {
		return webhook.Call{}, false
	}
	return a.API.token(a.base(account), account), true
}

// OrderCall returns the call that asks for the order that a reference names. A reference to a host that the platform does
// not have is [fault.Forbidden].
func (a Adapter) OrderCall(account Account, token string, from Reference) (webhook.Call, error) {
	if a.API.order == nil {
		return webhook.Call{}, fault.New(fault.Invalid, "orders of this platform cannot be asked for")
	}
	call := a.authorized(a.API.order(a.base(account), from), account, token)
	if !a.Allows(account, call.URL) {
		return webhook.Call{}, fault.New(fault.Forbidden, "the order is said to be at a host that is not the platform's")
	}
	return call, nil
}

// Reports tells whether the platform wants to hear what a report says on a link of this account. Its ids may be missing.
func (a Adapter) Reports(account Account, r Report) bool {
	r.ChannelOrderID, r.Order = either(r.ChannelOrderID, "x"), either(r.Order, "x")
	_, ok := a.ReportCall(account, "", r)
	return ok
}

// ReportCall returns the call that tells the platform of a status. It is false where it has no call for that, or the link
// does not say where or how to make it.
func (a Adapter) ReportCall(account Account, token string, r Report) (webhook.Call, bool) {
	base := a.base(account)
	if a.API.callsBack {
		base = r.Callback
	}
	if a.API.report == nil || base == "" || !a.equipped(account) || r.Retimed && !a.API.retimes {
		return webhook.Call{}, false
	}
	call, ok := a.API.report(base, r, account)
	return a.authorized(call, account, token), ok
}

// equipped tells whether the link has what the platform asks for before it lets anybody in.
func (a Adapter) equipped(account Account) bool {
	switch {
	case a.API.token != nil:
		return account.Credential(CredentialID) != "" && account.Credential(CredentialSecret) != ""
	case a.API.auth != nil:
		return account.Credential(CredentialToken) != ""
	default:
		return true
	}
}

func (a Adapter) authorized(call webhook.Call, account Account, token string) webhook.Call {
	if a.API.auth == nil {
		return call
	}
	if call.Header == nil {
		call.Header = map[string]string{}
	}
	name, value := a.API.auth(account, token)
	call.Header[name] = value
	return call
}

// Allows tells whether an address is at one of the platform's hosts, as they are documented or the link says. A platform
// that calls back names the host itself: whether that is a public one, the outbound policy knows.
func (a Adapter) Allows(account Account, address string) bool {
	to, err := url.Parse(address)
	if err != nil || to.User != nil {
		return false
	}
	if a.API.callsBack {
		only := account.Options[OptionCallbackHost]
		return only == "" || to.Hostname() == only
	}
	home, err := url.Parse(a.base(account))
	if err == nil && home.Host != "" && home.Host == to.Host && home.Scheme == to.Scheme {
		return true
	}
	for _, host := range a.API.Hosts {
		if to.Scheme == "https" && to.Host == host {
			return true
		}
	}
	return false
}

// A Token lets one in at a platform for a while.
type Token struct {
	Value string
	For   time.Duration // how long, from when it was given
}

// shortToken is how long a token is used that does not say how long it holds.
const shortToken = 10 * time.Minute

// ParseToken reads the answer of an authorization server (RFC 6749, section 5.1, and its spelling in camel case). Its
// errors quote nothing.
func ParseToken(body []byte) (Token, error) {
	var in struct {
		Access    string  `json:"access_token"`
		Camel     string  `json:"accessToken"`
		Expires   integer `json:"expires_in"`
		ExpiresIn integer `json:"expiresIn"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return Token{}, fault.New(fault.Unavailable, "the platform's token cannot be read")
	}
	t := Token{Value: either(in.Access, in.Camel), For: time.Duration(max(in.Expires, in.ExpiresIn)) * time.Second}
	if t.Value == "" {
		return Token{}, fault.New(fault.Unavailable, "the platform gave no token")
	}
	if t.For <= 0 {
		t.For = shortToken
	}
	return t, nil
}

// form makes a POST of a form.
func form(address string, fields url.Values, header map[string]string) webhook.Call {
	if header == nil {
		header = map[string]string{}
	}
	header["Content-Type"], header["Accept"] = "application/x-www-form-urlencoded", "application/json"
	return webhook.Call{Method: "POST", URL: address, Header: header, Body: []byte(fields.Encode())}
}

// clientCredentials is the token request of RFC 6749, section 4.4, with the credentials in the form.
func clientCredentials(path, scope string) func(base string, a Account) webhook.Call {
	return func(base string, a Account) webhook.Call {
		fields := url.Values{
			"grant_type": {"client_credentials"}, "client_id": {a.Credential(CredentialID)}, "client_secret": {a.Credential(CredentialSecret)},
		}
		if scope != "" {
			fields.Set("scope", scope)
		}
		return form(under(base, path), fields, nil)
	}
}

// basicCredentials is the same with the credentials in the header (RFC 6749, section 2.3.1).
func basicCredentials(path string) func(base string, a Account) webhook.Call {
	return func(base string, a Account) webhook.Call {
		pair := a.Credential(CredentialID) + ":" + a.Credential(CredentialSecret)
		return form(under(base, path), url.Values{"grant_type": {"client_credentials"}},
			map[string]string{"Authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte(pair))})
	}
}

// under puts a path behind a base; one that is an address already stands for itself.
func under(base, path string) string {
	if strings.HasPrefix(path, "https://") {
		return path
	}
	return base + path
}

// bearer is the header of RFC 6750.
func bearer(_ Account, token string) (name, value string) { return "Authorization", "Bearer " + token }

// get makes the call that reads what is at an address.
func get(address string) webhook.Call {
	return webhook.Call{Method: "GET", URL: address, Header: map[string]string{"Accept": "application/json"}}
}

// send makes a call with a JSON body of our own types, which always can be written.
func send(method, address string, body any) webhook.Call {
	call := webhook.Call{Method: method, URL: address, Header: map[string]string{"Accept": "application/json"}}
	if body != nil {
		if text, err := json.Marshal(body, json.Deterministic(true)); err == nil {
			call.Body, call.Header["Content-Type"] = text, "application/json"
		}
	}
	return call
}

// segment writes an id as one segment of a path.
func segment(id string) string { return url.PathEscape(id) }
