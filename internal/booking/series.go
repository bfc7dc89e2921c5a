package booking

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"rmp/calendar/recurrence"
	"rmp/calendar/zone"
)

// Recurrence says which dates a series has, in the wall time of its zone.
type Recurrence struct {
	RRule   string      `json:"rrule"`
	RDates  []time.Time `json:"rdates,omitempty"`  // additional starts
	ExDates []time.Time `json:"exdates,omitempty"` // starts that are left out
}

// OverrideState says why a date is not as the rule has it.
type OverrideState string

// The states of an override. But for a changed one, the date does not take
// place.
const (
	ChangedDate   OverrideState = "changed"
	CancelledDate OverrideState = "cancelled"
	SkippedDate   OverrideState = "skipped"  // was taken when the series was booked with onConflict: skip
	ConflictDate  OverrideState = "conflict" // turned out to be taken when the horizon reached it
)

// Override is one date of a series that is not as the rule has it.
type Override struct {
	Original    time.Time // its start by the rule
	State       OverrideState
	Start, End  time.Time // of a changed one
	Title       string    // of a changed one
	Location    string
	Description string
	Reason      string
}

// Occurrence is one date of a booking.
type Occurrence struct {
	Original   time.Time // its start by the rule: what names it
	Start, End time.Time
	Override   *Override // of a changed one
}

// Limits of a series.
const (
	// Horizon is how far ahead the dates of a series hold their resources;
	// the rest follows as time goes on.
	Horizon = 400 * 24 * time.Hour
	// maxDates bounds the dates of one series within the horizon.
	maxDates = 1000
	// MaxExceptions bounds RDATE, EXDATE and overrides.
	MaxExceptions = 1000
)

var errTooManyDates = fmt.Errorf("has more than %d dates within %d days", maxDates, int(Horizon.Hours()/24))

// location is the zone of the booking's wall time.
func (b *Booking) location() *time.Location {
	loc, err := zone.LoadIANA(b.TimeZone)
	if err != nil {
		return time.UTC // was checked when it was booked
	}
	return loc
}

// spec is the series as the calendar arithmetic has it.
func (b *Booking) spec(withOverrides bool) recurrence.Spec {
	loc := b.location()
	wall := func(t time.Time) zone.Wall { return zone.WallOf(t, loc) }
	s := recurrence.Spec{Start: wall(b.Start), Zone: loc, Duration: b.End.Sub(b.Start)}
	if r := b.Recurrence; r != nil {
		if r.RRule != "" {
			s.RRules = []string{r.RRule}
		}
		for _, t := range r.RDates {
			s.RDates = append(s.RDates, wall(t))
		}
		for _, t := range r.ExDates {
			s.ExDates = append(s.ExDates, recurrence.ExDate{Wall: wall(t)})
		}
	}
	if !withOverrides {
		return s
	}
	for _, o := range b.Overrides {
		s.Overrides = append(s.Overrides, recurrence.Override{RecurrenceID: wall(o.Original), Start: o.Start, End: o.End, Cancelled: o.State != ChangedDate})
	}
	return s
}

// Dates answers the dates of the booking that overlap [from, till), in the
// order of their starts.
func (b *Booking) Dates(from, till time.Time) ([]Occurrence, error) {
	if b.Recurrence == nil {
		if b.Start.Before(till) && b.End.After(from) {
			return []Occurrence{{Original: b.Start, Start: b.Start, End: b.End}}, nil
		}
		return nil, nil
	}
	s, err := recurrence.Compile(b.spec(true))
	if err != nil {
		return nil, err
	}
	found, err := s.Between(from, till)
	if err != nil {
		return nil, err
	}
	out := make([]Occurrence, len(found))
	for i, f := range found {
		out[i] = Occurrence{Original: f.Original.UTC(), Start: f.Start.UTC(), End: f.End.UTC()}
		if f.Override >= 0 {
			out[i].Override = &b.Overrides[f.Override]
		}
	}
	return out, nil
}

// bound works out where the booking ends, and which of its dates hold their
// resources when the horizon is at a time.
// More than maxDates that are to come are refused; those that have passed are
// as many as they are.
func (b *Booking) bound(horizon, now time.Time) ([]Occurrence, error) {
	b.LastEnd, b.ExpandedTill = b.End, time.Time{}
	if b.Recurrence == nil {
		return b.Dates(b.Start, b.End)
	}
	s, err := recurrence.Compile(b.spec(true))
	if err != nil {
		return nil, err
	}
	first, last, endless := s.Bounds()
	b.LastEnd = last.UTC().Truncate(time.Second)
	if endless {
		b.LastEnd = time.Time{}
	}
	if endless || last.After(horizon) {
		b.ExpandedTill = horizon
	}
	till := horizon
	if !endless && last.Before(till) {
		till = last.Add(time.Second)
	}
	dates, err := b.Dates(first.Add(-time.Second), till)
	coming := 0
	for _, o := range dates {
		if o.End.After(now) {
			coming++
		}
	}
	if errors.Is(err, recurrence.ErrTooMany) || coming > maxDates {
		return nil, errTooManyDates
	}
	if !b.ExpandedTill.IsZero() { // those that begin before: the next step begins there
		dates = slices.DeleteFunc(dates, func(o Occurrence) bool { return !o.Start.Before(b.ExpandedTill) })
	}
	return dates, err
}

