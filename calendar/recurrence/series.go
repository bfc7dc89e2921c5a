package recurrence

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"rmp/calendar/zone"
)

// Spec is a recurring event.
type Spec struct {
	Start     zone.Wall      // DTSTART
	Zone      *time.Location // in whose wall time the event recurs
	AllDay    bool           // Start is midnight, Duration whole calendar days
	Duration  time.Duration
	RRules    []string
	RDates    []zone.Wall // in Zone
	ExDates   []ExDate
	Overrides []Override
}

// ExDate takes an occurrence out: by its start, or all of a day.
type ExDate struct {
	Wall     zone.Wall
	DateOnly bool
}

// Override changes one occurrence, or one and all after it.
type Override struct {
	RecurrenceID  zone.Wall // the start before the change, in Zone
	Start, End    time.Time
	Cancelled     bool
	ThisAndFuture bool
}

// Occurrence is one time that the event takes.
type Occurrence struct {
	Start, End time.Time
	Original   time.Time // start before any override: the RECURRENCE-ID
	Override   int       // index into Spec.Overrides, or -1
}

// ErrTooMany is wrapped when a window holds more occurrences, or takes more
// work, than the limits allow.
var ErrTooMany = errors.New("too many occurrences")

const (
	maxOccurrences = 100_000
	maxSteps       = 2_000_000
)

// Series is a compiled Spec. It does not change and may be used by several
// goroutines at once.
type Series struct {
	spec  Spec
	rules []*Rule
	shift time.Duration // the farthest an override moves or stretches
}

// Compile checks a Spec.
func Compile(s Spec) (*Series, error) {
	out := &Series{spec: s}
	if s.Zone == nil {
		return nil, errors.New("recurrence: no zone")
	}
	if !s.Start.Valid() {
		return nil, errors.New("recurrence: the start is not a valid time")
	}
	if s.Duration < 0 {
		return nil, errors.New("recurrence: the duration is negative")
	}
	for _, text := range s.RRules {
		r, err := ParseRule(text)
		if err != nil {
			return nil, err
		}
		out.rules = append(out.rules, r)
	}
	for i, o := range s.Overrides {
		if !o.Cancelled && o.End.Before(o.Start) {
			return nil, fmt.Errorf("recurrence: override %d ends before it starts", i)
		}
		if o.Cancelled {
			continue
		}
		orig := o.RecurrenceID.In(s.Zone)
		out.shift = max(out.shift, o.Start.Sub(orig).Abs(), o.End.Sub(out.end(o.RecurrenceID)).Abs())
	}
	return out, nil
}

// end is the end of the occurrence that starts at w.
func (s *Series) end(w zone.Wall) time.Time {
	if s.spec.AllDay {
		return w.Add(s.spec.Duration).In(s.spec.Zone)
	}
	return w.In(s.spec.Zone).Add(s.spec.Duration)
}

// Between answers the occurrences that overlap [from, till), in the order of
// their starts; one of no length counts if it starts in it.
func (s *Series) Between(from, till time.Time) ([]Occurrence, error) {
	// Wall times may be off by the zone's changes of offset, and overrides
	// move occurrences in from outside.
	margin := s.spec.Duration + s.shift + 26*time.Hour
	lo := zone.WallOf(from.Add(-margin), s.spec.Zone)
	hi := zone.WallOf(till.Add(s.shift+26*time.Hour), s.spec.Zone)
	starts, err := s.starts(lo, hi)
	if err != nil {
		return nil, err
	}
	var out []Occurrence
	for _, w := range starts {
		o := Occurrence{Start: w.In(s.spec.Zone), End: s.end(w), Override: -1}
		o.Original = o.Start
		if !s.override(w, &o) {
			continue
		}
		if o.Start.Before(till) && o.End.After(from) || o.Start.Equal(o.End) && !o.Start.Before(from) && o.Start.Before(till) {
			out = append(out, o)
		}
		if len(out) > maxOccurrences {
			return nil, fmt.Errorf("%w: more than %d in the window", ErrTooMany, maxOccurrences)
		}
	}
	slices.SortFunc(out, func(a, b Occurrence) int { return a.Start.Compare(b.Start) })
	return out, nil
}

