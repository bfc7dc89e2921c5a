package recurrence_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/teambition/rrule-go"

	"rmp/calendar/interval"
	"rmp/calendar/recurrence"
	"rmp/calendar/zone"
)

// The work: 20,000 events in 100 calendars, one in five weekly, in ten zones,
// expanded to the busy sets of the calendars over 90 days. The bare loop
// beside it does the same over prepared numbers: it knows each event's weekday
// and time in UTC for each side of the changes of the clock, and has nothing
// to look up, check or except.

var benchZones = []string{"Europe/Berlin", "America/New_York", "Asia/Tokyo", "Europe/London", "Australia/Sydney",
	"America/Los_Angeles", "Asia/Kolkata", "America/Sao_Paulo", "Europe/Moscow", "Pacific/Auckland"}

type benchEvent struct {
	calendar int
	series   *recurrence.Series
	other    *rrule.RRule // the second opinion
	loc      *time.Location
	length   time.Duration

	// Prepared for the bare loop, in microseconds.
	first, duration, step int64 // step 0: a single event
	changes               []int64
	offsets               []int64
}

var (
	windowFrom = time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)
	windowTill = windowFrom.AddDate(0, 0, 90)
)

func benchEvents(b *testing.B) []benchEvent {
	b.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	locs := make([]*time.Location, len(benchZones))
	for i, name := range benchZones {
		loc, err := time.LoadLocation(name)
		if err != nil {
			b.Fatal(err)
		}
		locs[i] = loc
	}
	events := make([]benchEvent, 20_000)
	for i := range events {
		e := &events[i]
		e.calendar, e.loc = i%100, locs[rng.IntN(len(locs))]
		e.length = time.Duration(1+rng.IntN(8)) * 15 * time.Minute
		back := 0
		spec := recurrence.Spec{Zone: e.loc, Duration: e.length}
		if i%5 == 0 {
			back = rng.IntN(1000)
			spec.RRules = []string{"FREQ=WEEKLY"}
		}
		at := windowFrom.AddDate(0, 0, rng.IntN(90)-back).Add(time.Duration(rng.IntN(40)) * 15 * time.Minute)
		spec.Start = zone.WallOf(at, e.loc)
		var err error
		if e.series, err = recurrence.Compile(spec); err != nil {
			b.Fatal(err)
		}
		e.duration = e.length.Microseconds()
		e.first = int64(spec.Start.Seconds()) * 1e6
		if len(spec.RRules) > 0 {
			e.step = 7 * 24 * 3600 * 1e6
			if e.other, err = rrule.NewRRule(rrule.ROption{Freq: rrule.WEEKLY, Dtstart: at.In(e.loc)}); err != nil {
				b.Fatal(err)
			}
			e.first += max(0, (windowFrom.UnixMicro()-e.first)/e.step-1) * e.step
		}
		changes, err := zone.Transitions(e.loc, windowFrom.AddDate(0, 0, -30), windowTill)
		if err != nil {
			b.Fatal(err)
		}
		e.changes, e.offsets = []int64{-1 << 62}, []int64{int64(changes[0].Offset) * 1e6}
		for k, t := range changes[1:] {
			e.changes = append(e.changes, t.At.UnixMicro()+int64(max(t.Offset, changes[k].Offset))*1e6)
			e.offsets = append(e.offsets, int64(t.Offset)*1e6)
		}
	}
	return events
}

func bareExpand(events []benchEvent, out []interval.Set) []interval.Set {
	from, till := windowFrom.UnixMicro(), windowTill.UnixMicro()
	for i := range out {
		out[i] = out[i][:0]
	}
	for i := range events {
		e := &events[i]
		for at := e.first; ; at += e.step {
			k := len(e.changes) - 1
			for e.changes[k] > at {
				k--
			}
			start := at - e.offsets[k]
			if start >= till {
				break
			}
			if start+e.duration > from {
				out[e.calendar] = append(out[e.calendar], interval.Span{Start: start, End: start + e.duration})
			}
			if e.step == 0 {
				break
			}
		}
	}
	merge(out)
	return out
}

func merge(sets []interval.Set) {
	for i, set := range sets {
		slices.SortFunc(set, func(a, b interval.Span) int {
			switch {
			case a.Start < b.Start:
				return -1
			case a.Start > b.Start:
				return 1
			}
			return 0
		})
		merged := set[:0]
		for _, s := range set {
			if n := len(merged); n > 0 && s.Start <= merged[n-1].End {
				merged[n-1].End = max(merged[n-1].End, s.End)
				continue
			}
			merged = append(merged, s)
		}
		sets[i] = merged
	}
}

