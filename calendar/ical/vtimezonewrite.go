package ical

import (
	"fmt"
	"strings"
	"time"

	"rmp/calendar/contentline"
	"rmp/calendar/zone"
)

// horizon is how far behind the years asked for a yearly rule is looked for,
// and must hold: the calendar repeats itself after 28 years.
const horizon = 30

// TimezoneOf describes a location for other programs, for times of the years
// given. Where the location follows a yearly rule the description does so,
// and is right for all time to come; else its changes up to ten years after
// the last year are written one by one.
func TimezoneOf(tzid string, loc *time.Location, firstYear, lastYear int) (*Timezone, error) {
	firstYear = min(max(firstYear, 1900), 2200)
	lastYear = min(max(lastYear, firstYear), 2200)
	newYear := func(y int) time.Time { return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC) }
	changes, err := zone.Transitions(loc, newYear(firstYear-1), newYear(lastYear+horizon+1))
	if err != nil {
		return nil, fmt.Errorf("the time zone %q: %w", contentline.Clip(tzid), err)
	}
	z := &Timezone{TZID: tzid}
	steps := make([]step, 0, len(changes))
	for i, t := range changes[1:] {
		from := changes[i].Offset
		steps = append(steps, step{Transition: t, from: from, wall: zone.WallOf(t.At, time.FixedZone("", from))})
	}
	begin := zone.Wall{Year: firstYear - 1, Month: 1, Day: 1}
	if len(steps) == 0 || steps[0].wall.Year >= firstYear {
		z.Rules = append(z.Rules, ZoneRule{Daylight: changes[0].Daylight, Name: changes[0].Name, Start: begin,
			OffsetFrom: changes[0].Offset, OffsetTo: changes[0].Offset})
	}
	yearly, since := yearlyRules(steps, firstYear-1, lastYear+horizon)
	single := map[step]int{} // index of the part that has the changes of a kind
	for _, s := range steps {
		if len(yearly) > 0 && s.wall.Year >= since || len(yearly) == 0 && s.wall.Year > lastYear+10 {
			break
		}
		key := step{Transition: zone.Transition{Offset: s.Offset, Name: s.Name, Daylight: s.Daylight}, from: s.from}
		if i, ok := single[key]; ok {
			z.Rules[i].RDates = append(z.Rules[i].RDates, s.wall)
			continue
		}
		single[key] = len(z.Rules)
		z.Rules = append(z.Rules, s.rule())
	}
	z.Rules = append(z.Rules, yearly...)
	return z, nil
}

// step is a transition with what the clock showed before it.
type step struct {
	zone.Transition
	from int
	wall zone.Wall
}

func (s step) rule() ZoneRule {
	return ZoneRule{Daylight: s.Daylight, Name: s.Name, Start: s.wall, OffsetFrom: s.from, OffsetTo: s.Offset}
}

// yearlyRules finds the two rules that the changes follow up to the last
// year, and the year since which they do.
func yearlyRules(steps []step, first, last int) (rules []ZoneRule, since int) {
	years := map[int][]step{}
	for _, s := range steps {
		years[s.wall.Year] = append(years[s.wall.Year], s)
	}
	if len(years[last]) != 2 {
		return nil, 0
	}
	var day [2][2]int // the earliest and latest day of the month
	for i, s := range years[last] {
		day[i] = [2]int{s.wall.Day, s.wall.Day}
	}
	since = last + 1
	for y := last; y >= first && len(years[y]) == 2; y-- {
		next, ok := day, true
		for i, s := range years[y] {
			l := years[last][i]
			next[i] = [2]int{min(day[i][0], s.wall.Day), max(day[i][1], s.wall.Day)}
			ok = ok && s.wall.Month == l.wall.Month && s.wall.Weekday() == l.wall.Weekday() && s.wall.Sub(s.wall.Date()) == l.wall.Sub(l.wall.Date()) &&
				s.from == l.from && s.Offset == l.Offset && s.Name == l.Name && next[i][1]-next[i][0] <= 6
		}
		if !ok {
			break
		}
		day, since = next, y
	}
	if last-since < 28 {
		return nil, 0
	}
	names := [...]string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}
	for i, s := range years[since] {
		from, till := day[i][0], day[i][1]
		if till-from != 6 {
			return nil, 0
		}
		by := names[s.wall.Weekday()]
		switch {
		case from%7 == 1 && from <= 22:
			by = fmt.Sprintf("BYDAY=%d%s", from/7+1, by)
		case till == (zone.Wall{Year: s.wall.Year, Month: s.wall.Month + 1, Day: 1}).AddDays(-1).Day:
			by = "BYDAY=-1" + by
		default:
			days := make([]string, 0, 7)
			for d := from; d <= till; d++ {
				days = append(days, fmt.Sprint(d))
			}
			by = "BYDAY=" + by + ";BYMONTHDAY=" + strings.Join(days, ",")
		}
		r := s.rule()
		r.RRule = fmt.Sprintf("FREQ=YEARLY;BYMONTH=%d;%s", s.wall.Month, by)
		rules = append(rules, r)
	}
	return rules, since
}

// maxOwnZones is how many zones are described in one text.
const maxOwnZones = 100

// missingZones describes the zones that the calendar's times use and that it
// has no description of. Names that are not known here stay without.
func (c *Calendar) missingZones() []*Timezone {
	type use struct{ first, last int }
	uses := map[string]*use{}
	var names []string
	for _, z := range c.Zones {
		uses[bareName(z.TZID)] = nil
	}
	note := func(times ...Time) {
		for _, t := range times {
			if t.Kind != Zoned {
				continue
			}
			u, ok := uses[bareName(t.Zone)]
			switch {
			case !ok && len(names) < maxOwnZones:
				uses[bareName(t.Zone)] = &use{t.Wall.Year, t.Wall.Year}
				names = append(names, t.Zone)
			case u != nil:
				u.first, u.last = min(u.first, t.Wall.Year), max(u.last, t.Wall.Year)
			}
		}
	}
	var event func(e *Event)
	event = func(e *Event) {
		note(e.Start, e.End, e.Due, e.RecurrenceID)
		note(e.RDates...)
		note(e.ExDates...)
		for _, x := range e.Exceptions {
			event(x)
		}
	}
	for _, e := range c.Events {
		event(e)
	}
	for _, e := range c.Todos {
		event(e)
	}
	for _, f := range c.Busy {
		note(f.Start, f.End)
		for _, p := range f.Periods {
			note(p.Start, p.End)
		}
	}
	var out []*Timezone
	for _, name := range names {
		loc, err := zone.Resolver{}.Load(name)
		if err != nil {
			continue
		}
		u := uses[bareName(name)]
		if z, err := TimezoneOf(name, loc, u.first, u.last); err == nil {
			out = append(out, z)
		}
	}
	return out
}
