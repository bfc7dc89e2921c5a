package recurrence

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rmp/calendar/zone"
)

// The naive model: look at every candidate of a clock, one minute (or hour, or
// second) after the other, and ask of each whether the text of RFC 5545 lets
// it in. It shares nothing with the expansion but the parsed rule.

// naiveStarts answers the readings in [start, till) that the rule gives.
func naiveStarts(r *Rule, start, till time.Time, step time.Duration) []time.Time {
	var all []time.Time
	periods := map[string][]time.Time{} // starts of each period, for BYSETPOS
	var order []string
	begin := periodStart(r, start)
	if r.Freq >= Hourly && len(r.ByMinute) == 0 { // the minute can only be that of DTSTART
		begin, step = begin.Add(time.Duration(start.Minute())*time.Minute), time.Hour
	}
	margin := map[Freq]int{Yearly: 366, Monthly: 31, Weekly: 7, Daily: 1}[r.Freq] // the last period, to its end
	for at := begin; at.Before(till.AddDate(0, 0, margin)); at = at.Add(step) {
		if !naiveTime(r, start, at) {
			continue
		}
		key, ok := naivePeriod(r, start, at)
		if !ok || !naiveMatch(r, start, at) {
			continue
		}
		if _, seen := periods[key]; !seen {
			order = append(order, key)
		}
		periods[key] = append(periods[key], at)
	}
	for _, key := range order {
		set := periods[key]
		for i, at := range set {
			if len(r.BySetPos) == 0 || slices.Contains(r.BySetPos, i+1) || slices.Contains(r.BySetPos, i-len(set)) {
				all = append(all, at)
			}
		}
	}
	slices.SortFunc(all, func(a, b time.Time) int { return a.Compare(b) })
	out := all[:0]
	for _, at := range all {
		if !at.Before(start) && at.Before(till) {
			out = append(out, at)
		}
	}
	if !slices.ContainsFunc(out, start.Equal) { // DTSTART is always one
		out = append([]time.Time{start}, out...)
	}
	if r.Count > 0 && len(out) > r.Count {
		out = out[:r.Count]
	}
	return out
}

// periodStart is where the period of DTSTART begins, or earlier.
func periodStart(r *Rule, start time.Time) time.Time {
	switch r.Freq {
	case Yearly:
		return time.Date(start.Year()-1, 12, 20, 0, 0, start.Second(), 0, time.UTC)
	case Monthly:
		return time.Date(start.Year(), start.Month(), 1, 0, 0, start.Second(), 0, time.UTC)
	}
	return start.AddDate(0, 0, -7).Truncate(24 * time.Hour).Add(time.Duration(start.Second()) * time.Second)
}

// naivePeriod names the period that at belongs to, and says whether it is one
// of every Interval-th.
func naivePeriod(r *Rule, start, at time.Time) (string, bool) {
	n := 0
	days := func(t time.Time) int { return int(t.Truncate(24*time.Hour).Unix() / 86400) }
	switch r.Freq {
	case Yearly:
		n = at.Year() - start.Year()
		if len(r.ByWeek) > 0 {
			n = weekYear(at, r.Start) - start.Year()
		}
	case Monthly:
		n = (at.Year()-start.Year())*12 + int(at.Month()) - int(start.Month())
	case Weekly:
		week := func(t time.Time) int { return days(t) - (int(t.Weekday())-int(r.Start)+7)%7 }
		n = (week(at) - week(start)) / 7
	case Daily:
		n = days(at) - days(start)
	case Hourly:
		n = int(at.Truncate(time.Hour).Sub(start.Truncate(time.Hour)) / time.Hour)
	case Minutely:
		n = int(at.Truncate(time.Minute).Sub(start.Truncate(time.Minute)) / time.Minute)
	case Secondly:
		n = int(at.Sub(start) / time.Second)
	}
	return fmt.Sprint(n), n >= 0 && n%r.Interval == 0
}

// weekYear is the year whose weeks hold the day, for weeks that begin on wkst
// and have at least four days in the year.
func weekYear(at time.Time, wkst time.Weekday) int {
	first := at.AddDate(0, 0, -((int(at.Weekday()) - int(wkst) + 7) % 7))
	return first.AddDate(0, 0, 3).Year()
}

