package availability

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"rmp/internal/booking"
	"rmp/internal/directory"
	"rmp/internal/tenant"
)

// Result is the answer to a Query.
type Result struct {
	Slots []Slot
	Why   []Why        // if there are none: what rules out most
	Relax []Relaxation // … and what would give one
	AsOf  time.Time    // of the oldest reading
	// Unknown are the participants and resources whose calendars could not be
	// read.
	Unknown []Account
}

// Limits of a search.
const (
	MaxParticipants = 200
	MaxPool         = 500 // resources that an AnyOf looks at
	MaxSlots        = 200
	MaxRange        = 92 * 24 * time.Hour
	maxStarts       = 92 * 24 * 60
)

// searchWorld reads what a query needs, all at once.
func (e *Engine) searchWorld(ctx context.Context, q *Query) (world, []Account, time.Time, error) {
	w := world{now: micros(e.now())}
	t := q.Who.Tenant
	all := slices.Clone(q.Resources)
	pools := make([][]directory.Resource, len(q.AnyOf))
	for i, a := range q.AnyOf {
		if a.MinCapacity == 0 && a.Type == "conference-room" {
			q.AnyOf[i].MinCapacity = len(q.People)
			a = q.AnyOf[i]
		}
		found, err := e.resources(t).Resources(ctx, directory.Filter{Type: a.Type, MinCapacity: a.MinCapacity, Features: a.Features, Site: a.Site})
		if err != nil {
			return w, nil, time.Time{}, fmt.Errorf("find slots: %w", err)
		}
		found = slices.DeleteFunc(found, func(r directory.Resource) bool { return !r.Active })
		slices.SortStableFunc(found, func(a, b directory.Resource) int { return a.Capacity - b.Capacity })
		pools[i] = found[:min(len(found), MaxPool)]
		if len(found) == 0 && a.MinCapacity > 0 {
			smaller, err := e.resources(t).Resources(ctx, directory.Filter{Type: a.Type, Features: a.Features, Site: a.Site})
			if err != nil {
				return w, nil, time.Time{}, fmt.Errorf("find slots: %w", err)
			}
			smaller = slices.DeleteFunc(smaller, func(r directory.Resource) bool { return !r.Active || r.Capacity == 0 })
			if len(smaller) > 0 {
				if w.largest == nil {
					w.largest = map[int]directory.Resource{}
				}
				w.largest[i] = slices.MaxFunc(smaller, func(a, b directory.Resource) int { return a.Capacity - b.Capacity })
			}
		}
		all = append(all, pools[i]...)
	}
	// One reading for each, however often it is named.
	slices.SortStableFunc(all, func(a, b directory.Resource) int { return compareText(a.Email, b.Email) })
	all = slices.CompactFunc(all, func(a, b directory.Resource) bool { return a.Email == b.Email })
	people := make([]string, len(q.People))
	for i, p := range q.People {
		people[i] = p.Email
	}
	from, till := around(all, q.From.Add(-q.BufferBefore), q.Till.Add(q.BufferAfter))
	k, err := e.kept(ctx, t, all, people, from, till)
	if err != nil {
		return w, nil, time.Time{}, err
	}
	first, last := dayOf(micros(from)), dayOf(micros(till)-1)
	oldest := micros(e.now())
	var unknown []Account
	for i, p := range people {
		c := calendar{email: p, err: k.peopleErrs[i]}
		if c.err == nil {
			c.windows = []*window{k.people[i]}
			oldest = min(oldest, k.people[i].oldest(first, last))
		} else {
			unknown = append(unknown, Account{Email: p, Err: c.err})
		}
		w.people = append(w.people, c)
	}
	byEmail := make(map[string]calendar, len(all))
	for i, r := range all {
		c := calendar{email: r.Email, err: k.eventErrs[i], quantity: 1, resource: &booking.Load{Resource: r, Rules: r.Rules()}}
		if c.err == nil {
			c.windows = []*window{k.events[i], k.own[i]}
			oldest = min(oldest, k.events[i].oldest(first, last))
		} else {
			unknown = append(unknown, Account{Email: r.Email, Err: c.err})
		}
		byEmail[r.Email] = c
	}
	for _, r := range q.Resources {
		c := byEmail[r.Email]
		c.quantity = max(1, q.Quantities[r.Email])
		w.named = append(w.named, c)
	}
	for _, pool := range pools {
		var list []calendar
		for _, r := range pool {
			list = append(list, byEmail[r.Email])
		}
		w.pool = append(w.pool, list)
	}
	return w, unknown, instant(oldest), nil
}

