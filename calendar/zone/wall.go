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
	"math"
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
	return time.Unix(TableOf(loc).Unix(w.Seconds()), 0).In(loc)
}

// Add is the wall time that a clock without any transitions shows d later;
// parts of d below a second are cut off.
func (w Wall) Add(d time.Duration) Wall { return (w.Seconds() + Seconds(d/time.Second)).Wall() }

// AddDays is the same time of day, n days later.
func (w Wall) AddDays(n int) Wall { return (w.Seconds() + Seconds(n)*DaySeconds).Wall() }

// Sub is the time between two readings of a clock without any transitions, or
// the longest or shortest Duration if it is beyond that (some 292 years).
func (w Wall) Sub(o Wall) time.Duration {
	const most = Seconds(math.MaxInt64 / int64(time.Second))
	return time.Duration(min(max(w.Seconds()-o.Seconds(), -most), most)) * time.Second
}

// Before reports whether w is earlier than o on the same clock.
func (w Wall) Before(o Wall) bool { return w.Seconds() < o.Seconds() }

// Weekday is the day of the week.
func (w Wall) Weekday() time.Weekday { return Weekday(w.Seconds().Day()) }

// Date is w at midnight.
func (w Wall) Date() Wall { return Wall{Year: w.Year, Month: w.Month, Day: w.Day} }

// Valid reports whether w is a time that a clock can show (no 31 April, no
// 24:00, no leap second).
func (w Wall) Valid() bool {
	return w.Year >= 1 && w.Year <= 9999 && w.Month >= 1 && w.Month <= 12 && w.Seconds().Wall() == w
}

// String is the basic form of ISO 8601 that iCalendar uses: 20260901T140000.
func (w Wall) String() string {
	return fmt.Sprintf("%04d%02d%02dT%02d%02d%02d", w.Year, int(w.Month), w.Day, w.Hour, w.Minute, w.Second)
}

// OnClock is the first instant of a day at which the clock shows so many
// minutes since midnight, or more: where the clock leaps over that reading, the
// instant of the leap. 24*60 is the end of the day; so a day goes from 0 to
// 24*60 also where the clock changes at midnight. Of a reading that comes
// twice it is the first.
func OnClock(year int, month time.Month, day, minutes int, loc *time.Location) time.Time {
	want := WallOf(time.Date(year, month, day, 0, minutes, 0, 0, time.UTC), time.UTC)
	t := want.In(loc)
	if WallOf(t, loc) != want { // the reading is leapt over, and t is behind that
		if start, _ := t.ZoneBounds(); !start.IsZero() {
			return start.In(loc)
		}
	}
	return t
}
