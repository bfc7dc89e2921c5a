package booking

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"rmp/calendar/zone"
	"rmp/internal/fault"
	"rmp/internal/tenant"
)

// Change replaces what the person may choose about a booking, or about the
// dates of a series that the scope names. expect is the version it is based
// on; 0 takes the present one.
//
// A date that gets other resources or people than its series becomes a
// booking of its own. A change of a date and all that follow ends the series
// before it and begins a new one. When the times or the recurrence of a
// whole series change, what was changed about single dates is dropped; dates
// that have passed keep their place in what was occupied.
func (s *Service) Change(ctx context.Context, p tenant.Principal, id string, expect int64, scope Scope, r Request) (b Booking, err error) {
	ctx, end := s.begin(ctx, p.Tenant, "change")
	defer func() { end(b.ID, err) }()
	old, err := s.editable(ctx, p, id)
	if err != nil {
		return Booking{}, err
	}
	switch {
	case old.Status == Cancelled:
		return Booking{}, fault.New(fault.Invalid, "the booking is cancelled; restore it, or make a new one")
	case expect != 0 && expect != old.Version:
		return Booking{}, errStale(ErrStale)
	}
	date, err := old.dateOf(&scope)
	if err != nil {
		return Booking{}, err
	}
	if r.TimeZone == "" {
		r.TimeZone = old.TimeZone
	}
	if r.Mode == "" {
		r.Mode = old.Mode
	}
	r.Hold = ""
	switch scope.Kind {
	case ScopeThis:
		b, err = s.changeDate(ctx, p, old, date, r)
	case ScopeFollowing:
		b, err = s.changeFollowing(ctx, p, old, date, r)
	default:
		b, err = s.changeAll(ctx, p, old, date, r)
	}
	if errors.Is(err, ErrStale) {
		return Booking{}, errStale(err)
	}
	if err != nil {
		return Booking{}, fmt.Errorf("change booking: %w", err)
	}
	return b, nil
}

// dateOf finds the date that a scope names, and makes the scope one of the
// whole booking where that is the same.
func (b *Booking) dateOf(scope *Scope) (Occurrence, error) {
	if b.Recurrence == nil {
		if scope.Kind == ScopeThis || scope.Kind == ScopeFollowing {
			if !scope.Occurrence.IsZero() && !scope.Occurrence.Equal(b.Start) {
				return Occurrence{}, fault.InvalidField("query.occurrence", "the booking has no such date")
			}
		}
		scope.Kind = ScopeAll
		return Occurrence{Original: b.Start, Start: b.Start, End: b.End}, nil
	}
	if scope.Occurrence.IsZero() {
		if scope.Kind == ScopeThis || scope.Kind == ScopeFollowing {
			return Occurrence{}, fault.InvalidField("query.occurrence", "is missing: the original start of the date")
		}
		return Occurrence{Original: b.Start, Start: b.Start, End: b.End}, nil
	}
	o, ok := b.date(scope.Occurrence.UTC())
	if !ok {
		return Occurrence{}, fault.InvalidField("query.occurrence", "the series has no date that begins at %s", scope.Occurrence.UTC().Format(time.RFC3339))
	}
	if scope.Kind == ScopeFollowing && o.Original.Equal(b.Start) {
		scope.Kind = ScopeAll
	}
	return o, nil
}

// changed is the booking with a change begun.
func (s *Service) changed(b Booking) Booking {
	b.UpdatedAt = s.Now().UTC().Truncate(time.Microsecond)
	b.Sequence++
	b.Version++
	return b
}

