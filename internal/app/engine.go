package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"rmp/internal/api"
	"rmp/internal/availability"
	"rmp/internal/booking"
	"rmp/internal/directory"
	"rmp/internal/groupware"
	"rmp/internal/outbox"
	"rmp/internal/store"
	"rmp/internal/telemetry"
	"rmp/internal/tenant"
)

// engine is what books: the service and what it stands on.
type engine struct {
	db           *store.DB
	gw           *groupware.Groupware
	bookings     booking.Stores
	resources    directory.Stores
	availability *availability.Engine
	worker       *outbox.Worker
	service      *booking.Service
	now          func() time.Time
}

func newEngine(db *store.DB, gw *groupware.Groupware, keep time.Duration, now func() time.Time, log *slog.Logger, m *telemetry.Metrics) *engine {
	e := &engine{db: db, gw: gw, now: now}
	e.bookings = func(t tenant.ID) booking.Store { return db.For(t) }
	e.resources = func(t tenant.ID) directory.Store { return db.For(t) }
	e.availability = availability.New(gw, e.bookings, e.resources, keep, now)
	var wrote outbox.Outcome
	var observe func(operation, outcome string, took time.Duration)
	if m != nil {
		wrote, observe = m.Wrote, m.Booking
	}
	e.worker = outbox.New(db, gw, log, now, wrote)
	e.service = &booking.Service{Bookings: e.bookings, Resources: e.resources, Tenants: db, Availability: e.availability, Writer: e.worker, Now: now, Log: log, Observe: observe}
	return e
}

// idempotency lends a tenant's store to the API.
type idempotency struct{ *store.Tenant }

func (i idempotency) Begin(ctx context.Context, person, key, hash string, now, stale time.Time) (*api.Answer, error) {
	a, err := i.BeginIdempotent(ctx, person, key, hash, now, stale)
	switch {
	case errors.Is(err, store.ErrKeyReused):
		return nil, api.ErrKeyReused
	case errors.Is(err, store.ErrKeyBusy):
		return nil, api.ErrKeyBusy
	case err != nil || a == nil:
		return nil, err
	}
	return (*api.Answer)(a), nil
}

func (i idempotency) Finish(ctx context.Context, person, key string, a api.Answer) error {
	return i.FinishIdempotent(ctx, person, key, store.Answer(a))
}

func (i idempotency) Release(ctx context.Context, person, key string) error {
	return i.ReleaseIdempotent(ctx, person, key)
}

// upkeep lends a tenant's store to the API's page of what needs a person.
type upkeep struct {
	*store.Tenant
	wake func()
}

func (u upkeep) Failed(ctx context.Context, limit int) ([]api.FailedWrite, error) {
	list, err := u.DeadLetters(ctx, limit)
	out := make([]api.FailedWrite, len(list))
	for i, d := range list {
		out[i] = api.FailedWrite{Booking: d.Booking, Sync: d.Sync}
	}
	return out, err
}

func (u upkeep) Retry(ctx context.Context, bookingID string, at time.Time) (int, error) {
	n, err := u.RetryDeadLetters(ctx, bookingID, at)
	u.wake()
	return n, err
}

func (u upkeep) Overlaps(ctx context.Context, solved bool, limit int) ([]api.Overlap, error) {
	list, err := u.Conflicts(ctx, solved, limit)
	out := make([]api.Overlap, len(list))
	for i, c := range list {
		out[i] = api.Overlap{ID: c.ID, Booking: c.Booking, Original: c.Original, Resource: c.Resource, Start: c.Start, End: c.End,
			OtherTitle: c.Other.Summary, OtherOrganizer: c.Other.Organizer, OtherStart: c.Other.Start, OtherEnd: c.Other.End, FoundAt: c.FoundAt, SolvedAt: c.SolvedAt}
	}
	return out, err
}

func (u upkeep) Checks(ctx context.Context, limit int) ([]api.CalendarCheck, error) {
	list, err := u.CalendarChecks(ctx, limit)
	out := make([]api.CalendarCheck, len(list))
	for i, c := range list {
		out[i] = api.CalendarCheck(c)
	}
	return out, err
}
