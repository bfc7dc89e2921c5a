package recurrence

import (
	"fmt"
	"slices"

	"rmp/calendar/zone"
)

// plan is a rule prepared for one DTSTART: sets of numbers as bit masks, times
// of day as seconds, and what DTSTART implies where the rule says nothing.
type plan struct {
	r     *Rule
	start zone.Seconds
	last  zone.Seconds // no start of the rule is after it
	// untilUnix is UNTIL where it is an instant, in Unix seconds, else 0.
	untilUnix int64

	day              int // DTSTART's day number, and its date
	year, month, dom int
	week             int // the first day of DTSTART's week

	months    uint16 // BYMONTH, bit 1 is January; all bits if not given
	weekdays  uint8  // of BYDAY without ordinals; all bits if not given
	monthDays uint32 // BYMONTHDAY above 0
	lastDays  uint32 // BYMONTHDAY below 0: bit 1 is the last day
	hours     uint32
	minutes   uint64
	seconds   uint64

	byMonth, byMonthDay, byDay bool
	dateParts                  bool // some part restricts by year, month or day of month
	times                      []zone.Seconds
	unit                       zone.Seconds // of a period, for frequencies below a day
	empty                      bool         // the rule never gives a start
}

// maxSeconds is the last second of the year 9999, after which nothing recurs.
var maxSeconds = zone.Wall{Year: 9999, Month: 12, Day: 31, Hour: 23, Minute: 59, Second: 59}.Seconds()

// maxTimes bounds the starts that one day (one period, where that is shorter)
// may have: a day has this many minutes.
const maxTimes = 24 * 60

func newPlan(r *Rule, start zone.Seconds) (*plan, error) {
	if n := max(1, len(r.ByHour)) * max(1, len(r.ByMinute)) * max(1, len(r.BySecond)); n > maxTimes {
		return nil, fmt.Errorf("recurrence rule: BYHOUR, BYMINUTE and BYSECOND: %w: %d a day, at most %d are supported", ErrTooMany, n, maxTimes)
	}
	p := &plan{r: r, start: start, last: maxSeconds, day: start.Day()}
	p.year, p.month, p.dom = zone.Civil(p.day)
	p.week = p.day - (int(zone.Weekday(p.day))-int(r.Start)+7)%7

	p.months, p.byMonth = 0x1ffe, len(r.ByMonth) > 0
	if p.byMonth {
		p.months = uint16(mask(r.ByMonth))
	}
	p.weekdays, p.byDay = 0x7f, len(r.ByDay) > 0
	if p.byDay {
		p.weekdays = 0
		for _, d := range r.ByDay {
			p.weekdays |= 1 << d.Weekday
		}
	}
	p.byMonthDay = len(r.ByMonthDay) > 0
	for _, n := range r.ByMonthDay {
		if n > 0 {
			p.monthDays |= 1 << n
		} else {
			p.lastDays |= 1 << -n
		}
	}
	p.dateParts = p.byMonth || p.byMonthDay || len(r.ByYearDay) > 0
	p.hours, p.minutes, p.seconds = 1<<24-1, 1<<60-1, 1<<60-1
	if len(r.ByHour) > 0 {
		p.hours = uint32(mask(r.ByHour))
	}
	if len(r.ByMinute) > 0 {
		p.minutes = mask(r.ByMinute)
	}
	if len(r.BySecond) > 0 {
		p.seconds = mask(leapless(r.BySecond))
	}
	p.prepareTimes()
	p.empty = p.impossible()
	return p, nil
}

func mask(list []int) (m uint64) {
	for _, n := range list {
		m |= 1 << n
	}
	return m
}

// leapless counts a leap second as the one before it.
func leapless(seconds []int) []int {
	out := slices.Clone(seconds)
	for i := range out {
		out[i] = min(out[i], 59)
	}
	return slices.Compact(out)
}

