package channel

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"ryggrad.internal/hub/shared/fault"
)

// A payload is a platform's JSON as a tree that knows which of its values were used. What an adapter does not use ends
// up in [order.Order.Extra], so that a translation is lossless without anybody having to think of it.
type payload struct {
	spare    []node // nodes are taken from here, many at a time
	strange  []fault.Detail
	mistyped []*node
}

// A node is one value of a payload. Methods work on nil, which is a value that was not sent: it reads as nothing.
type node struct {
	in                  *payload
	parent, first, last *node
	next                *node
	name                string // in an object
	at                  int    // in a list
	kind                jsontext.Kind
	raw                 jsontext.Value
	taken               bool // it, or all below it, was used
	touched             bool // something below it was used
}

// parse reads a payload strictly: no repeated names, valid UTF-8.
func parse(body []byte) (*node, error) {
	p := &payload{}
	d := jsontext.NewDecoder(bytes.NewBuffer(body))
	root, err := p.read(d, body, nil)
	if err != nil {
		return nil, unreadable(err)
	}
	switch _, err := d.ReadToken(); {
	case errors.Is(err, io.EOF):
		return root, nil
	case err != nil:
		return nil, unreadable(err)
	default:
		return nil, fault.New(fault.Malformed, "the payload is not valid JSON").
			With(fault.Detail{Location: "body", Message: "is more than one JSON value"})
	}
}

func (p *payload) read(d *jsontext.Decoder, body []byte, parent *node) (*node, error) {
	n := p.node(parent)
	n.kind = d.PeekKind()
	if n.kind != '{' && n.kind != '[' {
		value, err := d.ReadValue()
		end := d.InputOffset()
		n.raw = body[end-int64(len(value)) : end]
		return n, err
	}
	if _, err := d.ReadToken(); err != nil {
		return n, err
	}
	start := d.InputOffset() - 1
	for d.PeekKind() != '}' && d.PeekKind() != ']' {
		if err := p.readMember(d, body, n); err != nil {
			return n, err
		}
	}
	_, err := d.ReadToken()
	n.raw = body[start:d.InputOffset()]
	return n, err
}

func (p *payload) readMember(d *jsontext.Decoder, body []byte, parent *node) error {
	name := ""
	if parent.kind == '{' {
		token, err := d.ReadToken()
		if err != nil {
			return err
		}
		name = token.String()
	}
	child, err := p.read(d, body, parent)
	if err != nil {
		return err
	}
	child.name = name
	if parent.first == nil {
		parent.first = child
	} else {
		child.at = parent.last.at + 1
		parent.last.next = child
	}
	parent.last = child
	return nil
}

func (p *payload) node(parent *node) *node {
	if len(p.spare) == 0 {
		p.spare = make([]node, 64)
	}
	n := &p.spare[0]
	p.spare = p.spare[1:]
	n.in, n.parent = p, parent
	return n
}

// get returns the value at the end of a path of names, or nil.
func (n *node) get(names ...string) *node {
	for _, name := range names {
		if n == nil {
			return nil
		}
		child := n.first
		for child != nil && (child.name != name || n.kind != '{') {
			child = child.next
		}
		n = child
	}
	return n
}

// any returns the first of several members that says something.
func (n *node) any(names ...string) *node {
	for _, name := range names {
		if child := n.get(name); child.says() {
			return child
		}
	}
	return nil
}

// says tells whether the value was sent and is not null.
func (n *node) says() bool { return n != nil && n.kind != 'n' }

// list returns a list's elements, and nothing for a value that is none.
func (n *node) list() []*node {
	if n == nil || n.kind != '[' {
		n.mistype()
		return nil
	}
	var all []*node
	for child := n.first; child != nil; child = child.next {
		if child.says() {
			all = append(all, child)
		}
	}
	return all
}

// take marks the value as used, with all below it.
func (n *node) take() *node {
	if n == nil {
		return nil
	}
	n.taken = true
	for p := n.parent; p != nil && !p.touched; p = p.parent {
		p.touched = true
	}
	return n
}

// peek reads a text, a number or a truth as text without using it up: for what is translated with loss.
func (n *node) peek() string {
	switch {
	case n == nil, n.kind == 'n', n.kind == '{', n.kind == '[':
		return ""
	case n.kind == '"':
		text, err := jsontext.AppendUnquote(nil, n.raw)
		if err != nil {
			return ""
		}
		return string(text)
	default:
		return string(n.raw)
	}
}

// text reads a text and uses it up. Numbers and truths are read as they are written, since platforms send ids both ways;
// anything else stays for extra.
func (n *node) text() string {
	if n == nil || n.kind == '{' || n.kind == '[' {
		n.mistype()
		return ""
	}
	return n.take().peek()
}

// mistype remembers a value that is of another kind than its name says. It stays for extra, and the order gets a warning.
func (n *node) mistype() {
	if n.says() {
		n.in.mistyped = append(n.in.mistyped, n)
	}
}

// wrong reports a value without which there is no order to be trusted.
func (n *node) wrong(message string) {
	n.in.strange = append(n.in.strange, fault.Detail{Location: n.location(), Message: message})
}

// path spells where the value stands, as in `items[0].name`.
func (n *node) path() string {
	switch {
	case n == nil || n.parent == nil:
		return ""
	case n.parent.kind == '[':
		return index(n.parent.path(), n.at)
	default:
		return join(n.parent.path(), n.name)
	}
}

// location spells where the value stands in a request, as in `body.items[0].name`.
func (n *node) location() string {
	path := n.path()
	if path == "" || strings.HasPrefix(path, "[") {
		return "body" + path
	}
	return "body." + path
}

// leftovers adds what was not used to extra: the largest values that were not used in any part.
func (n *node) leftovers(e extras) {
	switch {
	case n == nil || n.taken:
	case !n.touched:
		e.add(n.path(), n.raw)
	default:
		for child := n.first; child != nil; child = child.next {
			child.leftovers(e)
		}
	}
}

// whole reads an integer, also one that is written as text or as `450.0`.
func (n *node) whole() (int64, bool) {
	text := n.text()
	whole, fraction, _ := strings.Cut(text, ".")
	i, err := strconv.ParseInt(whole, 10, 64)
	return i, err == nil && strings.Trim(fraction, "0") == ""
}

// maybeList is [node.list] for a list that may be absent.
func (n *node) maybeList() []*node {
	if !n.says() {
		return nil
	}
	return n.list()
}

// child returns the first value of an object or list.
func (n *node) child() *node {
	if n == nil {
		return nil
	}
	return n.first
}

// firstSaid returns the first of several values that says something.
func firstSaid(values ...*node) *node {
	for _, n := range values {
		if n.says() {
			return n
		}
	}
	return nil
}

// alone makes a value inside a payload a payload of its own: an order that stands in an envelope.
func (n *node) alone() *node {
	n.parent, n.name, n.at = nil, "", 0
	return n
}
