package recurrence

import (
	"slices"
	"time"

	"rmp/calendar/zone"
)

// The expansion of a rule, as wall times. A rule is a sequence of periods
// (days, weeks, months, years) of which every Interval-th counts; each period
// gives a set of starts.

// iterator walks the starts of a rule in order, from a period on.
type iterator struct {
	r      *Rule
	start  zone.Wall // DTSTART
	period int       // index of the next period; each is Interval units after the one before
	set    []zone.Wall
	looked int       // periods looked at without a start
	last   zone.Wall // no start after this one is of interest; zero: all are
}

// maxEmpty is how many periods in a row may give no start until a rule is
// taken as one that never does. The calendar repeats itself after 400 years.
func (r *Rule) maxEmpty() int {
	switch r.Freq {
	case Yearly:
		return 800
	case Monthly:
		return 800 * 12
	}
	return 100_000
}

func (it *iterator) next() (zone.Wall, bool) {
	for len(it.set) == 0 {
		if it.looked > it.r.maxEmpty() {
			return zone.Wall{}, false
		}
		base, ok := it.base()
		// The weeks of a year may begin some days before it.
		if !ok || !it.last.IsZero() && it.last.Before(base.AddDays(-7)) {
			return zone.Wall{}, false
		}
		it.set = it.expand(base)
		it.period++
		it.looked++
	}
	it.looked = 0
	w := it.set[0]
	it.set = it.set[1:]
	return w, true
}

const day = 24 * time.Hour

// base is the beginning of the current period.
func (it *iterator) base() (zone.Wall, bool) {
	s, n := it.start, it.period*it.r.Interval
	var b zone.Wall
	switch it.r.Freq {
	case Yearly:
		b = zone.Wall{Year: s.Year + n, Month: 1, Day: 1}
	case Monthly:
		m := int(s.Month) - 1 + n
		b = zone.Wall{Year: s.Year + m/12, Month: time.Month(m%12 + 1), Day: 1}
	case Weekly:
		back := (int(s.Weekday()) - int(it.r.Start) + 7) % 7
		b = s.Date().AddDays(7*n - back)
	case Daily:
		b = s.Date().AddDays(n)
	case Hourly:
		b = zone.Wall{Year: s.Year, Month: s.Month, Day: s.Day, Hour: s.Hour}.Add(time.Duration(n) * time.Hour)
	case Minutely:
		b = zone.Wall{Year: s.Year, Month: s.Month, Day: s.Day, Hour: s.Hour, Minute: s.Minute}.Add(time.Duration(n) * time.Minute)
	default:
		b = s.Add(time.Duration(n) * time.Second)
	}
	return b, b.Year <= 9999
}

// seek moves to the last period that begins at or before w, or the first.
func (it *iterator) seek(w zone.Wall) {
	s := it.start
	var units int
	switch it.r.Freq {
	case Yearly:
		units = w.Year - s.Year
	case Monthly:
		units = (w.Year-s.Year)*12 + int(w.Month) - int(s.Month)
	case Weekly:
		units = int(w.Sub(s)/day) / 7
	case Daily:
		units = int(w.Sub(s) / day)
	case Hourly:
		units = int(w.Sub(s) / time.Hour)
	case Minutely:
		units = int(w.Sub(s) / time.Minute)
	default:
		units = int(w.Sub(s) / time.Second)
	}
	it.period = max(0, units/it.r.Interval-1)
	it.set, it.looked = nil, 0
}

// expand gives the starts of the period that begins at base, in order.
func (it *iterator) expand(base zone.Wall) []zone.Wall {
	r := it.r
	var out []zone.Wall
	if r.Freq < Daily {
		if !r.dayPasses(base) || !in(r.ByHour, base.Hour) || r.Freq < Hourly && !in(r.ByMinute, base.Minute) || r.Freq < Minutely && !in(r.BySecond, base.Second) {
			return nil
		}
		out = it.times([]zone.Wall{base.Date()}, base)
	} else {
		out = it.times(it.days(base), base)
	}
	if len(r.BySetPos) > 0 {
		var picked []zone.Wall
		for _, p := range r.BySetPos {
			i := p - 1
			if p < 0 {
				i = len(out) + p
			}
			if i >= 0 && i < len(out) {
				picked = append(picked, out[i])
			}
		}
		slices.SortFunc(picked, compare)
		out = slices.Compact(picked)
	}
	// Nothing comes before DTSTART.
	return slices.DeleteFunc(out, func(w zone.Wall) bool { return w.Before(it.start) })
}

