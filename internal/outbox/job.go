// Package outbox carries bookings into the calendars until every one has
// them.
//
// The outbox is level-triggered: for each pair of booking and calendar there
// is one row that says what the calendar should hold (the booking at its
// present sequence, or nothing). A worker leases a row, makes the calendar
// so, and marks the row done only if what is wanted has not changed
// meanwhile. While a worker holds the lease of a row nobody else writes that
// event into that calendar, even if more is wanted by then: of two writes at
// once, the older could come last. Since a publish replaces an event of the same UID and a cancel
// of an absent one does nothing, repeating a write is harmless; so a crash
// between the write and the mark loses nothing and doubles nothing.
package outbox

import (
	"context"
	"time"

	"rmp/internal/booking"
	"rmp/internal/tenant"
)

// Job is one calendar that should be made to hold, or not to hold, a booking.
type Job struct {
	Tenant   tenant.ID
	Booking  booking.Booking // as stored when the job was leased
	Calendar string          // the account
	Kind     booking.CalendarKind
	Remove   bool
	Wanted   int64 // the version of the want; a newer one keeps the row pending
	Attempts int
}

// Try is the outcome of a try.
type Try struct {
	Job    Job
	Reason string    // why it failed; "" if it is done
	Next   time.Time // of one that failed: when it comes again; zero: it is given up
}

// Store keeps the jobs of all tenants.
type Store interface {
	// Lease takes up to limit pending jobs whose time has come and that
	// nobody else holds, for owner, until the given time. Jobs of one
	// calendar come in the order of their bookings' changes.
	Lease(ctx context.Context, owner string, now, until time.Time, limit int) ([]Job, error)
	// LeaseBooking takes the pending jobs of one booking that owner holds or
	// nobody does.
	LeaseBooking(ctx context.Context, t tenant.ID, bookingID, owner string, now, until time.Time) ([]Job, error)
	// Note stores the outcomes of tries of an owner, all in one transaction. A
	// job whose want has changed since it was leased stays pending; it answers
	// how many.
	Note(ctx context.Context, owner string, at time.Time, outcomes ...Try) (again int, err error)
	// Backlog counts the jobs that are pending and those given up, and says
	// since when the oldest pending one waits.
	Backlog(ctx context.Context) (pending, failed int, oldest time.Time, err error)
}
