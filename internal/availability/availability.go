// Package availability answers whether people and resources are free, why
// not, and what would be.
//
// Two sources are joined: the occupancy of the tenant's own bookings, which
// the database knows at once, and the calendars in CommuniGate Pro, where
// other programs write too. Events there that are RMP's own (a booking of that
// resource, known by UID) are left out, so that a cancelled booking does not
// block by its echo.
//
// Readings for display are kept (see layer.go), by calendar and day, until they
// are too old or something says that they are not true any more: our own
// writes, notice of a change, the reconciler, another process; a commit reads
// fresh. A calendar that could not be read is unknown, with the reason, and
// never free.
package availability

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"rmp/internal/booking"
	"rmp/internal/directory"
	"rmp/internal/tenant"
)

// Event is a span in a calendar that is not free.
type Event struct {
	UID        string
	Start, End time.Time
	Status     string // busy, tentative or out-of-office
	Summary    string // empty when only free/busy was read
	Organizer  string // address, if it was told
}

// Reading is what one calendar holds in the asked range.
type Reading struct {
	Account string
	Events  []Event
	// Err says why the calendar could not be read: ErrNoAccount, ErrDenied,
	// or anything else for a server that is away, slow or answers wrongly.
	Err error
	// Via says from what a person's busy times were read, if not from the
	// server's answer about free/busy, and why.
	Via string
}

// Reasons of an unknown calendar.
var (
	ErrNoAccount = errors.New("there is no such account")
	ErrDenied    = errors.New("the calendar may not be read")
)

// Calendars reads calendars of a tenant from CommuniGate Pro.
type Calendars interface {
	// Read answers the events of the calendars and the free/busy of the
	// people in [from, till), in one round trip, a reading for each account
	// asked, in their order, first the calendars. A failure of the whole is
	// told in each reading.
	Read(ctx context.Context, t tenant.ID, calendars, people []string, from, till time.Time) []Reading
}

// Engine answers questions about availability.
type Engine struct {
	calendars Calendars
	bookings  booking.Stores
	resources directory.Stores
	now       func() time.Time

	events *layer // what others wrote into the calendars of resources
	people *layer // free/busy
	own    *layer // RMP's bookings of resources
}

// New makes an engine. keep says how long a reading serves display.
func New(calendars Calendars, bookings booking.Stores, resources directory.Stores, keep time.Duration, now func() time.Time) *Engine {
	e := &Engine{calendars: calendars, bookings: bookings, resources: resources, now: now}
	e.events = newLayer(keep, now, e.fetchEvents)
	e.people = newLayer(keep, now, e.fetchPeople)
	e.own = newLayer(0, now, e.fetchOwn)
	return e
}

func (e *Engine) fetchEvents(ctx context.Context, t tenant.ID, accounts []string, from, till time.Time) []fetched {
	out := make([]fetched, len(accounts))
	readings := e.calendars.Read(ctx, t, accounts, nil, from, till)
	own, err := e.ownEvents(ctx, t, readings)
	for i, r := range readings {
		if out[i].err = r.Err; err != nil {
			out[i].err = err
		}
		for _, ev := range r.Events {
			if own[booking.InCalendar{UID: ev.UID, Calendar: r.Account}] {
				continue
			}
			out[i].spans = append(out[i].spans, busy{micros(ev.Start), micros(ev.End), &about{block: booking.Block{Status: ev.Status, Title: ev.Summary,
				Holder: booking.Person{Email: ev.Organizer}, Foreign: true}}})
		}
	}
	return out
}

// statuses are what the spans of free/busy are about.
var statuses = map[string]*about{"busy": {block: booking.Block{Status: "busy"}}, "tentative": {block: booking.Block{Status: "tentative"}},
	"out-of-office": {block: booking.Block{Status: "out-of-office"}}}

