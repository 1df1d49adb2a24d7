package auth

import (
	"encoding/base64"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"ryggrad.internal/hub/shared/identity/assertion"
)

// proof is what a client shows at an OAuth endpoint to be taken for itself: its secret, or an assertion.
type proof struct {
	client    string
	secret    string
	assertion string
}

// ProofForm describes the part of a form by which the client proves itself; readProof reads it.
type ProofForm struct {
	ClientID      string `json:"client_id,omitempty" doc:"Here, or as the user of an Authorization header of the Basic scheme." example:"cli_…"`
	ClientSecret  string `json:"client_secret,omitempty" doc:"Beside client_id." example:"ryc_live_…"`
	AssertionType string `json:"client_assertion_type,omitempty" enum:"urn:ietf:params:oauth:client-assertion-type:jwt-bearer" doc:"With client_assertion."`
	Assertion     string `json:"client_assertion,omitempty" doc:"Instead of a secret: a JWT that the client signed (RFC 7523), good once."`
}

// tokenForm describes the form of the token endpoint.
type tokenForm struct {
	GrantType string `json:"grant_type" enum:"client_credentials,urn:ietf:params:oauth:grant-type:token-exchange"`
	Scope     string `json:"scope,omitempty" doc:"Permissions, with spaces between; absent means all that the client has." example:"orders:write orders:read"`
	Subject   string `json:"subject_token,omitempty" doc:"Of a token exchange (RFC 8693): the session of a person of the hub's support." example:"rys_…"`
	Kind      string `json:"subject_token_type,omitempty" enum:"urn:ietf:params:oauth:token-type:access_token"`
	Resource  string `json:"resource,omitempty" doc:"Of a token exchange: the address of the support grant."`
	ProofForm
}

// aboutForm describes the form by which a client asks about a token, or ends it.
type aboutForm struct {
	Token string `json:"token" doc:"The access token that is meant."`
	Hint  string `json:"token_type_hint,omitempty" doc:"Not needed: there is one kind of token here." example:"access_token"`
	ProofForm
}

// readRequest reads a form with the client's proof: in the Authorization header (client_secret_basic), in the form
// (client_secret_post) or as an assertion (private_key_jwt), never two of them and never in the address. Parameters that
// are not known are ignored, ones that are given twice or are no text are refused (RFC 6749, section 3.2).
func readRequest(r *http.Request) (url.Values, proof, error) {
	if r.URL.RawQuery != "" {
		return nil, proof{}, refuse(invalidRequest, "parameters belong into the body, where no log keeps them; replace a secret that was in the address")
	}
	form, err := readForm(r)
	if err != nil {
		return nil, proof{}, err
	}
	p, err := readProof(form, r.Header.Values("Authorization"))
	return form, p, err
}

func readProof(form url.Values, header []string) (proof, error) {
	p := proof{client: form.Get("client_id"), secret: form.Get("client_secret"), assertion: form.Get("client_assertion")}
	ways := len(header)
	for _, given := range []string{p.secret, p.assertion} {
		if given != "" {
			ways++
		}
	}
	kind, typed := form["client_assertion_type"]
	switch {
	case ways > 1:
		return proof{}, refuse(invalidRequest, "credentials are given twice")
	case typed != (p.assertion != "") || typed && kind[0] != assertion.Type:
		return proof{}, refuse(invalidRequest, "client_assertion needs the client_assertion_type of RFC 7523, and only it does")
	case len(header) == 1:
		return p.withBasic(header[0])
	}
	return p, nil
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
func (p proof) withBasic(header string) (proof, error) {
	scheme, encoded, _ := strings.Cut(header, " ")
	raw, err := base64.StdEncoding.DecodeString(encoded)
	id, secret, found := strings.Cut(string(raw), ":")
	id, idErr := url.QueryUnescape(id)
	secret, secretErr := url.QueryUnescape(secret)
	if !strings.EqualFold(scheme, "Basic") || err != nil || !found || idErr != nil || secretErr != nil {
		return proof{}, refuse(invalidClient, "the Authorization header must be `Basic` with the client's id and secret")
	}
	if p.client != "" && p.client != id {
		return proof{}, refuse(invalidRequest, "credentials are given twice")
	}
	p.client, p.secret = id, secret
	return p, nil
}
