// Package keys is the function that looks after keys and credentials once a day. It
//
//   - makes every tenant's key of the next month, ten days ahead, so that the first order of a month waits for nothing;
//   - wraps tenant keys that are under an older version of the KMS key anew under the primary one, page by page over all
//     tenants; what is too much for one message is left to another, which says how far the one before came;
//   - puts a notice into the outbox for every client, API key and secret that ends in 30, 7 or 1 days, each once;
//   - tells the log and the trust page how old each of the hub's keys is, also those that others use and those with which
//     Google encrypts what it stores, which alerts watch, and which is the lowest version of the KMS key under which a tenant
//     key still is. A key that is not there yet has no age: the trust page shows it as missing and not as young.
//
// Every step may come twice or break off: what was done is found done the next time.
//
// # When a version of the KMS key may be destroyed
//
// When the lowest version in use has been higher for longer than backups of keys are kept (37 days): until then a restore
// needs it. What is under a destroyed version is lost, with all that it sealed; a disabled one comes back when it is enabled.
// Either is an error in the log with every attempt to use it, and leaves keys under other versions as they are.
package keys
