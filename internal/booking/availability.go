package booking

import (
	"context"
	"time"

	"rmp/internal/directory"
	"rmp/internal/tenant"
)

// Clash is one thing that stands in the way of a booking.
type Clash struct {
	Resource   string // address
	Start, End time.Time
	Holder     Person
	Title      string
	Private    bool
	Foreign    bool // written into the calendar by another program
}

// Alternative is a booking that would be possible instead.
type Alternative struct {
	Start, End time.Time
	Resources  []string // addresses
	Reason     string
}

// Availability is what the engine asks about calendars.
type Availability interface {
	// Fresh reads the resources' calendars now, in one round trip, and
	// answers what others have written into them in [start, end), and which
	// of the people have no account. A calendar that cannot be read is a
	// fault of code Unknown.
	Fresh(ctx context.Context, t tenant.ID, resources, people []string, start, end time.Time) (clashes []Clash, missing []string, err error)
	// Alternatives answers what would be possible instead, best first; taken
	// are the addresses of the resources that are in the way.
	Alternatives(ctx context.Context, t tenant.ID, resources []directory.Resource, taken []string, start, end time.Time) ([]Alternative, error)
}

// ConflictError refuses a booking because the time is taken.
type ConflictError struct {
	Clashes      []Clash
	Alternatives []Alternative
}

func (*ConflictError) Error() string { return "conflict: the time is taken" }
