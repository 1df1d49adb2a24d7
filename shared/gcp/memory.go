package gcp

import (
	"os"
	"runtime/debug"
)

// What TuneMemory sets. The limit is soft: near it the collector works as hard as it must, so it stays below the least
// memory that a function has (256 MiB).
const (
	heapGrowth = 400 // percent of what lives
	heapLimit  = 192 << 20
)

// TuneMemory lets the heap grow further between collections than Go does by itself: a function lives on little memory,
// is given much, and is paid by its CPU. GOGC and GOMEMLIMIT in the environment decide otherwise.
func TuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(heapGrowth)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(heapLimit)
	}
}
