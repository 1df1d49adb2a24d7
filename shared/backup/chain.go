package backup

import (
	"fmt"
	"time"
)

// Chain is a full run and the incremental ones that follow it, the full one first.
type Chain []Manifest

// At returns the moment that the chain brings back.
func (c Chain) At() time.Time { return c[len(c)-1].At }

// Documents returns how many lines its runs have.
func (c Chain) Documents() (n int64) {
	for _, m := range c {
		n += m.Documents()
	}
	return n
}

// Follow reads the chain that ends with a manifest. Load returns the manifest of a moment and its hash; one that is not
// the one that its successor names is refused.
func Follow(last Manifest, load func(at time.Time) (Manifest, string, error)) (Chain, error) {
	chain := Chain{last}
	for m := last; !m.Full(); {
		before, hash, err := load(m.Follows.At)
		if err != nil {
			return nil, fmt.Errorf("follow the chain of %s: %w", last.Manifest(), err)
		}
		switch {
		case hash != m.Follows.SHA256:
			return nil, &Refusal{Object: before.Manifest(), What: "it is not the manifest that " + m.Manifest() + " follows", Remedy: remedyForge}
		case before.Set != m.Set || before.Project != m.Project || before.Database != m.Database || !before.At.Before(m.At) || before.At.Before(m.Since):
			return nil, &Refusal{Object: m.Manifest(), What: "it does not continue " + before.Manifest(), Remedy: remedyForge}
		case len(chain) > longestChain+1:
			return nil, &Refusal{Object: m.Manifest(), What: "its chain does not end", Remedy: remedyForge}
		}
		chain = append(Chain{before}, chain...)
		m = before
	}
	return chain, nil
}
