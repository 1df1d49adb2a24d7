package channel

import (
	"slices"
	"strings"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/webhook"
)

// Options are what a link says about its platform beyond its locations and secrets, by name; see [Adapter.Options].
type Options map[string]string

// An Option is one thing that a link may, or must, say about its platform.
type Option struct {
	Name     string
	Doc      string   // what it is for, for whoever fills it in
	Values   []string // the only ones there are; nil for any text
	Required bool
}

// OptionUndocumented is the option by which an operator of the hub turns on a platform whose proof of origin is not
// documented publicly. Whoever serves tenants must not let them set it.
const OptionUndocumented = "undocumentedProof"

// OptionAccepted is the only value of [OptionUndocumented].
const OptionAccepted = "accepted"

// WebhookSecret is the name of the credential that proves a link's webhooks; other names are for calling the platform.
const WebhookSecret = "webhook"

// Off tells that a link of this adapter takes no webhooks, because nobody has said that its undocumented proof of origin
// is good enough.
func (a Adapter) Off(options Options) bool {
	return a.Undocumented && options[OptionUndocumented] != OptionAccepted
}

// CheckLink tells everything that is wrong with a link's options and credentials (by name, as they are sent in a
// request), for the adapter of that name. The fault is [fault.Invalid] and repeats no value.
func CheckLink(adapter string, options Options, credentials map[string]string) error {
	a, ok := Named(adapter)
	if !ok {
		return fault.New(fault.Invalid, "the channel link is not right").
			With(fault.Detail{Location: "body.adapter", Message: "is not one of " + strings.Join(names(), ", ")})
	}
	found := a.checkOptions(options)
	secret, given := credentials[WebhookSecret]
	if message := a.checkSecret(secret, options); message != "" {
		at := "body.credentials." + WebhookSecret
		if !given {
			message = "is missing"
		}
		found = append(found, fault.Detail{Location: at, Message: message})
	}
	if len(found) > 0 {
		return fault.New(fault.Invalid, "the channel link is not right").With(found...)
	}
	return nil
}

func names() []string {
	var all []string
	for _, p := range platforms() {
		all = append(all, p.name)
	}
	return all
}

func (a Adapter) checkOptions(options Options) []fault.Detail {
	var found []fault.Detail
	say := func(name, message string) {
		found = append(found, fault.Detail{Location: "body.options." + name, Message: message})
	}
	known := a.options()
	for name := range options {
		if !slices.ContainsFunc(known, func(o Option) bool { return o.Name == name }) {
			say(name, "is not an option of this adapter")
		}
	}
	for _, o := range known {
		value, given := options[o.Name]
		switch {
		case !given && o.Required:
			say(o.Name, "is missing")
		case given && o.Values != nil && !slices.Contains(o.Values, value):
			say(o.Name, "is not one of "+strings.Join(o.Values, ", "))
		case given && (value == "" || len(value) > 500):
			say(o.Name, "is empty, or longer than 500 characters")
		}
	}
	slices.SortFunc(found, func(a, b fault.Detail) int { return strings.Compare(a.Location, b.Location) })
	return found
}

// options are the adapter's own and those that every adapter of its sort has.
func (a Adapter) options() []Option {
	var all []Option
	if a.Undocumented {
		all = append(all, Option{
			Name: OptionUndocumented, Values: []string{OptionAccepted},
			Doc: "Set by an operator of the hub: the platform does not document publicly how it proves its webhooks, and what it does is good enough here.",
		})
	}
	if a.API.callsBack {
		all = append(all, Option{Name: OptionCallbackHost, Doc: "The only host that a webhook may name to be called back at; by default any public one."})
	} else if a.API.order != nil || a.API.report != nil {
		all = append(all, Option{Name: OptionAPI, Doc: "Where the platform is called, or wants to hear of statuses, when that is not its documented address."})
	}
	return append(all, a.Options...)
}

// leastSecret is how short a secret may be that is sent as it is.
const leastSecret = 16

// checkSecret returns what is wrong with the secret that proves webhooks, or "".
func (a Adapter) checkSecret(secret string, options Options) string {
	switch s := a.signatureFor(options); s.Scheme {
	case StandardWebhooks:
		if _, err := webhook.ParseSecret(secret); err != nil {
			return "is not a Standard Webhooks secret: whsec_ and base64 of 24 to 64 bytes"
		}
	case Basic:
		if user, password, ok := strings.Cut(secret, ":"); !ok || user == "" || len(password) < leastSecret {
			return "is not user:password with a password of at least 16 characters"
		}
	case SharedSecret:
		if len(secret) < leastSecret {
			return "has fewer than 16 characters"
		}
	case HMAC:
		if secret == "" {
			return "is empty"
		}
	}
	return ""
}
