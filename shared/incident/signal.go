package incident

import (
	"maps"
	"time"
)

const (
	// QuietFor is how long no alert of a signal may be open before its incident is over.
	QuietFor = 10 * time.Minute
	// rememberAlerts is how long a closed alert is remembered, so that a late message does not open it again. Pub/Sub
	// keeps a message for seven days.
	rememberAlerts = 8 * 24 * time.Hour
	// mostAlerts bounds what is remembered of one signal, so that it always fits its document: of more, the oldest closed
	// ones are forgotten first.
	mostAlerts = 1000
)

// Signal is one trouble as Monitoring sees it: the alerts about one thing, and the incident that they made.
type Signal struct {
	Key        string
	Incident   string // the id of the incident that is open, or ""
	Alerts     map[string]Alert
	QuietSince time.Time // when the last open alert of the incident was closed; zero while one is open
}

// Alert is what is known of one alert.
type Alert struct {
	Open bool
	At   time.Time // when we heard of it last
}

// Step is what is to be done about a notification.
type Step int

// The steps.
const (
	Nothing Step = iota // it is known
	Note                // only the signal changes
	Begin               // an incident begins
	Join                // the incident goes on, and may have become worse
	End                 // the incident is over
)

// Hear decides what a notification means. Of two about one alert the closing one holds, whichever comes first.
func (s Signal) Hear(n Notification, now time.Time) (Signal, Step) {
	known, heard := s.Alerts[n.ID]
	if heard && (!known.Open || n.Open) {
		return s, Nothing
	}
	s.Alerts = maps.Clone(s.Alerts)
	if s.Alerts == nil {
		s.Alerts = map[string]Alert{}
	}
	s.Alerts[n.ID] = Alert{Open: n.Open, At: now}
	s.forget(n.ID)
	switch {
	case n.Open && s.Incident == "":
		s.QuietSince = time.Time{}
		return s, Begin
	case n.Open:
		s.QuietSince = time.Time{}
		return s, Join
	case s.Incident != "" && !s.open():
		s.QuietSince = now
	}
	return s, Note
}

// forget drops an alert when there are too many, and not the one that was just heard of.
func (s Signal) forget(newest string) {
	if len(s.Alerts) <= mostAlerts {
		return
	}
	oldest := ""
	for id, a := range s.Alerts {
		there, chosen := s.Alerts[oldest]
		if id != newest && (!chosen || there.Open && !a.Open || there.Open == a.Open && a.At.Before(there.At)) {
			oldest = id
		}
	}
	delete(s.Alerts, oldest)
}

func (s Signal) open() bool {
	for _, a := range s.Alerts {
		if a.Open {
			return true
		}
	}
	return false
}

// Settle decides whether the signal's incident is over, and forgets alerts of long ago.
func (s Signal) Settle(now time.Time) (Signal, Step) {
	kept := map[string]Alert{}
	for id, a := range s.Alerts {
		if a.Open || now.Before(a.At.Add(rememberAlerts)) {
			kept[id] = a
		}
	}
	step := Nothing
	if len(kept) < len(s.Alerts) {
		s.Alerts, step = kept, Note
	}
	if s.Incident != "" && !s.QuietSince.IsZero() && now.Sub(s.QuietSince) >= QuietFor {
		s.QuietSince, step = time.Time{}, End
	}
	return s, step
}
