package booking

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"rmp/internal/directory"
	"rmp/internal/fault"
	"rmp/internal/tenant"
)

// Cancel frees the resources and takes the booking, or the dates of it that
// the scope names, out of the calendars. To cancel again changes nothing.
func (s *Service) Cancel(ctx context.Context, p tenant.Principal, id string, expect int64, scope Scope, reason string) (b Booking, err error) {
	ctx, end := s.begin(ctx, p.Tenant, "cancel")
	defer func() { end(b.ID, err) }()
	var bad fault.Fields
	text(&bad, "/reason", reason, MaxReason, true)
	if err := bad.Err(); err != nil {
		return Booking{}, err
	}
	for tries := 0; ; tries++ {
		old, err := s.editable(ctx, p, id)
		if err != nil {
			return Booking{}, err
		}
		if old.Status == Cancelled || old.isCancelled(scope) {
			return old, nil
		}
		if expect != 0 && expect != old.Version {
			return Booking{}, errStale(ErrStale)
		}
		b, err := s.cancel(ctx, p, old, scope, reason)
		switch {
		case errors.Is(err, ErrStale) && expect == 0 && tries < 5:
			continue // somebody changed it at this moment; the wish still stands
		case errors.Is(err, ErrStale):
			return Booking{}, errStale(err)
		case err != nil:
			return Booking{}, fmt.Errorf("cancel booking: %w", err)
		}
		return b, nil
	}
}

// isCancelled reports whether the one date of a scope is cancelled already.
func (b *Booking) isCancelled(scope Scope) bool {
	for _, o := range b.Overrides {
		if scope.Kind == ScopeThis && o.Original.Equal(scope.Occurrence) && o.State == CancelledDate {
			return true
		}
	}
	return false
}

func (s *Service) cancel(ctx context.Context, p tenant.Principal, old Booking, scope Scope, reason string) (Booking, error) {
	date, err := old.dateOf(&scope)
	if err != nil {
		return Booking{}, err
	}
	t, err := s.Tenants.Tenant(ctx, p.Tenant)
	if err != nil {
		return Booking{}, err
	}
	d := &draft{tenant: t, who: p, old: &old, booking: s.changed(old)}
	note := ""
	switch scope.Kind {
	case ScopeThis:
		o := Override{Original: date.Original, State: CancelledDate, Start: date.Start, End: date.End, Reason: reason}
		if was := date.Override; was != nil { // for when it is taken back
			o.Title, o.Location, o.Description = was.Title, was.Location, was.Description
		}
		d.booking.override(o)
		note = "one date: " + date.Original.Format(time.RFC3339)
	case ScopeFollowing:
		d.booking = d.booking.endedBefore(date.Original)
		note = "from " + date.Original.Format(time.RFC3339) + " on"
	default:
		d.booking.Status = Cancelled
	}
	if d.booking.Status != Cancelled {
		if d.resources, err = s.bookedResources(ctx, p.Tenant, old); err != nil {
			return Booking{}, err
		}
		if err := d.rebounded(s.Now()); err != nil {
			return Booking{}, err
		}
		if len(d.dates) == 0 { // none is left
			d.booking = s.changed(old)
			d.booking.Status = Cancelled
		}
	}
	if reason != "" && note != "" {
		note = ": " + note
	}
	c := s.change(d, "cancelled", reason+note)
	c.Quotas = nil // it becomes less
	if d.booking.Status != Cancelled {
		c.lessen(old, scope.Kind, date.Original)
		d.booking.ExpandedTill = c.Booking.ExpandedTill
	}
	if err := s.Bookings(p.Tenant).Save(ctx, c); err != nil {
		return Booking{}, err
	}
	return s.written(ctx, d)
}

// lessen makes a change one that only takes dates away: what the others hold
// stays as it is, whatever the rules of the resources have become since.
func (c *Change) lessen(old Booking, kind string, original time.Time) {
	c.KeepDates, c.Dates, c.Quotas = true, nil, nil
	c.Booking.ExpandedTill = old.ExpandedTill
	if kind == ScopeThis {
		c.Drop = []time.Time{original}
		return
	}
	c.DropFrom = original
	if !original.After(old.ExpandedTill) { // all that is left has its rows
		c.Booking.ExpandedTill = time.Time{}
	}
}

