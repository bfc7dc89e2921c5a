package availability

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"rmp/calendar/zone"
	"rmp/internal/booking"
	"rmp/internal/directory"
	"rmp/internal/tenant"
)

// Hours are working hours by day of the week, in minutes since midnight.
type Hours struct {
	Days     [7]bool // Sunday first
	From, To int     // of To, 24*60 is the end of the day
}

// Participant is a person at a meeting that is to be found.
type Participant struct {
	Email    string
	Optional bool
	Hours    *Hours         // of their own; nil: those of the constraints, if any
	Zone     *time.Location // of their hours; nil: that of the constraints
}

// AnyOf asks for some resources of a kind: the smallest that fit first.
type AnyOf struct {
	Type        string
	MinCapacity int // 0: as many as there are participants
	Features    []string
	Site        string
	Count       int // 0 is 1
}

// Constraints restrict where a meeting may lie.
type Constraints struct {
	ExcludeWeekends bool
	MorningOnly     bool // it ends by noon
	AfternoonOnly   bool // it begins at noon or later
	Hours           *Hours
	Zone            *time.Location // of all of these; nil is UTC
	Holidays        []string       // days, 2026-12-25
	Granularity     time.Duration  // between two starts that are looked at; 0 is 15 minutes
	BufferBefore    time.Duration  // free for the participants before the meeting
	BufferAfter     time.Duration
	Quorum          int // so many of the required participants are enough; 0: all
	MinimumNotice   time.Duration
}

// Query asks for slots.
type Query struct {
	Who        tenant.Principal
	People     []Participant
	Resources  []directory.Resource // all of them
	Quantities map[string]int       // by address; 1 if not named
	AnyOf      []AnyOf
	Duration   time.Duration
	From, Till time.Time
	Limit      int
	Constraints
}

// Reason says something for or against a slot.
type Reason struct {
	Code string // everybody-free, optional-missing, quorum, room-fits, room-larger, earliest
	Text string
}

// Slot is a time that would do.
type Slot struct {
	Start, End time.Time
	Resources  []string // all that would be booked
	Missing    []string // participants who cannot, or are not known to
	Score      int      // 0 to 1000; the best first
	Reasons    []Reason
}

// world is what is known when a search begins.
type world struct {
	now    int64
	people []calendar
	named  []calendar   // the resources of the query
	pool   [][]calendar // the candidates of each AnyOf, the smallest first
	// largest is, of an AnyOf without a candidate, the largest that is too small.
	largest map[int]directory.Resource
}

// calendar is one account in a search.
type calendar struct {
	email    string
	resource *booking.Load // of a resource: without blocks
	windows  []*window     // what is taken: nothing if err is set
	err      error
	quantity int
}

func (c calendar) each(from, till int64, now int64, f func(busy)) {
	for _, w := range c.windows {
		w.each(from, till, func(b busy) {
			if !b.about.block.Hold || micros(b.about.block.HoldUntil) > now {
				f(b)
			}
		})
	}
}

// finder works on one query.
type finder struct {
	Query
	world
	grid   grid
	length int64
	loc    *time.Location
}

func newFinder(q Query, w world) *finder {
	f := &finder{Query: q, world: w, length: q.Duration.Microseconds(), loc: q.Zone}
	if f.loc == nil {
		f.loc = time.UTC
	}
	step := q.Granularity
	if step == 0 {
		step = 15 * time.Minute
	}
	// The grid begins at a midnight of the zone, so that the starts are round
	// for the people.
	local := q.From.In(f.loc)
	origin := micros(zone.OnClock(local.Year(), local.Month(), local.Day(), 0, f.loc))
	g := grid{step: step.Microseconds()}
	begin := max(micros(q.From), w.now+q.MinimumNotice.Microseconds())
	skip := (begin - origin + g.step - 1) / g.step
	g.first = origin + max(0, skip)*g.step
	if last := micros(q.Till) - f.length; last >= g.first {
		g.n = int((last-g.first)/g.step) + 1
	}
	f.grid = g
	return f
}

