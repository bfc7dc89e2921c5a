package booking

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"rmp/internal/tenant"
)

// extendAhead is how much of the horizon may be gone before it is moved on.
const extendAhead = 7 * 24 * time.Hour

// System is the actor of what RMP does by itself.
const System = "rmp"

// Extend moves the horizon of series on: the dates that come into it take
// their resources, under the rule of no overlap. One that turns out to be
// taken becomes a conflict that people see. It answers how many series were
// moved on.
func (s *Service) Extend(ctx context.Context, t tenant.ID) (int, error) {
	const batch = 50
	list, err := s.Bookings(t).ToExtend(ctx, s.Now().Add(Horizon-extendAhead), batch)
	if err != nil {
		return 0, fmt.Errorf("extend series: %w", err)
	}
	n := 0
	for _, b := range list {
		switch moved, err := s.extend(ctx, t, b); {
		case errors.Is(err, ErrStale): // somebody changed it at this moment: next time
		case err != nil:
			return n, fmt.Errorf("extend series %s: %w", b.ID, err)
		case moved:
			n++
		}
	}
	return n, nil
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
		if d.resources, err = s.bookedResources(ctx, t, old); err != nil {
			return false, err
		}
		if err := d.bounded(s.Now()); err != nil {
			return false, err
		}
		if !d.booking.ExpandedTill.IsZero() && !d.booking.ExpandedTill.After(old.ExpandedTill) {
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
			if date.State == DateUnknown {
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
