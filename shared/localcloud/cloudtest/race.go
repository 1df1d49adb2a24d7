//go:build race

package cloudtest

// Raced tells that the race detector watches, which takes many times the memory and the time.
const Raced = true
