package zone

import (
	"sync"
	"time"
)

// Table holds the transitions of a location, so that converting many times
// costs a search in a small array each. It does not change and may be used by
// several goroutines at once.
type Table struct {
	loc        *time.Location
	from, till int64     // Unix seconds between which the table answers
	at         []int64   // at[i]: from when on offset[i] is in force
	offset     []int64   // seconds east of UTC
	wall       []Seconds // wall[i]: the first reading that belongs to period i
	jump       int64     // the greatest change of the offset
}

// The years that a table covers; other times are looked up in the location.
const firstYear, lastYear = 1970, 2060

var tables = struct {
	sync.RWMutex
	of map[*time.Location]*Table
}{of: map[*time.Location]*Table{}}

// maxTables bounds what is kept. There are some 600 zones; more locations than
// that are definitions out of files.
const maxTables = 1024

// TableOf answers the table of a location. It is kept for the next call.
func TableOf(loc *time.Location) *Table {
	tables.RLock()
	t := tables.of[loc]
	tables.RUnlock()
	if t != nil {
		return t
	}
	t = newTable(loc)
	tables.Lock()
	defer tables.Unlock()
	if len(tables.of) >= maxTables {
		clear(tables.of)
	}
	tables.of[loc] = t
	return t
}

func newTable(loc *time.Location) *Table {
	t := &Table{loc: loc,
		from: time.Date(firstYear, 1, 1, 0, 0, 0, 0, time.UTC).Unix(),
		till: time.Date(lastYear, 1, 1, 0, 0, 0, 0, time.UTC).Unix()}
	now := time.Unix(t.from, 0).In(loc)
	for {
		_, off := now.Zone()
		if n := len(t.offset); n == 0 || t.offset[n-1] != int64(off) {
			begins := Seconds(now.Unix() + int64(off))
			if n > 0 {
				// A period's readings begin when the clock first shows one
				// that the period before did not: in an overlap, after it.
				begins = max(begins, Seconds(now.Unix()+t.offset[n-1]))
				t.jump = max(t.jump, abs(int64(off)-t.offset[n-1]))
			}
			t.at, t.offset, t.wall = append(t.at, now.Unix()), append(t.offset, int64(off)), append(t.wall, begins)
		}
		end, ok := periodEnd(now)
		if !ok || end.Unix() >= t.till {
			return t
		}
		now = end
	}
}

// Location is the location whose table it is.
func (t *Table) Location() *time.Location { return t.loc }

// MaxJump is the greatest change of the clock in the table, in seconds.
func (t *Table) MaxJump() int64 { return t.jump }

// Unix is the instant at which the clock shows s, in seconds since the Unix
// epoch; see the package comment for gaps and overlaps.
func (t *Table) Unix(s Seconds) int64 {
	// A day of distance from the ends, so that all that decides is inside.
	if int64(s) < t.from+DaySeconds || int64(s) >= t.till-DaySeconds {
		return s.unixIn(t.loc)
	}
	return int64(s) - t.offset[search(t.wall, s)]
}

// Reading is what the clock shows at an instant given in Unix seconds.
func (t *Table) Reading(unix int64) Seconds {
	if unix < t.from || unix >= t.till {
		_, off := time.Unix(unix, 0).In(t.loc).Zone()
		return Seconds(unix + int64(off))
	}
	return Seconds(unix + t.offset[search(t.at, unix)])
}

// search answers the last index whose value is not after x, or 0.
func search[T ~int64](list []T, x T) int {
	lo, hi := 0, len(list)
	for hi-lo > 1 {
		if mid := int(uint(lo+hi) >> 1); list[mid] <= x {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}

// unixIn finds the instant with the location alone: the slow way, for times
// that no table covers.
func (s Seconds) unixIn(loc *time.Location) int64 {
	// The periods of the location around the reading, from the one in force
	// two days before it, which is earlier than any zone shows it.
	now := time.Unix(int64(s)-2*DaySeconds, 0).In(loc)
	_, off := now.Zone()
	for {
		end, ok := periodEnd(now)
		if !ok {
			break
		}
		_, next := end.Zone()
		if int64(s) < end.Unix()+int64(max(off, next)) {
			break
		}
		now, off = end, next
	}
	return int64(s) - int64(off)
}

// periodEnd answers an instant after now up to which the offset stays as it
// is; the same offset may go on after it. It is false when the offset never
// changes again.
func periodEnd(now time.Time) (time.Time, bool) {
	_, end := now.ZoneBounds()
	if end.IsZero() || end.After(now) {
		return end, !end.IsZero()
	}
	// On the last day of a leap year that is described by a rule, ZoneBounds
	// answers the beginning of that day as the end (Go 1.26): find it here.
	_, off := now.Zone()
	same, changed := now, now.Add(24*time.Hour)
	if _, next := changed.Zone(); next == off {
		return changed, true
	}
	for changed.Sub(same) > time.Second {
		mid := same.Add(changed.Sub(same) / 2).Truncate(time.Second)
		if _, next := mid.Zone(); next == off {
			same = mid
		} else {
			changed = mid
		}
	}
	return changed, true
}

func abs(n int64) int64 {
	if n < 0 {
		return -n
	}
	return n
}
