// Package channel reads what delivery platforms send. It is pure: bytes in, values out.
//
// A platform is one [Adapter]: one file here and one line in [Adapters]. An adapter says what its webhook carries, how it
// is signed, what the platform wants to hear back and how its words and amounts become an [order.Order]; everything
// that all platforms need (keeping the original without card numbers, cutting endless notes, checking) is in
// [Adapter.Read].
//
//	adapter, ok := channel.Named("deliverect")
//	err := adapter.Signature.Verify(request, secrets)
//	message, err := adapter.Read(request, link)     // a NewOrder, a Cancel or an Event
//	reply := adapter.Answer(channel.Taken, id)      // or adapter.Refuse(err)
//
// # Decisions
//
// An adapter is a value, not an interface: what differs between platforms is mostly data (a header, a status, a table
// of codes), and a table of values can be read at a glance and tested as a whole.
//
// A platform's order is refused only when the hub cannot make an order of it. Whatever else is odd becomes a warning,
// and whatever has no field in an order goes to [order.Order.Extra] under its path in the payload.
//
// Card numbers are masked in the bytes before they are read, so that the kept original, the order and its extra cannot
// disagree on what is masked.
package channel
