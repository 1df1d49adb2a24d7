//go:build race

package backupdb_test

// raced tells that the race detector watches, which takes many times the memory.
const raced = true
