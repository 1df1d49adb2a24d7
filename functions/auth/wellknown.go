package auth

import (
	"context"

	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/assertion"
	"ryggrad.internal/hub/shared/identity/token"
)

// cacheable lets anybody keep the answer for five minutes: far less than the time between the publication of a key and
// its first use.
const cacheable = "public, max-age=300"

// metadata is what RFC 8414 says about an authorization server.
type metadata struct {
	Issuer        string   `json:"issuer" doc:"The hub's address"`
	TokenEndpoint string   `json:"token_endpoint" doc:"Where tokens are given out"`
	Keys          string   `json:"jwks_uri" doc:"Where the public keys are"`
	Scopes        []string `json:"scopes_supported" doc:"What a client may hold"`
	ResponseTypes []string `json:"response_types_supported" doc:"None: there is no authorization endpoint"`
	GrantTypes    []string `json:"grant_types_supported" doc:"How tokens are asked for"`
	AuthMethods   []string `json:"token_endpoint_auth_methods_supported" doc:"How clients prove themselves"`
	Algorithms    []string `json:"token_endpoint_auth_signing_alg_values_supported" doc:"What assertions may be signed with"`

	Revocation             string   `json:"revocation_endpoint" doc:"Where tokens are ended"`
	RevocationMethods      []string `json:"revocation_endpoint_auth_methods_supported"`
	RevocationAlgorithms   []string `json:"revocation_endpoint_auth_signing_alg_values_supported"`
	Introspection          string   `json:"introspection_endpoint" doc:"Where tokens are asked about"`
	IntrospectionMethods   []string `json:"introspection_endpoint_auth_methods_supported"`
	IntrospectionAlgorithm []string `json:"introspection_endpoint_auth_signing_alg_values_supported"`
	Documentation          string   `json:"service_documentation" doc:"The description of the whole hub"`
}

type metadataOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         metadata
}

func (s *server) metadata(context.Context, httpapi.Call, *struct{}) (*metadataOutput, error) {
	var scopes []string
	for _, d := range identity.Permissions() {
		if d.Integration {
			scopes = append(scopes, string(d.Permission))
		}
	}
	methods, algorithms := []string{"client_secret_basic", "client_secret_post", "private_key_jwt"}, assertion.Algorithms()
	return &metadataOutput{CacheControl: cacheable, Body: metadata{
		Issuer: s.issuer, TokenEndpoint: s.issuer + pathToken, Keys: s.issuer + pathKeys,
		Scopes: scopes, ResponseTypes: []string{}, GrantTypes: []string{clientCredentials, tokenExchange},
		AuthMethods: methods, Algorithms: algorithms,
		Revocation: s.issuer + pathRevoke, RevocationMethods: methods, RevocationAlgorithms: algorithms,
		Introspection: s.issuer + pathIntrospect, IntrospectionMethods: methods, IntrospectionAlgorithm: algorithms,
		Documentation: s.issuer + "/openapi.json",
	}}, nil
}

type keysOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         token.JWKS
}

func (s *server) keys(ctx context.Context, _ httpapi.Call, _ *struct{}) (*keysOutput, error) {
	set, err := s.signer.Published(ctx)
	if err != nil {
		return nil, err
	}
	return &keysOutput{CacheControl: cacheable, Body: set}, nil
}
