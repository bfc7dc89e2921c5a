package booking

import (
	"context"
	"errors"
	"time"

	"rmp/internal/fault"
	"rmp/internal/tenant"
	"rmp/internal/trail"
)

// Outcomes of an operation besides the codes of package fault.
const (
	OutcomeDone     = "done"
	OutcomeConflict = "conflict" // the time is taken
	OutcomePolicy   = "policy"   // a rule of a resource is against it
)

// OutcomeOf puts the end of an operation in one of a few words.
func OutcomeOf(err error) string {
	var taken *ConflictError
	var refused *PolicyError
	switch {
	case err == nil:
		return OutcomeDone
	case errors.As(err, &taken):
		return OutcomeConflict
	case errors.As(err, &refused):
		return OutcomePolicy
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return string(fault.Timeout)
	}
	return string(fault.CodeOf(err))
}

// begin begins an operation: it is a step of the trace and counts for the
// metrics. What it answers is called in the end.
func (s *Service) begin(ctx context.Context, t tenant.ID, operation string) (context.Context, func(id string, err error)) {
	started := time.Now()
	trail.Note(ctx, trail.Tenant, string(t))
	ctx, span := trail.Start(ctx, "booking "+operation)
	return ctx, func(id string, err error) {
		trail.Note(ctx, trail.Booking, id)
		span.End(err)
		if s.Observe != nil {
			s.Observe(operation, OutcomeOf(err), time.Since(started))
		}
	}
}