// span is where the meetings of all starts lie, with room around.
func (f *finder) span() (from, till int64) {
	return f.grid.first, f.grid.at(max(0, f.grid.n-1)) + f.length
}

// rule is what takes starts out for all.
type rule struct {
	code, text string
	closed     func(remove func(from, till int64)) // calls remove with each span in which no meeting may lie
}

// rules are those of the constraints.
func (f *finder) rules() (out []rule) {
	from, till := f.span()
	byDay := func(code, text string, closed func(begin, end time.Time, remove func(from, till int64))) {
		out = append(out, rule{code, text, func(remove func(from, till int64)) {
			days(from, till, f.loc, func(begin, end time.Time) { closed(begin, end, remove) })
		}})
	}
	noon := func(day time.Time) int64 {
		return micros(zone.OnClock(day.Year(), day.Month(), day.Day(), 12*60, f.loc))
	}
	if f.ExcludeWeekends {
		byDay("excludeWeekends", "not on Saturdays and Sundays", func(begin, end time.Time, remove func(from, till int64)) {
			if w := begin.Weekday(); w == time.Saturday || w == time.Sunday {
				remove(micros(begin), micros(end))
			}
		})
	}
	if len(f.Holidays) > 0 {
		byDay("holidays", "not on holidays", func(begin, end time.Time, remove func(from, till int64)) {
			if slices.Contains(f.Holidays, begin.Format(time.DateOnly)) {
				remove(micros(begin), micros(end))
			}
		})
	}
	if f.MorningOnly {
		byDay("morningOnly", "in the morning", func(begin, end time.Time, remove func(from, till int64)) { remove(noon(begin), micros(end)) })
	}
	if f.AfternoonOnly {
		byDay("afternoonOnly", "in the afternoon", func(begin, _ time.Time, remove func(from, till int64)) { remove(micros(begin), noon(begin)) })
	}
	if f.Hours != nil {
		out = append(out, rule{"workingHours", "within the working hours", func(remove func(from, till int64)) { f.Hours.closed(from, till, f.loc, remove) }})
	}
	return out
}

// closed calls remove with what lies outside of the hours.
func (h *Hours) closed(from, till int64, loc *time.Location, remove func(from, till int64)) {
	days(from, till, loc, func(begin, end time.Time) {
		if !h.Days[begin.Weekday()] {
			remove(micros(begin), micros(end))
			return
		}
		at := func(minutes int) int64 {
			return micros(zone.OnClock(begin.Year(), begin.Month(), begin.Day(), minutes, loc))
		}
		remove(micros(begin), at(h.From))
		remove(at(h.To), micros(end))
	})
}

// allowed are the starts that no rule is against.
func (f *finder) allowed(r rule) starts {
	s := f.grid.all()
	f.strike(s, r)
	return s
}

func (f *finder) strike(s starts, r rule) {
	r.closed(func(from, till int64) {
		if from < till {
			f.grid.remove(s, from-f.length, till)
		}
	})
}

// free are the starts at which a person can take part.
func (f *finder) free(p Participant, c calendar) starts {
	s := f.grid.all()
	if c.err != nil { // unknown is not free
		return f.grid.none()
	}
	f.strikeBusy(s, p, c)
	return s
}

func (f *finder) strikeBusy(s starts, p Participant, c calendar) {
	before, after := f.BufferBefore.Microseconds(), f.BufferAfter.Microseconds()
	from, till := f.span()
	c.each(from-before, till+after, f.now, func(b busy) {
		f.grid.remove(s, b.from-f.length-after, b.till+before)
	})
	if p.Hours != nil {
		loc := p.Zone
		if loc == nil {
			loc = f.loc
		}
		p.Hours.closed(from, till, loc, func(from, till int64) {
			if from < till {
				f.grid.remove(s, from-f.length, till)
			}
		})
	}
}

