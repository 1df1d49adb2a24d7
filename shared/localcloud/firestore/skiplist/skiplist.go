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
	return l.real(l.descend(func(*Node[V]) bool { return true }))
}

// Get returns the node with the key, or nil.
func (l *List[V]) Get(key string) *Node[V] {
	if n := l.Seek(key); n != nil && n.key == key {
		return n
	}
	return nil
}

// Seek returns the first node whose key is at least key, or nil.
func (l *List[V]) Seek(key string) *Node[V] {
	return l.descend(func(n *Node[V]) bool { return n.key < key }).next.Load()
}

// Before returns the last node whose key is smaller than key, or nil.
func (l *List[V]) Before(key string) *Node[V] {
	return l.real(l.descend(func(n *Node[V]) bool { return n.key < key }))
}

// Insert returns the node with the key and whether it was there already. A new node has the value before any reader
// meets it; a node that was there keeps its own.
func (l *List[V]) Insert(key string, value V) (n *Node[V], found bool) {
	var before [maxUpper]*Node[V]
	at := l.path(key, &before)
	if next := at.next.Load(); next != nil && next.key == key {
		return next, true
	}
	n = &Node[V]{Value: value, key: key, upper: tower[V]()}
	l.link(n, at, &before)
	l.length.Add(1)
	return n, false
}

// Delete takes the node with the key out of the list, if it is there.
func (l *List[V]) Delete(key string) {
	var before [maxUpper]*Node[V]
	at := l.path(key, &before)
	n := at.next.Load()
	if n == nil || n.key != key {
		return
	}
	for i := range n.upper {
		before[i].upper[i].Store(n.upper[i].Load())
	}
	next := n.next.Load()
	at.next.Store(next)
	if next != nil {
		next.prev.Store(at)
	}
	l.length.Add(-1)
}

// link puts n after at, from the full list upwards, so that a reader who meets n can always go on from it.
func (l *List[V]) link(n, at *Node[V], before *[maxUpper]*Node[V]) {
	next := at.next.Load()
	n.prev.Store(at)
	n.next.Store(next)
	at.next.Store(n)
	if next != nil {
		next.prev.Store(n)
	}
	for i := range n.upper {
		n.upper[i].Store(before[i].upper[i].Load())
		before[i].upper[i].Store(n)
	}
}

// path finds the last node before key and, per sparse level, the last node of that level before key.
func (l *List[V]) path(key string, before *[maxUpper]*Node[V]) *Node[V] {
	at := &l.head
	for i := maxUpper - 1; i >= 0; i-- {
		for next := at.upper[i].Load(); next != nil && next.key < key; next = at.upper[i].Load() {
			at = next
		}
		before[i] = at
	}
	for next := at.next.Load(); next != nil && next.key < key; next = at.next.Load() {
		at = next
	}
	return at
}

// descend returns the last node (or the head) up to which onward holds.
func (l *List[V]) descend(onward func(*Node[V]) bool) *Node[V] {
	at := &l.head
	for i := maxUpper - 1; i >= 0; i-- {
		for next := at.upper[i].Load(); next != nil && onward(next); next = at.upper[i].Load() {
			at = next
		}
	}
	for next := at.next.Load(); next != nil && onward(next); next = at.next.Load() {
		at = next
	}
	return at
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
