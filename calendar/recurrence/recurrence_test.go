package recurrence

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/teambition/rrule-go"
	"pgregory.net/rapid"

	"rmp/calendar/zone"
)

func wall(t testing.TB, s string) zone.Wall {
	t.Helper()
	at, err := time.Parse("20060102T150405", s)
	if err != nil {
		t.Fatal(err)
	}
	return zone.WallOf(at, time.UTC)
}

func load(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestGapAndOverlap(t *testing.T) {
	loc := load(t, "America/New_York")
	s, err := Compile(Spec{Start: wall(t, "20260307T023000"), Zone: loc, Duration: time.Hour, RRules: []string{"FREQ=DAILY"}})
	if err != nil {
		t.Fatal(err)
	}
	at := func(day time.Time) string {
		found, err := s.Between(day.In(loc), day.In(loc).AddDate(0, 0, 1))
		if err != nil || len(found) != 1 {
			t.Fatalf("%v, %v", found, err)
		}
		return found[0].Start.In(loc).Format("15:04 -0700")
	}
	if got := at(time.Date(2026, 3, 8, 0, 0, 0, 0, loc)); got != "03:30 -0400" {
		t.Errorf("in the gap: %s", got)
	}
	if got := at(time.Date(2026, 11, 1, 0, 0, 0, 0, loc)); got != "02:30 -0500" {
		t.Errorf("after the overlap: %s", got)
	}
}

// TestSecondOpinion compares with another implementation, in UTC, where its
// known faults around changes of the clock do not show.
func TestSecondOpinion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := []string{"FREQ=" + rapid.SampledFrom([]string{"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}).Draw(t, "freq")}
		optional := func(name string, values ...string) {
			if rapid.IntRange(0, 3).Draw(t, name+"?") == 0 {
				parts = append(parts, name+"="+strings.Join(rapid.SliceOfNDistinct(rapid.SampledFrom(values), 1, 2, rapid.ID).Draw(t, name), ","))
			}
		}
		if n := rapid.IntRange(1, 5).Draw(t, "interval"); n > 1 {
			parts = append(parts, "INTERVAL="+string(rune('0'+n)))
		}
		optional("BYDAY", "MO", "TU", "WE", "TH", "FR", "SA", "SU")
		optional("BYMONTHDAY", "1", "13", "-1", "31")
		optional("BYMONTH", "1", "2", "6", "12")
		rule := strings.Join(parts, ";")
		if strings.Contains(rule, "WEEKLY") && strings.Contains(rule, "BYMONTHDAY") {
			return // RFC 5545 does not allow it
		}
		start := time.Date(2026, 1, rapid.IntRange(1, 28).Draw(t, "day"), 9, 0, 0, 0, time.UTC)
		opt, err := rrule.StrToROption(rule)
		if err != nil {
			t.Fatal(err)
		}
		opt.Dtstart = start
		other, err := rrule.NewRRule(*opt)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Compile(Spec{Start: zone.WallOf(start, time.UTC), Zone: time.UTC, Duration: time.Hour, RRules: []string{rule}})
		if err != nil {
			t.Fatal(err)
		}
		from := time.Date(2027, time.Month(rapid.IntRange(1, 12).Draw(t, "month")), 1, 0, 0, 0, 0, time.UTC)
		till := from.AddDate(0, 4, 0)
		found, err := s.Between(from, till)
		if err != nil {
			t.Fatal(err)
		}
		want := other.Between(from, till.Add(-time.Second), true)
		if len(found) != len(want) {
			t.Fatalf("%s from %s: %d occurrences, the other has %d", rule, start, len(found), len(want))
		}
		for i := range want {
			if !found[i].Start.Equal(want[i]) {
				t.Fatalf("%s from %s: %s, the other has %s", rule, start, found[i].Start, want[i])
			}
		}
	})
}

func FuzzParseRule(f *testing.F) {
	f.Add("FREQ=WEEKLY;BYDAY=MO,-1FR;UNTIL=20260101T000000Z")
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := ParseRule(text); err != nil {
			return
		}
		s, err := Compile(Spec{Start: wall(t, "20260101T090000"), Zone: time.UTC, Duration: time.Hour, RRules: []string{text}})
		if errors.Is(err, ErrTooMany) {
			return
		}
		if err != nil {
			t.Fatalf("%q is a rule but does not compile: %v", text, err)
		}
		from := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
		_, _ = s.Between(from, from.AddDate(0, 0, 7)) // an error is as good as an answer; a hang is not
	})
}
