package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"
)

// results gathers answers. It is safe for concurrent use.
type results struct {
	start time.Time
	took  time.Duration

	mu     sync.Mutex
	times  map[string][]time.Duration // by kind, of the expected answers
	failed map[string]int             // by what came instead
}

// add notes an answer.
func (r *results) add(kind string, status int, err error, took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err != nil:
		r.fail(kind + ": " + err.Error())
	case status != 200 && status != 201:
		r.fail(fmt.Sprintf("%s: answered %d", kind, status))
	default:
		if r.times == nil {
			r.times = map[string][]time.Duration{}
		}
		r.times[kind] = append(r.times[kind], took)
	}
}

func (r *results) fail(what string) {
	if r.failed == nil {
		r.failed = map[string]int{}
	}
	r.failed[what]++
}

// report prints what came of the run, and fails when anything but the expected came.
func (r *results) report(out io.Writer) error {
	fmt.Fprintf(out, "%-12s %8s %9s %9s %9s %9s %9s\n", "kind", "answers", "p50", "p90", "p99", "p99.9", "max")
	total := 0
	for _, kind := range slices.Sorted(maps.Keys(r.times)) {
		t := r.times[kind]
		slices.Sort(t)
		total += len(t)
		fmt.Fprintf(out, "%-12s %8d %9s %9s %9s %9s %9s\n", kind, len(t),
			percentile(t, 0.5), percentile(t, 0.9), percentile(t, 0.99), percentile(t, 0.999), percentile(t, 1))
	}
	fmt.Fprintf(out, "%d answers in %s: %.0f/s\n", total, r.took.Round(time.Millisecond), float64(total)/r.took.Seconds())
	if len(r.failed) == 0 {
		return nil
	}
	for _, what := range slices.Sorted(maps.Keys(r.failed)) {
		fmt.Fprintf(out, "FAILED %6d × %s\n", r.failed[what], what)
	}
	return errors.New("some orders were not answered as expected")
}

// percentile returns the value that the share p of the sorted times does not exceed (nearest rank).
func percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := max(int(p*float64(len(sorted))+0.999999), 1)
	return sorted[min(rank, len(sorted))-1].Round(10 * time.Microsecond)
}
