package channel

import "ryggrad.internal/hub/shared/order"

// Some platforms do not document publicly how they prove their webhooks: partners are told, and what we know is from
// integrations. An adapter of one of them is [Adapter.Off] until an operator of the hub has found that the platform sends
// a secret that only the two of us know, in a header of its own or as Basic credentials, and says so on the link.

// undocumented completes an adapter with what all of these have in common.
func undocumented(a Adapter) Adapter {
	a.Carries, a.Paths, a.Undocumented = CarriesOrder, []string{"orders", pathCancel}, true
	a.signature, a.Options, a.RetryLater = secretOrBasic, secretOptions(), 503
	return a
}

// pathCancel is the path by which such platforms call orders off.
const pathCancel = "cancel"

// said is what such a platform's payload says before its order is looked at.
type said struct {
	id      string
	at      string // where the id stands
	called  bool   // it calls the order off
	reason  *node  // why
	isOrder bool
	event   string // what else it is
	status  order.Status
}

// message returns what a payload says that brings no order; it is false for one that brings one.
func (s said) message(r Request) (m Message, done bool, err error) {
	switch {
	case s.id == "":
		return nil, true, missing(s.at)
	case r.Path == pathCancel || s.called:
		return Cancel{Ref: refer(s.id), Reason: reason(s.reason.text())}, true, nil
	case !s.isOrder:
		return Event{Ref: refer(s.id), Name: s.event, Status: s.status}, true, nil
	default:
		return nil, false, nil
	}
}

// authorization is where such a secret mostly stands.
const authorization = "Authorization"

// optionScheme chooses among the schemes that an adapter knows.
const optionScheme = "scheme"

// secretOrBasic returns how such a platform proves its webhooks: a secret in a header, or Basic credentials.
func secretOrBasic(o Options) Signature {
	if o[optionScheme] == string(Basic) {
		return Signature{Scheme: Basic, Header: authorization}
	}
	return Signature{Scheme: SharedSecret, Header: either(o["header"], authorization), Prefix: o["prefix"]}
}

// secretOptions are the options that secretOrBasic reads.
func secretOptions() []Option {
	return []Option{
		{Name: optionScheme, Values: []string{string(SharedSecret), string(Basic)}, Doc: "How webhooks are proven; by default by a secret in a header."},
		{Name: "header", Doc: "The header with the secret; by default Authorization."},
		{Name: "prefix", Doc: "What stands before the secret in the header, such as \"Bearer \"."},
	}
}