// days gives the days of a period of a day or more, in order.
func (it *iterator) days(base zone.Wall) []zone.Wall {
	r := it.r
	switch r.Freq {
	case Daily:
		if r.dayPasses(base) && r.weekdayPasses(base) {
			return []zone.Wall{base}
		}
		return nil
	case Weekly:
		var out []zone.Wall
		for i := range 7 {
			d := base.AddDays(i)
			if len(r.ByDay) == 0 && d.Weekday() != it.start.Weekday() || !r.weekdayPasses(d) || !in(r.ByMonth, int(d.Month)) {
				continue
			}
			out = append(out, d)
		}
		return out
	}
	// Years and months: every day of the period that all the parts let pass.
	n, first := monthDays(base), base
	if r.Freq == Yearly {
		n = yearDays(base.Year)
		if len(r.ByWeek) > 0 { // weeks reach over the turn of the year
			first, n = base.AddDays(-6), n+12
		}
	}
	implied := len(r.ByDay) == 0 && len(r.ByMonthDay) == 0 && len(r.ByYearDay) == 0
	var out []zone.Wall
	for i := range n {
		d := first.AddDays(i)
		if !in(r.ByMonth, int(d.Month)) || !r.monthDayPasses(d) || !r.yearDayPasses(d) || !r.weekPasses(d, base.Year) || !r.ordinalPasses(d) {
			continue
		}
		if implied {
			switch {
			case r.Freq == Yearly && len(r.ByWeek) > 0:
				if d.Weekday() != it.start.Weekday() {
					continue
				}
			case d.Day != it.start.Day, r.Freq == Yearly && len(r.ByMonth) == 0 && d.Month != it.start.Month:
				continue
			}
		}
		if len(r.ByWeek) == 0 && d.Year != base.Year {
			continue
		}
		out = append(out, d)
	}
	return out
}

// times puts the times of day onto the days.
func (it *iterator) times(days []zone.Wall, base zone.Wall) []zone.Wall {
	r := it.r
	pick := func(by []int, finer bool, own, start int) []int {
		switch {
		case finer: // the frequency itself steps through this unit
			return []int{own}
		case len(by) > 0:
			return by
		}
		return []int{start}
	}
	hours := pick(r.ByHour, r.Freq <= Hourly, base.Hour, it.start.Hour)
	minutes := pick(r.ByMinute, r.Freq <= Minutely, base.Minute, it.start.Minute)
	seconds := pick(r.BySecond, r.Freq <= Secondly, base.Second, it.start.Second)
	out := make([]zone.Wall, 0, len(days)*len(hours)*len(minutes)*len(seconds))
	for _, d := range days {
		for _, h := range hours {
			for _, m := range minutes {
				for _, s := range seconds {
					d.Hour, d.Minute, d.Second = h, m, min(s, 59)
					out = append(out, d)
				}
			}
		}
	}
	return out
}

func in(list []int, n int) bool { return len(list) == 0 || slices.Contains(list, n) }

// dayPasses is for frequencies of a day and less: every part but BYDAY only
// restricts.
func (r *Rule) dayPasses(d zone.Wall) bool {
	return in(r.ByMonth, int(d.Month)) && r.monthDayPasses(d) && r.yearDayPasses(d) && r.weekdayPasses(d)
}

func (r *Rule) weekdayPasses(d zone.Wall) bool {
	return len(r.ByDay) == 0 || slices.ContainsFunc(r.ByDay, func(b Day) bool { return b.Weekday == d.Weekday() })
}

func (r *Rule) monthDayPasses(d zone.Wall) bool {
	return len(r.ByMonthDay) == 0 || slices.Contains(r.ByMonthDay, d.Day) || slices.Contains(r.ByMonthDay, d.Day-monthDays(d)-1)
}

func (r *Rule) yearDayPasses(d zone.Wall) bool {
	if len(r.ByYearDay) == 0 {
		return true
	}
	n := yearDay(d)
	return slices.Contains(r.ByYearDay, n) || slices.Contains(r.ByYearDay, n-yearDays(d.Year)-1)
}

// weekPasses is BYWEEKNO: the weeks of the year begin on WKST, the first is
// the one with at least four days in the year.
func (r *Rule) weekPasses(d zone.Wall, year int) bool {
	if len(r.ByWeek) == 0 {
		return true
	}
	first := firstWeek(year, r.Start)
	weeks := int(firstWeek(year+1, r.Start).Sub(first)/day) / 7
	off := int(d.Sub(first) / day)
	if d.Before(first) || off/7 >= weeks {
		return false
	}
	n := off/7 + 1
	return slices.Contains(r.ByWeek, n) || slices.Contains(r.ByWeek, n-weeks-1)
}

func firstWeek(year int, wkst time.Weekday) zone.Wall {
	jan4 := zone.Wall{Year: year, Month: 1, Day: 4}
	return jan4.AddDays(-((int(jan4.Weekday()) - int(wkst) + 7) % 7))
}

// ordinalPasses is BYDAY in months and years: 2MO is the second Monday of the
// month (of the year, when no month is named).
func (r *Rule) ordinalPasses(d zone.Wall) bool {
	if len(r.ByDay) == 0 {
		return true
	}
	nth, last := (d.Day-1)/7+1, (monthDays(d)-d.Day)/7+1
	if r.Freq == Yearly && len(r.ByMonth) == 0 {
		n := yearDay(d)
		nth, last = (n-1)/7+1, (yearDays(d.Year)-n)/7+1
	}
	return slices.ContainsFunc(r.ByDay, func(b Day) bool {
		return b.Weekday == d.Weekday() && (b.N == 0 || b.N == nth || b.N == -last)
	})
}

func monthDays(d zone.Wall) int {
	return zone.Wall{Year: d.Year, Month: d.Month + 1, Day: 1}.AddDays(-1).Day
}

func yearDays(y int) int {
	if y%4 == 0 && (y%100 != 0 || y%400 == 0) {
		return 366
	}
	return 365
}

func yearDay(d zone.Wall) int {
	return int(d.Date().Sub(zone.Wall{Year: d.Year, Month: 1, Day: 1})/day) + 1
}

func compare(a, b zone.Wall) int {
	switch {
	case a.Before(b):
		return -1
	case b.Before(a):
		return 1
	}
	return 0
}
