package status

import (
	"slices"
	"time"

	"ryggrad.internal/hub/functions"
	"ryggrad.internal/hub/shared/incident"
)

// Shares of a day's minutes below which the day counts as less than well.
const (
	wellShare   = 0.999
	partlyShare = 0.95
	downShare   = 0.5
)

// summarize makes what the pages show of what was found.
func summarize(now time.Time, table []functions.Function, f found) summary {
	sum := summary{BuiltAt: now, Months: f.measured.months()}
	for _, i := range f.all {
		if i.Public() {
			i.Tenants = nil
			sum.Incidents = append(sum.Incidents, i)
		}
	}
	for _, fn := range table {
		a := aboutOf(fn.Name)
		p := part{Name: fn.Name, Words: a.words, Group: a.group, Share: -1}
		p.draw(now, f.measured, touching(sum.Incidents, fn.Name))
		switch ok, asked := f.asked.Functions[fn.Name]; {
		case asked && ok:
			p.Health = p.Health.worse(well)
		case asked:
			p.Health = down
		}
		sum.Functions = append(sum.Functions, p)
	}
	sum.Regions = regionParts(now, f.asked.Regions, sum.Incidents)
	return sum
}

// touching returns the incidents of a function.
func touching(all []incident.Incident, function string) []incident.Incident {
	return slices.DeleteFunc(slices.Clone(all), func(i incident.Incident) bool { return !slices.Contains(i.Functions, function) })
}

// draw fills in the days, the share and how bad open incidents are; what nobody asks and has none is not measured.
func (p *part) draw(now time.Time, m *measures, incidents []incident.Incident) {
	midnight := now.UTC().Truncate(24 * time.Hour)
	var whole tally
	days := make([]byte, 0, barDays)
	for d := range barDays {
		from := midnight.AddDate(0, 0, d+1-barDays)
		t := m.Days[from.Format(dayFormat)][p.Name]
		whole.Good, whole.Total = whole.Good+t.Good, whole.Total+t.Total
		days = append(days, dayHealth(t, incidents, from)[0])
	}
	p.Days, p.Share, p.Health = string(days), whole.share(), unknown
	for _, i := range incidents {
		if i.Open() {
			p.Health = p.Health.worse(healthOf(i.Impact))
		}
	}
}

// dayHealth is the worse of what was measured on a day and of what happened.
func dayHealth(t tally, incidents []incident.Incident, from time.Time) health {
	h := unknown
	switch share := t.share(); {
	case share < 0:
	case share < downShare:
		h = down
	case share < partlyShare:
		h = partly
	case share < wellShare:
		h = degraded
	default:
		h = well
	}
	for _, i := range incidents {
		if i.Overlaps(from, from.AddDate(0, 0, 1)) {
			h = h.worse(healthOf(i.Impact))
		}
	}
	return h
}

// regionParts says how regions are: by whether they answer, and by open incidents that name them.
func regionParts(now time.Time, answered map[string]bool, incidents []incident.Incident) []part {
	by := map[string]health{}
	for name, ok := range answered {
		by[name] = well
		if !ok {
			by[name] = down
		}
	}
	for _, i := range incidents {
		for _, name := range i.Regions {
			if i.Open() && i.OpenedAt.Before(now.Add(time.Minute)) {
				by[name] = by[name].worse(healthOf(i.Impact))
			}
		}
	}
	var parts []part
	for name, h := range by {
		parts = append(parts, part{Name: name, Words: name, Group: groupRegions, Health: h, Share: -1})
	}
	slices.SortFunc(parts, func(a, b part) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return parts
}

// overall is the worst of all functions.
func (s summary) overall() health {
	h := unknown
	for _, p := range s.Functions {
		h = h.worse(p.Health)
	}
	return h
}
