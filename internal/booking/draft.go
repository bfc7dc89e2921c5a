package booking

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"rmp/internal/directory"
	"rmp/internal/fault"
	"rmp/internal/tenant"
)

// maxTries bounds how often a booking is planned again because somebody took
// one of its dates meanwhile.
const maxTries = 4

// newDraft validates a request for a new booking and works out its dates.
func (s *Service) newDraft(ctx context.Context, p tenant.Principal, r Request) (*draft, error) {
	d, err := s.prepare(ctx, p, r)
	if err != nil {
		return nil, err
	}
	now := s.Now().UTC().Truncate(time.Microsecond)
	d.booking = Booking{
		ID: rand.Text(), UID: newUID(now), Status: Confirmed, Version: 1,
		Organizer: Person{Email: p.Email, Name: p.Name},
		CreatedAt: now, UpdatedAt: now,
	}
	d.booking.fill(d.request, d.resources)
	return d, d.bounded(now)
}

// prepare normalizes and validates a request and looks up its resources.
func (s *Service) prepare(ctx context.Context, p tenant.Principal, r Request) (*draft, error) {
	t, err := s.Tenants.Tenant(ctx, p.Tenant)
	if err != nil {
		return nil, fmt.Errorf("read tenant: %w", err)
	}
	if r.TimeZone == "" {
		r.TimeZone = t.TimeZone
	}
	if r.Mode == "" {
		r.Mode = Mode(t.Mode)
	}
	given := slices.Clone(r.Resources)
	r.normalize()
	if err := r.validate(s.Now()); err != nil {
		return nil, err
	}
	found, err := s.resources(ctx, p.Tenant, r.Resources)
	if err != nil {
		return nil, err
	}
	var bad fault.Fields
	for i, g := range given {
		email := strings.ToLower(strings.TrimSpace(g.Email))
		at := slices.IndexFunc(found, func(f directory.Resource) bool { return f.Email == email })
		switch {
		case at < 0:
			bad.Add("/resources/"+itoa(i), "there is no resource %q", short(g.Email))
		case !found[at].Active:
			bad.Add("/resources/"+itoa(i), "%s is out of service", found[at].Name)
		case g.Quantity < 0:
			bad.Add("/resources/"+itoa(i)+"/quantity", "is less than 1")
		}
	}
	return &draft{tenant: t, who: p, request: r, resources: found}, bad.Err()
}

func (s *Service) resources(ctx context.Context, t tenant.ID, wanted []Wanted) ([]directory.Resource, error) {
	emails := make([]string, len(wanted))
	for i, w := range wanted {
		emails[i] = w.Email
	}
	found, err := s.Resources(t).Resources(ctx, directory.Filter{Emails: emails})
	if err != nil {
		return nil, fmt.Errorf("read resources: %w", err)
	}
	return found, nil
}

// fill takes over what a person may choose.
func (b *Booking) fill(r Request, resources []directory.Resource) {
	b.Title, b.Description, b.Location = r.Title, r.Description, r.Location
	b.Start, b.End, b.TimeZone = r.Start, r.End, r.TimeZone
	b.Private, b.Mode, b.Recurrence = r.Private, r.Mode, r.Recurrence
	b.Resources = make([]BookedResource, len(resources))
	for i, x := range resources {
		rules := x.Rules()
		b.Resources[i] = BookedResource{ID: x.ID, Email: x.Email, Name: x.Name, Type: x.Type, Quantity: 1, Units: max(1, x.Units), Setup: rules.Setup(), Teardown: rules.Teardown()}
		if j := slices.IndexFunc(r.Resources, func(w Wanted) bool { return w.Email == x.Email }); j >= 0 {
			b.Resources[i].Quantity = r.Resources[j].Quantity
		}
	}
	before := b.Attendees
	b.Attendees = slices.Clone(r.Attendees)
	for i := range b.Attendees {
		a := &b.Attendees[i]
		a.PartStat = "needs-action"
		if j := slices.IndexFunc(before, func(o Attendee) bool { return o.Email == a.Email }); j >= 0 {
			a.PartStat = before[j].PartStat
		}
	}
}