// bookable are the starts at which a resource could be booked: what Judge says
// for one span, for all starts at once.
func (f *finder) bookable(c calendar) starts {
	l := c.resource
	if c.err != nil {
		return f.grid.none()
	}
	// Rules that are about the length, or the person, are the same for all.
	one := l.Judge(booking.Case{Who: f.Who, Now: instant(f.now), Start: instant(f.grid.first), End: instant(f.grid.first + f.length), Quantity: c.quantity})
	for _, r := range one.Refusals {
		switch r.Rule {
		case "bookInPolicy", "units", "minimumDurationInMinutes", "maximumDurationInMinutes":
			return f.grid.none()
		}
	}
	s := f.grid.all()
	rules := l.Rules
	now := instant(f.now)
	if n := *rules.BookingWindowInDays; n > 0 {
		f.grid.remove(s, micros(now.AddDate(0, 0, n)), 1<<62)
	}
	if n := *rules.MinimumLeadTimeInMinutes; n > 0 {
		f.grid.remove(s, -1<<62, f.now+int64(n)*60e6)
	}
	from, till := f.span()
	rules.Closed(instant(from), instant(till), func(from, till time.Time) {
		if from.Before(till) {
			f.grid.remove(s, micros(from)-f.length, micros(till))
		}
	})
	setup, teardown := rules.Setup().Microseconds(), rules.Teardown().Microseconds()
	strike := func(from, till int64) { f.grid.remove(s, from-f.length-teardown, till+setup) }
	if units := max(1, l.Resource.Units); units > 1 {
		f.crowded(c, units-max(1, c.quantity), from-setup, till+teardown, strike)
	} else {
		c.each(from-setup, till+teardown, f.now, func(b busy) { strike(b.from, b.till) })
	}
	return s
}

// crowded calls strike with each span in which more than so many units are
// taken.
func (f *finder) crowded(c calendar, most int, from, till int64, strike func(from, till int64)) {
	type edge struct {
		at   int64
		step int
	}
	var edges []edge
	c.each(from, till, f.now, func(b busy) { edges = append(edges, edge{b.from, 1}, edge{b.till, -1}) })
	slices.SortFunc(edges, func(a, b edge) int {
		if c := cmp.Compare(a.at, b.at); c != 0 {
			return c
		}
		return a.step - b.step
	})
	n, since := 0, int64(0)
	for _, e := range edges {
		was := n
		n += e.step
		switch {
		case was <= most && n > most:
			since = e.at
		case was > most && n <= most && e.at > since:
			strike(since, e.at)
		}
	}
}

// find answers the slots, best first.
func (f *finder) find() []Slot {
	if f.grid.n == 0 {
		return nil
	}
	ok := f.grid.all()
	for _, r := range f.rules() {
		f.strike(ok, r)
	}
	for _, c := range f.named {
		ok.and(f.bookable(c))
	}
	required := 0
	var counted []int // places of those who may be missing
	for i, p := range f.People {
		if p.Optional || f.Quorum > 0 {
			counted = append(counted, i)
		}
		if !p.Optional {
			required++
		}
	}
	for i, p := range f.People {
		if !p.Optional && f.Quorum <= 0 {
			if f.people[i].err != nil {
				return nil
			}
			f.strikeBusy(ok, p, f.people[i])
		}
	}
	if len(counted) == 0 {
		return f.pick(ok, nil, nil)
	}
	free := make([]starts, len(f.People))
	for _, i := range counted {
		free[i] = f.free(f.People[i], f.people[i])
	}
	need := required
	if f.Quorum > 0 {
		need = min(f.Quorum, required)
	}
	missing := make([]uint16, f.grid.n)
	var order []int
	ok.each(func(i int) bool {
		there := 0
		for _, k := range counted {
			switch {
			case !free[k].has(i):
				missing[i]++
			case !f.People[k].Optional:
				there++
			}
		}
		if f.Quorum <= 0 || there >= need {
			order = append(order, i)
		}
		return true
	})
	slices.SortStableFunc(order, func(a, b int) int { return f.score(b, missing[b]) - f.score(a, missing[a]) })
	return f.pick(nil, order, func(i int) []string {
		var out []string
		for _, k := range counted {
			if !free[k].has(i) {
				out = append(out, f.People[k].Email)
			}
		}
		return out
	})
}