// override notes an override in the place of one of the same date.
func (b *Booking) override(o Override) {
	b.Overrides = slices.DeleteFunc(slices.Clone(b.Overrides), func(x Override) bool { return x.Original.Equal(o.Original) })
	b.Overrides = append(b.Overrides, o)
	slices.SortFunc(b.Overrides, func(x, y Override) int { return x.Original.Compare(y.Original) })
}

// date finds a date of the series by its original start, changed or not.
func (b *Booking) date(original time.Time) (Occurrence, bool) {
	for _, o := range b.Overrides {
		if o.Original.Equal(original) { // one that was skipped, or is in conflict, can still find another time
			return Occurrence{Original: o.Original, Start: o.Start, End: o.End, Override: &o}, o.State != CancelledDate
		}
	}
	plain := *b
	plain.Overrides = nil
	found, err := plain.Dates(original, original.Add(time.Second))
	if err != nil {
		return Occurrence{}, false
	}
	for _, o := range found {
		if o.Original.Equal(original) {
			return o, true
		}
	}
	return Occurrence{}, false
}

// until answers the recurrence without the dates from a time on.
func (b *Booking) until(at time.Time) *Recurrence {
	before := func(list []time.Time) (out []time.Time) {
		for _, t := range list {
			if t.Before(at) {
				out = append(out, t)
			}
		}
		return out
	}
	return &Recurrence{RRule: endedRule(b.Recurrence.RRule, at.Add(-time.Second)), RDates: before(b.Recurrence.RDates), ExDates: before(b.Recurrence.ExDates)}
}

// from answers the recurrence with the dates from a time on only; n is how
// many dates there are before it.
func (b *Booking) from(at time.Time, n int) *Recurrence {
	after := func(list []time.Time) (out []time.Time) {
		for _, t := range list {
			if !t.Before(at) {
				out = append(out, t)
			}
		}
		return out
	}
	rule := b.Recurrence.RRule
	if r, err := recurrence.ParseRule(rule); err == nil && r.Count > 0 {
		rule = withPart(rule, "COUNT", fmt.Sprint(max(1, r.Count-n)))
	}
	return &Recurrence{RRule: rule, RDates: after(b.Recurrence.RDates), ExDates: after(b.Recurrence.ExDates)}
}

// shifted is the recurrence with all that names a time moved in wall time.
func (r *Recurrence) shifted(by time.Duration, loc *time.Location) *Recurrence {
	if r == nil || by == 0 {
		return r
	}
	move := func(list []time.Time) (out []time.Time) {
		for _, t := range list {
			out = append(out, zone.WallOf(t, loc).Add(by).In(loc).UTC())
		}
		return out
	}
	out := &Recurrence{RRule: r.RRule, RDates: move(r.RDates), ExDates: move(r.ExDates)}
	for part := range strings.SplitSeq(strings.ToUpper(r.RRule), ";") {
		name, value, _ := strings.Cut(part, "=")
		if name != "UNTIL" {
			continue
		}
		if t, err := time.Parse("20060102T150405Z", value); err == nil {
			out.RRule = withPart(r.RRule, "UNTIL", zone.WallOf(t, loc).Add(by).In(loc).UTC().Format("20060102T150405Z"))
		} else if t, err := time.Parse("20060102T150405", value); err == nil {
			out.RRule = withPart(r.RRule, "UNTIL", t.Add(by).Format("20060102T150405"))
		} else if t, err := time.Parse("20060102", value); err == nil {
			// A day ends a series with all of it: only whole days move it.
			out.RRule = withPart(r.RRule, "UNTIL", t.Add(by.Round(24*time.Hour)).Format("20060102"))
		}
	}
	return out
}

// endedRule gives a rule an end, the last instant that counts.
func endedRule(rule string, last time.Time) string {
	if rule == "" {
		return ""
	}
	return withPart(withPart(rule, "COUNT", ""), "UNTIL", last.UTC().Format("20060102T150405Z"))
}

// withPart sets a part of a rule, or takes it out.
func withPart(rule, name, value string) string {
	var parts []string
	for p := range strings.SplitSeq(strings.TrimPrefix(strings.ToUpper(rule), "RRULE:"), ";") {
		if n, _, _ := strings.Cut(p, "="); n != name && p != "" {
			parts = append(parts, p)
		}
	}
	if value != "" {
		parts = append(parts, name+"="+value)
	}
	return strings.Join(parts, ";")
}

// findOverride notes in the booking's occurrence how it was changed.
func (b *Booking) findOverride() {
	if b.Occurrence == nil {
		return
	}
	for i, o := range b.Overrides {
		if o.Original.Equal(b.Occurrence.Original) && o.State == ChangedDate {
			b.Occurrence.Override = &b.Overrides[i]
		}
	}
}

// Count is how many dates of the booking hold, or held, their resources.
func (b *Booking) Count() int {
	if b.Recurrence == nil {
		return 1
	}
	till := b.ExpandedTill
	if till.IsZero() {
		till = b.LastEnd
	}
	dates, err := b.Dates(b.Start.Add(-MaxLength), till)
	if err != nil {
		return 0 // it was counted when it was booked
	}
	return len(dates)
}
