package booking

import (
	"context"
	"fmt"
	"time"

	"rmp/internal/directory"
	"rmp/internal/tenant"
)

// Clash is one thing that stands in the way of a booking.
type Clash struct {
	Resource   string    // address
	Start, End time.Time // of the meeting in the way
	Holder     Person
	Title      string
	Private    bool
	Foreign    bool // written into the calendar by another program
	Hold       bool // somebody is just choosing; it ends by itself
	Itself     bool // another date of the same series
	Buffer     bool // only its, or our, set-up or tear-down time is in the way
}

// Alternative is a booking that would be possible instead.
type Alternative struct {
	Start, End time.Time
	Resources  []string // addresses
	Reason     string
}

// Wish is what a conflict is about.
type Wish struct {
	Who        tenant.Principal
	Resources  []directory.Resource
	Quantities map[string]int // by address
	Taken      []string       // addresses of the resources that are in the way
	Start, End time.Time
	Ignore     []string // ids of bookings that are not in the way
}

// Availability is what the engine asks about calendars.
type Availability interface {
	// Fresh reads the resources' calendars now, in one round trip, and
	// answers what is known of each in [from, till), RMP's own bookings
	// included, and which of the people have no account.
	Fresh(ctx context.Context, t tenant.ID, resources []directory.Resource, people []string, from, till time.Time) (loads []Load, missing []string, err error)
	// Alternatives answers what would be possible instead, best first.
	Alternatives(ctx context.Context, t tenant.ID, w Wish) ([]Alternative, error)
	// Changed says that the resources' calendars are not as they were read.
	Changed(t tenant.ID, accounts []string, from, till time.Time)
}

// ConflictError refuses a booking because the time is taken.
type ConflictError struct {
	Clashes      []Clash
	Alternatives []Alternative
}

func (*ConflictError) Error() string { return "conflict: the time is taken" }

// PolicyError refuses a booking because of rules of the resources.
type PolicyError struct{ Refusals []Refusal }

func (e *PolicyError) Error() string {
	return fmt.Sprintf("policy: %s", e.Refusals[0].Detail)
}
