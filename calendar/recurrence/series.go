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

const maxOccurrences = 100_000

// Series is a compiled Spec. It does not change and may be used by several
// goroutines at once.
type Series struct {
	spec     Spec
	clock    *zone.Table
	start    zone.Seconds
	duration int64 // seconds; of the wall clock for an all-day event
	plans    []*plan
	rdates   []zone.Seconds // sorted
	exTimes  []zone.Seconds // sorted
	exDays   []int          // sorted
	single   []single       // overrides of one occurrence, by original start
	onward   []single       // overrides of one and all after it, by original start
	shift    zone.Seconds   // the farthest that one of onward moves or stretches
}

// single is an override, found by the reading of its original start.
type single struct {
	id    zone.Seconds
	index int // of Spec.Overrides
}

// Compile checks a Spec, and finds where rules with COUNT end, so that they
// can be sought in like those with UNTIL.
func Compile(s Spec) (*Series, error) {
	if s.Zone == nil {
		return nil, errors.New("recurrence: no zone")
	}
	if !s.Start.Valid() {
		return nil, errors.New("recurrence: the start is not a valid time")
	}
	if s.Duration < 0 {
		return nil, errors.New("recurrence: the duration is negative")
	}
	out := &Series{spec: s, clock: zone.TableOf(s.Zone), start: s.Start.Seconds(), duration: int64(s.Duration / time.Second)}
	for _, w := range s.RDates {
		out.rdates = append(out.rdates, w.Seconds())
	}
	slices.Sort(out.rdates)
	for _, x := range s.ExDates {
		if x.DateOnly {
			out.exDays = append(out.exDays, x.Wall.Seconds().Day())
		} else {
			out.exTimes = append(out.exTimes, x.Wall.Seconds())
		}
	}
	slices.Sort(out.exDays)
	slices.Sort(out.exTimes)
	if err := out.addOverrides(); err != nil {
		return nil, err
	}
	for _, text := range s.RRules {
		r, err := ParseRule(text)
		if err != nil {
			return nil, err
		}
		p, err := newPlan(r, out.start)
		if err != nil {
			return nil, err
		}
		if p.last, err = out.end(p); err != nil {
			return nil, err
		}
		out.plans = append(out.plans, p)
	}
	return out, nil
}

func (s *Series) addOverrides() error {
	for i, o := range s.spec.Overrides {
		if !o.Cancelled && o.End.Before(o.Start) {
			return fmt.Errorf("recurrence: override %d ends before it starts", i)
		}
		v := single{o.RecurrenceID.Seconds(), i}
		if !o.ThisAndFuture {
			s.single = append(s.single, v)
			continue
		}
		s.onward = append(s.onward, v)
		if !o.Cancelled {
			s.shift = max(s.shift, s.moved(v).abs()+zone.Seconds(o.End.Sub(o.Start)/time.Second)+1)
		}
	}
	byID := func(a, b single) int {
		if a.id != b.id {
			return int(min(max(a.id-b.id, -1), 1))
		}
		return b.index - a.index // the later one in the list is found first
	}
	slices.SortFunc(s.single, byID)
	slices.SortFunc(s.onward, byID)
	same := func(a, b single) bool { return a.id == b.id }
	s.single, s.onward = slices.CompactFunc(s.single, same), slices.CompactFunc(s.onward, same)
	return nil
}

type distance zone.Seconds

func (d distance) abs() zone.Seconds { return zone.Seconds(max(d, -d)) }

// moved is how far an override moves its start, on the wall.
func (s *Series) moved(v single) distance {
	return distance(s.clock.Reading(s.spec.Overrides[v.index].Start.Unix()) - v.id)
}

// end answers the last start a rule may give.
func (s *Series) end(p *plan) (zone.Seconds, error) {
	r := p.r
	switch {
	case r.Count > 0:
		return countedEnd(p)
	case r.Until.IsZero():
		return maxSeconds, nil
	case r.UntilDay, s.spec.AllDay:
		return r.Until.Date().Seconds() + zone.DaySeconds - 1, nil
	case r.UntilUTC:
		// Where the clock changes, readings do not come in the order of
		// instants: starts decides there.
		p.untilUnix = int64(r.Until.Seconds())
		return s.clock.Reading(p.untilUnix) + zone.Seconds(s.clock.MaxJump()), nil
	}
	return r.Until.Seconds(), nil
}

