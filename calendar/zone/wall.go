// Package zone maps between wall-clock time and instants, and resolves the
// names that calendar programs give to time zones.
//
// A wall-clock time (Wall) is what a clock on the wall of some room shows; an
// instant (time.Time) is a point on the world's time line. The two are
// different types here so that they cannot be compared by mistake.
//
// In a gap (the hour that a clock skips in spring) a wall time takes the
// offset that was in force before the gap: 02:30 in a gap from 02:00 to 03:00
// is the instant that the clock shows as 03:30 (RFC 5545 section 3.3.5). In
// an overlap (the hour that is shown twice in autumn) it is the first of the
// two instants.
package zone

import (
	"fmt"
	"time"
)

// Wall is a wall-clock time, in no particular zone. The zero Wall is no time
// at all.
type Wall struct {
	Year                 int
	Month                time.Month
	Day                  int
	Hour, Minute, Second int
}

// WallOf is what a clock in loc shows at the instant t; parts below a second
// are cut off.
func WallOf(t time.Time, loc *time.Location) Wall {
	t = t.In(loc)
	y, m, d := t.Date()
	h, min, s := t.Clock()
	return Wall{y, m, d, h, min, s}
}

// IsZero reports whether w is no time at all.
func (w Wall) IsZero() bool { return w == Wall{} }

// In is the instant at which a clock in loc shows w; see the package comment
// for gaps and overlaps.
func (w Wall) In(loc *time.Location) time.Time {
	// As if loc were UTC, then shifted by the offsets in force around it.
	naive := w.utc()
	_, before := naive.Add(-24 * time.Hour).In(loc).Zone()
	_, after := naive.Add(24 * time.Hour).In(loc).Zone()
	first := naive.Add(-time.Duration(before) * time.Second)
	if before == after {
		if _, off := first.In(loc).Zone(); off == before {
			return first
		}
	}
	// Try the offset of before first: right in an overlap (the earlier of
	// the two) and in a gap (the offset before it).
	if WallOf(first, loc) == w {
		return first
	}
	second := naive.Add(-time.Duration(after) * time.Second)
	if WallOf(second, loc) == w {
		return second
	}
	return first
}

// utc is the instant at which a clock in UTC shows w.
func (w Wall) utc() time.Time {
	return time.Date(w.Year, w.Month, w.Day, w.Hour, w.Minute, w.Second, 0, time.UTC)
}

// Add is the wall time that a clock without any transitions shows d later.
func (w Wall) Add(d time.Duration) Wall { return WallOf(w.utc().Add(d), time.UTC) }

// AddDays is the same time of day, n days later.
func (w Wall) AddDays(n int) Wall {
	t := w.utc().AddDate(0, 0, n)
	return WallOf(t, time.UTC)
}

// Sub is the time between two readings of a clock without any transitions.
func (w Wall) Sub(o Wall) time.Duration { return w.utc().Sub(o.utc()) }

// Before reports whether w is earlier than o on the same clock.
func (w Wall) Before(o Wall) bool { return w.utc().Before(o.utc()) }

// Weekday is the day of the week.
func (w Wall) Weekday() time.Weekday { return w.utc().Weekday() }

// Date is w at midnight.
func (w Wall) Date() Wall { return Wall{Year: w.Year, Month: w.Month, Day: w.Day} }

// Valid reports whether w is a time that a clock can show (no 31 April, no
// 24:00, no leap second).
func (w Wall) Valid() bool {
	return w.Year >= 1 && w.Year <= 9999 && WallOf(w.utc(), time.UTC) == w
}

// String is the basic form of ISO 8601 that iCalendar uses: 20260901T140000.
func (w Wall) String() string {
	return fmt.Sprintf("%04d%02d%02dT%02d%02d%02d", w.Year, int(w.Month), w.Day, w.Hour, w.Minute, w.Second)
}