// prepareTimes computes the offsets of the starts within a day, or within a
// period where that is shorter.
func (p *plan) prepareTimes() {
	r, t := p.r, p.start.OfDay()
	pick := func(by []int, implied int, stepped bool) []int {
		switch {
		case stepped: // the frequency itself goes through this unit
			return []int{0}
		case len(by) > 0:
			return by
		}
		return []int{implied}
	}
	hours := pick(r.ByHour, t/3600, r.Freq < Daily)
	minutes := pick(r.ByMinute, t/60%60, r.Freq < Hourly)
	seconds := pick(leapless(r.BySecond), t%60, r.Freq < Minutely)
	for _, h := range hours {
		for _, m := range minutes {
			for _, s := range seconds {
				p.times = append(p.times, zone.Seconds(h*3600+m*60+s))
			}
		}
	}
	switch r.Freq {
	case Hourly:
		p.unit = 3600
	case Minutely:
		p.unit = 60
	case Secondly:
		p.unit = 1
	}
}

// impossible reports whether no start can match, such as 30 February or the
// third of one: the cheap check for rules that would be searched for in vain.
func (p *plan) impossible() bool {
	if p.r.Freq < Daily && len(p.r.BySetPos) > 0 {
		n := len(p.times)
		if !slices.ContainsFunc(p.r.BySetPos, func(i int) bool { return -n <= i && i <= n }) {
			return true
		}
	}
	if p.r.Freq < Daily && !p.timeReachable() {
		return true
	}
	if !p.byMonth || p.lastDays != 0 || p.monthDays == 0 {
		return false
	}
	for m := 1; m <= 12; m++ {
		if p.months&(1<<m) != 0 && p.monthDays&(1<<(zone.MonthDays(2000, m)+1)-1) != 0 {
			return false
		}
	}
	return true
}

// timeReachable reports whether, for a frequency below a day, some step can
// ever fall on a time of day that passes: every second hour from one o'clock
// never is at noon.
func (p *plan) timeReachable() bool {
	if len(p.r.ByHour)+len(p.r.ByMinute)+len(p.r.BySecond) == 0 {
		return true
	}
	perDay := zone.DaySeconds / int(p.unit)
	step, rest := p.r.Interval, perDay
	for rest != 0 {
		step, rest = rest, step%rest // their greatest common divisor
	}
	for n := p.start.OfDay() / int(p.unit) % step; n < perDay; n += step {
		t := n * int(p.unit)
		if p.hours&(1<<(t/3600)) != 0 && (p.r.Freq == Hourly || p.minutes&(1<<(t/60%60)) != 0) && (p.r.Freq > Secondly || p.seconds&(1<<(t%60)) != 0) {
			return true
		}
	}
	return false
}

// dayPasses reports whether a day passes all parts that only restrict, for
// frequencies of a day and less.
func (p *plan) dayPasses(day int) bool {
	if p.weekdays&(1<<zone.Weekday(day)) == 0 {
		return false
	}
	if !p.dateParts {
		return true
	}
	y, m, d := zone.Civil(day)
	return p.datePasses(y, m, d, day)
}

// datePasses checks BYMONTH, BYMONTHDAY and BYYEARDAY.
func (p *plan) datePasses(y, m, d, day int) bool {
	if p.months&(1<<m) == 0 {
		return false
	}
	if p.byMonthDay && p.monthDays&(1<<d) == 0 && p.lastDays&(1<<(zone.MonthDays(y, m)-d+1)) == 0 {
		return false
	}
	if len(p.r.ByYearDay) == 0 {
		return true
	}
	n := day - zone.DayNumber(y, 1, 1) + 1
	return slices.Contains(p.r.ByYearDay, n) || slices.Contains(p.r.ByYearDay, n-zone.YearDays(y)-1)
}

// ordinalPasses is BYDAY in a span of days (a month or a year) that begins at
// first and is n days long: 2MO is its second Monday, -1FR its last Friday.
func (p *plan) ordinalPasses(day, first, n int) bool {
	if !p.byDay {
		return true
	}
	w := zone.Weekday(day)
	if p.weekdays&(1<<w) == 0 {
		return false
	}
	nth, last := (day-first)/7+1, (first+n-1-day)/7+1
	for _, b := range p.r.ByDay {
		if b.Weekday == w && (b.N == 0 || b.N == nth || b.N == -last) {
			return true
		}
	}
	return false
}

// firstWeek is the day on which week 1 of a year begins: the first week with
// at least four days in the year.
func (p *plan) firstWeek(year int) int {
	jan4 := zone.DayNumber(year, 1, 4)
	return jan4 - (int(zone.Weekday(jan4))-int(p.r.Start)+7)%7
}
