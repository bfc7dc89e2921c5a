package recurrence

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rmp/calendar/zone"
)

// TestBombs are rules made to run for ever: each ends at once, with nothing
// or with an error that says why.
func TestBombs(t *testing.T) {
	century := func(s *Series) error {
		from := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
		_, err := s.Between(from, from.AddDate(100, 0, 0))
		return err
	}
	for _, c := range []struct {
		rule string
		bad  bool
	}{
		{"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", false},
		{"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=10", false},
		{"FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=10", false},
		{"FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30;COUNT=10", false},
		{"FREQ=MONTHLY;BYDAY=MO;BYSETPOS=300", false},
		{"FREQ=MONTHLY;BYDAY=MO;BYSETPOS=300;COUNT=3", false},
		{"FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6", false},
		{"FREQ=HOURLY;INTERVAL=2;BYHOUR=1;COUNT=1000000", false},
		{"FREQ=SECONDLY;INTERVAL=2;BYSECOND=1;COUNT=5", false},
		{"FREQ=YEARLY;INTERVAL=1000000;COUNT=1000000", false},
		{"FREQ=SECONDLY", true},
		{"FREQ=SECONDLY;COUNT=1000000", false}, // eleven days, before the window
		{"FREQ=DAILY;BYHOUR=0,1,2,3,4,5,6,7,8,9,10,11;BYMINUTE=0,1,2,3,4,5,6,7,8,9,10,11;BYSECOND=0,1,2,3,4,5,6,7,8,9,10,11", true},
	} {
		s, err := Compile(Spec{Start: wall(t, "20260101T000000"), Zone: time.UTC, RRules: []string{c.rule}})
		if err == nil {
			err = century(s)
		}
		if c.bad != errors.Is(err, ErrTooMany) || !c.bad && err != nil {
			t.Errorf("%s: %v", c.rule, err)
		}
	}
}

