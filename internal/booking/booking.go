// Package booking is the engine that takes, changes and cancels bookings.
//
// The life of a booking request (see also docs/architecture.md):
//
//  1. The request is validated; the resources are looked up.
//  2. The calendars of the resources are read fresh from CommuniGate Pro, in
//     one round trip, so that what other programs wrote there counts. A
//     calendar that cannot be read refuses the booking: unknown is not free.
//  3. One transaction stores the booking, its occupancy of each resource, a
//     history entry, and one intent per calendar to be written. The database
//     refuses an overlap; nothing before it decides.
//  4. The calendars are written at once, within a short budget; what did not
//     finish stays with the outbox, which repeats until it is done.
//
// Invariants:
//   - two live bookings never occupy one resource at one instant;
//   - a booking that was acknowledged is stored together with the intents to
//     write it, so a crash loses nothing;
//   - a calendar write is idempotent by UID and SEQUENCE, so a repetition
//     doubles nothing.
package booking

import (
	"context"
	"errors"
	"time"

	"rmp/internal/tenant"
)

// Status of a booking.
type Status string

// The statuses of a booking.
const (
	Confirmed       Status = "confirmed"
	PendingApproval Status = "pending-approval"
	Cancelled       Status = "cancelled"
	InConflict      Status = "conflict" // a date overlaps with something made elsewhere
	Held            Status = "hold"     // a hold: it blocks until HoldUntil, and is no booking
)

// Mode says how a booking reaches the calendars.
type Mode string

// The write modes.
const (
	Direct     Mode = "direct"     // published into each calendar by the service account
	Invitation Mode = "invitation" // sent as a meeting request
)

// Person is somebody with an address.
type Person struct {
	Email string
	Name  string
}

// Attendee is a person (or a group address) at a meeting.
type Attendee struct {
	Person
	Role     string // required, optional or chair
	PartStat string // needs-action, accepted, declined or tentative
}

// BookedResource is a resource as a booking holds it.
type BookedResource struct {
	ID    string
	Email string
	Name  string
	Type  string
	// Quantity is how many units are booked; at least 1.
	Quantity int
	Units    int // how many the resource has
	// Setup and Teardown are kept free around the meeting.
	Setup, Teardown time.Duration
}

// Booking is one booking of one or several resources: for one span of time,
// or a series of them.
type Booking struct {
	ID          string
	UID         string // the iCalendar UID: RMP-<ms>-<random>
	Title       string
	Start, End  time.Time // UTC, whole seconds; of the first date of a series
	TimeZone    string    // IANA name: the wall time that was meant
	Status      Status
	Organizer   Person
	Resources   []BookedResource // ordered by address
	Attendees   []Attendee
	Location    string
	Description string
	Private     bool
	Mode        Mode
	Recurrence  *Recurrence // nil: one date
	Overrides   []Override  // dates that are not as the rule has them, by their original start
	LastEnd     time.Time   // end of the last date; zero: endless
	// ExpandedTill is up to where the dates of a series hold their resources;
	// zero: all of them do.
	ExpandedTill time.Time
	HoldUntil    time.Time // of a hold
	Follows      string    // id of the series that this one was split from
	Sequence     int       // iCalendar SEQUENCE: grows with each change sent to calendars
	Version      int64     // grows with each change; the ETag
	CreatedAt    time.Time
	UpdatedAt    time.Time
	Sync         []Sync      // ordered by calendar
	Occurrence   *Occurrence // in a list by date: which one this is
}

// SyncState is how far one calendar is.
type SyncState string

// The states of a calendar write.
const (
	Synced  SyncState = "synced"
	Pending SyncState = "pending"
	Failed  SyncState = "failed" // given up; a person must look
)

// CalendarKind says why a calendar gets the booking.
type CalendarKind string

// The kinds of calendar a booking is written into.
const (
	CentralCalendar  CalendarKind = "central"
	ResourceCalendar CalendarKind = "resource"
	PersonCalendar   CalendarKind = "person"
	// Guest is no calendar but a person elsewhere, who is sent the event.
	Guest CalendarKind = "guest"
)

// Sync is the state of a booking in one calendar.
type Sync struct {
	Calendar  string // the account whose Calendar mailbox it is
	Kind      CalendarKind
	Remove    bool // the booking is to be taken out of the calendar
	State     SyncState
	Attempts  int
	LastError string
	UpdatedAt time.Time
}

// Occupied is a span in which a resource is taken by a booking.
type Occupied struct {
	ResourceEmail string
	Unit          int
	Start, End    time.Time // of the meeting
	From, Till    time.Time // with set-up and tear-down: what is blocked
	BookingID     string
	Original      time.Time // which date of the booking
	Title         string
	Private       bool
	Hold          bool
	HoldUntil     time.Time // of a hold
	Organizer     Person
}

// HistoryEntry says who did what to a booking, when and why.
type HistoryEntry struct {
	At     time.Time
	Actor  string // address
	Action string // created, changed, cancelled, restored, split, extended, conflict, solved, adopted, replied, write-dropped
	Reason string
	Before string // JSON of the booking before, or ""
	After  string // JSON of the booking after, or ""
}

