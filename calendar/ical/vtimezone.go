package ical

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"rmp/calendar/contentline"
	"rmp/calendar/recurrence"
	"rmp/calendar/zone"
)

// VTIMEZONE (RFC 5545 section 3.6.5): reading it, and making a location of
// it. Writing it is in vtimezonewrite.go.

// Resolve is base with the calendar's own definitions of zones behind it: a
// name that base does not know is looked up among the VTIMEZONEs that came
// along. One that is in neither is an error that names it.
func (c *Calendar) Resolve(base Resolve) Resolve {
	type own struct {
		once sync.Once
		zone *Timezone
		loc  *time.Location
		err  error
	}
	zones := map[string]*own{}
	for _, z := range c.Zones {
		if name := bareName(z.TZID); zones[name] == nil {
			zones[name] = &own{zone: z}
		}
	}
	return func(tzid string) (*time.Location, error) {
		loc, err := base(tzid)
		if err == nil {
			return loc, nil
		}
		o := zones[bareName(tzid)]
		if o == nil {
			return nil, err
		}
		o.once.Do(func() { o.loc, o.err = o.zone.Location() })
		return o.loc, o.err
	}
}

// bareName is the name of a zone for comparison.
func bareName(s string) string { return strings.Trim(strings.TrimSpace(s), `"`) }

// Rules of a VTIMEZONE are expanded between these years; what holds at the
// end of the last holds ever after.
const (
	firstZoneYear = 1950
	lastZoneYear  = 2100
	maxZoneRules  = 1000
	maxZoneRRules = 100
)

// Location makes a location of the definition. Its name is the TZID.
func (z *Timezone) Location() (*time.Location, error) {
	bad := func(err error) (*time.Location, error) {
		return nil, fmt.Errorf("the definition of the time zone %q: %w", contentline.Clip(z.TZID), err)
	}
	type onset struct {
		zone.Transition
		from int
	}
	var all []onset
	rrules := 0
	for _, r := range z.Rules {
		if r.RRule != "" {
			rrules++
		}
		if len(z.Rules) > maxZoneRules || rrules > maxZoneRRules {
			return bad(fmt.Errorf("%w: too many parts", ErrLimit))
		}
		walls, err := r.onsets()
		if err != nil {
			return bad(err)
		}
		for _, w := range walls {
			// The clock that is read at the change is the one before it.
			at := w.In(time.UTC).Add(-time.Duration(r.OffsetFrom) * time.Second)
			all = append(all, onset{zone.Transition{At: at, Offset: r.OffsetTo, Name: r.Name, Daylight: r.Daylight}, r.OffsetFrom})
		}
	}
	if len(all) == 0 {
		return bad(fmt.Errorf("it has neither a STANDARD nor a DAYLIGHT part"))
	}
	slices.SortStableFunc(all, func(a, b onset) int { return a.At.Compare(b.At) })
	before := zone.Transition{Offset: all[0].from}
	for _, r := range z.Rules { // the part that led to what is before all others
		if r.OffsetTo == before.Offset {
			before.Name, before.Daylight = r.Name, r.Daylight
			break
		}
	}
	changes := []zone.Transition{before}
	for i, o := range all {
		if i+1 < len(all) && all[i+1].At.Equal(o.At) {
			continue // the last of several at once
		}
		changes = append(changes, o.Transition)
	}
	loc, err := zone.FromTransitions(bareName(z.TZID), changes)
	if err != nil {
		return nil, err
	}
	return loc, nil
}