func TestSpecsThatCannotBe(t *testing.T) {
	good := Spec{Start: wall(t, "20260101T090000"), Zone: time.UTC, RRules: []string{"FREQ=DAILY"}}
	for name, change := range map[string]func(*Spec){
		"no zone":       func(s *Spec) { s.Zone = nil },
		"no start":      func(s *Spec) { s.Start = zone.Wall{} },
		"no such day":   func(s *Spec) { s.Start.Day = 32 },
		"negative":      func(s *Spec) { s.Duration = -time.Hour },
		"no rule":       func(s *Spec) { s.RRules = []string{"FREQ=NEVER"} },
		"ends too soon": func(s *Spec) { s.Overrides = []Override{{Start: time.Unix(9, 0), End: time.Unix(8, 0)}} },
	} {
		s := good
		change(&s)
		if _, err := Compile(s); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// naiveSeries answers what a series is by the book: all starts one by one,
// exceptions taken out, overrides put in.
func naiveSeries(s Spec, starts []zone.Wall, from, till time.Time) []string {
	var out []string
	add := func(start, end time.Time, o int) {
		if start.Before(till) && end.After(from) || start.Equal(end) && !start.Before(from) && start.Before(till) {
			out = append(out, fmt.Sprint(start.UTC(), end.UTC(), o))
		}
	}
	length := func(w zone.Wall) time.Time {
		if s.AllDay {
			return w.Add(s.Duration).In(s.Zone)
		}
		return w.In(s.Zone).Add(s.Duration)
	}
	excluded := func(w zone.Wall) bool {
		return slices.ContainsFunc(s.ExDates, func(x ExDate) bool {
			return x.Wall == w || x.DateOnly && x.Wall.Date() == w.Date()
		})
	}
	single := map[zone.Wall]bool{}
	for i, o := range s.Overrides {
		if o.ThisAndFuture {
			continue
		}
		single[o.RecurrenceID] = true
		if !o.Cancelled && !excluded(o.RecurrenceID) {
			add(o.Start, o.End, i)
		}
	}
	for _, w := range starts {
		if excluded(w) || single[w] {
			continue
		}
		best := -1
		for i, o := range s.Overrides {
			if o.ThisAndFuture && !w.Before(o.RecurrenceID) && (best < 0 || s.Overrides[best].RecurrenceID.Before(o.RecurrenceID)) {
				best = i
			}
		}
		if best < 0 {
			add(w.In(s.Zone), length(w), -1)
			continue
		}
		o := s.Overrides[best]
		switch {
		case o.Cancelled:
		case o.RecurrenceID == w:
			add(o.Start, o.End, best)
		default:
			start := w.Add(zone.WallOf(o.Start, s.Zone).Sub(o.RecurrenceID)).In(s.Zone)
			add(start, start.Add(o.End.Sub(o.Start)), best)
		}
	}
	slices.Sort(out)
	return out
}

// TestExceptionsAgreeWithTheNaiveModel draws daily series in zones with
// changes of the clock, with dates taken out and put in, and occurrences
// moved, stretched and cancelled, alone and with all that follow.
func TestExceptionsAgreeWithTheNaiveModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		loc, err := time.LoadLocation(rapid.SampledFrom([]string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Tokyo"}).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		year := rapid.SampledFrom([]int{2011, 2024, 2026}).Draw(t, "year")
		s := Spec{Zone: loc, Start: zone.Wall{Year: year, Month: time.Month(rapid.IntRange(1, 12).Draw(t, "month")), Day: rapid.IntRange(1, 28).Draw(t, "day"), Hour: rapid.IntRange(0, 23).Draw(t, "hour"), Minute: 30}}
		s.Duration = time.Duration(rapid.IntRange(0, 30).Draw(t, "hours")) * time.Hour
		if rapid.Bool().Draw(t, "all day") {
			s.AllDay, s.Start, s.Duration = true, s.Start.Date(), time.Duration(rapid.IntRange(1, 3).Draw(t, "days"))*24*time.Hour
		}
		const count = 40
		s.RRules = []string{fmt.Sprintf("FREQ=DAILY;COUNT=%d", count)}
		var starts []zone.Wall
		for i := range count {
			starts = append(starts, s.Start.AddDays(i))
		}
		some := func(name string) zone.Wall { return starts[rapid.IntRange(0, count-1).Draw(t, name)] }
		for range rapid.IntRange(0, 3).Draw(t, "exdates") {
			x := ExDate{Wall: some("exdate"), DateOnly: rapid.Bool().Draw(t, "date only")}
			if x.DateOnly {
				x.Wall = x.Wall.Date()
			}
			s.ExDates = append(s.ExDates, x)
		}
		for range rapid.IntRange(0, 2).Draw(t, "rdates") {
			w := s.Start.AddDays(rapid.IntRange(-5, 50).Draw(t, "rdate")).Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "later")) * time.Hour)
			s.RDates = append(s.RDates, w)
			if !slices.Contains(starts, w) {
				starts = append(starts, w)
			}
		}
		seen := map[string]bool{}
		for range rapid.IntRange(0, 3).Draw(t, "overrides") {
			o := Override{RecurrenceID: some("recurrence-id"), ThisAndFuture: rapid.IntRange(0, 2).Draw(t, "onward") == 0, Cancelled: rapid.IntRange(0, 3).Draw(t, "cancelled") == 0}
			if key := fmt.Sprint(o.RecurrenceID, o.ThisAndFuture); seen[key] {
				continue
			} else {
				seen[key] = true
			}
			o.Start = o.RecurrenceID.In(loc).Add(time.Duration(rapid.IntRange(-2000, 2000).Draw(t, "moved")) * time.Hour)
			o.End = o.Start.Add(time.Duration(rapid.IntRange(0, 100).Draw(t, "length")) * time.Hour)
			s.Overrides = append(s.Overrides, o)
		}
		series, err := Compile(s)
		if err != nil {
			t.Fatal(err)
		}
		first, last, _ := series.Bounds()
		for range 4 {
			from := s.Start.In(loc).Add(time.Duration(rapid.IntRange(-2500, 4000).Draw(t, "from")) * time.Hour)
			till := from.Add(time.Duration(rapid.IntRange(1, 600).Draw(t, "window")) * time.Hour)
			found, err := series.Between(from, till)
			if err != nil {
				t.Fatal(err)
			}
			var got, each, times []string
			for _, o := range found {
				got = append(got, fmt.Sprint(o.Start.UTC(), o.End.UTC(), o.Override))
				times = append(times, fmt.Sprint(o.Start.Unix(), o.End.Unix()))
				if o.Start.Before(first) || o.End.After(last) {
					t.Fatalf("%s to %s is outside of the bounds %s to %s", o.Start, o.End, first, last)
				}
			}
			if !slices.IsSortedFunc(found, func(a, b Occurrence) int { return a.Start.Compare(b.Start) }) {
				t.Fatal("the occurrences are not in order")
			}
			slices.Sort(got)
			if want := naiveSeries(s, starts, from, till); !slices.Equal(got, want) {
				t.Fatalf("%+v in [%s, %s):\n got %v\nwant %v", s, from, till, got, want)
			}
			err = series.Each(from.Unix(), till.Unix(), func(start, end int64) bool {
				each = append(each, fmt.Sprint(start, end))
				return true
			})
			slices.Sort(each)
			slices.Sort(times)
			if err != nil || !slices.Equal(each, times) {
				t.Fatalf("Each gives %v, %v; Between %v", each, err, times)
			}
		}
	})
}
