package order

import "strconv"

// A location is the JSON place of a value, as in `body.items[0].quantity`. Extending one reuses its memory, so a
// location is good until its parent is extended again; [location.String] makes it last.
type location []byte

// bodyLocation is where an order begins.
func bodyLocation() location { return append(make(location, 0, 96), "body"...) }

func (l location) field(name string) location { return append(append(l, '.'), name...) }

func (l location) index(i int) location {
	return append(strconv.AppendInt(append(l, '['), int64(i), 10), ']')
}

// String returns the location as text of its own.
func (l location) String() string { return string(l) }