func weekNumber(at time.Time, wkst time.Weekday) (n, of int) {
	y := weekYear(at, wkst)
	for d := time.Date(y-1, 12, 20, 0, 0, 0, 0, time.UTC); d.Before(time.Date(y+1, 1, 10, 0, 0, 0, 0, time.UTC)); d = d.AddDate(0, 0, 1) {
		if d.Weekday() == wkst && weekYear(d, wkst) == y {
			of++
			if !d.After(at) {
				n++
			}
		}
	}
	return n, of
}

// naiveTime checks the time of day. What the rule does not say comes from
// DTSTART, down to its frequency.
func naiveTime(r *Rule, start, at time.Time) bool {
	hour, minute, second := at.Clock()
	passes := func(list []int, n, implied int, stepped bool) bool {
		if len(list) == 0 {
			return stepped || n == implied
		}
		return slices.Contains(list, n)
	}
	return passes(r.ByMinute, minute, start.Minute(), r.Freq <= Minutely) && passes(r.ByHour, hour, start.Hour(), r.Freq <= Hourly) &&
		passes(r.BySecond, second, start.Second(), r.Freq <= Secondly)
}

func naiveMatch(r *Rule, start, at time.Time) bool {
	has := func(list []int, n, fromEnd int) bool {
		return len(list) == 0 || slices.Contains(list, n) || slices.Contains(list, fromEnd)
	}
	const none = -1000
	monthEnd := time.Date(at.Year(), at.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
	yearEnd := time.Date(at.Year(), 12, 31, 0, 0, 0, 0, time.UTC).YearDay()
	if !has(r.ByMonth, int(at.Month()), none) || !has(r.ByMonthDay, at.Day(), at.Day()-monthEnd-1) || !has(r.ByYearDay, at.YearDay(), at.YearDay()-yearEnd-1) {
		return false
	}
	if len(r.ByWeek) > 0 {
		n, of := weekNumber(at, r.Start)
		if !has(r.ByWeek, n, n-of-1) {
			return false
		}
	}
	if len(r.ByDay) > 0 {
		nth, last := (at.Day()-1)/7+1, -((monthEnd-at.Day())/7 + 1)
		if r.Freq == Yearly && len(r.ByMonth) == 0 {
			nth, last = (at.YearDay()-1)/7+1, -((yearEnd-at.YearDay())/7 + 1)
		}
		if !slices.ContainsFunc(r.ByDay, func(d Day) bool {
			return d.Weekday == at.Weekday() && (d.N == 0 || d.N == nth || d.N == last)
		}) {
			return false
		}
	}
	if len(r.ByDay)+len(r.ByMonthDay)+len(r.ByYearDay) > 0 {
		return true
	}
	switch {
	case r.Freq == Weekly, r.Freq == Yearly && len(r.ByWeek) > 0:
		return at.Weekday() == start.Weekday()
	case r.Freq == Yearly && len(r.ByMonth) == 0:
		return at.Month() == start.Month() && at.Day() == start.Day()
	case r.Freq >= Monthly:
		return at.Day() == start.Day()
	}
	return true
}

// drawRule draws any rule that RFC 5545 allows at the frequency.
func drawRule(t *rapid.T, freq Freq) string {
	parts := []string{"FREQ=" + freqNames[freq]}
	optional := func(often int, name string, least, most int, zero bool) {
		if rapid.IntRange(0, often).Draw(t, name+"?") > 0 {
			return
		}
		var values []string
		for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(least, most), 1, 3, rapid.ID).Draw(t, name) {
			if n == 0 && !zero {
				n = 1
			}
			values = append(values, fmt.Sprint(n))
		}
		parts = append(parts, name+"="+strings.Join(values, ","))
	}
	if n := rapid.IntRange(1, 4).Draw(t, "interval"); n > 1 {
		parts = append(parts, fmt.Sprintf("INTERVAL=%d", n))
	}
	if rapid.IntRange(0, 3).Draw(t, "wkst?") == 0 {
		parts = append(parts, "WKST="+rapid.SampledFrom(weekdays).Draw(t, "wkst"))
	}
	if rapid.IntRange(0, 3).Draw(t, "count?") == 0 {
		parts = append(parts, fmt.Sprintf("COUNT=%d", rapid.IntRange(1, 9).Draw(t, "count")))
	}
	if freq != Daily && freq != Weekly && freq != Monthly {
		optional(5, "BYYEARDAY", -366, 366, false)
	}
	optional(4, "BYMONTH", 1, 12, false)
	if freq != Weekly {
		optional(3, "BYMONTHDAY", -31, 31, false)
	}
	week := false
	if freq == Yearly && rapid.IntRange(0, 3).Draw(t, "byweekno?") == 0 {
		optional(0, "BYWEEKNO", -53, 53, false)
		week = true
	}
	if rapid.IntRange(0, 2).Draw(t, "byday?") == 0 {
		var days []string
		for _, d := range rapid.SliceOfNDistinct(rapid.SampledFrom(weekdays), 1, 4, rapid.ID).Draw(t, "byday") {
			if (freq == Monthly || freq == Yearly && !week) && rapid.Bool().Draw(t, "ordinal?") {
				d = fmt.Sprint(rapid.SampledFrom([]int{1, 2, 3, 4, 5, -1, -2, -5}).Draw(t, "ordinal")) + d
			}
			days = append(days, d)
		}
		parts = append(parts, "BYDAY="+strings.Join(days, ","))
	}
	optional(4, "BYHOUR", 0, 23, true)
	optional(5, "BYMINUTE", 0, 59, true)
	if len(parts) > 2 && strings.Contains(strings.Join(parts[1:], ";"), "BY") {
		optional(4, "BYSETPOS", -4, 4, false)
	}
	return strings.Join(parts, ";")
}

