package booking

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"rmp/internal/fault"
	"rmp/internal/tenant"
)

// extendAhead is how much of the horizon may be gone before it is moved on.
const extendAhead = 7 * 24 * time.Hour

// extendStep is how far a horizon is moved at least.
const extendStep = 24 * time.Hour

// System is the actor of what RMP does by itself.
const System = "rmp"

// Extend moves the horizon of series on: the dates that come into it take
// their resources, under the rule of no overlap. One that turns out to be
// taken becomes a conflict that people see. It answers how many series were
// moved on.
func (s *Service) Extend(ctx context.Context, t tenant.ID) (int, error) {
	const batch = 1000 // more than can be held back by the windows of their resources, it is hoped
	list, err := s.Bookings(t).ToExtend(ctx, s.Now().Add(Horizon-extendAhead), batch)
	if err != nil {
		return 0, fmt.Errorf("extend series: %w", err)
	}
	n := 0
	for _, b := range list {
		switch moved, err := s.extend(ctx, t, b); {
		case errors.Is(err, ErrStale): // somebody changed it at this moment: next time
		case err != nil: // one that cannot be moved on keeps none of the others
			s.Log.ErrorContext(ctx, "extend a series", "booking", b.ID, "tenant", t, "err", err)
		case moved:
			n++
		}
	}
	return n, nil
}

// adopter is who changes a booking because its event was changed.
func (s *Service) adopter(ctx context.Context, t tenant.ID) (tenant.Principal, error) {
	tn, err := s.Tenants.Tenant(ctx, t)
	return tenant.Principal{Tenant: t, Domain: tn.Domain, Email: System, Role: tenant.Admin}, err
}

// Adopt moves a booking to where its event was moved in a calendar.
func (s *Service) Adopt(ctx context.Context, t tenant.ID, id string, version int64, start, end time.Time) error {
	p, err := s.adopter(ctx, t)
	if err != nil {
		return err
	}
	b, err := s.load(ctx, t, id)
	if err != nil {
		return err
	}
	r := b.request()
	r.Start, r.End = start, end
	_, err = s.Change(ctx, p, id, version, Scope{}, r)
	if fault.CodeOf(err) == fault.Stale {
		return ErrStale
	}
	return err
}

// AdoptDeletion cancels a booking whose event was deleted in a calendar.
func (s *Service) AdoptDeletion(ctx context.Context, t tenant.ID, id string, version int64) error {
	p, err := s.adopter(ctx, t)
	if err != nil {
		return err
	}
	_, err = s.Cancel(ctx, p, id, version, Scope{}, "deleted in the calendar of the resource")
	if fault.CodeOf(err) == fault.Stale {
		return ErrStale
	}
	return err
}

// Alternatives answers what would be possible instead of a date of a booking
// whose resource is taken.
func (s *Service) Alternatives(ctx context.Context, t tenant.ID, b Booking, resource string, start, end time.Time) ([]Alternative, error) {
	resources, err := s.bookedResources(ctx, t, b)
	if err != nil {
		return nil, err
	}
	w := Wish{Who: tenant.Principal{Tenant: t, Email: b.Organizer.Email, Role: tenant.User}, Resources: resources, Taken: []string{resource}, Start: start, End: end,
		Quantities: map[string]int{}, Ignore: []string{b.ID}}
	for _, r := range b.Resources {
		w.Quantities[r.Email] = r.Quantity
	}
	return s.Availability.Alternatives(ctx, t, w)
}

// request is the booking as somebody would ask for it.
func (b *Booking) request() Request {
	r := Request{Title: b.Title, Start: b.Start, End: b.End, TimeZone: b.TimeZone, Attendees: b.Attendees, Location: b.Location, Description: b.Description,
		Private: b.Private, Mode: b.Mode}
	for _, x := range b.Resources {
		r.Resources = append(r.Resources, Wanted{Email: x.Email, Quantity: x.Quantity})
	}
	return r
}

func (s *Service) extend(ctx context.Context, t tenant.ID, old Booking) (bool, error) {
	tn, err := s.Tenants.Tenant(ctx, t)
	if err != nil {
		return false, err
	}
	p := tenant.Principal{Tenant: t, Domain: tn.Domain, Email: System, Role: tenant.Admin}
	for try := 1; ; try++ {
		d := &draft{tenant: tn, who: p, old: &old, booking: old}
		d.booking.UpdatedAt = s.Now().UTC().Truncate(time.Microsecond)
		d.booking.Version++
		if d.resources, err = s.bookedResources(ctx, t, old); err != nil {
			return false, err
		}
		if err := d.rebounded(s.Now()); err != nil {
			return false, err
		}
		if !d.booking.ExpandedTill.IsZero() && d.booking.ExpandedTill.Sub(old.ExpandedTill) < extendStep {
			return false, nil // the window of a resource holds it back
		}
		d.dates = slices.DeleteFunc(d.dates, func(o Occurrence) bool { return o.Start.Before(old.ExpandedTill) })
		d.booking.Attendees = nil // nobody is invited now
		if err := s.read(ctx, d); err != nil {
			return false, err
		}
		d.booking.Attendees = old.Attendees
		conflicts := 0
		for _, date := range s.judge(d) {
			if date.State == DateUnknown || len(date.Unknown) > 0 { // also where a rule is against it
				return false, nil // unknown is not free: another time
			}
			if date.State == DateFree {
				continue
			}
			if date.State == DateRefused && len(date.Clashes) == 0 {
				continue // it was booked before the rule
			}
			conflicts++
			why := "is taken"
			if len(date.Clashes) > 0 {
				why = date.Clashes[0].Resource + " is taken"
			}
			d.booking.override(Override{Original: date.Original, State: ConflictDate, Start: date.Start, End: date.End, Reason: why})
			d.dates = slices.DeleteFunc(d.dates, func(o Occurrence) bool { return o.Original.Equal(date.Original) })
		}
		if conflicts > 0 {
			d.booking.Status = InConflict
			d.booking.Sequence++
		}
		c := s.change(d, "extended", "")
		c.KeepDates, c.Quotas = true, nil
		if conflicts > 0 {
			c.History.Action, c.History.Reason = "conflict", fmt.Sprintf("%d dates are taken", conflicts)
		} else {
			c.Writes = nil // the calendars know the rule
		}
		err := s.Bookings(t).Save(ctx, c)
		if errors.Is(err, ErrOverlap) && try < maxTries {
			continue
		}
		return err == nil, err
	}
}
