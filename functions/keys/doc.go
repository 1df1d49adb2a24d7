// Package keys is the function that looks after keys and credentials once a day: it puts a notice into the outbox for
// every client, API key and secret that ends in 30, 7 or 1 days, each once, and tells the log how old the signing key of
// access tokens is, which alerts watch.
//
// Every step may come twice or break off: what was done is found done the next time.
package keys
