// Package identity says who calls the hub and what they may do. It holds the records of tenants, locations, channel
// links and clients, the format of the hub's own credentials, and the one table of permissions. It is pure: no clock,
// no store, no network; package identity/token reads access tokens, package identity/identitydb stores the records.
//
// Every request ends up as one [Caller], whatever credential it came with:
//
//	caller.Tenant              whose data the request sees; never taken from a path or a body
//	caller.Can(OrdersWrite)    asked by the edge, once, before the body is looked at
//	caller.MayUse(location)    asked where an order, an endpoint or a list names a location
//
// Both answer no for the zero Caller: what was never granted is refused.
//
// # Credentials
//
// An API key and a client secret have one shape, told apart by their prefix, so that secret scanners recognise them
// and neither can be mistaken for the other (see [Secret]):
//
//	ryg_live_<id>_<secret><crc>     an API key, sent as a Bearer token
//	ryc_live_<id>_<secret><crc>     a client secret, sent to the token endpoint only
//
// They are stored as one SHA-256. A slow hash protects what people choose; 256 random bits can't be guessed however
// fast the hash is, and a slow one would be a way to exhaust the hub.
//
// # Scopes and permissions
//
// A scope is a permission that a credential carries; there is no second vocabulary. The table in [Permissions] says of
// each whether an integration may hold it at all and which roles of people hold it: a [Role] is a column of the table.
// People's permissions come from their role and from how far they have logged in, so that a session that still
// misses its second factor holds few.
package identity
