// Package channel reads what delivery platforms send. It is pure: bytes in, values out.
//
// A platform is one [Adapter]: one file here and one line in the table of platforms. An adapter says what its webhooks
// carry, how they are proven, what the platform wants to hear back and how its words and amounts become an [order.Order];
// everything that all platforms need (keeping the original without card numbers, cutting endless notes, checking) is in
// [Adapter.Read].
//
//	adapter, ok := channel.Named("deliverect")
//	err := adapter.Verify(request, channel.Proof{Secrets: secrets, Options: options})
//	message, err := adapter.Read(request, link)     // a NewOrder, a Reference, a Cancel, an Event or a Batch of them
//	reply := adapter.Answer(channel.Taken, id)      // or adapter.Refuse(err)
//
// Webhooks that say only where an order is are read as a [Reference]; what the platform gives when asked for it goes to
// [Adapter.ReadFetched].
//
// # Adding a platform
//
// Write a file that is named after it: a function that returns its Adapter, with what its documents say about proof,
// retries and identity in its comment, and a function that reads a payload. The payload comes as a tree of nodes; a draft
// takes what is read off it:
//
//	d.identify(root.get("id").text(), root.get("display_id").text())
//	o.Total = d.major(root.get("total"))            // decimals; d.minor for integers in minor units
//	o.Items = d.items(root.get("items"), mine(), 0) // mine says what the parts of an item are called
//
// Reading a value uses it up; what nobody used is in [order.Order.Extra] at the end. Where a translation loses something
// (a word that means more than ours), use peek instead, and the value stays. Then add the line, and in the tests' fixtures
// a payload of each kind and, in render_test.go, how an order is written in its form.
//
// # Decisions
//
// An adapter is a value, not an interface: what differs between platforms is mostly data (a header, a status, a table
// of codes), and a table of values can be read at a glance and tested as a whole.
//
// A platform's order is refused only when the hub cannot make an order of it. Whatever else is odd becomes a warning,
// and whatever has no field in an order goes to [order.Order.Extra] under its path in the payload. Extra and the order
// are what a repeated webhook is compared by, so what changes by itself between two sendings (a status, a courier's
// place) is used up and dropped: it is state, not content, and the original has it.
//
// Amounts are never floats: integers are read as such, decimals as text (see decimal). What has more digits than the
// currency is rounded half away from zero, with a warning.
//
// What a guest must not eat is written into the note of the line or of the order, not left to extra: the kitchen reads
// notes.
//
// Card numbers are masked in the bytes before they are read, so that the kept original, the order and its extra cannot
// disagree on what is masked.
//
// Which platforms document publicly how they prove a webhook decides which are on: see undocumented.go.
package channel
