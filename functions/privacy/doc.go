// Package privacy holds the functions by which guests are shown what is held about them, and are forgotten:
//
//	privacy   HTTP: asks for exports and erasures, tells how far they are, hands finished exports out
//	subjects  Pub/Sub: carries them out, when it is told of one and every minute when nobody told
//	retention Pub/Sub, daily: deletes what tenants have kept for long enough, and what has expired
//
// # Who is meant
//
// Whoever asks names a phone number or an e-mail address. What has it is only a candidate, shown masked; shown whole or
// erased is what a second field agrees with (the other contact, the name, the postal code), or an order that whoever asks
// can name. So the usual way is to ask with `dryRun`, to let the guest tell which of the candidates are theirs, and to ask
// again with these orders. Contacts that platforms have masked never match anybody.
//
// # Who may
//
// The permissions `subjects:export` and `subjects:erase`, for people only after they have proved again who they are, and
// only with a credential that reaches every location of the tenant: a guest is forgotten everywhere or not at all.
//
// # When it is complete
//
// Package shared/privacy states the horizon of every class of copy.
package privacy