func (e *Engine) fetchPeople(ctx context.Context, t tenant.ID, accounts []string, from, till time.Time) []fetched {
	out := make([]fetched, len(accounts))
	for i, r := range e.calendars.Read(ctx, t, nil, accounts, from, till) {
		out[i].err = r.Err
		for _, ev := range r.Events {
			what := statuses[ev.Status]
			if what == nil {
				what = statuses["busy"]
			}
			out[i].spans = append(out[i].spans, busy{micros(ev.Start), micros(ev.End), what})
		}
	}
	return out
}

func (e *Engine) fetchOwn(ctx context.Context, t tenant.ID, accounts []string, from, till time.Time) []fetched {
	out := make([]fetched, len(accounts))
	taken, err := e.bookings(t).Occupied(ctx, accounts, from, till, e.now())
	if err != nil {
		for i := range out {
			out[i].err = err
		}
		return out
	}
	at := make(map[string]int, len(accounts))
	for i, a := range accounts {
		at[a] = i
	}
	for _, o := range taken {
		b := blockOf(o)
		x := busy{micros(o.From), micros(o.Till), &about{start: micros(o.Start), end: micros(o.End), block: b}}
		x.about.block.From, x.about.block.Till, x.about.block.Start, x.about.block.End = time.Time{}, time.Time{}, time.Time{}, time.Time{}
		i := at[o.ResourceEmail]
		out[i].spans = append(out[i].spans, x)
	}
	return out
}

func blockOf(o booking.Occupied) booking.Block {
	return booking.Block{From: o.From, Till: o.Till, Start: o.Start, End: o.End, Status: "busy", Title: o.Title, Holder: o.Organizer,
		Private: o.Private, Hold: o.Hold, HoldUntil: o.HoldUntil, BookingID: o.BookingID}
}

// Span is one busy time of an account, and why.
type Span struct {
	Start, End time.Time
	Status     string
	Title      string
	Holder     string // who holds it: the address of the organizer, if known
	BookingID  string // for RMP's own
	Private    bool
}

// Account is what is known of one account in a range.
type Account struct {
	Email string
	Busy  []Span // ordered by start
	Err   error  // set: unknown
	AsOf  time.Time
}

// Reason puts the error of an unknown account in one word of the API:
// unknown (no such account), forbidden or unreachable.
func (a Account) Reason() string { return reasonOf(a.Err) }

func reasonOf(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, ErrNoAccount):
		return "unknown"
	case errors.Is(err, ErrDenied):
		return "forbidden"
	}
	return "unreachable"
}

// Busy answers for each account, in the order asked, what is taken in
// [from, till). An account that is asked for twice is answered once.
func (e *Engine) Busy(ctx context.Context, t tenant.ID, accounts []string, from, till time.Time) ([]Account, error) {
	order := distinct(accounts)
	known, err := e.resources(t).Resources(ctx, directory.Filter{Emails: order})
	if err != nil {
		return nil, fmt.Errorf("busy times: %w", err)
	}
	people := notResources(order, known)
	loads, persons, err := e.load(ctx, t, known, people, from, till)
	if err != nil {
		return nil, err
	}
	byAccount := make(map[string]Account, len(order))
	for _, l := range loads {
		byAccount[l.Resource.Email] = shown(l, from, till, e.now())
	}
	for _, a := range persons {
		byAccount[a.Email] = a
	}
	out := make([]Account, len(order))
	for i, a := range order {
		out[i] = byAccount[a]
	}
	return out, nil
}

// notResources are the accounts that are none of the resources.
func notResources(accounts []string, resources []directory.Resource) []string {
	is := make(map[string]bool, len(resources))
	for _, r := range resources {
		is[r.Email] = true
	}
	return slices.DeleteFunc(slices.Clone(accounts), func(a string) bool { return is[a] })
}

func distinct(accounts []string) []string {
	out := make([]string, 0, len(accounts))
	seen := make(map[string]bool, len(accounts))
	for _, a := range accounts {
		if a = strings.ToLower(strings.TrimSpace(a)); !seen[a] {
			seen[a] = true
			out = append(out, a)
		}
	}
	return out
}