func (s *Service) changeAll(ctx context.Context, p tenant.Principal, old Booking, date Occurrence, r Request) (Booking, error) {
	if old.Recurrence != nil {
		// The times are those of the date as it is shown: the series moves as
		// far, and becomes as much longer.
		loc := old.location()
		shift := zone.WallOf(r.Start, loc).Sub(zone.WallOf(date.Start, loc))
		length := old.End.Sub(old.Start) + r.End.Sub(r.Start) - date.End.Sub(date.Start)
		if r.Recurrence == nil {
			r.Recurrence = old.Recurrence.shifted(shift, loc)
		}
		if !date.Start.Equal(old.Start) || !date.End.Equal(old.End) {
			r.Start = zone.WallOf(old.Start, loc).Add(shift).In(loc).UTC()
			r.End = r.Start.Add(length)
		}
	}
	d, err := s.prepare(ctx, p, r)
	if err != nil {
		return Booking{}, err
	}
	d.old, d.booking = &old, s.changed(old)
	d.booking.fill(d.request, d.resources)
	switch {
	case !d.booking.Start.Equal(old.Start) || d.booking.TimeZone != old.TimeZone || !d.booking.Recurrence.equal(old.Recurrence):
		d.booking.Overrides = nil
	case !d.booking.End.Equal(old.End): // a date that has been, or should have been, stays as it was changed
		now := s.Now()
		d.booking.Overrides = slices.DeleteFunc(slices.Clone(old.Overrides), func(o Override) bool {
			been := o.State == ChangedDate && !o.End.After(now)
			return !been && o.Original.Add(old.End.Sub(old.Start)).After(now)
		})
	}
	err = s.place(ctx, d, func() error { return s.Bookings(p.Tenant).Save(ctx, s.change(d, "changed", "")) })
	if err != nil {
		return Booking{}, err
	}
	return s.written(ctx, d)
}

// changeDate changes one date of a series.
func (s *Service) changeDate(ctx context.Context, p tenant.Principal, old Booking, date Occurrence, r Request) (Booking, error) {
	if r.Recurrence.recurs() {
		return Booking{}, fault.InvalidField("/recurrence", "one date of a series has none of its own")
	}
	r.Recurrence = nil
	d, err := s.prepare(ctx, p, r)
	if err != nil {
		return Booking{}, err
	}
	wanted := Booking{Attendees: old.Attendees}
	wanted.fill(d.request, d.resources)
	if !sameResources(wanted.Resources, old.Resources) || !sameAttendees(wanted.Attendees, old.Attendees) || wanted.Private != old.Private {
		return s.detach(ctx, d, old, date)
	}
	d.old, d.booking = &old, s.changed(old)
	o := Override{Original: date.Original, State: ChangedDate, Start: d.request.Start, End: d.request.End, Title: d.request.Title,
		Location: d.request.Location, Description: d.request.Description}
	d.booking.override(o)
	err = s.place(ctx, d, func() error {
		return s.Bookings(p.Tenant).Save(ctx, s.change(d, "changed", "one date: "+date.Original.Format(time.RFC3339)))
	})
	if err != nil {
		return Booking{}, err
	}
	return s.written(ctx, d)
}

func sameAttendees(a, b []Attendee) bool {
	return slices.EqualFunc(a, b, func(x, y Attendee) bool { return x.Email == y.Email && x.Role == y.Role })
}

// detach makes one date of a series a booking of its own.
func (s *Service) detach(ctx context.Context, d *draft, old Booking, date Occurrence) (Booking, error) {
	rest := &draft{tenant: d.tenant, who: d.who, old: &old, booking: s.changed(old)}
	rest.booking.override(Override{Original: date.Original, State: CancelledDate, Start: date.Start, End: date.End, Reason: "booked apart"})
	return s.split(ctx, d, rest, old, ScopeThis, date.Original)
}

// changeFollowing ends a series before a date and begins a new one there.
func (s *Service) changeFollowing(ctx context.Context, p tenant.Principal, old Booking, date Occurrence, r Request) (Booking, error) {
	var carried []Override
	if r.Recurrence == nil {
		n, err := old.ruleDatesBefore(date.Original)
		if err != nil {
			return Booking{}, err
		}
		if carried, err = old.following(&r, date, n); err != nil {
			return Booking{}, err
		}
	}
	d, err := s.prepare(ctx, p, r)
	if err != nil {
		return Booking{}, err
	}
	d.booking.Overrides = carried
	rest := &draft{tenant: d.tenant, who: d.who, old: &old, booking: s.changed(old).endedBefore(date.Original)}
	return s.split(ctx, d, rest, old, ScopeFollowing, date.Original)
}

