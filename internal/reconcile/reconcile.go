// Package reconcile keeps the calendars of resources and the database the
// same, though others write into the calendars too.
//
// Each resource's calendar is compared with the database when it is due: after
// an interval, at once after the server gave notice of a change, or after
// something about it failed. Checks are leased in batches, so that several
// processes share them, and within a budget of calendars a minute; a batch is
// one round trip.
//
// What is found: events of other programs, which are kept for display and
// raised as a conflict to both organizers where they overlap with a booking;
// events of ours that are gone, moved, or should be gone, which are repaired
// or, by rule, adopted. Only what has been still for a while counts: a
// calendar that is just being written proves nothing.
package reconcile

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"rmp/internal/availability"
	"rmp/internal/booking"
	"rmp/internal/directory"
	"rmp/internal/tenant"
	"rmp/internal/trail"
)

// Check is one calendar that is due.
type Check struct {
	Tenant   tenant.ID
	Resource directory.Resource
}

// Conflict is an overlap that people have to solve.
type Conflict struct {
	ID       string
	Tenant   tenant.ID
	Booking  booking.Booking
	Original time.Time // which date of the booking
	Resource directory.Resource
	Start    time.Time // of the date
	End      time.Time
	Other    availability.Event
	FoundAt  time.Time
	SolvedAt time.Time // zero: it is still there
}

// Store keeps what the reconciler knows.
type Store interface {
	// LeaseChecks takes up to limit calendars that are due and that nobody
	// else holds. Resources that were never checked are due.
	LeaseChecks(ctx context.Context, owner string, now, until time.Time, limit int) ([]Check, error)
	// Checked notes the outcome of a check, and when the next is due.
	Checked(ctx context.Context, c Check, at, next time.Time, failure string) error
	// Due makes the check of a calendar due.
	Due(ctx context.Context, t tenant.ID, resources []string, at time.Time) error
	// Own answers the bookings of the resource, or written into its calendar,
	// that have dates in the window or one of the UIDs. still is since when nothing may have changed for a
	// booking to be Settled.
	Own(ctx context.Context, c Check, uids []string, from, till, still time.Time) ([]Own, error)
	// SaveForeign replaces what is known of foreign events in the window, and
	// answers how many of them are new.
	SaveForeign(ctx context.Context, c Check, from, till, at time.Time, events []availability.Event) (fresh int, err error)
	// Rewant has a booking written into a calendar, or taken out of it, again.
	Rewant(ctx context.Context, t tenant.ID, bookingID, calendar string, at time.Time) error
	// Raise notes conflicts of the resource in the window, and that those
	// that are not among them are solved. It answers how many are new.
	Raise(ctx context.Context, c Check, from, till, at time.Time, found []Clash) (fresh int, err error)
	// Untold answers conflicts that nobody has been told of.
	Untold(ctx context.Context, limit int) ([]Conflict, error)
	// Told notes that people have been told.
	Told(ctx context.Context, c Conflict, at time.Time) error
}

// Calendars reads calendars.
type Calendars interface {
	Read(ctx context.Context, t tenant.ID, calendars, people []string, from, till time.Time) []availability.Reading
}

// Bookings are adopted into.
type Bookings interface {
	Adopt(ctx context.Context, t tenant.ID, id string, version int64, start, end time.Time) error
	AdoptDeletion(ctx context.Context, t tenant.ID, id string, version int64) error
	Alternatives(ctx context.Context, t tenant.ID, b booking.Booking, resource string, start, end time.Time) ([]booking.Alternative, error)
}

// Teller tells people of a conflict.
type Teller interface {
	Tell(ctx context.Context, c Conflict, alternatives []booking.Alternative) error
}

// Rules say what to do about what others did to our events.
type Rules struct {
	AdoptDeleted bool // a booking whose event was deleted is cancelled; else the event is written again
	AdoptMoved   bool // a booking whose event was moved is moved, if that is possible; else it is moved back
}

// Reconciler compares calendars with the database.
type Reconciler struct {
	Store     Store
	Calendars Calendars
	Bookings  Bookings
	Teller    Teller
	Rules     Rules
	Interval  time.Duration // between two checks of one calendar
	Ahead     time.Duration // how far ahead is compared
	Budget    int           // most calendars a minute
	Now       func() time.Time
	Log       *slog.Logger
	Count     func(kind Drift, n int) // for the metrics; may be nil
	Compared  func(err error)         // is told of each comparison; may be nil
	Changed   func(t tenant.ID, accounts []string, from, till time.Time)

	name   string
	spent  int
	minute time.Time
}

const (
	batchSize = 50
	leaseTime = 2 * time.Minute
	behind    = 24 * time.Hour
	// still is how long nothing must have happened to a booking for its event
	// to count.
	still     = 10 * time.Second
	firstTry  = 30 * time.Second // after a check that failed
	tellBatch = 20
)

// Step checks one batch of calendars that are due, and answers how many.
func (r *Reconciler) Step(ctx context.Context) (int, error) {
	if r.name == "" {
		r.name = rand.Text()
	}
	now := r.Now()
	if now.Sub(r.minute) >= time.Minute {
		r.minute, r.spent = now, 0
	}
	limit := min(batchSize, r.Budget-r.spent)
	if limit <= 0 {
		return 0, nil
	}
	checks, err := r.Store.LeaseChecks(ctx, r.name, now, now.Add(leaseTime), limit)
	if err != nil {
		return 0, fmt.Errorf("reconcile: %w", err)
	}
	r.spent += len(checks)
	byTenant := map[tenant.ID][]Check{}
	for _, c := range checks {
		byTenant[c.Tenant] = append(byTenant[c.Tenant], c)
	}
	for t, list := range byTenant {
		r.check(ctx, t, list)
	}
	if err := r.tell(ctx); err != nil {
		return len(checks), err
	}
	return len(checks), nil
}

