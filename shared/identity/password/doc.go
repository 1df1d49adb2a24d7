// Package password decides which passwords people may set, and keeps them as hashes that are of no use to a thief.
//
//	err := password.Check(text, password.Rules{…})             may this be a password?
//	stored := cost.Hash(text, peppers.Newest(), salt)          what is kept of it
//	answer, err := cost.Verify(text, stored, peppers)          is it the one?
//
// # Rules
//
// Length is what counts: 15 to 128 code points, 8 where a second factor is enforced (NIST SP 800-63B, section 3.1.1.2).
// Any character may stand anywhere; nothing must. Text is normalised to NFKC first, so that the same letters typed on
// another keyboard are the same password, and is neither cut nor folded. Refused is what a guesser tries first: the list
// of common passwords, also with digits and signs around it or repeated; runs like `abcdefgh`; and what is mostly made
// of context words: the person's name and address, the tenant's name, the hub's own.
//
// # Hashes
//
// Argon2id (RFC 9106) with 19 MiB, two passes and one lane, over the HMAC-SHA-256 of the password under a pepper: a key
// that is not in the same place as the hashes. What is kept is a PHC string that names parameters and pepper, so both can
// change while people keep their passwords: a hash that is not of the newest kind is made anew at its next login.
//
// One hash takes 19 MiB and tens of milliseconds. [Gate] bounds how many are made at once; whoever finds no place is told
// to come again, which is no failure of theirs.
//
// # The list
//
// common.txt.gz holds 49,233 passwords, one a line, sorted: those of the package @zxcvbn-ts/language-common 4.1.3, made of
// published leaks, under the MIT licence in common.LICENSE. It is unpacked when first asked, so that a program that sets
// no passwords pays only for the bytes of the file.
//
// # Decisions
//
// The pepper is applied before the slow hash. Encrypting the finished hash instead would let a pepper be changed without
// the people, but leaves a thief who has both the pepper and the hashes no worse off, and needs a key that also decrypts.
// Words within a passphrase are not looked up in the list: it holds ordinary words, and four of them in a row are what
// people are advised to use.
package password
