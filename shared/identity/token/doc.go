// Package token makes and reads the hub's access tokens: JWTs by RFC 9068, signed with ES256 (RFC 7518) by a key that
// never leaves Cloud KMS, verified offline from the published keys.
//
//	raw, err := token.Sign(ctx, claims, kid, signDigest)
//	claims, err := verifier.Verify(ctx, raw)
//	caller := claims.Caller()
//
// # What a token says
//
// The header is exactly {"alg":"ES256","kid":…,"typ":"at+jwt"}. The payload holds RFC 9068's required claims (iss, aud,
// exp, iat, jti, sub, client_id), scope, and three of our own: tenant, locations, channel; and act (RFC 8693) with
// the grant that allows it when somebody acts under another's authority. sub and act.sub are actors, as in `client:cli_…`, so that a client can never
// pass for a person who has the same id. Issuer and audience are the hub's own address, the only place where these
// tokens mean anything.
//
// # What is refused
//
// Verification is strict because both ends are ours. Everything that is not byte for byte what [Sign] may have written
// is refused before any cryptography: a token over [MaxSize], parts that are not canonical base64url, a header with any
// other member, algorithm or type, a name given twice. So `alg: none`, HS256 under a public key, `crit`, embedded keys
// (`jwk`, `jku`, `x5c`) and ID tokens never reach a key. A key id that is not published is refused; one that names
// another key fails its signature. Claims that are not known are left alone, so that instances of two versions can run
// side by side.
//
// # Decisions
//
// The compact form is parsed here and the signature checked by crypto/ecdsa. The bar is 1.3 times the bare signature
// check, and jwx's jwt.Parse took 1.6 to 2.1 times on the same token, in some 300 allocations, and takes duplicate names.
// jwx stays where it is worth more: in the tests, as somebody else's reading of the standards. The benchmark in this
// package measures the bare check, this verifier and jwx in one run.
//
// A token that was verified is remembered until it expires, by its SHA-256, in a bounded cache: the second request with
// it costs a hash.
package token