// bookedResources are the resources of a booking as the directory has them.
func (s *Service) bookedResources(ctx context.Context, t tenant.ID, b Booking) ([]directory.Resource, error) {
	wanted := make([]Wanted, len(b.Resources))
	for i, r := range b.Resources {
		wanted[i] = Wanted{Email: r.Email, Quantity: r.Quantity}
	}
	return s.resources(ctx, t, wanted)
}

// Restore takes a cancellation back, if the time is still free: that of the
// booking, or of one date of a series, by its original start. A date that was
// skipped or is in conflict is tried again by it.
func (s *Service) Restore(ctx context.Context, p tenant.Principal, id string, expect int64, occurrence time.Time) (b Booking, err error) {
	ctx, end := s.begin(ctx, p.Tenant, "restore")
	defer func() { end(b.ID, err) }()
	old, err := s.editable(ctx, p, id)
	if err != nil {
		return Booking{}, err
	}
	switch {
	case expect != 0 && expect != old.Version:
		return Booking{}, errStale(ErrStale)
	case old.Status == Cancelled && !occurrence.IsZero():
		return Booking{}, fault.New(fault.Invalid, "the whole series is cancelled; restore that")
	case occurrence.IsZero() && old.Status != Cancelled:
		return old, nil
	case occurrence.IsZero() && !old.LastEnd.IsZero() && !old.LastEnd.After(s.Now()):
		return Booking{}, fault.New(fault.Invalid, "the booking lies in the past")
	}
	t, err := s.Tenants.Tenant(ctx, p.Tenant)
	if err != nil {
		return Booking{}, fmt.Errorf("restore booking: %w", err)
	}
	d := &draft{tenant: t, who: p, old: &old, booking: s.changed(old)}
	d.request.OnConflict = FailOnConflict
	note := ""
	if occurrence.IsZero() {
		d.booking.Status = Confirmed
	} else {
		if there, err := d.booking.restoreDate(occurrence.UTC(), s.Now()); err != nil {
			return Booking{}, err
		} else if there {
			return old, nil
		}
		note = "one date: " + occurrence.UTC().Format(time.RFC3339)
	}
	if d.resources, err = s.bookedResources(ctx, p.Tenant, old); err != nil {
		return Booking{}, fmt.Errorf("restore booking: %w", err)
	}
	if len(d.resources) != len(old.Resources) {
		return Booking{}, fault.New(fault.Invalid, "a resource of the booking is no longer there; make a new one")
	}
	for _, r := range d.resources {
		if !r.Active {
			return Booking{}, fault.New(fault.Invalid, "%s is out of service", r.Name)
		}
	}
	err = s.place(ctx, d, func() error { return s.Bookings(p.Tenant).Save(ctx, s.change(d, "restored", note)) })
	switch {
	case errors.Is(err, ErrStale):
		return Booking{}, errStale(err)
	case err != nil:
		return Booking{}, fmt.Errorf("restore booking: %w", err)
	}
	return s.written(ctx, d)
}

// restoreDate takes back that one date of a series does not take place. It
// answers whether it does.
func (b *Booking) restoreDate(original, now time.Time) (there bool, err error) {
	i := slices.IndexFunc(b.Overrides, func(o Override) bool { return o.Original.Equal(original) && o.State != ChangedDate })
	if i < 0 {
		if _, ok := b.date(original); !ok {
			return false, fault.InvalidField("query.occurrence", "the series has no date that begins at %s", original.Format(time.RFC3339))
		}
		return true, nil
	}
	o := b.Overrides[i]
	if !o.End.After(now) {
		return false, fault.New(fault.Invalid, "the date lies in the past")
	}
	b.Overrides = slices.Delete(slices.Clone(b.Overrides), i, i+1)
	plain, ok := b.date(original)
	if !ok {
		return false, fault.InvalidField("query.occurrence", "the series has no date that begins at %s", original.Format(time.RFC3339))
	}
	// Where it had been changed before, that comes back with it.
	if o.Title == "" {
		o.Title, o.Location, o.Description = b.Title, b.Location, b.Description
	}
	if !o.Start.Equal(plain.Start) || !o.End.Equal(plain.End) || o.Title != b.Title || o.Location != b.Location || o.Description != b.Description {
		o.State, o.Reason = ChangedDate, ""
		b.override(o)
	}
	return false, nil
}
