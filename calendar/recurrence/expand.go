package recurrence

import (
	"fmt"
	"slices"

	"rmp/calendar/zone"
)

// A rule is a sequence of periods (seconds, …, days, weeks, months, years) of
// which every Interval-th counts; each period gives a set of starts, in order.

// iterator walks the starts of a plan in order, from some period on. It is
// used once, by one goroutine.
type iterator struct {
	*plan
	period int64 // index of the next period; each is Interval units after the one before
	set    []zone.Seconds
	at     int // of set: the next start
	days   []int
	work   int          // what was looked at so far
	before zone.Seconds // the last start, or where the search began
}

// maxWork bounds what one call may look at; maxWait is how long a rule may
// give no start until it is taken as one that never will: the calendar
// repeats itself after 400 years.
const (
	maxWork = 2_000_000
	maxWait = zone.Seconds(800*366) * zone.DaySeconds
)

var errWork = fmt.Errorf("%w: more than %d steps to look at", ErrTooMany, maxWork)

func (p *plan) iterator(from zone.Seconds) *iterator {
	it := &iterator{plan: p, before: max(from, p.start)}
	it.seek(from)
	return it
}

// seek moves to the last period that can give a start at or after s.
func (it *iterator) seek(s zone.Seconds) {
	if s <= it.start {
		return
	}
	var units int64
	switch it.r.Freq {
	case Yearly:
		y, _, _ := zone.Civil(s.Day())
		units = int64(y - it.year - 1) // weeks of a year may reach into the next
	case Monthly:
		y, m, _ := zone.Civil(s.Day())
		units = int64((y-it.year)*12 + m - it.month)
	case Weekly:
		units = int64((s.Day() - it.week) / 7)
	case Daily:
		units = int64(s.Day() - it.day)
	default:
		units = int64((s - it.base()) / it.unit)
	}
	it.period = max(0, units/int64(it.r.Interval))
}

// base is where the first period begins, for frequencies below a day.
func (it *iterator) base() zone.Seconds {
	return it.start - zone.Seconds(it.start.OfDay())%it.unit
}

// next answers the next start. It ends at limit, at the rule's own end, or
// with an error when it took too much work.
func (it *iterator) next(limit zone.Seconds) (s zone.Seconds, ok bool, err error) {
	for {
		for it.at < len(it.set) {
			s = it.set[it.at]
			it.at++
			if s > it.last || s > limit {
				return 0, false, nil
			}
			if s >= it.start {
				it.before = s
				return s, true, nil
			}
		}
		it.set, it.at = it.set[:0], 0
		begins, ok := it.fill(min(limit, it.last, it.before+maxWait))
		if !ok || begins > it.last || begins > limit || begins-it.before > maxWait {
			return 0, false, nil
		}
		if it.work++; it.work > maxWork {
			return 0, false, errWork
		}
	}
}

// fill puts the starts of the next period into set, and answers the earliest
// time a start of it could have. It is false when no period follows.
func (it *iterator) fill(limit zone.Seconds) (begins zone.Seconds, ok bool) {
	if it.empty {
		return 0, false
	}
	n := it.period * int64(it.r.Interval)
	if it.r.Freq < Daily {
		return it.fillShort(limit)
	}
	it.period++
	it.days = it.days[:0]
	switch it.r.Freq {
	case Daily:
		day := it.day + int(n)
		begins = zone.Seconds(day) * zone.DaySeconds
		if it.dayPasses(day) {
			it.days = append(it.days, day)
		}
	case Weekly:
		first := it.week + 7*int(n)
		begins = zone.Seconds(first) * zone.DaySeconds
		it.weekDays(first)
	case Monthly:
		m := it.month - 1 + int(n)
		y, m := it.year+m/12, m%12+1
		first := zone.DayNumber(y, m, 1)
		begins = zone.Seconds(first) * zone.DaySeconds
		it.monthOf(y, m, first)
	default:
		y := it.year + int(n)
		begins = zone.Seconds(zone.DayNumber(y, 1, 1)-6) * zone.DaySeconds
		it.yearOf(y)
	}
	if len(it.r.BySetPos) == 0 && len(it.times) == 1 {
		for _, d := range it.days {
			it.set = append(it.set, zone.Seconds(d)*zone.DaySeconds+it.times[0])
		}
		return begins, true
	}
	for _, d := range it.days {
		for _, t := range it.times {
			it.set = append(it.set, zone.Seconds(d)*zone.DaySeconds+t)
		}
	}
	it.pickPositions()
	return begins, true
}

func (it *iterator) pickPositions() {
	if len(it.r.BySetPos) == 0 {
		return
	}
	var picked []zone.Seconds
	for _, p := range it.r.BySetPos {
		i := p - 1
		if p < 0 {
			i = len(it.set) + p
		}
		if i >= 0 && i < len(it.set) {
			picked = append(picked, it.set[i])
		}
	}
	slices.Sort(picked)
	it.set = append(it.set[:0], slices.Compact(picked)...)
}