// Change is what a transaction stores of one booking.
type Change struct {
	Booking Booking
	// Expect is the version the change is based on; 0 for a new booking.
	Expect int64
	// Dates are the occurrences that hold their resources from now on. Those
	// of before that have ended keep their rows; the others are replaced.
	Dates []Occurrence
	// KeepDates leaves the stored dates alone, but for those of Dates, which
	// are added: the horizon of a series moves on.
	KeepDates bool
	// Drop and DropFrom free single dates, by their original starts, and
	// those from one on.
	Drop     []time.Time
	DropFrom time.Time
	// Now is the time of the change.
	Now time.Time
	// Writes are the calendars to be written; those of the stored booking
	// that are not named here keep their state. Each is stored as Pending and leased to
	// Owner until LeaseUntil, so that the process that stored it tries first.
	Writes     []Sync
	Owner      string
	LeaseUntil time.Time
	History    HistoryEntry
	// Reach is what is not as it was: what the booking reaches, and reached.
	Reach      Reach
	Quotas     []QuotaCheck
	Hold       string // id of a hold of the same person that this booking takes the place of
	RequestKey string // Idempotency-Key under which the booking is made
}

// QuotaCheck is a quota to be held when the change is stored: the person's
// dates in the period, those of the change included, may not be more.
type QuotaCheck struct {
	Person      string
	Resources   []string // ids over which it is counted
	Type        string   // or all resources of the type
	From, Till  time.Time
	MaxBookings int
	MaxLength   time.Duration
	Refusal     Refusal // if it is exceeded
}

// Filter chooses bookings of a tenant. Zero fields do not restrict.
type Filter struct {
	From, Till time.Time // those that overlap [From, Till)
	Resource   string    // address
	Organizer  string    // address
	Person     string    // address: organizer or attendee
	Status     Status
	Live       bool // none that were cancelled
	Limit      int
	After      Cursor
	// ByDate answers each date of a booking in [From, Till) as an item of its
	// own, with Occurrence set.
	ByDate bool
}

// Cursor is a place in the list, which is ordered by start, then id.
type Cursor struct {
	Start time.Time
	ID    string
}

// Errors of a Store.
var (
	// ErrOverlap is wrapped when the database refused the occupancy.
	ErrOverlap = errors.New("the time is taken")
	// ErrStale is wrapped when the stored version is not the expected one.
	ErrStale = errors.New("the booking has changed since it was read")
	// ErrNotFound is wrapped when there is no such booking.
	ErrNotFound = errors.New("no such booking")
	// ErrNoHold is wrapped when a hold to be booked has run out.
	ErrNoHold = errors.New("the hold has run out")
)

// QuotaError is answered when a change would exceed a quota.
type QuotaError struct{ Refusal Refusal }

func (e *QuotaError) Error() string { return "quota: " + e.Refusal.Detail }

// InCalendar is an event in a calendar.
type InCalendar struct{ UID, Calendar string }

// Store keeps the bookings of one tenant.
type Store interface {
	// Save stores changes of bookings, all or none. A time that is taken is
	// ErrOverlap; ErrStale, ErrNotFound, ErrNoHold, *QuotaError.
	Save(ctx context.Context, changes ...Change) error
	// Release forgets a hold of a person, if there is one.
	Release(ctx context.Context, id, person string, now time.Time) error
	// Booking answers one with its sync states, or ErrNotFound.
	Booking(ctx context.Context, id string) (Booking, error)
	// Bookings answers those that pass the filter, with their sync states.
	Bookings(ctx context.Context, f Filter) ([]Booking, error)
	// Occupied answers what is blocked of the resources (addresses) in
	// [from, till), by bookings and by holds that have not run out at now,
	// ordered by resource and start.
	Occupied(ctx context.Context, resources []string, from, till, now time.Time) ([]Occupied, error)
	// Own answers which events, by iCalendar UID, are a booking's own in which
	// of the resources' calendars: it is, live or cancelled, of the resource,
	// or has been written there. The same event in another resource's calendar
	// is a copy that somebody put there.
	Own(ctx context.Context, uids, calendars []string) (map[InCalendar]bool, error)
	// History answers a booking's entries, oldest first.
	History(ctx context.Context, id string) ([]HistoryEntry, error)
	// Used counts the dates that a quota is about, without those of one
	// booking, and their length.
	Used(ctx context.Context, q QuotaCheck, without string) (int, time.Duration, error)
	// AsOf answers the bookings that had dates in [from, till) as they were at
	// a time, from their histories.
	AsOf(ctx context.Context, at, from, till time.Time) ([]Booking, error)
	// ToExtend answers series whose dates hold their resources up to before
	// the time, and go on after it.
	ToExtend(ctx context.Context, before time.Time, limit int) ([]Booking, error)
}

// Stores gives the store of a tenant.
type Stores func(tenant.ID) Store