// countedEnd is the last start of a rule with COUNT. DTSTART counts, even
// where the rule does not give it.
func countedEnd(p *plan) (zone.Seconds, error) {
	end, count := p.start, 0
	for it := p.iterator(p.start); count < p.r.Count; count++ {
		at, ok, err := it.next(maxSeconds)
		if err != nil {
			return 0, fmt.Errorf("recurrence rule: COUNT: %w", err)
		}
		if !ok {
			break
		}
		if count == 0 && at != p.start {
			if count++; count == p.r.Count {
				break
			}
		}
		end = at
	}
	return end, nil
}

// Between answers the occurrences that overlap [from, till), in the order of
// their starts; one of no length counts if it starts in it.
func (s *Series) Between(from, till time.Time) ([]Occurrence, error) {
	var buffer [64]zone.Seconds
	starts, err := s.starts(buffer[:0], from.Unix(), till.Unix()+1)
	if err != nil {
		return nil, err
	}
	out := make([]Occurrence, 0, len(starts)+len(s.single))
	add := func(o Occurrence) {
		if o.Start.Before(till) && o.End.After(from) || o.Start.Equal(o.End) && !o.Start.Before(from) && o.Start.Before(till) {
			out = append(out, o)
		}
	}
	for _, w := range starts {
		if o, ok := s.occurrence(w); ok {
			add(o)
		}
	}
	for _, v := range s.single {
		o := s.spec.Overrides[v.index]
		if o.Cancelled || s.excluded(v.id) {
			continue
		}
		add(Occurrence{Start: o.Start, End: o.End, Original: s.instant(v.id), Override: v.index})
	}
	if len(s.single)+len(s.onward) > 0 {
		slices.SortStableFunc(out, func(a, b Occurrence) int { return a.Start.Compare(b.Start) })
	}
	return out, nil
}

// Each calls yield with the start and end of the occurrences that overlap
// [from, till), all in seconds since the Unix epoch, in no particular order,
// until it answers false. It is Between for those who want nothing but the
// times; overrides are cut to whole seconds.
func (s *Series) Each(from, till int64, yield func(start, end int64) bool) error {
	var buffer [64]zone.Seconds
	starts, err := s.starts(buffer[:0], from, till)
	if err != nil {
		return err
	}
	give := func(start, end int64) bool {
		if start < till && end > from || start == end && start >= from && start < till {
			return yield(start, end)
		}
		return true
	}
	for _, w := range starts {
		start, end := s.times(w)
		if len(s.onward) > 0 {
			o, ok := s.occurrence(w)
			if !ok {
				continue
			}
			start, end = o.Start.Unix(), o.End.Unix()
		}
		if !give(start, end) {
			return nil
		}
	}
	for _, v := range s.single {
		if o := s.spec.Overrides[v.index]; !o.Cancelled && !s.excluded(v.id) && !give(o.Start.Unix(), o.End.Unix()) {
			return nil
		}
	}
	return nil
}

func (s *Series) instant(w zone.Seconds) time.Time {
	return time.Unix(s.clock.Unix(w), 0).In(s.spec.Zone)
}

// times are the start and end of the occurrence at w, in Unix seconds.
func (s *Series) times(w zone.Seconds) (start, end int64) {
	start = s.clock.Unix(w)
	if s.spec.AllDay {
		return start, s.clock.Unix(w + zone.Seconds(s.duration))
	}
	return start, start + s.duration
}

