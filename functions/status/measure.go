package status

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

const (
	dayFormat   = "2006-01-02"
	monthFormat = "2006-01"
	keepMonths  = 13
)

// intake is the function whose answers are the hub's uptime.
const intake = "orders"

// tally counts minutes: in how many there was an answer, of how many that were measured.
type tally struct {
	Good  int `json:"g"`
	Total int `json:"t"`
}

func (t tally) share() float64 {
	if t.Total == 0 {
		return -1
	}
	return float64(t.Good) / float64(t.Total)
}

// measures is what was measured, by day and by month. A minute counts once, however often it is measured.
type measures struct {
	Minute int64                       `json:"minute"` // the last one, since 1970
	Days   map[string]map[string]tally `json:"days"`   // by day and function
	Months map[string]tally            `json:"months"` // of the intake
	Gaps   map[string]int              `json:"gaps"`   // minutes that nobody measured, by the month in which they ended
}

// skewed is from how many minutes on a last minute that is still to come was a clock's mistake, and is begun again from.
const skewed = 10

// add counts a minute's answers and forgets what is too old to be shown. It reports false when the minute is counted.
func (m *measures) add(now time.Time, answers map[string]bool) bool {
	minute := now.Unix() / 60
	if minute <= m.Minute && m.Minute < minute+skewed {
		return false
	}
	if m.Days == nil {
		m.Days, m.Months = map[string]map[string]tally{}, map[string]tally{}
	}
	today := now.UTC().Format(dayFormat)
	if m.Days[today] == nil {
		m.Days[today] = map[string]tally{}
	}
	for name, good := range answers {
		m.Days[today][name] = m.Days[today][name].plus(good)
	}
	if good, asked := answers[intake]; asked {
		name := now.UTC().Format(monthFormat)
		m.Months[name] = m.Months[name].plus(good)
	}
	if missed := minute - m.Minute - 1; m.Minute > 0 && missed > 0 {
		if m.Gaps == nil {
			m.Gaps = map[string]int{}
		}
		m.Gaps[now.UTC().Format(monthFormat)] += int(missed)
	}
	m.Minute = minute
	m.forget(now)
	return true
}

func (t tally) plus(good bool) tally {
	t.Total++
	if good {
		t.Good++
	}
	return t
}

func (m *measures) forget(now time.Time) {
	firstDay := now.UTC().AddDate(0, 0, 1-barDays).Format(dayFormat)
	maps.DeleteFunc(m.Days, func(day string, _ map[string]tally) bool { return day < firstDay })
	year, thisMonth, _ := now.UTC().Date()
	firstMonth := time.Date(year, thisMonth+1-keepMonths, 1, 0, 0, 0, 0, time.UTC).Format(monthFormat)
	maps.DeleteFunc(m.Months, func(month string, _ tally) bool { return month < firstMonth })
	maps.DeleteFunc(m.Gaps, func(month string, _ int) bool { return month < firstMonth })
}

// months returns the uptime by month, the newest first.
func (m *measures) months() []month {
	all := make([]month, 0, len(m.Months))
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(m.Months))) {
		all = append(all, month{Name: name, Share: m.Months[name].share(), Measured: m.Months[name].Total})
	}
	return all
}

// count adds a minute's answers to what is kept, and returns all of it.
func count(ctx context.Context, ledger *ledgerdb.Store, now time.Time, answers map[string]bool) (*measures, error) {
	o, raw, err := loadDocument(ctx, ledger, idMeasures)
	if err != nil {
		return nil, err
	}
	var m measures
	if o.Exists() {
		if err := json.Unmarshal(raw, &m); err != nil {
			return nil, fmt.Errorf("read what was measured: %w", err)
		}
	}
	if !m.add(now, answers) {
		return &m, nil
	}
	if raw, err = json.Marshal(m); err != nil {
		return nil, fmt.Errorf("encode what was measured: %w", err)
	}
	fields := map[string]any{"json": raw}
	write := ledgerdb.Patch(o, fields)
	if !o.Exists() {
		write = ledgerdb.Add(ledgerdb.Ref{Collection: collectionStatus, ID: idMeasures}, fields)
	}
	err = ledger.Bookkeep(ctx, identity.Hub, write)
	if errors.Is(err, ledgerdb.ErrStale) || errors.Is(err, ledgerdb.ErrExists) {
		return &m, nil // another one counted this minute, or this one did without being told
	}
	return &m, err
}