func (r *Reconciler) check(ctx context.Context, t tenant.ID, list []Check) {
	ctx = trail.Begin(ctx, trail.Job, "reconcile", trail.Run, rand.Text(), trail.Tenant, string(t))
	ctx, span := trail.Root(ctx, "reconcile", slog.Int("rmp.calendars", len(list)))
	defer span.End(nil)
	readAt := r.Now()
	from, till := readAt.Add(-behind).Truncate(time.Hour), readAt.Add(r.Ahead).Truncate(time.Hour)
	emails := make([]string, len(list))
	for i, c := range list {
		emails[i] = c.Resource.Email
	}
	readings := r.Calendars.Read(ctx, t, emails, nil, from, till)
	for i, c := range list {
		ctx := trail.Begin(ctx) // what is noted is of this calendar
		err := readings[i].Err
		if err == nil {
			err = r.settle(ctx, c, readings[i].Events, from, till, readAt)
		}
		if r.Compared != nil {
			r.Compared(err)
		}
		next, failure := readAt.Add(r.Interval), ""
		if err != nil {
			next, failure = readAt.Add(firstTry), err.Error()
			r.Log.WarnContext(ctx, "a calendar could not be compared", "tenant", t, "calendar", c.Resource.Email, "err", err)
		}
		if err := r.Store.Checked(ctx, c, readAt, next, failure); err != nil {
			r.Log.ErrorContext(ctx, "note the check of a calendar", "tenant", t, "calendar", c.Resource.Email, "err", err)
		}
	}
}

func (r *Reconciler) count(kind Drift, n int) {
	if r.Count != nil && n > 0 {
		r.Count(kind, n)
	}
}

// settle acts on what the calendar of one resource holds.
func (r *Reconciler) settle(ctx context.Context, c Check, seen []availability.Event, from, till, readAt time.Time) error {
	var uids []string
	for _, e := range seen {
		uids = append(uids, e.UID)
	}
	slices.Sort(uids)
	own, err := r.Store.Own(ctx, c, slices.Compact(uids), from, till, readAt.Add(-still))
	if err != nil {
		return err
	}
	differences, foreign := compare(own, seen, from, till)
	for _, d := range differences {
		r.count(d.Kind, 1)
		r.Log.WarnContext(ctx, "a calendar differs from the database", "tenant", c.Tenant, "calendar", c.Resource.Email, "booking", d.Own.Booking.ID, "drift", string(d.Kind))
		if err := r.mend(ctx, c, d); err != nil {
			return err
		}
	}
	fresh, err := r.Store.SaveForeign(ctx, c, from, till, readAt, foreign)
	if err != nil {
		return err
	}
	r.count(Foreign, fresh)
	raised, err := r.Store.Raise(ctx, c, from, till, readAt, overlaps(own, foreign, c.Resource.Units))
	if err != nil {
		return err
	}
	r.count(Overlap, raised)
	if fresh+raised+len(differences) > 0 && r.Changed != nil {
		r.Changed(c.Tenant, []string{c.Resource.Email}, from, till)
	}
	return nil
}

// mend adopts or repairs a difference.
func (r *Reconciler) mend(ctx context.Context, c Check, d Difference) error {
	b := d.Own.Booking
	once := b.Recurrence == nil && b.Status == booking.Confirmed
	var adopted error
	switch {
	case d.Kind == Deleted && r.Rules.AdoptDeleted && once:
		adopted = r.Bookings.AdoptDeletion(ctx, c.Tenant, b.ID, b.Version)
	case d.Kind == Moved && r.Rules.AdoptMoved && once && len(d.Times) == 1:
		adopted = r.Bookings.Adopt(ctx, c.Tenant, b.ID, b.Version, d.Times[0].Start, d.Times[0].End)
	default:
		return r.Store.Rewant(ctx, c.Tenant, b.ID, c.Resource.Email, r.Now())
	}
	if adopted == nil || errors.Is(adopted, booking.ErrStale) { // or somebody changes it just now: next time
		return nil
	}
	r.Log.InfoContext(ctx, "what was done in a calendar cannot be adopted and is taken back", "tenant", c.Tenant, "booking", b.ID, "err", adopted)
	return r.Store.Rewant(ctx, c.Tenant, b.ID, c.Resource.Email, r.Now())
}

// tell tells people of new conflicts. Who could not be told is told later.
func (r *Reconciler) tell(ctx context.Context) error {
	list, err := r.Store.Untold(ctx, tellBatch)
	if err != nil {
		return fmt.Errorf("reconcile: %w", err)
	}
	for _, c := range list {
		alternatives, err := r.Bookings.Alternatives(ctx, c.Tenant, c.Booking, c.Resource.Email, c.Start, c.End)
		if err != nil {
			r.Log.WarnContext(ctx, "no alternatives for a conflict", "err", err)
		}
		if err := r.Teller.Tell(ctx, c, alternatives); err != nil {
			r.Log.WarnContext(ctx, "tell of a conflict", "tenant", c.Tenant, "booking", c.Booking.ID, "err", err)
			continue
		}
		if err := r.Store.Told(ctx, c, r.Now()); err != nil {
			return fmt.Errorf("reconcile: %w", err)
		}
	}
	return nil
}