// shown is what free/busy tells of a resource: when no unit of it is free.
// Set-up and tear-down are not meeting time.
func shown(l booking.Load, from, till, now time.Time) Account {
	a := Account{Email: l.Resource.Email, Err: l.Err, AsOf: l.AsOf}
	units := max(1, l.Resource.Units)
	if units > 1 {
		a.Busy = full(slices.DeleteFunc(slices.Clone(l.Blocks), func(b booking.Block) bool { return b.Hold && !b.HoldUntil.After(now) }), units, from, till)
		return a
	}
	for _, b := range l.Blocks {
		if b.Start.Before(till) && b.End.After(from) && (!b.Hold || b.HoldUntil.After(now)) {
			a.Busy = append(a.Busy, Span{Start: b.Start, End: b.End, Status: b.Status, Title: b.Title, Holder: b.Holder.Email, BookingID: b.BookingID, Private: b.Private})
		}
	}
	slices.SortFunc(a.Busy, func(x, y Span) int { return x.Start.Compare(y.Start) })
	return a
}

// full are the spans in which all units are taken.
func full(blocks []booking.Block, units int, from, till time.Time) (out []Span) {
	type edge struct {
		at   time.Time
		step int
	}
	var edges []edge
	for _, b := range blocks {
		edges = append(edges, edge{b.Start, 1}, edge{b.End, -1})
	}
	slices.SortFunc(edges, func(x, y edge) int {
		if c := x.at.Compare(y.at); c != 0 {
			return c
		}
		return x.step - y.step
	})
	n := 0
	var since time.Time
	for _, e := range edges {
		was := n
		n += e.step
		switch {
		case was < units && n >= units:
			since = e.at
		case was >= units && n < units && e.at.After(since) && since.Before(till) && e.at.After(from):
			out = append(out, Span{Start: since, End: e.at, Status: "busy"})
		}
	}
	return out
}

// load answers what is kept of resources and people, or reads it, in one round
// trip. The loads are in the order of the resources, the accounts in that of
// the people.
func (e *Engine) load(ctx context.Context, t tenant.ID, resources []directory.Resource, people []string, from, till time.Time) ([]booking.Load, []Account, error) {
	k, err := e.kept(ctx, t, resources, people, from, till)
	if err != nil {
		return nil, nil, err
	}
	first, last := dayOf(micros(from)), dayOf(micros(till)-1)
	loads := make([]booking.Load, len(resources))
	for i, r := range resources {
		l := booking.Load{Resource: r, Rules: r.Rules(), Err: k.eventErrs[i], Why: reasonOf(k.eventErrs[i]), AsOf: e.now()}
		add := func(b busy) { l.Blocks = append(l.Blocks, b.block()) }
		if l.Err == nil {
			k.events[i].each(micros(from), micros(till), add)
			l.AsOf = instant(k.events[i].oldest(first, last))
		}
		k.own[i].each(micros(from), micros(till), add)
		slices.SortFunc(l.Blocks, func(a, b booking.Block) int { return a.From.Compare(b.From) })
		loads[i] = l
	}
	accounts := make([]Account, len(people))
	for i, p := range people {
		a := Account{Email: p, Err: k.peopleErrs[i], AsOf: e.now()}
		if a.Err == nil {
			a.AsOf = instant(k.people[i].oldest(first, last))
			k.people[i].each(micros(from), micros(till), func(b busy) {
				a.Busy = append(a.Busy, Span{Start: instant(b.from), End: instant(b.till), Status: b.about.block.Status})
			})
		}
		accounts[i] = a
	}
	return loads, accounts, nil
}

// kept is what the layers hold of resources and people.
type kept struct {
	events, own, people   []*window
	eventErrs, peopleErrs []error
}

