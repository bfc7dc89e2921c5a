// Package availability answers whether people and resources are free, why
// not, and what would be.
//
// Two sources are joined: the occupancy of the tenant's own bookings, which
// the database knows at once, and the calendars in CommuniGate Pro, where
// other programs write too. Events there that are RMP's own (known by UID)
// are left out, so that a cancelled booking does not block by its echo.
//
// Readings for display are kept for a few seconds (see cache.go); a commit
// reads fresh. A calendar that could not be read is unknown, with the reason,
// and never free.
package availability

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"rmp/internal/booking"
	"rmp/internal/directory"
	"rmp/internal/fault"
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
	cache     *cache
	now       func() time.Time
}

// New makes an engine. keep says how long a reading serves display.
func New(calendars Calendars, bookings booking.Stores, resources directory.Stores, keep time.Duration, now func() time.Time) *Engine {
	return &Engine{calendars: calendars, bookings: bookings, resources: resources, cache: newCache(keep), now: now}
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
	return e.busy(ctx, t, accounts, from, till, e.cache.read)
}

type reader func(ctx context.Context, e *Engine, t tenant.ID, calendars, people []string, from, till time.Time) ([]Reading, time.Time)

// fresh reads from CommuniGate Pro now.
func fresh(ctx context.Context, e *Engine, t tenant.ID, calendars, people []string, from, till time.Time) ([]Reading, time.Time) {
	asOf := e.now()
	return e.calendars.Read(ctx, t, calendars, people, from, till), asOf
}

func (e *Engine) busy(ctx context.Context, t tenant.ID, accounts []string, from, till time.Time, read reader) ([]Account, error) {
	var order []string
	for _, a := range accounts {
		a = strings.ToLower(strings.TrimSpace(a))
		if !slices.Contains(order, a) {
			order = append(order, a)
		}
	}
	known, err := e.resources(t).Resources(ctx, directory.Filter{Emails: order})
	if err != nil {
		return nil, fmt.Errorf("busy times: %w", err)
	}
	isResource := map[string]bool{}
	for _, r := range known {
		isResource[r.Email] = true
	}
	var calendars, people []string
	for _, a := range order {
		if isResource[a] {
			calendars = append(calendars, a)
		} else {
			people = append(people, a)
		}
	}
	readings, asOf := read(ctx, e, t, calendars, people, from, till)
	own, err := e.ownUIDs(ctx, t, readings[:len(calendars)])
	if err != nil {
		return nil, err
	}
	taken, err := e.bookings(t).Occupied(ctx, calendars, from, till)
	if err != nil {
		return nil, fmt.Errorf("busy times: %w", err)
	}
	byAccount := map[string]*Account{}
	out := make([]Account, len(order))
	for i, a := range order {
		out[i] = Account{Email: a, AsOf: asOf}
		byAccount[a] = &out[i]
	}
	for _, r := range readings {
		a := byAccount[r.Account]
		a.Err = r.Err
		for _, ev := range r.Events {
			if isResource[r.Account] && own[ev.UID] || !ev.Start.Before(till) || !ev.End.After(from) {
				continue
			}
			a.Busy = append(a.Busy, Span{Start: ev.Start, End: ev.End, Status: ev.Status, Title: ev.Summary, Holder: ev.Organizer})
		}
	}
	for _, o := range taken {
		a := byAccount[o.ResourceEmail]
		a.Busy = append(a.Busy, Span{Start: o.Start, End: o.End, Status: "busy", Title: o.Title,
			Holder: o.Organizer.Email, BookingID: o.BookingID, Private: o.Private})
	}
	for i := range out {
		slices.SortFunc(out[i].Busy, func(a, b Span) int { return a.Start.Compare(b.Start) })
	}
	return out, nil
}

// ownUIDs answers which events of the readings are of RMP's own bookings.
func (e *Engine) ownUIDs(ctx context.Context, t tenant.ID, readings []Reading) (map[string]bool, error) {
	var uids []string
	for _, r := range readings {
		for _, ev := range r.Events {
			uids = append(uids, ev.UID)
		}
	}
	if len(uids) == 0 {
		return nil, nil
	}
	slices.Sort(uids)
	own, err := e.bookings(t).OwnUIDs(ctx, slices.Compact(uids))
	if err != nil {
		return nil, fmt.Errorf("busy times: %w", err)
	}
	return own, nil
}

// Verdict is the answer to whether a span is free for all.
type Verdict struct {
	Available bool
	Busy      []Account // those with something in the span
	Unknown   []Account // those that could not be read
}

// Check answers whether the accounts are all free in [start, end).
func (e *Engine) Check(ctx context.Context, t tenant.ID, accounts []string, start, end time.Time) (Verdict, error) {
	all, err := e.Busy(ctx, t, accounts, start, end)
	if err != nil {
		return Verdict{}, err
	}
	var v Verdict
	for _, a := range all {
		switch {
		case a.Err != nil:
			v.Unknown = append(v.Unknown, a)
		case len(a.Busy) > 0:
			v.Busy = append(v.Busy, a)
		}
	}
	v.Available = len(v.Busy) == 0 && len(v.Unknown) == 0
	return v, nil
}

// Fresh implements booking.Availability: it reads the resources' calendars
// now, past any cache, and answers what others have written into them in
// [start, end). What RMP's own bookings take is left to the database. In the
// same round trip it finds out which of the people have no account.
func (e *Engine) Fresh(ctx context.Context, t tenant.ID, resources, people []string, start, end time.Time) ([]booking.Clash, []string, error) {
	readings, _ := fresh(ctx, e, t, resources, people, start, end)
	own, err := e.ownUIDs(ctx, t, readings[:len(resources)])
	if err != nil {
		return nil, nil, err
	}
	var clashes []booking.Clash
	var missing []string
	var unread []fault.Field
	var cause error
	for i, r := range readings {
		if i >= len(resources) {
			if errors.Is(r.Err, ErrNoAccount) {
				missing = append(missing, r.Account)
			}
			continue
		}
		if r.Err != nil {
			unread = append(unread, fault.Field{Pointer: r.Account, Detail: reasonOf(r.Err)})
			cause = r.Err
			continue
		}
		for _, ev := range r.Events {
			if !own[ev.UID] && ev.Start.Before(end) && ev.End.After(start) {
				clashes = append(clashes, booking.Clash{Resource: r.Account, Start: ev.Start, End: ev.End,
					Holder: booking.Person{Email: ev.Organizer}, Title: ev.Summary, Foreign: true})
			}
		}
	}
	if len(unread) > 0 {
		return nil, nil, &fault.Error{Code: fault.Unknown, Fields: unread, Err: cause,
			Text: "the calendar of the resource could not be read in CommuniGate Pro, so it is unknown whether it is free; nothing was booked"}
	}
	return clashes, missing, nil
}
