package recurrence

import (
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

// The rules are those of the examples in RFC 5545 section 3.8.5.3; the dates
// are the ones it names.
func TestRFCExamples(t *testing.T) {
	for _, c := range []struct{ start, rule, want string }{
		{"19970902T090000", "FREQ=DAILY;COUNT=3", "0902 0903 0904"},
		{"19970902T090000", "FREQ=DAILY;INTERVAL=10;COUNT=5", "0902 0912 0922 1002 1012"},
		{"19970902T090000", "FREQ=WEEKLY;COUNT=5;WKST=SU;BYDAY=TU,TH", "0902 0904 0909 0911 0916"},
		{"19970905T090000", "FREQ=MONTHLY;COUNT=4;BYDAY=1FR", "0905 1003 1107 1205"},
		{"19970902T090000", "FREQ=MONTHLY;COUNT=4;BYMONTHDAY=2,15", "0902 0915 1002 1015"},
		{"19970930T090000", "FREQ=MONTHLY;COUNT=4;BYMONTHDAY=1,-1", "0930 1001 1031 1101"},
		{"19970904T090000", "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", "0904 1007 1106"},
		{"19970929T090000", "FREQ=MONTHLY;COUNT=4;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2", "0929 1030 1127 1230"},
		{"19970805T090000", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", "0805 0810 0819 0824"},
		{"19970805T090000", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", "0805 0817 0819 0831"},
	} {
		s, err := Compile(Spec{Start: wall(t, c.start), Zone: load(t, "America/New_York"), Duration: time.Hour, RRules: []string{c.rule}})
		if err != nil {
			t.Errorf("%s: %v", c.rule, err)
			continue
		}
		found, err := s.Between(time.Date(1997, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC))
		if err != nil {
			t.Errorf("%s: %v", c.rule, err)
		}
		var got []string
		for _, o := range found {
			got = append(got, o.Start.In(load(t, "America/New_York")).Format("0102"))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s from %s: %v, want %s", c.rule, c.start, got, c.want)
		}
	}
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

func TestRulesThatNeverEnd(t *testing.T) {
	for _, rule := range []string{"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=300", "FREQ=SECONDLY", "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30"} {
		s, err := Compile(Spec{Start: wall(t, "20260101T000000"), Zone: time.UTC, RRules: []string{rule}})
		if err != nil {
			t.Fatal(err)
		}
		from := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
		if _, err := s.Between(from, from.AddDate(100, 0, 0)); err == nil && rule == "FREQ=SECONDLY" {
			t.Errorf("%s was expanded over a century", rule)
		}
	}
}

func TestExceptions(t *testing.T) {
	start := wall(t, "20260302T090000")
	day := func(n, hour int) time.Time {
		return start.AddDays(n).Date().Add(time.Duration(hour) * time.Hour).In(time.UTC)
	}
	s, err := Compile(Spec{Start: start, Zone: time.UTC, Duration: time.Hour, RRules: []string{"FREQ=DAILY;COUNT=6"},
		ExDates: []ExDate{{Wall: start.AddDays(1)}, {Wall: start.AddDays(2).Date(), DateOnly: true}},
		Overrides: []Override{{RecurrenceID: start.AddDays(3), Start: day(9, 15), End: day(9, 16)},
			{RecurrenceID: start.AddDays(4), Cancelled: true}}})
	if err != nil {
		t.Fatal(err)
	}
	between := func(from, till time.Time) int {
		found, err := s.Between(from, till)
		if err != nil {
			t.Fatal(err)
		}
		return len(found)
	}
	if n := between(day(0, 0), day(20, 0)); n != 3 {
		t.Errorf("%d occurrences", n)
	}
	if n := between(day(3, 0), day(4, 0)); n != 0 {
		t.Errorf("%d where one was moved away", n)
	}
	if n := between(day(9, 0), day(10, 0)); n != 1 {
		t.Errorf("%d where one was moved to", n)
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
		if err != nil {
			t.Fatalf("%q is a rule but does not compile: %v", text, err)
		}
		from := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
		_, _ = s.Between(from, from.AddDate(0, 0, 7)) // an error is as good as an answer; a hang is not
	})
}