func (it *iterator) weekDays(first int) {
	if !it.byDay { // the weekday of DTSTART
		d := first + it.day - it.week
		if !it.byMonth || it.monthPasses(d) {
			it.days = append(it.days, d)
		}
		return
	}
	for d := first; d < first+7; d++ {
		if it.weekdays&(1<<zone.Weekday(d)) != 0 && (!it.byMonth || it.monthPasses(d)) {
			it.days = append(it.days, d)
		}
	}
}

func (it *iterator) monthPasses(day int) bool {
	_, m, _ := zone.Civil(day)
	return it.months&(1<<m) != 0
}

// monthOf adds the days of one month, in a monthly rule.
func (it *iterator) monthOf(y, m, first int) {
	n := zone.MonthDays(y, m)
	if it.months&(1<<m) == 0 {
		return
	}
	if !it.byDay && !it.byMonthDay { // the day of DTSTART, where the month has it
		if it.dom <= n && it.datePasses(y, m, it.dom, first+it.dom-1) {
			it.days = append(it.days, first+it.dom-1)
		}
		return
	}
	for d := 1; d <= n; d++ {
		if it.datePasses(y, m, d, first+d-1) && it.ordinalPasses(first+d-1, first, n) {
			it.days = append(it.days, first+d-1)
		}
	}
}

// yearOf adds the days of one year, in a yearly rule.
func (it *iterator) yearOf(y int) {
	if len(it.r.ByWeek) > 0 {
		it.weeksOf(y)
		return
	}
	first := zone.DayNumber(y, 1, 1)
	for m := 1; m <= 12; m++ {
		n := zone.MonthDays(y, m)
		if it.months&(1<<m) == 0 {
			first += n
			continue
		}
		switch {
		case it.byDay || it.byMonthDay || len(it.r.ByYearDay) > 0:
			span, length := first, n // in which ordinals of BYDAY count
			if !it.byMonth {
				span, length = zone.DayNumber(y, 1, 1), zone.YearDays(y)
			}
			for d := 1; d <= n; d++ {
				if it.datePasses(y, m, d, first+d-1) && it.ordinalPasses(first+d-1, span, length) {
					it.days = append(it.days, first+d-1)
				}
			}
		case it.dom <= n && (it.byMonth || m == it.month):
			it.days = append(it.days, first+it.dom-1)
		}
		first += n
	}
}

// weeksOf is BYWEEKNO: days of the numbered weeks, which may lie in the years
// beside.
func (it *iterator) weeksOf(y int) {
	first := it.firstWeek(y)
	weeks := (it.firstWeek(y+1) - first) / 7
	for w := 1; w <= weeks; w++ {
		if !slices.Contains(it.r.ByWeek, w) && !slices.Contains(it.r.ByWeek, w-weeks-1) {
			continue
		}
		for d := first + 7*(w-1); d < first+7*w; d++ {
			yy, m, dom := zone.Civil(d)
			if !it.datePasses(yy, m, dom, d) {
				continue
			}
			switch {
			case it.byDay:
				if it.weekdays&(1<<zone.Weekday(d)) == 0 {
					continue
				}
			case !it.byMonthDay && len(it.r.ByYearDay) == 0 && zone.Weekday(d) != zone.Weekday(it.day):
				continue
			}
			it.days = append(it.days, d)
		}
	}
}

// fillShort is fill for frequencies below a day. Where a day, hour or minute
// cannot pass it goes on to the next one at once.
func (it *iterator) fillShort(limit zone.Seconds) (begins zone.Seconds, ok bool) {
	step := it.unit * zone.Seconds(it.r.Interval)
	for {
		at := it.base() + zone.Seconds(it.period)*step
		if at > limit {
			return at, false
		}
		var next zone.Seconds
		t := at.OfDay()
		switch {
		case !it.dayPasses(at.Day()):
			next = it.nextDay(at.Day(), limit)
		case it.hours&(1<<(t/3600)) == 0:
			next = at - zone.Seconds(t%3600) + 3600
		case it.r.Freq < Hourly && it.minutes&(1<<(t/60%60)) == 0:
			next = at - zone.Seconds(t%60) + 60
		case it.r.Freq < Minutely && it.seconds&(1<<(t%60)) == 0:
			next = at + 1
		default:
			it.period++
			for _, off := range it.times {
				it.set = append(it.set, at+off)
			}
			it.pickPositions()
			return at, true
		}
		it.period = int64((next - it.base() + step - 1) / step)
		if it.work++; it.work > maxWork {
			return at, true // next ends with the error
		}
	}
}

// nextDay is midnight of the next day that passes.
func (it *iterator) nextDay(day int, limit zone.Seconds) zone.Seconds {
	for {
		day++
		at := zone.Seconds(day) * zone.DaySeconds
		it.work++
		if at > limit || it.work > maxWork || it.dayPasses(day) {
			return at
		}
	}
}
