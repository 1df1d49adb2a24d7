// Package auth is the function that decides who may use the hub: locations, clients and their secrets; the token
// endpoint, its metadata, and the public keys that everybody verifies tokens by.
//
//	/v1/locations                                  the restaurants of the tenant
//	/v1/channels                                   the delivery platforms that it is linked to, with their credentials
//	/v1/clients                                    its integrations, with two live secrets of a kind while one rotates
//	/v1/support-grants                             whom of the hub's support the owner lets in
//	POST /v1/oauth/token                           client credentials (RFC 6749, section 4.4) → a token (RFC 9068)
//	POST /v1/oauth/revoke                          end one of one's own tokens (RFC 7009)
//	POST /v1/oauth/introspect                      ask what a token of the tenant is (RFC 7662)
//	GET  /.well-known/oauth-authorization-server   what this server can do (RFC 8414)
//	GET  /.well-known/jwks.json                    the public keys (RFC 7517)
//
// The token endpoint speaks OAuth's own language: forms in, and refusals as `error` and `error_description` (RFC 6749,
// section 5.2). What is no refusal (too many requests, a body that is too large, something that is down) is a problem
// (RFC 9457) as everywhere. Tokens live ten minutes, never longer than their client.
//
// Clients prove themselves by a secret, or by an assertion that they sign with a key of their own (RFC 7523), of which the
// hub knows the public half. An assertion is good once: its id is remembered in the same commit as the token that it
// gets, so that no instance takes it again and nothing is paid for that.
//
// Who cannot hold tokens may sign every request by a signing secret of the client; package identitydb says how.
//
// # Support access
//
// Nobody of the hub's support sees a tenant unless its owner lets that very person in, for a reason, for certain
// permissions, for a day at most. The person exchanges their session, proved just now, for a token that carries the
// owner's authority and names them as `act`. The grant is read on every request, so its end ends everything at once, and
// every request is written down before it is served, for the tenant to see. What support cannot be granted at all stands
// with identity.Permission.ForSupport. Such a token is not active to whoever introspects it: it is for the hub only.
//
// # When a token ends
//
// With its time. Functions verify tokens without asking anybody, so a revoked one is taken until then, ten minutes at
// most; introspection tells at once. What must end sooner is a session or an API key.
//
// # What a guesser learns
//
// Nothing: an unknown client, a wrong secret, another kind of credential and a client that has ended are one answer,
// after the same comparisons. Only who proves the secret is told that the tenant is suspended. Credentials in the
// address are refused wherever they are valid, since addresses are logged.
//
// # What is logged
//
// Every token that is given out and every refusal, with the reason and never the credential. Refusals are audit entries
// too, counted by the caller's network and minute, so that a guesser cannot fill the log; only who proved to be a client
// of a tenant leaves a trace that the tenant sees.
package auth
