package channel

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"time"

	"ryggrad.internal/hub/shared/webhook"
)

// Prove returns the headers by which the platform would prove a request under the secret: what [Adapter.Verify] takes.
// It is for whoever plays the platform. Headers that are signed and that the request lacks are made up.
func (a Adapter) Prove(r Request, secret string, options Options) (map[string]string, error) {
	s := a.signatureFor(options)
	switch s.Scheme {
	case StandardWebhooks:
		return proveStandard(r, secret)
	case SharedSecret:
		return map[string]string{s.Header: s.Prefix + secret}, nil
	case Basic:
		return map[string]string{s.Header: "Basic " + base64.StdEncoding.EncodeToString([]byte(secret))}, nil
	case HMAC:
	}
	proof := map[string]string{}
	for _, name := range s.covered {
		proof[name] = either(r.header(name), "6f1c0d52-0000-4000-8000-"+fmt.Sprintf("%012x", len(r.Body)))
	}
	if s.TimeHeader != "" {
		proof[s.TimeHeader] = either(r.header(s.TimeHeader), s.TimeFormat.write(r.At))
	}
	content := r.Body
	if s.signed != nil {
		sent := r
		sent.Header = func(name string) []string { return []string{either(proof[name], r.header(name))} }
		content = s.signed(sent)[0]
	}
	proof[s.Header] = s.encode(mac(content, []byte(secret)))
	return proof, nil
}

func proveStandard(r Request, secret string) (map[string]string, error) {
	key, err := webhook.ParseSecret(secret)
	if err != nil {
		return nil, err
	}
	h, err := webhook.Sign([]webhook.Secret{key}, either(r.header(webhook.HeaderID), "msg_1"), r.At, r.Body)
	return map[string]string{webhook.HeaderID: h.ID, webhook.HeaderTimestamp: h.Timestamp, webhook.HeaderSignature: h.Signature}, err
}

// write writes a time in the format.
func (f TimeFormat) write(at time.Time) string {
	switch f {
	case Millis:
		return strconv.FormatInt(at.UnixMilli(), 10)
	case RFC3339:
		return at.UTC().Format(time.RFC3339)
	default:
		return strconv.FormatInt(at.Unix(), 10)
	}
}