func compareText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// FindSlots answers the best slots; when there are none, why, and what would
// give one.
func (e *Engine) FindSlots(ctx context.Context, q Query) (Result, error) {
	w, unknown, asOf, err := e.searchWorld(ctx, &q)
	if err != nil {
		return Result{}, err
	}
	f := newFinder(q, w)
	r := Result{Slots: f.find(), AsOf: asOf, Unknown: unknown}
	if len(r.Slots) > 0 {
		return r, nil
	}
	r.Why, r.Relax = f.why(), f.relaxations()
	if q.Till.Sub(q.From) < MaxRange/2 { // and later?
		later := q
		later.From, later.Till, later.Limit = q.Till.Add(-q.Duration), q.Till.Add(14*24*time.Hour), 1
		if w, _, _, err := e.searchWorld(ctx, &later); err == nil {
			if s := newFinder(later, w).find(); len(s) > 0 {
				r.Relax = append(r.Relax, Relaxation{"later", "till", "in the two weeks after", s[0]})
			}
		}
	}
	return r, nil
}

// WorkingCalendar is what is known of some people and resources in a range:
// the planner's view of them. It is read once; what happens after that it does
// not know. It may be used by several goroutines at once.
type WorkingCalendar struct {
	engine     *Engine
	who        tenant.Principal
	from, till time.Time
	people     []Participant
	resources  []directory.Resource
}

// ErrOutside is answered for a time outside of the range of a working
// calendar.
var ErrOutside = errors.New("the time is outside of the range of the working calendar")

// InitializeWithParticipants reads the calendars of people and resources (by
// address) over a range.
func (e *Engine) InitializeWithParticipants(ctx context.Context, who tenant.Principal, people []Participant, resources []string, from, till time.Time) (*WorkingCalendar, error) {
	w := &WorkingCalendar{engine: e, who: who, from: from, till: till, people: people}
	var err error
	if len(resources) > 0 {
		if w.resources, err = e.resources(who.Tenant).Resources(ctx, directory.Filter{Emails: resources}); err != nil {
			return nil, fmt.Errorf("working calendar: %w", err)
		}
	}
	emails := make([]string, len(people))
	for i, p := range people {
		emails[i] = p.Email
	}
	_, err = e.kept(ctx, who.Tenant, w.resources, emails, from, till)
	return w, err
}

func (w *WorkingCalendar) accounts() []string {
	var out []string
	for _, p := range w.people {
		out = append(out, p.Email)
	}
	for _, r := range w.resources {
		out = append(out, r.Email)
	}
	return out
}

// CheckTimeslotAvailability answers whether all are free in [start, end), and
// if not, who is not and why.
func (w *WorkingCalendar) CheckTimeslotAvailability(ctx context.Context, start, end time.Time) (Verdict, error) {
	if start.Before(w.from) || end.After(w.till) {
		return Verdict{}, ErrOutside
	}
	return w.engine.Check(ctx, w.who, w.accounts(), start, end)
}

// GetBusyParticipants answers who is busy in [start, end), and when; those
// whose calendars could not be read have Err set.
func (w *WorkingCalendar) GetBusyParticipants(ctx context.Context, start, end time.Time) ([]Account, error) {
	v, err := w.CheckTimeslotAvailability(ctx, start, end)
	return append(v.Busy, v.Unknown...), err
}

// FindAvailableSlots answers the best slots of a length in which all that are
// required are free.
func (w *WorkingCalendar) FindAvailableSlots(ctx context.Context, length time.Duration, limit int, c Constraints) (Result, error) {
	return w.engine.FindSlots(ctx, Query{Who: w.who, People: w.people, Resources: w.resources, Duration: length, From: w.from, Till: w.till, Limit: limit, Constraints: c})
}

// NextAvailableSlot answers the first slot that begins at a time or later.
func (w *WorkingCalendar) NextAvailableSlot(ctx context.Context, after time.Time, length time.Duration, c Constraints) (Slot, bool, error) {
	r, err := w.engine.FindSlots(ctx, Query{Who: w.who, People: w.people, Resources: w.resources, Duration: length, From: after, Till: w.till, Limit: MaxSlots, Constraints: c})
	if err != nil || len(r.Slots) == 0 {
		return Slot{}, false, err
	}
	return slices.MinFunc(r.Slots, func(a, b Slot) int { return a.Start.Compare(b.Start) }), true, nil
}