// score is better with fewer missing, and earlier.
func (f *finder) score(i int, missing uint16) int {
	s := 1000 - 300*i/max(1, f.grid.n)
	if n := len(f.People); n > 0 {
		s -= 500 * int(missing) / n
	}
	return s
}

// pick finds resources for the starts, in the order given or that of the set,
// until there are enough slots.
func (f *finder) pick(set starts, order []int, missing func(int) []string) []Slot {
	out := make([]Slot, 0, f.Limit)
	rooms := make([]*room, len(f.pool))
	for i, candidates := range f.pool {
		rooms[i] = &room{finder: f, candidates: candidates, count: max(1, f.AnyOf[i].Count), bits: make([]starts, len(candidates))}
	}
	try := func(i int) bool {
		s := Slot{Start: instant(f.grid.at(i)), End: instant(f.grid.at(i) + f.length), Missing: []string{}, Resources: []string{}}
		for _, c := range f.named {
			s.Resources = append(s.Resources, c.email)
		}
		larger := false
		for k, r := range rooms {
			got, ok := r.at(i, s.Resources)
			if !ok {
				return true
			}
			for _, c := range got {
				larger = larger || f.AnyOf[k].MinCapacity > 0 && c.resource.Resource.Capacity > 2*f.AnyOf[k].MinCapacity
				s.Resources = append(s.Resources, c.email)
			}
		}
		n := uint16(0)
		if missing != nil {
			s.Missing = append(s.Missing, missing(i)...)
			n = uint16(len(s.Missing))
		}
		s.Score = f.score(i, n)
		s.Reasons = f.reasons(s, i, larger, len(out) == 0)
		out = append(out, s)
		return len(out) < f.Limit
	}
	if set != nil {
		set.each(try)
		return out
	}
	for _, i := range order {
		if !try(i) {
			break
		}
	}
	return out
}

func (f *finder) reasons(s Slot, i int, larger, first bool) (out []Reason) {
	switch {
	case len(f.People) == 0:
	case len(s.Missing) == 0:
		out = append(out, Reason{"everybody-free", "all participants are free"})
	case f.Quorum > 0:
		out = append(out, Reason{"quorum", fmt.Sprintf("%d of %d participants are free, enough for the quorum", len(f.People)-len(s.Missing), len(f.People))})
	default:
		out = append(out, Reason{"optional-missing", "cannot come, and need not: " + strings.Join(s.Missing, ", ")})
	}
	if len(f.pool) > 0 {
		if larger {
			out = append(out, Reason{"room-larger", "the smallest that is free is more than twice as large as needed"})
		} else {
			out = append(out, Reason{"room-fits", "the smallest that fits is free"})
		}
	}
	if first && i == 0 {
		out = append(out, Reason{"earliest", "as early as may be"})
	}
	return out
}

// room finds resources of one AnyOf for a start. The starts of a candidate are
// worked out when it is first looked at.
type room struct {
	*finder
	candidates []calendar
	count      int
	bits       []starts
}

func (r *room) at(i int, used []string) ([]calendar, bool) {
	var out []calendar
	for k, c := range r.candidates {
		if slices.Contains(used, c.email) {
			continue
		}
		if r.bits[k] == nil {
			r.bits[k] = r.bookable(c)
		}
		if r.bits[k].has(i) {
			if out = append(out, c); len(out) == r.count {
				return out, true
			}
		}
	}
	return nil, false
}