// onsets are the wall times, by the clock before, at which the part begins.
func (r *ZoneRule) onsets() ([]zone.Wall, error) {
	out := append([]zone.Wall{r.Start}, r.RDates...)
	if r.RRule == "" {
		return out, nil
	}
	rule, err := recurrence.ParseRule(r.RRule)
	if err != nil {
		return nil, err
	}
	if rule.Freq != recurrence.Yearly || len(rule.ByHour) > 1 || len(rule.ByMinute) > 1 || len(rule.BySecond) > 1 {
		return nil, fmt.Errorf("rrule: %q is not a rule of once a year", contentline.Clip(r.RRule))
	}
	// UNTIL is an instant: it is compared with the clock before the change.
	loc := time.FixedZone("", r.OffsetFrom)
	s, err := recurrence.Compile(recurrence.Spec{Start: r.Start, Zone: loc, RRules: []string{r.RRule}})
	if err != nil {
		return nil, err
	}
	found, err := s.Between(time.Date(firstZoneYear, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(lastZoneYear+1, 1, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		return nil, err
	}
	if len(found) > 4*(lastZoneYear-firstZoneYear) {
		return nil, fmt.Errorf("rrule: %q changes the clock too often", contentline.Clip(r.RRule))
	}
	for _, o := range found {
		if w := zone.WallOf(o.Start, loc); w != r.Start {
			out = append(out, w)
		}
	}
	return out, nil
}

// timezoneOf reads a VTIMEZONE.
func timezoneOf(c Component) (*Timezone, error) {
	z := &Timezone{}
	for _, p := range c.Properties {
		if strings.EqualFold(p.Name, "TZID") {
			z.TZID = strings.TrimSpace(p.Value)
		} else {
			z.Extra = append(z.Extra, p)
		}
	}
	if bareName(z.TZID) == "" {
		return nil, fmt.Errorf("vtimezone: tzid: is missing")
	}
	for _, part := range c.Components {
		standard, daylight := strings.EqualFold(part.Name, "STANDARD"), strings.EqualFold(part.Name, "DAYLIGHT")
		if !standard && !daylight {
			continue
		}
		r, err := zoneRuleOf(part)
		if err != nil {
			return nil, fmt.Errorf("vtimezone: %s: %w", strings.ToLower(part.Name), err)
		}
		r.Daylight = daylight
		z.Rules = append(z.Rules, r)
	}
	return z, nil
}

func zoneRuleOf(c Component) (ZoneRule, error) {
	var r ZoneRule
	// Times that are written as instants need the offset, wherever it stands.
	wall := func(t Time) zone.Wall {
		if t.Kind == UTC {
			return t.Wall.Add(time.Duration(r.OffsetFrom) * time.Second)
		}
		return t.Wall
	}
	seen := map[string]bool{}
	var start Time
	var dates []Time
	for _, p := range c.Properties {
		text := strings.TrimSpace(p.Value)
		var err error
		name := strings.ToUpper(p.Name)
		switch name {
		case "DTSTART":
			start, err = parseTime(text, "")
		case "TZOFFSETFROM":
			r.OffsetFrom, err = parseOffset(text)
		case "TZOFFSETTO":
			r.OffsetTo, err = parseOffset(text)
		case "TZNAME":
			if r.Name != "" { // the same name in another language
				r.Extra = append(r.Extra, p)
				continue
			}
			r.Name = text
		case "RRULE":
			if r.RRule != "" && text != r.RRule {
				err = fmt.Errorf("more than one is not supported")
			}
			r.RRule = text
		case "RDATE":
			for part := range strings.SplitSeq(text, ",") {
				if part, _, _ = strings.Cut(strings.TrimSpace(part), "/"); part == "" {
					continue
				}
				var t Time
				if t, err = parseTime(part, ""); err != nil {
					break
				}
				dates = append(dates, t)
			}
		default:
			r.Extra = append(r.Extra, p)
		}
		if err != nil {
			return r, fmt.Errorf("%s: %w", strings.ToLower(p.Name), err)
		}
		seen[name] = true
	}
	for _, name := range []string{"DTSTART", "TZOFFSETFROM", "TZOFFSETTO"} {
		if !seen[name] {
			return r, fmt.Errorf("%s: is missing", strings.ToLower(name))
		}
	}
	r.Start = wall(start)
	for _, t := range dates {
		r.RDates = append(r.RDates, wall(t))
	}
	for _, w := range append(slices.Clip(r.RDates), r.Start) {
		if !w.Valid() {
			return r, fmt.Errorf("dtstart: is out of range")
		}
	}
	return r, nil
}

// parseOffset reads a UTC-OFFSET: +0100, -043000.
func parseOffset(s string) (int, error) {
	bad := fmt.Errorf("%q is not an offset such as +0100", contentline.Clip(s))
	if len(s) != 5 && len(s) != 7 || s[0] != '+' && s[0] != '-' {
		return 0, bad
	}
	var parts [3]int
	for i, c := range []byte(s[1:]) {
		if c < '0' || c > '9' {
			return 0, bad
		}
		parts[i/2] = parts[i/2]*10 + int(c-'0')
	}
	if parts[0] > 23 || parts[1] > 59 || parts[2] > 59 {
		return 0, bad
	}
	n := parts[0]*3600 + parts[1]*60 + parts[2]
	if s[0] == '-' {
		n = -n
	}
	return n, nil
}

func formatOffset(n int) string {
	sign := '+'
	if n < 0 {
		sign, n = '-', -n
	}
	s := fmt.Sprintf("%c%02d%02d", sign, n/3600, n/60%60)
	if n%60 != 0 {
		s += fmt.Sprintf("%02d", n%60)
	}
	return s
}

func (z *Timezone) component() Component {
	c := Component{Name: "VTIMEZONE", Properties: []Property{{Name: "TZID", Value: z.TZID}}}
	c.Properties = append(c.Properties, z.Extra...)
	for _, r := range z.Rules {
		part := Component{Name: "STANDARD"}
		if r.Daylight {
			part.Name = "DAYLIGHT"
		}
		add := func(name, value string) {
			if value != "" {
				part.Properties = append(part.Properties, Property{Name: name, Value: value})
			}
		}
		add("DTSTART", r.Start.String())
		add("TZOFFSETFROM", formatOffset(r.OffsetFrom))
		add("TZOFFSETTO", formatOffset(r.OffsetTo))
		add("TZNAME", r.Name)
		add("RRULE", r.RRule)
		for _, w := range r.RDates {
			add("RDATE", w.String())
		}
		part.Properties = append(part.Properties, r.Extra...)
		c.Components = append(c.Components, part)
	}
	return c
}