func expand(b *testing.B, events []benchEvent, out []interval.Set) []interval.Set {
	from, till := windowFrom.Unix(), windowTill.Unix()
	for i := range out {
		out[i] = out[i][:0]
	}
	for i := range events {
		e := &events[i]
		spans := out[e.calendar]
		err := e.series.Each(from, till, func(start, end int64) bool {
			spans = append(spans, interval.Span{Start: start * 1e6, End: end * 1e6})
			return true
		})
		if err != nil {
			b.Fatal(err)
		}
		out[e.calendar] = spans
	}
	for i := range out {
		out[i] = interval.Normalize(out[i])
	}
	return out
}

func otherExpand(events []benchEvent, out []interval.Set) []interval.Set {
	for i := range out {
		out[i] = out[i][:0]
	}
	for i := range events {
		e := &events[i]
		add := func(at time.Time) {
			s := interval.Span{Start: at.UnixMicro(), End: at.Add(e.length).UnixMicro()}
			if s.Start < windowTill.UnixMicro() && s.End > windowFrom.UnixMicro() {
				out[e.calendar] = append(out[e.calendar], s)
			}
		}
		if e.other == nil {
			add(time.UnixMicro(e.first - e.offsets[0]))
			continue
		}
		for _, at := range e.other.Between(windowFrom.Add(-e.length), windowTill, true) {
			add(at)
		}
	}
	merge(out)
	return out
}

func BenchmarkExpand(b *testing.B) {
	events := benchEvents(b)
	bare, ours, other := make([]interval.Set, 100), make([]interval.Set, 100), make([]interval.Set, 100)
	bareExpand(events, bare)
	expand(b, events, ours)
	if !slices.EqualFunc(bare, ours, func(a, b interval.Set) bool { return slices.Equal(a, b) }) {
		b.Fatal("the bare loop and the series differ")
	}
	b.Run("bare", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			bareExpand(events, bare)
		}
	})
	b.Run("series", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			expand(b, events, ours)
		}
	})
	b.Run("rrule-go", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			otherExpand(events, other)
		}
	})
	b.Run("ratio", func(b *testing.B) {
		var t, base time.Duration
		for range b.N {
			began := time.Now()
			bareExpand(events, bare)
			middle := time.Now()
			expand(b, events, ours)
			base, t = base+middle.Sub(began), t+time.Since(middle)
		}
		b.ReportMetric(float64(t)/float64(base), "x-bare")
	})
}

func BenchmarkCompile(b *testing.B) {
	for _, rule := range []string{"FREQ=WEEKLY;BYDAY=MO,WE", "FREQ=DAILY;COUNT=500", "FREQ=MONTHLY;BYDAY=-1FR;UNTIL=20301231T235959Z"} {
		b.Run(rule, func(b *testing.B) {
			b.ReportAllocs()
			spec := recurrence.Spec{Start: zone.Wall{Year: 2026, Month: 1, Day: 5, Hour: 9}, Zone: time.UTC, Duration: time.Hour, RRules: []string{rule}}
			for range b.N {
				if _, err := recurrence.Compile(spec); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkWeek asks for one week of a daily series, at its beginning and ten
// years on: the cost must not grow with the distance.
func BenchmarkWeek(b *testing.B) {
	loc, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		b.Fatal(err)
	}
	start := time.Date(2016, 3, 1, 9, 0, 0, 0, loc)
	for _, rule := range []string{"FREQ=DAILY", "FREQ=DAILY;COUNT=100000", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU", "FREQ=MINUTELY;INTERVAL=1440"} {
		s, err := recurrence.Compile(recurrence.Spec{Start: zone.WallOf(start, loc), Zone: loc, Duration: time.Hour, RRules: []string{rule}})
		if err != nil {
			b.Fatal(err)
		}
		for _, years := range []int{0, 10} {
			b.Run(fmt.Sprintf("%s/year=%d", rule, years), func(b *testing.B) {
				b.ReportAllocs()
				from := start.AddDate(years, 1, 0)
				till := from.AddDate(0, 0, 7)
				for range b.N {
					if found, err := s.Between(from, till); err != nil || len(found) != 7 && len(found) != 8 {
						b.Fatal(len(found), err)
					}
				}
			})
		}
	}
	b.Run("rrule-go/FREQ=DAILY/year=10", func(b *testing.B) {
		b.ReportAllocs()
		r, err := rrule.NewRRule(rrule.ROption{Freq: rrule.DAILY, Dtstart: start})
		if err != nil {
			b.Fatal(err)
		}
		from := start.AddDate(10, 1, 0)
		for range b.N {
			r.Between(from, from.AddDate(0, 0, 7), true)
		}
	})
}
