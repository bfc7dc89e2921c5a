package booking

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rmp/internal/fault"
	"rmp/internal/tenant"
)

// How long a hold may last.
const (
	DefaultHold = 5 * time.Minute
	MaxHold     = 30 * time.Minute
)

// Hold keeps a time free for a person who is just choosing. It blocks like a
// booking, is in no calendar, and ends by itself. Create with the id of the
// hold turns it into a booking.
func (s *Service) Hold(ctx context.Context, p tenant.Principal, r Request, length time.Duration) (b Booking, err error) {
	ctx, end := s.begin(ctx, p.Tenant, "hold")
	defer func() { end(b.ID, err) }()
	if length == 0 {
		length = DefaultHold
	}
	if length < time.Second || length > MaxHold {
		return Booking{}, fault.InvalidField("/seconds", "is not between 1 and %d", int(MaxHold.Seconds()))
	}
	if r.Title == "" {
		r.Title = "Hold"
	}
	r.Attendees, r.Private = nil, true
	d, err := s.newDraft(ctx, p, r)
	if err != nil {
		return Booking{}, err
	}
	d.booking.Status = Held
	d.booking.HoldUntil = s.Now().Add(length).UTC().Truncate(time.Microsecond)
	err = s.place(ctx, d, func() error { return s.Bookings(p.Tenant).Save(ctx, s.change(d, "", "")) })
	if err != nil {
		return Booking{}, fmt.Errorf("hold: %w", err)
	}
	s.touched(p.Tenant, d.reach())
	return s.load(ctx, p.Tenant, d.booking.ID)
}

// Release ends a hold of the person. To release it again changes nothing.
func (s *Service) Release(ctx context.Context, p tenant.Principal, id string) (err error) {
	ctx, end := s.begin(ctx, p.Tenant, "release")
	defer func() { end("", err) }()
	b, err := s.Bookings(p.Tenant).Booking(ctx, id)
	if errors.Is(err, ErrNotFound) || err == nil && b.Status != Held {
		return nil
	}
	if err == nil {
		err = s.Bookings(p.Tenant).Release(ctx, id, p.Email, s.Now())
	}
	if err != nil {
		return fmt.Errorf("release hold: %w", err)
	}
	s.touched(p.Tenant, b.Reach())
	return nil
}
