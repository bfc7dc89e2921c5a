// Package audit is the record of who did what to whom, and from where:
// sign-ins, administration, and what administrators do with what is not
// theirs. It is append-only and holds no secrets. What happens to a booking
// is in the booking's own history.
package audit

import (
	"context"
	"time"

	"rmp/internal/tenant"
)

// Outcomes of what was tried.
const (
	Done    = "done"
	Refused = "refused"
	Failed  = "failed"
)

// Entry is one line of the record.
type Entry struct {
	ID        int64
	Tenant    tenant.ID // empty: none is known
	At        time.Time
	Actor     string // address of the person; of a script's token, with its id
	Action    string // name of the operation, such as change-resource
	Target    string // what it was done to
	Outcome   string
	Address   string // of the network
	RequestID string
	Detail    map[string]string
}

// Filter chooses entries, newest first.
type Filter struct {
	Actor, Action, Target string
	From, Till            time.Time
	Before                int64 // cursor: an ID
	Limit                 int
}

// Log keeps the record.
type Log interface {
	Append(ctx context.Context, e Entry) error
	// Entries answers those of one tenant.
	Entries(ctx context.Context, t tenant.ID, f Filter) ([]Entry, error)
}
