package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rmp/internal/booking"
	"rmp/internal/fault"
	"rmp/internal/tenant"
)

// CalendarSpan is a time that is taken in the calendar of a resource.
type CalendarSpan struct {
	Start   time.Time `json:"start"`
	End     time.Time `json:"end"`
	From    time.Time `json:"from" doc:"With the set-up time: from when it is blocked."`
	Till    time.Time `json:"till" doc:"With the tear-down time."`
	Status  string    `json:"status" enum:"busy,tentative,out-of-office"`
	Title   string    `json:"title,omitempty" doc:"Absent if it is private, or only free/busy is known."`
	HeldBy  string    `json:"heldBy,omitempty" doc:"Address of the organizer, if the caller may know."`
	Booking string    `json:"booking,omitempty" doc:"Id; absent for what another program wrote."`
	Hold    bool      `json:"hold,omitempty" doc:"Somebody is just choosing."`
}

type resourceCalendarInput struct {
	Email       string `path:"email" maxLength:"254"`
	From        string `query:"from" required:"true" doc:"RFC 3339."`
	Till        string `query:"till" required:"true"`
	IfNoneMatch string `header:"If-None-Match"`
}

type resourceCalendarOutput struct {
	Status       int
	ETag         string `header:"ETag"`
	CacheControl string `header:"Cache-Control"`
	Body         *ResourceCalendar
}

// ResourceCalendar is what is taken of a resource.
type ResourceCalendar struct {
	Items []CalendarSpan `json:"items" doc:"In the order of their beginnings. With several units, each that is taken is an item."`
	Units int            `json:"units"`
	Error string         `json:"error,omitempty" enum:"unknown,forbidden,unreachable" doc:"The calendar could not be read: what others wrote is not known."`
	AsOf  time.Time      `json:"asOf"`
}

func (a *API) registerResourceCalendar() {
	operation(a, huma.Operation{OperationID: "resource-calendar", Method: http.MethodGet, Path: "/api/v2/resources/{email}/calendar", Tags: []string{"Resources"},
		Summary: "What is booked of a resource", Description: "As the caller may see it. With If-None-Match, 304 while it is as it was.", Errors: []int{http.StatusNotFound}}, a.resourceCalendar)
}

func (a *API) resourceCalendar(ctx context.Context, p tenant.Principal, in *resourceCalendarInput) (*resourceCalendarOutput, error) {
	var bad fault.Fields
	from := parseTime(&bad, "query.from", in.From, "")
	till := parseTime(&bad, "query.till", in.Till, "")
	checkRange(&bad, "query.till", from, till)
	if err := bad.Err(); err != nil {
		return nil, err
	}
	r, err := a.Resources(p.Tenant).Resource(ctx, in.Email)
	if err != nil {
		return nil, err
	}
	l, err := a.Availability.Calendar(ctx, p.Tenant, r, from, till)
	if err != nil {
		return nil, err
	}
	out := &ResourceCalendar{Items: []CalendarSpan{}, Units: max(1, r.Units), Error: l.Why}
	for _, b := range l.Blocks {
		if b.Hold && !b.HoldUntil.After(a.Now()) {
			continue
		}
		out.Items = append(out.Items, spanSeenBy(p, r.Email, b))
	}
	text, err := json.Marshal(out) // without the time of the reading
	if err != nil {
		return nil, err
	}
	out.AsOf = l.AsOf.UTC()
	sum := sha256.Sum256(text)
	tag := `"` + hex.EncodeToString(sum[:16]) + `"`
	answer := &resourceCalendarOutput{Status: http.StatusOK, ETag: tag, CacheControl: "private, no-cache", Body: out}
	if in.IfNoneMatch == tag {
		answer.Status, answer.Body = http.StatusNotModified, nil
	}
	return answer, nil
}

func spanSeenBy(p tenant.Principal, resource string, b booking.Block) CalendarSpan {
	s := CalendarSpan{Start: b.Start.UTC(), End: b.End.UTC(), From: b.From.UTC(), Till: b.Till.UTC(), Status: b.Status, Booking: b.BookingID, Hold: b.Hold}
	if s.Status == "" {
		s.Status = "busy"
	}
	if b.Hold {
		s.Booking = ""
	}
	inside := b.Holder.Email == p.Email || p.Runs(resource)
	if !b.Private || inside {
		s.HeldBy = b.Holder.Email
		// Whether another program's event is private the server does not say
		// with its times, so what it is about is for those whom it concerns.
		if !b.Foreign || inside {
			s.Title = b.Title
		}
	}
	return s
}
