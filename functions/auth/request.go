package auth

import (
	"encoding/base64"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// tokenRequest is what a client asks the token endpoint for.
type tokenRequest struct {
	grantType string
	scope     string
	client    string
	secret    string
}

// tokenForm describes the form; readTokenRequest reads it.
type tokenForm struct {
	GrantType    string `json:"grant_type" enum:"client_credentials"`
	Scope        string `json:"scope,omitempty" doc:"Permissions, with spaces between; absent means all that the client has." example:"orders:write orders:read"`
	ClientID     string `json:"client_id,omitempty" doc:"Here, or as the user of an Authorization header of the Basic scheme." example:"cli_…"`
	ClientSecret string `json:"client_secret,omitempty" doc:"Beside client_id." example:"ryc_live_…"`
}

// readTokenRequest reads a form with the client's credentials, in the Authorization header (client_secret_basic) or in
// the form (client_secret_post), never in both and never in the address. Parameters that are not known are ignored, ones
// that are given twice or are no text are refused (RFC 6749, section 3.2).
func readTokenRequest(r *http.Request) (tokenRequest, error) {
	if r.URL.RawQuery != "" {
		return tokenRequest{}, refuse(invalidRequest, "parameters belong into the body, where no log keeps them; replace a secret that was in the address")
	}
	form, err := readForm(r)
	if err != nil {
		return tokenRequest{}, err
	}
	req := tokenRequest{
		grantType: form.Get("grant_type"), scope: form.Get("scope"),
		client: form.Get("client_id"), secret: form.Get("client_secret"),
	}
	header := r.Header.Values("Authorization")
	switch {
	case len(header) > 1, len(header) == 1 && req.secret != "":
		return tokenRequest{}, refuse(invalidRequest, "credentials are given twice")
	case len(header) == 1:
		return req.withBasic(header[0])
	}
	return req, nil
}

// readForm reads the body as a form in which every name stands once.
func readForm(r *http.Request) (url.Values, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, refuse(invalidRequest, "the body must be application/x-www-form-urlencoded")
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, refuse(invalidRequest, "the body is not a form")
	}
	for name, values := range form {
		if len(values) > 1 || !utf8.ValidString(name) || !utf8.ValidString(values[0]) {
			return nil, refuse(invalidRequest, "a parameter is given twice or is not UTF-8")
		}
	}
	return form, nil
}

// withBasic takes the credentials from an Authorization header, where both are form-encoded before they are joined (RFC
// 6749, section 2.3.1). A client_id in the form too must be the same.
func (req tokenRequest) withBasic(header string) (tokenRequest, error) {
	scheme, encoded, _ := strings.Cut(header, " ")
	raw, err := base64.StdEncoding.DecodeString(encoded)
	id, secret, found := strings.Cut(string(raw), ":")
	id, idErr := url.QueryUnescape(id)
	secret, secretErr := url.QueryUnescape(secret)
	if !strings.EqualFold(scheme, "Basic") || err != nil || !found || idErr != nil || secretErr != nil {
		return tokenRequest{}, refuse(invalidClient, "the Authorization header must be `Basic` with the client's id and secret")
	}
	if req.client != "" && req.client != id {
		return tokenRequest{}, refuse(invalidRequest, "credentials are given twice")
	}
	req.client, req.secret = id, secret
	return req, nil
}