// kept reads the three layers, what is missing of them at the same time.
func (e *Engine) kept(ctx context.Context, t tenant.ID, resources []directory.Resource, people []string, from, till time.Time) (kept, error) {
	calendars := make([]string, len(resources))
	for i, r := range resources {
		calendars[i] = r.Email
	}
	var k kept
	var ownErrs []error
	var wg sync.WaitGroup
	if len(people) > 0 {
		wg.Go(func() { k.people, k.peopleErrs = e.people.read(ctx, t, people, from, till) })
	}
	if len(calendars) > 0 {
		wg.Go(func() { k.events, k.eventErrs = e.events.read(ctx, t, calendars, from, till) })
		k.own, ownErrs = e.own.read(ctx, t, calendars, from, till)
	}
	wg.Wait()
	for _, err := range ownErrs {
		if err != nil {
			return k, fmt.Errorf("busy times: %w", err)
		}
	}
	return k, nil
}

// fresh reads from CommuniGate Pro and the database now, past what is kept.
func (e *Engine) fresh(ctx context.Context, t tenant.ID, resources []directory.Resource, people []string, from, till time.Time) ([]booking.Load, []Reading, error) {
	calendars := make([]string, len(resources))
	loads := make([]booking.Load, len(resources))
	at := make(map[string]int, len(resources))
	for i, r := range resources {
		calendars[i], at[r.Email] = r.Email, i
		loads[i] = booking.Load{Resource: r, Rules: r.Rules()}
	}
	asOf := e.now()
	readings := e.calendars.Read(ctx, t, calendars, people, from, till)
	own, err := e.ownEvents(ctx, t, readings[:len(calendars)])
	if err != nil {
		return nil, nil, err
	}
	taken, err := e.bookings(t).Occupied(ctx, calendars, from, till, e.now())
	if err != nil {
		return nil, nil, fmt.Errorf("busy times: %w", err)
	}
	for i := range loads {
		l := &loads[i]
		l.Err, l.Why, l.AsOf = readings[i].Err, reasonOf(readings[i].Err), asOf
		for _, ev := range readings[i].Events {
			if own[booking.InCalendar{UID: ev.UID, Calendar: calendars[i]}] || !ev.Start.Before(till) || !ev.End.After(from) {
				continue
			}
			l.Blocks = append(l.Blocks, booking.Block{From: ev.Start, Till: ev.End, Start: ev.Start, End: ev.End, Status: ev.Status, Title: ev.Summary,
				Holder: booking.Person{Email: ev.Organizer}, Foreign: true})
		}
	}
	for _, o := range taken {
		l := &loads[at[o.ResourceEmail]]
		l.Blocks = append(l.Blocks, blockOf(o))
	}
	for i := range loads {
		slices.SortFunc(loads[i].Blocks, func(a, b booking.Block) int { return a.From.Compare(b.From) })
	}
	return loads, readings[len(calendars):], nil
}

// ownEvents answers which events of the readings are of RMP's own bookings.
func (e *Engine) ownEvents(ctx context.Context, t tenant.ID, readings []Reading) (map[booking.InCalendar]bool, error) {
	var uids, calendars []string
	for _, r := range readings {
		calendars = append(calendars, r.Account)
		for _, ev := range r.Events {
			uids = append(uids, ev.UID)
		}
	}
	if len(uids) == 0 {
		return nil, nil
	}
	slices.Sort(uids)
	own, err := e.bookings(t).Own(ctx, slices.Compact(uids), calendars)
	if err != nil {
		return nil, fmt.Errorf("busy times: %w", err)
	}
	return own, nil
}

// Verdict is the answer to whether a span is free for all.
type Verdict struct {
	Available bool
	Busy      []Account         // those with something in the span
	Refused   []booking.Refusal // rules of resources that are against it
	Unknown   []Account         // those that could not be read
}

