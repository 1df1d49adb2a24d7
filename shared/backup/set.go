package backup

import (
	"time"

	"ryggrad.internal/hub/shared/fault"
)

// Set is what is backed up together, as collections.json names it.
type Set string

// The sets.
const (
	Hot    Set = "hot"    // orders and what came of them
	Config Set = "config" // tenants, people, credentials
	Keys   Set = "keys"   // what makes guests' data readable
)

// Sets returns all sets, in the order in which a restore writes them: nobody can call before config is there.
func Sets() []Set { return []Set{Hot, Keys, Config} }

// ParseSet reads a set's name.
func ParseSet(s string) (Set, error) {
	for _, one := range Sets() {
		if string(one) == s {
			return one, nil
		}
	}
	return "", fault.New(fault.Invalid, "%q is no backup set; there are hot, config and keys", s)
}

// Every is how often the set is due.
func (s Set) Every() time.Duration {
	if s == Config {
		return 3 * time.Hour
	}
	return time.Hour
}

// Stale is how old the newest backup may be before somebody must look.
func (s Set) Stale() time.Duration { return s.Every() + s.Every()/6 + 5*time.Minute }

// Incremental tells whether runs between the daily full ones hold only what changed.
func (s Set) Incremental() bool { return s != Config }

// Monthly tells whether the first full run of a month is kept for a year. Keys are not: what was erased must be gone
// from all backups after 37 days.
func (s Set) Monthly() bool { return s != Keys }
