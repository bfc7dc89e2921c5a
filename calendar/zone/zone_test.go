package zone

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// twenty are zones of all kinds: with and without daylight saving, of half
// and quarter hours, south of the equator, across the date line, and some
// whose governments change their minds.
var twenty = []string{"America/New_York", "America/Los_Angeles", "America/St_Johns", "America/Sao_Paulo", "America/Santiago", "America/Havana",
	"Europe/Berlin", "Europe/London", "Europe/Istanbul", "Europe/Moscow", "Africa/Cairo", "Africa/Casablanca", "Asia/Jerusalem", "Asia/Tehran",
	"Asia/Kathmandu", "Asia/Amman", "Australia/Sydney", "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Chatham"}

func location(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// naive finds the instant of a reading by looking at every minute of two days
// before it to two days after it, as a person with a clock would.
func naive(s Seconds, loc *time.Location) int64 {
	shows := func(unix int64) (Seconds, int64) {
		_, off := time.Unix(unix, 0).In(loc).Zone()
		return Seconds(unix + int64(off)), int64(off)
	}
	gap := int64(0)
	for unix := int64(s) - 2*DaySeconds; unix < int64(s)+2*DaySeconds; unix += 60 {
		now, off := shows(unix)
		if now == s {
			return unix // the first that shows it
		}
		if now < s {
			gap = off // in force the last time that it was earlier
		} else if next, _ := shows(unix - 60); next < s {
			return int64(s) - gap // skipped: the offset before the gap
		}
	}
	panic("no instant for a reading")
}

// TestEveryTransition checks all readings around every change of the clock of
// twenty zones over ten years, minute by minute in steps of ten.
func TestEveryTransition(t *testing.T) {
	from, till := time.Date(2010, 6, 1, 0, 0, 0, 0, time.UTC), time.Date(2020, 6, 1, 0, 0, 0, 0, time.UTC)
	seen := 0
	for _, name := range twenty {
		loc := location(t, name)
		table := TableOf(loc)
		changes, err := Transitions(loc, from, till)
		if err != nil {
			t.Fatal(err)
		}
		seen += len(changes) - 1
		for _, c := range changes[1:] {
			change := c.At
			_, before := change.Add(-time.Second).In(loc).Zone()
			_, after := change.In(loc).Zone()
			lo := change.Unix() + int64(min(before, after)) - 1800
			hi := change.Unix() + int64(max(before, after)) + 1800
			for s := Seconds(lo); s < Seconds(hi); s += 600 {
				want := naive(s, loc)
				if got := table.Unix(s); got != want {
					t.Fatalf("%s shows %s at %s, by hand it is %s", name, s.Wall(), time.Unix(got, 0).UTC(), time.Unix(want, 0).UTC())
				}
				if got := s.unixIn(loc); got != want {
					t.Fatalf("%s shows %s at %s without the table, by hand it is %s", name, s.Wall(), time.Unix(got, 0).UTC(), time.Unix(want, 0).UTC())
				}
			}
		}
	}
	if seen < 300 {
		t.Errorf("only %d transitions were found", seen)
	}
}

// TestPublished are facts that anyone can look up.
func TestPublished(t *testing.T) {
	for _, c := range []struct{ zone, wall, utc, why string }{
		{"America/New_York", "20260308T023000", "20260308T073000", "in the gap: shown as 03:30 EDT"},
		{"America/New_York", "20261101T013000", "20261101T053000", "the first of two: EDT"},
		{"Europe/Berlin", "20260329T023000", "20260329T013000", "in the gap: shown as 03:30 CEST"},
		{"Europe/Berlin", "20261025T023000", "20261025T003000", "the first of two: CEST"},
		{"Australia/Lord_Howe", "20261004T021500", "20261003T154500", "a gap of half an hour"},
		{"Pacific/Apia", "20111230T120000", "20111230T220000", "the day that Samoa left out"},
		{"Asia/Kathmandu", "20260101T000000", "20251231T181500", "UTC+5:45"},
		{"America/New_York", "19000101T120000", "19000101T170000", "before the tables"},
		{"America/New_York", "21500701T120000", "21500701T160000", "after the tables"},
	} {
		at, err := time.Parse("20060102T150405", c.wall)
		if err != nil {
			t.Fatal(err)
		}
		if got := WallOf(WallOf(at, time.UTC).In(location(t, c.zone)), time.UTC).String(); got != c.utc {
			t.Errorf("%s %s is %s, want %s (%s)", c.zone, c.wall, got, c.utc, c.why)
		}
	}
}

func TestTableAgreesWithTheLocation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		loc, err := time.LoadLocation(rapid.SampledFrom(twenty).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		unix := rapid.Int64Range(-3_000_000_000, 6_000_000_000).Draw(t, "unix")
		_, off := time.Unix(unix, 0).In(loc).Zone()
		table := TableOf(loc)
		if got := table.Reading(unix); got != Seconds(unix+int64(off)) {
			t.Fatalf("at %d the table shows %s", unix, got.Wall())
		}
		if s := Seconds(unix); table.Unix(s) != s.unixIn(loc) {
			t.Fatalf("%s is %d by the table and %d without", s.Wall(), table.Unix(s), s.unixIn(loc))
		}
	})
}

func TestCivilAgreesWithTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		day := rapid.IntRange(-800_000, 3_000_000).Draw(t, "day")
		at := time.Unix(int64(day)*DaySeconds, 0).UTC()
		y, m, d := Civil(day)
		if y != at.Year() || m != int(at.Month()) || d != at.Day() || Weekday(day) != at.Weekday() {
			t.Fatalf("day %d is %d-%d-%d, time says %s", day, y, m, d, at)
		}
		if DayNumber(y, m, d) != day || DayNumber(y-1, m+12, d) != day {
			t.Fatalf("%d-%d-%d is not day %d again", y, m, d, day)
		}
		if s := Seconds(int64(day)*DaySeconds + 4711); s.Wall().Seconds() != s {
			t.Fatalf("%s is not %d again", s.Wall(), s)
		}
		if MonthDays(y, m) != time.Date(y, time.Month(m)+1, 0, 0, 0, 0, 0, time.UTC).Day() {
			t.Fatalf("%d days in %d-%d", MonthDays(y, m), y, m)
		}
	})
}

func TestWallIsValid(t *testing.T) {
	for _, c := range []struct {
		w    Wall
		want bool
	}{{Wall{2026, 2, 28, 23, 59, 59}, true}, {Wall{2024, 2, 29, 0, 0, 0}, true}, {Wall{2026, 2, 29, 0, 0, 0}, false}, {Wall{2026, 13, 1, 0, 0, 0}, false},
		{Wall{2026, 4, 31, 0, 0, 0}, false}, {Wall{2026, 4, 30, 24, 0, 0}, false}, {Wall{2026, 4, 30, 0, 60, 0}, false}, {Wall{}, false}, {Wall{2026, 1, 1, 0, 0, -1}, false}} {
		if c.w.Valid() != c.want {
			t.Errorf("%v: valid is %v", c.w, c.w.Valid())
		}
	}
	if d := (Wall{Year: 9999, Month: 1, Day: 1}).Sub(Wall{Year: 1, Month: 1, Day: 1}); d < 292*365*24*time.Hour {
		t.Errorf("8998 years are %s", d)
	}
}

func BenchmarkUnix(b *testing.B) {
	loc := location(b, "America/New_York")
	at := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC).Unix()
	b.Run("table", func(b *testing.B) {
		table := TableOf(loc)
		for i := range b.N {
			_ = table.Unix(Seconds(at + int64(i%10_000)*3600))
		}
	})
	b.Run("time.Date", func(b *testing.B) {
		for i := range b.N {
			w := Seconds(at + int64(i%10_000)*3600).Wall()
			_ = time.Date(w.Year, w.Month, w.Day, w.Hour, w.Minute, w.Second, 0, loc)
		}
	})
}
