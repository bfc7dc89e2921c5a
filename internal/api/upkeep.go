package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rmp/internal/booking"
	"rmp/internal/directory"
	"rmp/internal/fault"
	"rmp/internal/tenant"
)

// Upkeep is what needs a person: calendar writes that were given up, overlaps
// that were made elsewhere, calendars that cannot be compared.
type Upkeep interface {
	Failed(ctx context.Context, limit int) ([]FailedWrite, error)
	Retry(ctx context.Context, bookingID string, at time.Time) (int, error)
	Overlaps(ctx context.Context, solved bool, limit int) ([]Overlap, error)
	Checks(ctx context.Context, limit int) ([]CalendarCheck, error)
}

// FailedWrite is a calendar write that was given up.
type FailedWrite struct {
	Booking booking.Booking
	Sync    booking.Sync
}

// Overlap is a booking that an event of another program overlaps.
type Overlap struct {
	ID                         string
	Booking                    booking.Booking
	Original                   time.Time
	Resource                   directory.Resource
	Start, End                 time.Time
	OtherTitle, OtherOrganizer string
	OtherStart, OtherEnd       time.Time
	FoundAt, SolvedAt          time.Time
}

// CalendarCheck is when a calendar was last compared with the database.
type CalendarCheck struct {
	Resource  directory.Resource
	CheckedAt time.Time
	DueAt     time.Time
	LastError string
	Foreign   int
}

func (a *API) registerUpkeep() {
	tags := []string{"Upkeep"}
	operation(a, huma.Operation{OperationID: "list-failed-writes", Method: http.MethodGet, Path: "/api/v2/admin/failed-writes", Tags: tags,
		Summary: "Calendar writes that were given up"}, a.failedWrites)
	operation(a, huma.Operation{OperationID: "retry-failed-writes", Method: http.MethodPost, Path: "/api/v2/admin/failed-writes/retry", Tags: tags,
		Summary: "Try them again", Description: "Those of one booking, or all."}, a.retryWrites)
	operation(a, huma.Operation{OperationID: "list-conflicts", Method: http.MethodGet, Path: "/api/v2/admin/conflicts", Tags: tags,
		Summary: "Bookings that an event made elsewhere overlaps"}, a.conflicts)
	operation(a, huma.Operation{OperationID: "list-calendar-checks", Method: http.MethodGet, Path: "/api/v2/admin/calendar-checks", Tags: tags,
		Summary: "When each resource's calendar was last compared with the database", Description: "Those that failed first."}, a.calendarChecks)
}

// LimitInput bounds a list.
type LimitInput struct {
	Limit int `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

type failedOutput struct {
	Body struct {
		Items []FailedItem `json:"items"`
	}
}

// FailedItem is a calendar write that was given up.
type FailedItem struct {
	Booking Booking `json:"booking"`
	Sync    Sync    `json:"sync"`
}

func (a *API) failedWrites(ctx context.Context, p tenant.Principal, in *LimitInput) (*failedOutput, error) {
	list, err := a.Upkeep(p.Tenant).Failed(ctx, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &failedOutput{}
	out.Body.Items = []FailedItem{}
	for _, f := range list {
		if !f.Booking.EditableBy(p) {
			continue
		}
		out.Body.Items = append(out.Body.Items, FailedItem{Booking: bookingOf(f.Booking.SeenBy(p), p), Sync: syncOf(f.Sync)})
	}
	return out, nil
}

type retryInput struct {
	Body struct {
		Booking string `json:"booking,omitempty" maxLength:"64" doc:"Id; left out: all of the tenant."`
	}
}

type retryOutput struct {
	Body struct {
		Retried int `json:"retried"`
	}
}

func (a *API) retryWrites(ctx context.Context, p tenant.Principal, in *retryInput) (*retryOutput, error) {
	if !p.Role.AtLeast(tenant.Admin) {
		if in.Body.Booking == "" {
			return nil, fault.New(fault.Forbidden, "only an administrator may retry those of all bookings; name one that you may change")
		}
		b, err := a.Bookings.Get(ctx, p, in.Body.Booking)
		if err != nil {
			return nil, err
		}
		if !b.EditableBy(p) {
			return nil, fault.New(fault.Forbidden, "you may not change this booking")
		}
	}
	n, err := a.Upkeep(p.Tenant).Retry(ctx, in.Body.Booking, a.Now())
	if err != nil {
		return nil, err
	}
	out := &retryOutput{}
	out.Body.Retried = n
	return out, nil
}

type conflictsInput struct {
	Solved bool `query:"solved" doc:"Those that are over instead."`
	LimitInput
}

type conflictsOutput struct {
	Body struct {
		Items []ConflictItem `json:"items"`
	}
}

// ConflictItem is a booking that an event made elsewhere overlaps.
type ConflictItem struct {
	ID       string     `json:"id"`
	Booking  Booking    `json:"booking"`
	Resource string     `json:"resource"`
	Start    time.Time  `json:"start" doc:"Of the booking's date."`
	End      time.Time  `json:"end"`
	Other    HeldBy     `json:"other" doc:"Whose event overlaps."`
	From     time.Time  `json:"from" doc:"Of that event."`
	Till     time.Time  `json:"till"`
	FoundAt  time.Time  `json:"foundAt"`
	SolvedAt *time.Time `json:"solvedAt,omitempty"`
}

func (a *API) conflicts(ctx context.Context, p tenant.Principal, in *conflictsInput) (*conflictsOutput, error) {
	list, err := a.Upkeep(p.Tenant).Overlaps(ctx, in.Solved, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &conflictsOutput{}
	out.Body.Items = []ConflictItem{}
	for _, o := range list {
		if !p.Runs(o.Resource.Email) {
			continue
		}
		x := ConflictItem{ID: o.ID, Booking: bookingOf(o.Booking.SeenBy(p), p), Resource: o.Resource.Email, Start: o.Start.UTC(), End: o.End.UTC(),
			Other: HeldBy{Email: o.OtherOrganizer, Title: o.OtherTitle}, From: o.OtherStart.UTC(), Till: o.OtherEnd.UTC(), FoundAt: o.FoundAt.UTC()}
		if !o.SolvedAt.IsZero() {
			at := o.SolvedAt.UTC()
			x.SolvedAt = &at
		}
		out.Body.Items = append(out.Body.Items, x)
	}
	return out, nil
}

type checksOutput struct {
	Body struct {
		Items []CheckItem `json:"items"`
	}
}

// CheckItem is when a calendar was last compared with the database.
type CheckItem struct {
	Resource  string     `json:"resource"`
	CheckedAt *time.Time `json:"checkedAt,omitempty" doc:"Absent: never yet."`
	LastError string     `json:"lastError,omitempty"`
	Foreign   int        `json:"foreign" doc:"How many events of other programs are known."`
}

func (a *API) calendarChecks(ctx context.Context, p tenant.Principal, in *LimitInput) (*checksOutput, error) {
	list, err := a.Upkeep(p.Tenant).Checks(ctx, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &checksOutput{}
	out.Body.Items = []CheckItem{}
	for _, c := range list {
		if !p.Runs(c.Resource.Email) {
			continue
		}
		x := CheckItem{Resource: c.Resource.Email, LastError: c.LastError, Foreign: c.Foreign}
		if !c.CheckedAt.IsZero() {
			at := c.CheckedAt.UTC()
			x.CheckedAt = &at
		}
		out.Body.Items = append(out.Body.Items, x)
	}
	return out, nil
}