// occurrence is the one at w, changed by an override of those from which on
// all are changed.
func (s *Series) occurrence(w zone.Seconds) (Occurrence, bool) {
	start, end := s.times(w)
	o := Occurrence{Start: time.Unix(start, 0).In(s.spec.Zone), End: time.Unix(end, 0).In(s.spec.Zone), Override: -1}
	o.Original = o.Start
	i, exact := slices.BinarySearchFunc(s.onward, w, func(v single, w zone.Seconds) int {
		return int(min(max(v.id-w, -1), 1))
	})
	if !exact {
		i--
	}
	if i < 0 {
		return o, true
	}
	v := s.spec.Overrides[s.onward[i].index]
	o.Override = s.onward[i].index
	switch {
	case v.Cancelled:
		return o, false
	case exact:
		o.Start, o.End = v.Start, v.End
	default: // shifted by as much, on the wall
		o.Start = s.instant(w + zone.Seconds(s.moved(s.onward[i])))
		o.End = o.Start.Add(v.End.Sub(v.Start))
	}
	return o, true
}

// starts appends the readings at which occurrences start that may overlap
// [from, till), without those that an exception takes out or an override of
// one occurrence replaces, sorted, each once.
func (s *Series) starts(out []zone.Seconds, from, till int64) ([]zone.Seconds, error) {
	// Readings and instants differ by the changes of the clock in between.
	slack := zone.Seconds(s.clock.MaxJump())
	lo := s.clock.Reading(from-s.duration) - s.shift - slack
	hi := s.clock.Reading(till) + s.shift + slack
	first := len(out)
	add := func(w zone.Seconds) {
		if w >= lo && w <= hi && !s.excluded(w) && !s.overridden(w) {
			out = append(out, w)
		}
	}
	add(s.start)
	for _, w := range s.rdates {
		add(w)
	}
	for _, p := range s.plans {
		it := p.iterator(max(lo, p.start))
		for {
			w, ok, err := it.next(hi)
			if err != nil {
				return nil, err
			}
			if !ok || p.untilUnix != 0 && s.clock.Unix(w) > p.untilUnix {
				break
			}
			if w != s.start { // which is there already
				add(w)
			}
			if len(out)-first > maxOccurrences {
				return nil, fmt.Errorf("%w: more than %d in the window", ErrTooMany, maxOccurrences)
			}
		}
	}
	if len(s.plans) > 1 || len(s.rdates) > 0 {
		slices.Sort(out[first:])
		out = out[:first+len(slices.Compact(out[first:]))]
	}
	return out, nil
}

func (s *Series) excluded(w zone.Seconds) bool {
	if len(s.exTimes) > 0 {
		if _, found := slices.BinarySearch(s.exTimes, w); found {
			return true
		}
	}
	if len(s.exDays) > 0 {
		_, found := slices.BinarySearch(s.exDays, w.Day())
		return found
	}
	return false
}

func (s *Series) overridden(w zone.Seconds) bool {
	if len(s.single) == 0 {
		return false
	}
	_, found := slices.BinarySearchFunc(s.single, w, func(v single, w zone.Seconds) int {
		return int(min(max(v.id-w, -1), 1))
	})
	return found
}

// far stands for the end of an endless series.
var far = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// Bounds answers bounds within which all occurrences lie: never too narrow,
// perhaps too wide.
func (s *Series) Bounds() (first, last time.Time, infinite bool) {
	first = s.instant(s.start)
	_, end := s.times(s.start)
	widen := func(start, end int64) {
		if t := time.Unix(start, 0); t.Before(first) {
			first = t
		}
		if t := time.Unix(end, 0); t.After(last) {
			last = t
		}
	}
	last = time.Unix(end, 0)
	for _, w := range s.rdates {
		widen(s.times(w))
	}
	for _, p := range s.plans {
		if p.empty {
			continue
		}
		if p.last == maxSeconds {
			infinite = true
			continue
		}
		widen(s.times(p.last))
	}
	if infinite {
		last = far
	}
	slack := time.Duration(s.shift) * time.Second
	first, last = first.Add(-slack), last.Add(slack)
	for _, v := range s.single {
		if o := s.spec.Overrides[v.index]; !o.Cancelled {
			widen(o.Start.Unix(), o.End.Unix()+1)
		}
	}
	return first, last, infinite
}
