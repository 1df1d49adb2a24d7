package identitydb

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/webhook"
)

// signed returns the client who signed the request with one of its signing secrets. The body is read, and put back for
// the handler.
func (a *Authenticator) signed(ctx context.Context, r *http.Request) (identity.Caller, error) {
	if len(r.Header.Values(identity.HeaderClient)) > 1 || len(r.Header.Values("Authorization")) > 0 {
		return identity.Caller{}, refused("credentials are given twice")
	}
	message, err := signedHeaders(r.Header)
	if err != nil {
		return identity.Caller{}, err
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return identity.Caller{}, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	content, err := signedContent(r.Method, signedPath(r.URL), body)
	if err != nil {
		return identity.Caller{}, err
	}
	client, secret, err := a.signer(ctx, r.Header.Get(identity.HeaderClient), message, content)
	if err != nil {
		return identity.Caller{}, err
	}
	if err := a.Spend(ctx, client.Tenant, onceOf("request", client.ID, message.ID, sentAt(message).Add(2*webhook.Tolerance))); err != nil {
		return identity.Caller{}, err
	}
	return client.CallerWith(secret), nil
}

// signer finds the client and the id of its secret that signed the content.
func (a *Authenticator) signer(ctx context.Context, id string, message webhook.Headers, content []byte) (identity.Client, string, error) {
	if !identity.WellFormed(identity.ClientPrefix, id) {
		return identity.Client{}, "", refused(noSignature)
	}
	why := error(refused(noSignature))
	var secret string
	var failed error
	client, err := a.matching(ctx, id, func(c identity.Client, now time.Time) bool {
		for _, kept := range c.Signing.ActiveAt(now) {
			key, err := a.signingSecret(ctx, c, kept)
			if err != nil {
				failed = err
				return false
			}
			if wrong := webhook.Verify([]webhook.Secret{key}, message, content, now); wrong == nil {
				secret = kept.ID
				return true
			} else if !errors.Is(wrong, webhook.Mismatch) {
				why = refused(wrong.Error())
			}
		}
		return false
	})
	switch {
	case failed != nil:
		return client, "", failed
	case fault.Is(err, fault.NotFound):
		return client, "", why
	}
	return client, secret, err
}

// noSignature is what all are told whose signature does not hold, whatever is wrong.
const noSignature = "the request's signature does not hold: sign `id.timestamp.METHOD path.body` with a signing secret of the client"

func (a *Authenticator) signingSecret(ctx context.Context, c identity.Client, kept identity.Credential) (webhook.Secret, error) {
	plain, err := a.opts.Directory.opts.Keys.Open(ctx, kept.Sealed, signingPlace(c.Tenant, c.ID, kept.ID))
	if err != nil {
		return webhook.Secret{}, err
	}
	return webhook.ParseSecret(string(plain))
}

// signedPath is a request's path and query as they are signed. Escapes in the path are normalised as RFC 3986, sections
// 6.2.2.1 and 6.2.2.2, has it: those of letters, digits, `-`, `.`, `_` and `~` are decoded, and the others have upper-case
// digits. Cloud Run decodes the former on the way, so that the path as sent cannot be known here. The query is as sent.
func signedPath(u *url.URL) string {
	path, query, asked := strings.Cut(u.RequestURI(), "?")
	parts := strings.Split(path, "%")
	var b strings.Builder
	b.WriteString(parts[0])
	for _, part := range parts[1:] {
		digits, rest := part[:min(2, len(part))], part[min(2, len(part)):]
		if code, err := hex.DecodeString(digits); err == nil && len(code) == 1 && unreserved(code[0]) {
			b.WriteByte(code[0])
		} else {
			b.WriteString("%" + strings.ToUpper(digits))
		}
		b.WriteString(rest)
	}
	if asked {
		b.WriteString("?" + query)
	}
	return b.String()
}

// unreserved tells whether a character of a path means the same escaped or not, RFC 3986, section 2.3.
func unreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

// signedContent is what stands behind id and timestamp in the signed text: `METHOD path.body`, the path being
// [signedPath]'s. Only one request may read so. A full stop in the path of a request with a body would let another path
// and body have the same text, and so would a body where none belongs; both are refused.
func signedContent(method, path string, body []byte) ([]byte, error) {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodDelete:
		if len(body) > 0 {
			return nil, refused("a signed " + method + " has no body")
		}
	default:
		if strings.Contains(path, ".") {
			return nil, refused("the path of a signed " + method + " has no full stop")
		}
	}
	return append([]byte(method+" "+path+"."), body...), nil
}

// signedHeaders reads the headers of Standard Webhooks, each once.
func signedHeaders(h http.Header) (webhook.Headers, error) {
	for _, name := range []string{webhook.HeaderID, webhook.HeaderTimestamp, webhook.HeaderSignature} {
		if len(h.Values(name)) != 1 {
			return webhook.Headers{}, refused("a signed request has one " + name + " header")
		}
	}
	return webhook.Headers{
		ID: h.Get(webhook.HeaderID), Timestamp: h.Get(webhook.HeaderTimestamp), Signature: h.Get(webhook.HeaderSignature),
	}, nil
}

// sentAt is the message's own time, which was verified.
func sentAt(message webhook.Headers) time.Time {
	seconds, _ := strconv.ParseInt(message.Timestamp, 10, 64) // verified
	return time.Unix(seconds, 0)
}