// override applies what changes the occurrence at w, and reports whether it
// takes place.
func (s *Series) override(w zone.Wall, o *Occurrence) bool {
	best := -1
	for i, v := range s.spec.Overrides {
		switch {
		case v.RecurrenceID == w:
			best = i
		case v.ThisAndFuture && v.RecurrenceID.Before(w) &&
			(best < 0 || s.spec.Overrides[best].RecurrenceID != w && s.spec.Overrides[best].RecurrenceID.Before(v.RecurrenceID)):
			best = i
		}
	}
	if best < 0 {
		return true
	}
	v := s.spec.Overrides[best]
	o.Override = best
	if v.Cancelled {
		return false
	}
	if v.RecurrenceID == w {
		o.Start, o.End = v.Start, v.End
		return true
	}
	// Later occurrences are shifted by as much, in wall time.
	by := zone.WallOf(v.Start, s.spec.Zone).Sub(v.RecurrenceID)
	o.Start = w.Add(by).In(s.spec.Zone)
	o.End = o.Start.Add(v.End.Sub(v.Start))
	return true
}

// starts answers the starts in [lo, hi], exceptions taken out, overrides not
// yet applied.
func (s *Series) starts(lo, hi zone.Wall) ([]zone.Wall, error) {
	var out []zone.Wall
	add := func(w zone.Wall) {
		if !w.Before(lo) && !hi.Before(w) {
			out = append(out, w)
		}
	}
	add(s.spec.Start)
	for _, w := range s.spec.RDates {
		add(w)
	}
	steps := 0
	for _, r := range s.rules {
		it := &iterator{r: r, start: s.spec.Start, last: hi}
		if r.Count == 0 {
			it.seek(lo)
		}
		count := 0
		if r.Count > 0 && !s.startsWith(r) {
			count = 1 // DTSTART counts even where the rule does not give it
		}
		for {
			w, ok := it.next()
			if !ok || hi.Before(w) || s.over(r, w) {
				break
			}
			if count++; r.Count > 0 && count > r.Count {
				break
			}
			if steps++; steps > maxSteps {
				return nil, fmt.Errorf("%w: more than %d starts to look at", ErrTooMany, maxSteps)
			}
			add(w)
		}
	}
	// An override whose original start the rule does not give still stands.
	slices.SortFunc(out, compare)
	out = slices.Compact(out)
	return slices.DeleteFunc(out, func(w zone.Wall) bool {
		return slices.ContainsFunc(s.spec.ExDates, func(x ExDate) bool {
			return x.Wall == w || x.DateOnly && x.Wall.Date() == w.Date()
		})
	}), nil
}

// startsWith reports whether the rule itself gives DTSTART.
func (s *Series) startsWith(r *Rule) bool {
	it := &iterator{r: r, start: s.spec.Start}
	w, ok := it.next()
	return ok && w == s.spec.Start
}

// over reports whether w is after the rule's UNTIL.
func (s *Series) over(r *Rule, w zone.Wall) bool {
	switch {
	case r.Until.IsZero():
		return false
	case r.UntilDay:
		return r.Until.Before(w.Date())
	case r.UntilUTC && !s.spec.AllDay:
		return w.In(s.spec.Zone).After(r.Until.In(time.UTC))
	case s.spec.AllDay:
		return r.Until.Date().Before(w.Date())
	}
	return r.Until.Before(w)
}

// far stands for the end of an endless series.
var far = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// Bounds answers bounds within which all occurrences lie: never too narrow,
// for a rule with an end perhaps too wide.
func (s *Series) Bounds() (first, last time.Time, infinite bool) {
	first = s.spec.Start.In(s.spec.Zone)
	last = s.end(s.spec.Start)
	for _, w := range s.spec.RDates {
		if t := w.In(s.spec.Zone); t.Before(first) {
			first = t
		}
		if t := s.end(w); t.After(last) {
			last = t
		}
	}
	for _, r := range s.rules {
		switch {
		case !r.Until.IsZero():
			if t := r.Until.Date().AddDays(2).In(time.UTC).Add(s.spec.Duration); t.After(last) {
				last = t
			}
		case r.Count > 0:
			it := &iterator{r: r, start: s.spec.Start}
			for range min(r.Count, maxOccurrences) {
				w, ok := it.next()
				if !ok {
					break
				}
				if t := s.end(w); t.After(last) {
					last = t
				}
			}
			if r.Count > maxOccurrences {
				infinite = true
			}
		default:
			infinite = true
		}
	}
	if infinite {
		last = far
	}
	return first.Add(-s.shift), last.Add(s.shift), infinite
}
