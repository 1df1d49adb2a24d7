//go:build !race

package auth

// raced tells that the race detector watches, which takes many times the memory.
const raced = false
