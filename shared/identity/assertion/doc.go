// Package assertion reads the proof by which a client authenticates without a shared secret: a JWT that it signs itself
// with a private key whose public half was registered (`private_key_jwt`; RFC 7523, section 3; RFC 7521). It is pure.
//
//	a, err := assertion.Parse(raw)              // who claims to have signed it
//	key, err := a.Verify(keys, audiences, now)  // whether they did, for us, and just now
//
// # What is taken
//
// ES256, PS256 and EdDSA (Ed25519), under a key of that very kind: the algorithm follows from the registered key, never
// from the header alone, so `none`, HMAC under a public key and a key of another kind fail. A header says alg, and may
// say kid and typ; anything else in it (crit, jwk, jku, x5c) is refused. iss and sub are both the client's id. aud is
// one value, this server's issuer or its token endpoint: with more than one, another server that it names could pass it
// on to us. exp is at most five minutes ahead. jti is there, so that whoever keeps it can refuse the assertion the
// second time.
//
// # Decisions
//
// Keys are registered by value, never by an address: the auth function makes no outbound request, so nobody can point
// it anywhere. The compact form is taken apart here, as package token does, because jwx takes names that are given
// twice; jwx signs the assertions of the tests.
package assertion
