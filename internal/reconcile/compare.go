package reconcile

import (
	"slices"
	"time"

	"rmp/internal/availability"
	"rmp/internal/booking"
)

// Own is a booking as the database has it, for one resource.
type Own struct {
	Booking booking.Booking
	Dates   []booking.Occupied // in the window
	// Settled: the calendar has been written, and nothing has changed since a
	// while before it was read; else what it holds says nothing.
	Settled bool
	// Gone: the calendar should not hold the booking (any more).
	Gone bool
}

// Drift is a kind of difference between a calendar and the database.
type Drift string

// The kinds of drift.
const (
	Deleted Drift = "deleted" // our event is not in the calendar
	Moved   Drift = "moved"   // it has other times there
	Ghost   Drift = "ghost"   // it is there, and should not be
	Foreign Drift = "foreign" // an event that is not ours, and was not known
	Overlap Drift = "overlap" // one that overlaps with a booking
)

// Difference is a booking whose event is not as it should be.
type Difference struct {
	Kind Drift
	Own  Own
	// Times are what the calendar has instead, of a Moved one.
	Times []availability.Event
}

// compare finds what the calendar of a resource has otherwise than the
// database, in a window.
func compare(own []Own, seen []availability.Event, from, till time.Time) (differences []Difference, foreign []availability.Event) {
	byUID := map[string][]availability.Event{}
	for _, e := range seen {
		byUID[e.UID] = append(byUID[e.UID], e)
	}
	ours := map[string]bool{}
	for _, o := range own {
		ours[o.Booking.UID] = true
		// What only its set-up or tear-down brings into the window is not in
		// the calendar's part of it.
		o.Dates = slices.DeleteFunc(slices.Clone(o.Dates), func(d booking.Occupied) bool { return !d.Start.Before(till) || !d.End.After(from) })
		found := byUID[o.Booking.UID]
		switch {
		case !o.Settled:
		case o.Gone && len(found) > 0:
			differences = append(differences, Difference{Ghost, o, found})
		case o.Gone:
		case len(found) == 0 && len(o.Dates) > 0:
			differences = append(differences, Difference{Deleted, o, nil})
		case !sameTimes(o.Dates, found, from, till):
			differences = append(differences, Difference{Moved, o, found})
		}
	}
	for _, e := range seen {
		if !ours[e.UID] {
			foreign = append(foreign, e)
		}
	}
	return differences, foreign
}

// sameTimes compares dates as sets: those of a booking with several units are
// several rows. What lies at the border of the window may be in one only.
func sameTimes(dates []booking.Occupied, found []availability.Event, from, till time.Time) bool {
	type span struct{ start, end int64 }
	set := func(n int, at func(int) (time.Time, time.Time)) []span {
		var out []span
		for i := range n {
			start, end := at(i)
			if start.After(from) && end.Before(till) {
				out = append(out, span{start.Unix(), end.Unix()})
			}
		}
		slices.SortFunc(out, func(a, b span) int {
			if a.start != b.start {
				return int(min(max(a.start-b.start, -1), 1))
			}
			return int(min(max(a.end-b.end, -1), 1))
		})
		return slices.Compact(out)
	}
	return slices.Equal(set(len(dates), func(i int) (time.Time, time.Time) { return dates[i].Start, dates[i].End }),
		set(len(found), func(i int) (time.Time, time.Time) { return found[i].Start, found[i].End }))
}

// Clash is a date of a booking that a foreign event overlaps.
type Clash struct {
	Date  booking.Occupied
	Event availability.Event
}

// overlaps finds the dates that foreign events leave no room for: with several
// units, only where more are taken than there are.
func overlaps(own []Own, foreign []availability.Event, units int) (out []Clash) {
	for _, o := range own {
		if o.Gone {
			continue
		}
		for _, d := range o.Dates {
			if d.Hold {
				continue
			}
			for _, e := range foreign {
				if e.Start.Before(d.Till) && e.End.After(d.From) && crowded(own, foreign, d, e, units) {
					out = append(out, Clash{d, e})
				}
			}
		}
	}
	return out
}

// crowded reports whether more units are taken than there are at an instant
// that both a date and a foreign event cover.
func crowded(own []Own, foreign []availability.Event, d booking.Occupied, e availability.Event, units int) bool {
	if units <= 1 {
		return true
	}
	from, till := later(d.From, e.Start), earlier(d.Till, e.End)
	at := func(t time.Time) int {
		n := 0
		for _, o := range own {
			for _, x := range o.Dates {
				if !o.Gone && !x.From.After(t) && x.Till.After(t) {
					n++
				}
			}
		}
		for _, x := range foreign {
			if !x.Start.After(t) && x.End.After(t) {
				n++
			}
		}
		return n
	}
	if at(from) > units {
		return true
	}
	for _, o := range own { // the count grows only where something begins
		for _, x := range o.Dates {
			if x.From.After(from) && x.From.Before(till) && at(x.From) > units {
				return true
			}
		}
	}
	return slices.ContainsFunc(foreign, func(x availability.Event) bool {
		return x.Start.After(from) && x.Start.Before(till) && at(x.Start) > units
	})
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
