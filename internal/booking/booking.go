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
	InConflict      Status = "conflict"
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
}

// Booking is one booking of one or several resources for one span of time.
type Booking struct {
	ID          string
	UID         string // the iCalendar UID: RMP-<ms>-<random>
	Title       string
	Start, End  time.Time // UTC, whole seconds
	TimeZone    string    // IANA name: the wall time that was meant
	Status      Status
	Organizer   Person
	Resources   []BookedResource // ordered by address
	Attendees   []Attendee
	Location    string
	Description string
	Private     bool
	Mode        Mode
	Sequence    int   // iCalendar SEQUENCE: grows with each change sent to calendars
	Version     int64 // grows with each change; the ETag
	CreatedAt   time.Time
	UpdatedAt   time.Time
	Sync        []Sync // ordered by calendar
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
	Start, End    time.Time
	BookingID     string
	Title         string
	Private       bool
	Organizer     Person
}

// HistoryEntry says who did what to a booking, when and why.
type HistoryEntry struct {
	At     time.Time
	Actor  string // address
	Action string // created, changed, cancelled
	Reason string
	Before string // JSON of the booking before, or ""
	After  string // JSON of the booking after, or ""
}

// Change is all that one transaction stores.
type Change struct {
	Booking Booking
	// Expect is the version the change is based on; 0 for a new booking.
	Expect int64
	// Writes are the calendars to be written; those of the stored booking
	// that are not named here keep their state. Each is stored as Pending and leased to
	// Owner until LeaseUntil, so that the process that stored it tries first.
	Writes     []Sync
	Owner      string
	LeaseUntil time.Time
	History    HistoryEntry
}

// Filter chooses bookings of a tenant. Zero fields do not restrict.
type Filter struct {
	From, Till time.Time // those that overlap [From, Till)
	Resource   string    // address
	Organizer  string    // address
	Person     string    // address: organizer or attendee
	Status     Status
	Limit      int
	After      Cursor
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
)

// Store keeps the bookings of one tenant.
type Store interface {
	// Insert stores a new booking. A time that is taken is ErrOverlap.
	Insert(ctx context.Context, c Change) error
	// Update replaces a booking: its occupancy is that of c.Booking (none if
	// it is cancelled). ErrOverlap, ErrStale, ErrNotFound.
	Update(ctx context.Context, c Change) error
	// Booking answers one with its sync states, or ErrNotFound.
	Booking(ctx context.Context, id string) (Booking, error)
	// Bookings answers those that pass the filter, with their sync states.
	Bookings(ctx context.Context, f Filter) ([]Booking, error)
	// Occupied answers what is taken of the resources (addresses) in
	// [from, till), ordered by resource and start.
	Occupied(ctx context.Context, resources []string, from, till time.Time) ([]Occupied, error)
	// OwnUIDs answers which of the iCalendar UIDs are of bookings of this
	// tenant, live or cancelled.
	OwnUIDs(ctx context.Context, uids []string) (map[string]bool, error)
	// History answers a booking's entries, oldest first.
	History(ctx context.Context, id string) ([]HistoryEntry, error)
}

// Stores gives the store of a tenant.
type Stores func(tenant.ID) Store
