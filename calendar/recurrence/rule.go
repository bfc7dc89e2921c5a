// Package recurrence expands recurring events (RFC 5545 section 3.8.5).
//
// A rule is expanded in the wall time of its zone, so that a meeting at nine
// stays at nine when the clocks change. A start that falls into a gap of the
// clock takes the offset before the gap; one in an overlap is the first of
// the two instants (package zone).
//
// Compile checks a Spec once; Between then seeks to the window: the cost does
// not grow with its distance from the start, except for rules with COUNT,
// whose occurrences have to be counted. No rule can run away: an expansion
// looks at a bounded number of candidates and says so when that is not
// enough.
package recurrence

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"rmp/calendar/zone"
)

// Freq is the frequency of a rule.
type Freq uint8

// The frequencies.
const (
	Secondly Freq = iota
	Minutely
	Hourly
	Daily
	Weekly
	Monthly
	Yearly
)

var freqNames = []string{"SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"}

// Day is a weekday, with an ordinal within the month or year: 2MO, -1FR.
type Day struct {
	N       int
	Weekday time.Weekday
}

// Rule is a parsed RRULE.
type Rule struct {
	Freq     Freq
	Interval int
	Count    int // 0: none
	Until    zone.Wall
	UntilUTC bool // Until is an instant
	UntilDay bool // Until is a date: the whole day counts
	Start    time.Weekday

	BySecond, ByMinute, ByHour    []int
	ByDay                         []Day
	ByMonthDay, ByYearDay, ByWeek []int
	ByMonth, BySetPos             []int
}

var weekdays = []string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}

// ParseRule reads the text of an RRULE: FREQ=WEEKLY;BYDAY=MO,WE.
func ParseRule(s string) (*Rule, error) {
	r := &Rule{Interval: 1, Start: time.Monday}
	if len(s) > 10_000 {
		return nil, fmt.Errorf("recurrence rule: longer than 10,000 bytes")
	}
	s = strings.ToUpper(strings.TrimSpace(s))
	s = strings.TrimPrefix(s, "RRULE:")
	seen := map[string]bool{}
	for part := range strings.SplitSeq(s, ";") {
		if part == "" {
			continue
		}
		name, value, ok := strings.Cut(part, "=")
		if !ok || value == "" {
			return nil, fmt.Errorf("recurrence rule: %q is not NAME=VALUE", clip(part))
		}
		if seen[name] {
			return nil, fmt.Errorf("recurrence rule: %s is given twice", clip(name))
		}
		seen[name] = true
		if err := r.part(name, value); err != nil {
			return nil, fmt.Errorf("recurrence rule: %s: %w", clip(name), err)
		}
	}
	switch {
	case !seen["FREQ"]:
		return nil, fmt.Errorf("recurrence rule: FREQ is missing")
	case r.Count > 0 && !r.Until.IsZero():
		return nil, fmt.Errorf("recurrence rule: COUNT and UNTIL exclude each other")
	case len(r.ByWeek) > 0 && r.Freq != Yearly:
		return nil, fmt.Errorf("recurrence rule: BYWEEKNO goes with FREQ=YEARLY only")
	case len(r.BySetPos) > 0 && len(r.BySecond)+len(r.ByMinute)+len(r.ByHour)+len(r.ByDay)+len(r.ByMonthDay)+len(r.ByYearDay)+len(r.ByWeek)+len(r.ByMonth) == 0:
		return nil, fmt.Errorf("recurrence rule: BYSETPOS needs another BY part")
	}
	for _, d := range r.ByDay {
		if d.N != 0 && r.Freq != Monthly && r.Freq != Yearly {
			return nil, fmt.Errorf("recurrence rule: BYDAY with a number goes with FREQ=MONTHLY or YEARLY only")
		}
	}
	return r, nil
}

func (r *Rule) part(name, value string) error {
	ints := func(dst *[]int, least, most int, zero bool) error {
		for f := range strings.SplitSeq(value, ",") {
			n, err := strconv.Atoi(strings.TrimPrefix(f, "+"))
			if err != nil || n < least || n > most || n == 0 && !zero {
				return fmt.Errorf("%q is not a number from %d to %d", clip(f), least, most)
			}
			if !slices.Contains(*dst, n) {
				*dst = append(*dst, n)
			}
		}
		slices.Sort(*dst)
		return nil
	}
	number := func(dst *int, most int) error {
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || n > most {
			return fmt.Errorf("%q is not a number from 1 to %d", clip(value), most)
		}
		*dst = n
		return nil
	}
	switch name {
	case "FREQ":
		i := slices.Index(freqNames, value)
		if i < 0 {
			return fmt.Errorf("%q is not a frequency", clip(value))
		}
		r.Freq = Freq(i)
		return nil
	case "INTERVAL":
		return number(&r.Interval, 1_000_000)
	case "COUNT":
		return number(&r.Count, 1_000_000)
	case "UNTIL":
		return r.until(value)
	case "WKST":
		i := slices.Index(weekdays, value)
		if i < 0 {
			return fmt.Errorf("%q is not a day of the week", clip(value))
		}
		r.Start = time.Weekday(i)
		return nil
	case "BYSECOND":
		return ints(&r.BySecond, 0, 60, true)
	case "BYMINUTE":
		return ints(&r.ByMinute, 0, 59, true)
	case "BYHOUR":
		return ints(&r.ByHour, 0, 23, true)
	case "BYMONTHDAY":
		return ints(&r.ByMonthDay, -31, 31, false)
	case "BYYEARDAY":
		return ints(&r.ByYearDay, -366, 366, false)
	case "BYWEEKNO":
		return ints(&r.ByWeek, -53, 53, false)
	case "BYMONTH":
		return ints(&r.ByMonth, 1, 12, false)
	case "BYSETPOS":
		return ints(&r.BySetPos, -366, 366, false)
	case "BYDAY":
		for f := range strings.SplitSeq(value, ",") {
			if len(f) < 2 {
				return fmt.Errorf("%q is not a day of the week", clip(f))
			}
			i := slices.Index(weekdays, f[len(f)-2:])
			n := 0
			if ord := strings.TrimPrefix(f[:len(f)-2], "+"); ord != "" {
				var err error
				if n, err = strconv.Atoi(ord); err != nil || n == 0 || n < -53 || n > 53 {
					i = -1
				}
			}
			if i < 0 {
				return fmt.Errorf("%q is not a day of the week", clip(f))
			}
			r.ByDay = append(r.ByDay, Day{n, time.Weekday(i)})
		}
		return nil
	case "RSCALE", "SKIP": // RFC 7529: read; the Gregorian calendar with SKIP=OMIT is what is expanded
		if name == "RSCALE" && value != "GREGORIAN" {
			return fmt.Errorf("the calendar %q is not supported", clip(value))
		}
		return nil
	}
	if strings.HasPrefix(name, "X-") {
		return nil
	}
	return fmt.Errorf("is not a part of a rule")
}

func (r *Rule) until(value string) error {
	for _, f := range []struct {
		layout   string
		utc, day bool
	}{{"20060102T150405Z", true, false}, {"20060102T150405", false, false}, {"20060102", false, true}} {
		if t, err := time.Parse(f.layout, value); err == nil {
			r.Until, r.UntilUTC, r.UntilDay = zone.WallOf(t, time.UTC), f.utc, f.day
			return nil
		}
	}
	return fmt.Errorf("%q is not a date or time", clip(value))
}

func clip(s string) string {
	if len(s) > 40 {
		return strings.ToValidUTF8(s[:40], "") + "…"
	}
	return s
}