// place reads the calendars, decides, and lets store keep the draft. When the
// database refuses because somebody was faster, it begins again: the next
// reading says who.
func (s *Service) place(ctx context.Context, d *draft, store func() error) error {
	was := d.booking
	for try := 1; ; try++ {
		d.booking = was
		if err := d.bounded(s.Now()); err != nil {
			return err
		}
		if err := s.read(ctx, d); err != nil {
			return err
		}
		plan := s.judge(d)
		if err := s.settle(ctx, d, plan); err != nil {
			return err
		}
		err := store()
		var quota *QuotaError
		switch {
		case errors.As(err, &quota):
			return &PolicyError{Refusals: []Refusal{quota.Refusal}}
		case errors.Is(err, ErrNoHold):
			return fault.Wrap(err, fault.Invalid, "the hold has run out; its time may be taken by now")
		case errors.Is(err, ErrOverlap) && try < maxTries:
			continue
		case errors.Is(err, ErrOverlap):
			return &ConflictError{}
		}
		return err
	}
}

// change puts together what one transaction stores.
func (s *Service) change(d *draft, action, reason string) Change {
	b := d.booking
	c := Change{Booking: b, Dates: d.dates, Now: s.Now(), Reach: d.reach(), Hold: d.request.Hold, RequestKey: d.request.Key,
		History: HistoryEntry{At: b.UpdatedAt, Actor: d.who.Email, Action: action, Reason: reason, After: asJSON(b)}}
	if d.old != nil {
		c.Expect = d.old.Version
		c.History.Before = asJSON(*d.old)
	}
	if b.Status == Held {
		return c
	}
	if b.Status != Cancelled {
		c.Quotas = d.quotas(c.Now)
		c.Writes = Targets(d.tenant, b)
	}
	if d.old == nil {
		d.fresh = slices.Clone(c.Writes)
		for i := range d.fresh {
			d.fresh[i].State, d.fresh[i].UpdatedAt = Pending, b.UpdatedAt
		}
	}
	c.Owner, c.LeaseUntil = s.Writer.Lease()
	if d.owner != "" {
		c.Owner = d.owner
	}
	d.owner = c.Owner
	if d.old != nil {
		for _, o := range Targets(d.tenant, *d.old) {
			if !slices.ContainsFunc(c.Writes, func(w Sync) bool { return w.Calendar == o.Calendar }) {
				o.Remove = true
				c.Writes = append(c.Writes, o)
			}
		}
	}
	return c
}

// reach is where the booking is, and where it was.
func (d *draft) reach() Reach {
	r := d.booking.Reach()
	if d.old != nil {
		r = r.And(d.old.Reach())
	}
	return r
}

// Targets answers the calendars a booking belongs into: the central one of
// the tenant, those of its resources, and in the mode Direct those of the
// person who booked and of the attendees that have an account of the tenant.
// Attendees elsewhere are guests: they are sent the event. In the mode
// Invitation the server sends requests to all attendees when the central
// calendar is written.
func Targets(t tenant.Tenant, b Booking) []Sync {
	out := []Sync{{Calendar: t.ServiceAccount(), Kind: CentralCalendar}}
	add := func(email string, kind CalendarKind) {
		if !slices.ContainsFunc(out, func(s Sync) bool { return s.Calendar == email }) {
			out = append(out, Sync{Calendar: email, Kind: kind})
		}
	}
	for _, r := range b.Resources {
		add(r.Email, ResourceCalendar)
	}
	if t.Owns(b.Organizer.Email) {
		add(strings.ToLower(b.Organizer.Email), PersonCalendar)
	}
	if b.Mode == Invitation {
		return out
	}
	for _, a := range b.Attendees {
		if t.Owns(a.Email) {
			add(a.Email, PersonCalendar)
		} else {
			add(a.Email, Guest)
		}
	}
	return out
}
