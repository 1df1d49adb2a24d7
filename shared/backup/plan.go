package backup

import (
	"time"
)

const (
	// Behind is how long ago a run's moment is, so that every commit up to it is readable.
	Behind = 2 * time.Minute
	// Overlap is how far an incremental run reaches back before the run that it follows.
	Overlap = 10 * time.Minute
	// fullEvery is how often a set's run is full.
	fullEvery = 24 * time.Hour
	// slack is how much earlier than due a run may begin: schedules are not exact.
	slack = 5 * time.Minute
	// resumeAfter is how old an unfinished run is before its steps are sent again.
	resumeAfter = 20 * time.Minute
	// giveUpAfter is how old an unfinished run becomes.
	giveUpAfter = 6 * time.Hour
	// longestChain is how many incremental runs follow each other at most.
	longestChain = 48
)

// Made is a manifest, as planning needs to know it.
type Made struct {
	Link

	Chain int  // incremental runs since the full one
	Base  Base // the full one, or itself
}

// State is what is known of a set when it is decided about.
type State struct {
	Newest   *Made     // the newest manifest; nil: none
	Begun    []Run     // runs without a manifest that were not given up
	Restored time.Time // when the database was last restored; zero: never
}

// Decision says what is to be done for a set.
type Decision struct {
	Begin  *Run  // nil: nothing is due
	Resume []Run // whose steps are sent again
	GiveUp []Run // which have had their time
}

// Moment returns the read time of what begins now: a whole minute, since databases know their past by the minute after an
// hour. Less than a minute behind is for databases on one machine, and gives whole seconds.
func Moment(now time.Time, behind time.Duration) time.Time {
	grain := time.Minute
	if behind < grain {
		grain = time.Second
	}
	return now.UTC().Add(-behind).Truncate(grain)
}

// Decide says what to do for a set now, where what begins has the moment of the run that is given, and its shards if that
// has any. A run that is not finished does not keep the next one from beginning: that one then reaches back to the newest
// finished one. Forced means that an operator does not want to wait until it is due.
func Decide(of Run, st State, now time.Time, forced bool) Decision {
	var d Decision
	newest := time.Time{}
	if st.Newest != nil {
		newest = st.Newest.At
	}
	for _, r := range st.Begun {
		if r.At.After(newest) {
			newest = r.At
		}
		switch age := now.Sub(r.At); {
		case age >= giveUpAfter:
			d.GiveUp = append(d.GiveUp, r)
		case age >= resumeAfter:
			d.Resume = append(d.Resume, r)
		}
	}
	if due := newest.Add(of.Set.Every() - slack); forced && newest.Before(of.At) || !of.At.Before(due) {
		d.Begin = begin(of, st)
	}
	return d
}

func begin(of Run, st State) *Run {
	if of.Shards == 0 {
		of.Shards = shardsFor(st)
	}
	if st.Newest != nil {
		of.Follows = st.Newest.Link
	}
	if !mustBeFull(of, st) {
		of.Since, of.Chain, of.Base = st.Newest.At.Add(-Overlap), st.Newest.Chain+1, st.Newest.Base
	}
	return &of
}

func mustBeFull(of Run, st State) bool {
	return !of.Set.Incremental() || st.Newest == nil || !of.At.Before(st.Newest.Base.At.Add(fullEvery-slack)) ||
		st.Newest.Chain >= longestChain || !st.Restored.Before(st.Newest.At)
}

// shardsFor says how many shards a run has: enough that none takes long, and few where there is little. They divide 16,
// since documents are shared out into sixteen.
func shardsFor(st State) int {
	const few, many = 20_000, 200_000
	switch {
	case st.Newest == nil, st.Newest.Base.Documents >= many:
		return parts
	case st.Newest.Base.Documents >= few:
		return parts / 4
	default:
		return 1
	}
}

// CopyDue tells whether a run is to be kept for a year: it is the first full one of its month.
func CopyDue(r Run, newestCopy time.Time) bool {
	y, m, _ := r.At.UTC().Date()
	cy, cm, _ := newestCopy.UTC().Date()
	return r.Set.Monthly() && r.Full() && newestCopy.Before(r.At) && (y != cy || m != cm)
}
