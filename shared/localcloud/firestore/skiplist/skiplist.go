// Package skiplist keeps values in the byte order of their string keys, for one writer at a time and any number of
// readers that never wait.
//
// Readers follow atomic pointers and see every key that was there before they began; whether they see a key inserted or
// deleted meanwhile is open. A reader standing on a deleted node can still go on from it in both directions. That fits a
// multi-version store, where what a reader may see is decided by the versions and never by the list.
package skiplist

import (
	"math/rand/v2"
	"sync/atomic"
)

// maxUpper is the number of levels above the full list; a level has a quarter of the nodes of the one below.
const maxUpper = 14

// Node is an element of a list. Its Value may be read and written as the caller's own rules allow.
type Node[V any] struct {
	Value V
	key   string
	next  atomic.Pointer[Node[V]]
	prev  atomic.Pointer[Node[V]]
	upper []atomic.Pointer[Node[V]] // the same node's links on the sparse levels
}

// Key is the key that the node was inserted with.
func (n *Node[V]) Key() string { return n.key }

// Next is the node with the next larger key, or nil.
func (n *Node[V]) Next() *Node[V] { return n.next.Load() }

// Prev is the node with the next smaller key, or nil.
func (n *Node[V]) Prev() *Node[V] {
	p := n.prev.Load()
	if p == nil || p.prev.Load() == nil { // the list's own head has no predecessor
		return nil
	}
	return p
}

// List is an ordered map. Insert and Delete must not run at the same time; everything else may run at any time.
type List[V any] struct {
	head   Node[V] // smaller than every key; its prev stays nil
	length atomic.Int64
}

// New returns an empty list.
func New[V any]() *List[V] {
	return &List[V]{head: Node[V]{upper: make([]atomic.Pointer[Node[V]], maxUpper)}}
}

// Len is the number of nodes.
func (l *List[V]) Len() int { return int(l.length.Load()) }

// First is the node with the smallest key, or nil.
func (l *List[V]) First() *Node[V] { return l.head.next.Load() }

// Last is the node with the largest key, or nil.
func (l *List[V]) Last() *Node[V] {
	at := &l.head
	for i := maxUpper - 1; i >= 0; i-- {
		for next := at.upper[i].Load(); next != nil; next = at.upper[i].Load() {
			at = next
		}
	}
	for next := at.next.Load(); next != nil; next = at.next.Load() {
		at = next
	}
	return l.real(at)
}

// Place is where a key is in a list, or would be.
type Place[V any] struct {
	at     *Node[V]           // the last node before the key
	before [maxUpper]*Node[V] // the last node before it on each sparse level
}

// Find returns the node with the key, or nil, and the key's place.
func (l *List[V]) Find(key string) (*Node[V], Place[V]) {
	p := l.place(key)
	if n := p.at.next.Load(); n != nil && n.key == key {
		return n, p
	}
	return nil, p
}

// Get returns the node with the key, or nil.
func (l *List[V]) Get(key string) *Node[V] {
	n, _ := l.Find(key)
	return n
}

// Seek returns the first node whose key is at least key, or nil.
func (l *List[V]) Seek(key string) *Node[V] {
	p := l.place(key)
	return p.at.next.Load()
}

// Before returns the last node whose key is smaller than key, or nil.
func (l *List[V]) Before(key string) *Node[V] {
	p := l.place(key)
	return l.real(p.at)
}

// Insert returns the node with the key and whether it was there already. A new node has the value before any reader
// meets it; a node that was there keeps its own.
func (l *List[V]) Insert(key string, value V) (n *Node[V], found bool) {
	n, p := l.Find(key)
	if n != nil {
		return n, true
	}
	return l.link(p, key, value), false
}

// InsertAt is Insert for who has found the key's place and has deleted nothing since. What was inserted since is no
// harm.
func (l *List[V]) InsertAt(p Place[V], key string, value V) (n *Node[V], found bool) {
	if !p.holds(key) {
		return l.Insert(key, value)
	}
	if next := p.at.next.Load(); next != nil && next.key == key {
		return next, true
	}
	return l.link(p, key, value), false
}

// holds tells whether nothing has come between the place and the key.
func (p *Place[V]) holds(key string) bool {
	for i, at := range p.before {
		if next := at.upper[i].Load(); next != nil && next.key < key {
			return false
		}
	}
	next := p.at.next.Load()
	return next == nil || next.key >= key
}

// Delete takes the node with the key out of the list, if it is there.
func (l *List[V]) Delete(key string) {
	n, p := l.Find(key)
	if n == nil {
		return
	}
	for i := range n.upper {
		p.before[i].upper[i].Store(n.upper[i].Load())
	}
	next := n.next.Load()
	p.at.next.Store(next)
	if next != nil {
		next.prev.Store(p.at)
	}
	l.length.Add(-1)
}

// link puts a new node at a place, from the full list upwards, so that a reader who meets it can always go on from it.
func (l *List[V]) link(p Place[V], key string, value V) *Node[V] {
	next := p.at.next.Load()
	n := &Node[V]{Value: value, key: key, upper: tower[V]()}
	n.prev.Store(p.at)
	n.next.Store(next)
	p.at.next.Store(n)
	if next != nil {
		next.prev.Store(n)
	}
	for i := range n.upper {
		n.upper[i].Store(p.before[i].upper[i].Load())
		p.before[i].upper[i].Store(n)
	}
	l.length.Add(1)
	return n
}

// place finds a key's place. A node that a sparser level has shown to lie behind the key is not looked at again.
func (l *List[V]) place(key string) (p Place[V]) {
	at := &l.head
	var behind, next *Node[V]
	for i := maxUpper - 1; i >= 0; i-- {
		for next = at.upper[i].Load(); next != nil && next != behind && next.key < key; next = at.upper[i].Load() {
			at = next
		}
		behind, p.before[i] = next, at
	}
	for next = at.next.Load(); next != nil && next != behind && next.key < key; next = at.next.Load() {
		at = next
	}
	p.at = at
	return p
}

func (l *List[V]) real(n *Node[V]) *Node[V] {
	if n == &l.head {
		return nil
	}
	return n
}

// tower draws the levels of a new node: none for three nodes of four.
func tower[V any]() []atomic.Pointer[Node[V]] {
	levels := 0
	for r := rand.Uint32(); r&3 == 0 && levels < maxUpper; r >>= 2 { //nolint:gosec // balance, not secrecy
		levels++
	}
	if levels == 0 {
		return nil
	}
	return make([]atomic.Pointer[Node[V]], levels)
}