// following makes a request for a date one for it and all that follow, n
// dates of the rule being before it, and answers what was changed about
// single dates and still holds: all of it if the times stay, else what does
// not take place.
func (b *Booking) following(r *Request, date Occurrence, n int) ([]Override, error) {
	loc := b.location()
	shift := zone.WallOf(r.Start, loc).Sub(zone.WallOf(date.Start, loc))
	move := func(t time.Time) time.Time { return zone.WallOf(t, loc).Add(shift).In(loc).UTC() }
	same := shift == 0 && r.End.Sub(r.Start) == date.End.Sub(date.Start)
	var carried []Override
	for _, o := range b.Overrides {
		if !o.Original.After(date.Original) || !same && o.State == ChangedDate {
			continue
		}
		o.Original, o.Start, o.End = move(o.Original), move(o.Start), move(o.End)
		carried = append(carried, o)
	}
	r.Recurrence = b.from(date.Original, n)
	if slices.ContainsFunc(b.Recurrence.RDates, date.Original.Equal) {
		// An additional date: the rule goes on from its own next one.
		bare := *b
		bare.Overrides, bare.Recurrence = nil, &Recurrence{RRule: b.Recurrence.RRule}
		next := time.Time{}
		if b.Recurrence.RRule != "" {
			for ahead := 32 * 24 * time.Hour; ahead < 4000*24*time.Hour && next.IsZero(); ahead *= 4 {
				list, err := bare.Dates(date.Original, date.Original.Add(ahead))
				if err != nil {
					return nil, fault.InvalidField("query.occurrence", "%s", err)
				}
				for _, o := range list {
					if !o.Original.Before(date.Original) {
						next = o.Original
						break
					}
				}
			}
		}
		if next.IsZero() { // additional dates are all that is left
			r.Recurrence.RRule = ""
			r.Recurrence.RDates = slices.DeleteFunc(r.Recurrence.RDates, date.Original.Equal)
		} else {
			length := r.End.Sub(r.Start)
			r.Start = move(next)
			r.End = r.Start.Add(length)
		}
	}
	r.Recurrence = r.Recurrence.shifted(shift, loc)
	return carried, nil
}

// endedBefore is the series without the dates from one on.
func (b Booking) endedBefore(original time.Time) Booking {
	b.Recurrence = b.until(original)
	b.Overrides = slices.DeleteFunc(slices.Clone(b.Overrides), func(o Override) bool { return !o.Original.Before(original) })
	return b
}

// ruleDatesBefore counts the dates that the rule gives before one.
func (b *Booking) ruleDatesBefore(original time.Time) (int, error) {
	bare := *b
	bare.Overrides, bare.Recurrence = nil, &Recurrence{RRule: b.Recurrence.RRule}
	dates, err := bare.Dates(b.Start, original)
	if err != nil {
		return 0, fault.InvalidField("query.occurrence", "%s", err)
	}
	n := 0
	for _, o := range dates {
		if o.Original.Before(original) {
			n++
		}
	}
	return n, nil
}

// split stores what is left of a series and a new booking in its place, both
// or none.
func (s *Service) split(ctx context.Context, d, rest *draft, old Booking, kind string, original time.Time) (Booking, error) {
	now := s.Now().UTC().Truncate(time.Microsecond)
	carried := d.booking.Overrides
	d.booking = Booking{ID: rand.Text(), UID: newUID(now), Status: Confirmed, Version: 1, Organizer: old.Organizer, Follows: old.ID,
		CreatedAt: now, UpdatedAt: now, Attendees: old.Attendees}
	d.booking.fill(d.request, d.resources)
	d.booking.Overrides = carried
	d.request.Hold = old.ID // its old time is not in the way
	d.owner, _ = s.Writer.Lease()
	rest.owner = d.owner
	var err error
	if rest.resources, err = s.bookedResources(ctx, d.tenant.ID, old); err != nil {
		return Booking{}, err
	}
	err = s.place(ctx, d, func() error {
		if err := rest.rebounded(now); err != nil {
			return err
		}
		if len(rest.dates) == 0 { // none is left
			rest.booking = s.changed(old)
			rest.booking.Status = Cancelled
		}
		made := s.change(d, "created", "split from a series")
		made.Hold = ""
		left := s.change(rest, "split", "")
		if rest.booking.Status != Cancelled {
			left.lessen(old, kind, original)
		}
		return s.Bookings(d.tenant.ID).Save(ctx, left, made)
	})
	if err != nil {
		return Booking{}, err
	}
	return s.written(ctx, d, old.ID)
}