// Check answers whether the accounts are all free in [start, end), and whether
// the person could book the resources then.
func (e *Engine) Check(ctx context.Context, p tenant.Principal, accounts []string, start, end time.Time) (Verdict, error) {
	order := distinct(accounts)
	known, err := e.resources(p.Tenant).Resources(ctx, directory.Filter{Emails: order})
	if err != nil {
		return Verdict{}, fmt.Errorf("check: %w", err)
	}
	people := notResources(order, known)
	from, till := around(known, start, end)
	loads, persons, err := e.load(ctx, p.Tenant, known, people, from, till)
	if err != nil {
		return Verdict{}, err
	}
	v := Verdict{Available: true}
	for _, a := range persons {
		a.Busy = slices.DeleteFunc(a.Busy, func(s Span) bool { return !s.Start.Before(end) || !s.End.After(start) })
		switch {
		case a.Err != nil:
			v.Unknown = append(v.Unknown, a)
		case len(a.Busy) > 0:
			v.Busy = append(v.Busy, a)
		}
	}
	for _, l := range loads {
		verdict := l.Judge(booking.Case{Who: p, Now: e.now(), Start: start, End: end})
		a := Account{Email: l.Resource.Email, Err: l.Err, AsOf: l.AsOf}
		for _, c := range verdict.Clashes {
			a.Busy = append(a.Busy, Span{Start: c.Start, End: c.End, Status: "busy", Title: c.Title, Holder: c.Holder.Email, Private: c.Private})
		}
		switch {
		case verdict.Unknown:
			v.Unknown = append(v.Unknown, a)
		case len(a.Busy) > 0:
			v.Busy = append(v.Busy, a)
		}
		v.Refused = append(v.Refused, verdict.Refusals...)
	}
	v.Available = len(v.Busy)+len(v.Unknown)+len(v.Refused) == 0
	return v, nil
}

// Calendar answers what is known of a resource in a range, for display.
func (e *Engine) Calendar(ctx context.Context, t tenant.ID, r directory.Resource, from, till time.Time) (booking.Load, error) {
	loads, _, err := e.load(ctx, t, []directory.Resource{r}, nil, from, till)
	if err != nil {
		return booking.Load{}, err
	}
	return loads[0], nil
}

// FreeResources answers which of the resources the person could book in
// [start, end). A calendar that cannot be read is not free.
func (e *Engine) FreeResources(ctx context.Context, p tenant.Principal, resources []directory.Resource, start, end time.Time) ([]directory.Resource, error) {
	from, till := around(resources, start, end)
	loads, _, err := e.load(ctx, p.Tenant, resources, nil, from, till)
	if err != nil {
		return nil, err
	}
	var out []directory.Resource
	for _, l := range loads {
		if l.Judge(booking.Case{Who: p, Now: e.now(), Start: start, End: end}).Free() {
			out = append(out, l.Resource)
		}
	}
	return out, nil
}

// around widens a span by the set-up and tear-down of the resources.
func around(resources []directory.Resource, start, end time.Time) (from, till time.Time) {
	from, till = start, end
	for _, r := range resources {
		rules := r.Rules()
		if s := start.Add(-rules.Setup()); s.Before(from) {
			from = s
		}
		if s := end.Add(rules.Teardown()); s.After(till) {
			till = s
		}
	}
	return from, till
}

// Fresh implements booking.Availability.
func (e *Engine) Fresh(ctx context.Context, t tenant.ID, resources []directory.Resource, people []string, from, till time.Time) ([]booking.Load, []string, error) {
	loads, persons, err := e.fresh(ctx, t, resources, people, from, till)
	if err != nil {
		return nil, nil, err
	}
	var missing []string
	for _, r := range persons {
		if errors.Is(r.Err, ErrNoAccount) {
			missing = append(missing, r.Account)
		}
	}
	return loads, missing, nil
}

// Changed implements booking.Availability: what is kept of the accounts is
// forgotten.
func (e *Engine) Changed(t tenant.ID, accounts []string, from, till time.Time) {
	for _, l := range []*layer{e.events, e.people, e.own} {
		l.forget(t, accounts, from, till)
	}
}