// TestAgreesWithTheNaiveModel compares whole series, and windows anywhere in
// them, with a search minute by minute.
func TestAgreesWithTheNaiveModel(t *testing.T) {
	for _, c := range []struct {
		freq Freq
		days int
		step time.Duration
	}{{Yearly, 500, time.Minute}, {Monthly, 300, time.Minute}, {Weekly, 120, time.Minute}, {Daily, 90, time.Minute},
		{Hourly, 20, time.Minute}, {Minutely, 10, time.Minute}, {Secondly, 1, time.Second}} {
		t.Run(freqNames[c.freq], func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				rule := drawRule(t, c.freq)
				start := time.Date(2023, 11, rapid.IntRange(1, 60).Draw(t, "day"), rapid.IntRange(0, 23).Draw(t, "hour"), rapid.SampledFrom([]int{0, 15, 59}).Draw(t, "minute"), 0, 0, time.UTC)
				r, err := ParseRule(rule)
				if err != nil {
					t.Fatalf("%s: %v", rule, err)
				}
				end := start.AddDate(0, 0, c.days)
				var all []time.Time
				if c.freq == Secondly {
					all = naiveSeconds(r, start, end)
				} else {
					all = naiveStarts(r, start, end, c.step)
				}
				s, err := Compile(Spec{Start: zone.WallOf(start, time.UTC), Zone: time.UTC, RRules: []string{rule}})
				if errors.Is(err, ErrTooMany) && c.freq < Hourly && len(all) == 1 {
					return // a rule that in effect never gives a start, which takes too long to find out
				}
				if err != nil {
					t.Fatalf("%s: %v", rule, err)
				}
				for range 3 {
					from := start.Add(time.Duration(rapid.IntRange(-1000, c.days*1440).Draw(t, "from")) * time.Minute)
					till := from.Add(time.Duration(rapid.IntRange(1, c.days*1440).Draw(t, "length")) * time.Minute)
					if till.After(end) {
						till = end
					}
					var want []time.Time
					for _, at := range all {
						if !at.Before(from) && at.Before(till) {
							want = append(want, at)
						}
					}
					found, err := s.Between(from, till)
					if err != nil {
						t.Fatalf("%s: %v", rule, err)
					}
					var got []time.Time
					for _, o := range found {
						got = append(got, o.Start)
					}
					if !slices.EqualFunc(got, want, time.Time.Equal) {
						t.Fatalf("%s from %s in [%s, %s):\n got %v\nwant %v", rule, start, from, till, head(got), head(want))
					}
				}
			})
		})
	}
}

// naiveSeconds is naiveStarts second by second, over a day only.
func naiveSeconds(r *Rule, start, till time.Time) []time.Time {
	var out []time.Time
	for at := start; at.Before(till); at = at.Add(time.Second) {
		_, ok := naivePeriod(r, start, at)
		ok = ok && naiveTime(r, start, at) && naiveMatch(r, start, at) && (len(r.BySetPos) == 0 || slices.Contains(r.BySetPos, 1) || slices.Contains(r.BySetPos, -1))
		if ok || at.Equal(start) {
			out = append(out, at)
		}
		if r.Count > 0 && len(out) == r.Count {
			break
		}
	}
	return out
}

func head(list []time.Time) []string {
	var out []string
	for _, at := range list[:min(len(list), 12)] {
		out = append(out, at.Format("2006-01-02T15:04:05 Mon"))
	}
	return out
}
