package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rmp/internal/booking"
	"rmp/internal/fault"
	"rmp/internal/tenant"
)

type bookingOutput struct {
	ETag     string `header:"ETag"`
	Location string `header:"Location"`
	Body     Booking
}

func bookingAnswer(b booking.Booking, p tenant.Principal) *bookingOutput {
	return &bookingOutput{ETag: etag(b.Version), Body: bookingOf(b, p)}
}

func (a *API) registerBookings() {
	tags := []string{"Bookings"}
	const path, one = "/api/v2/bookings", "/api/v2/bookings/{id}"
	const scopes = " Of a series, scope says which dates: all of them, this one, or this one and all that follow; occurrence is the original start of the date."
	calendarTrouble := []int{http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusGatewayTimeout}
	operation(a, huma.Operation{OperationID: "create-booking", Method: http.MethodPost, Path: path, Tags: tags, DefaultStatus: http.StatusCreated,
		Summary:     "Book",
		Description: "All the resources or none. 409 says what is in the way and what would be possible instead; 503 with type unknown means that a resource's calendar could not be read. An Idempotency-Key header makes a repetition harmless.",
		Errors:      calendarTrouble}, a.createBooking)
	operation(a, huma.Operation{OperationID: "list-bookings", Method: http.MethodGet, Path: path, Tags: tags,
		Summary: "List bookings", Description: "In the order of their starts."}, a.listBookings)
	operation(a, huma.Operation{OperationID: "get-booking", Method: http.MethodGet, Path: one, Tags: tags,
		Summary: "One booking", Errors: []int{http.StatusNotFound}}, a.getBooking)
	operation(a, huma.Operation{OperationID: "change-booking", Method: http.MethodPut, Path: one, Tags: tags,
		Summary: "Change a booking", Description: "Replaces what the person may choose. With If-Match only if it is still the version that was read. The body is that of a new booking; fields left out are emptied, but for recurrence, which stays. The times are those of the date that occurrence names, else of the first. A date that gets other resources or attendees than its series becomes a booking of its own." + scopes,
		Errors: append([]int{http.StatusNotFound, http.StatusPreconditionFailed}, calendarTrouble...)}, a.changeBooking)
	operation(a, huma.Operation{OperationID: "cancel-booking", Method: http.MethodDelete, Path: one, Tags: tags,
		Summary: "Cancel a booking", Description: "To cancel again changes nothing." + scopes,
		Errors: []int{http.StatusNotFound, http.StatusPreconditionFailed}}, a.cancelBooking)
	operation(a, huma.Operation{OperationID: "preview-booking", Method: http.MethodPost, Path: path + "/preview", Tags: tags,
		Summary: "What would be booked, date by date", Description: "The body is that of a new booking. Nothing is changed.", Errors: calendarTrouble}, a.previewBooking)
	operation(a, huma.Operation{OperationID: "restore-booking", Method: http.MethodPost, Path: one + "/restore", Tags: tags,
		Summary: "Take a cancellation back", Description: "If the time is still free. With occurrence that of one date of a series; so is a date tried again that was skipped or is in conflict.",
		Errors: append([]int{http.StatusNotFound, http.StatusPreconditionFailed}, calendarTrouble...)}, a.restoreBooking)
	operation(a, huma.Operation{OperationID: "create-hold", Method: http.MethodPost, Path: "/api/v2/holds", Tags: tags, DefaultStatus: http.StatusCreated,
		Summary: "Keep a time free while choosing", Description: "A hold blocks like a booking, is in no calendar, and ends by itself. A booking with its id takes its place.",
		Errors: calendarTrouble}, a.createHold)
	operation(a, huma.Operation{OperationID: "release-hold", Method: http.MethodDelete, Path: "/api/v2/holds/{id}", Tags: tags, DefaultStatus: http.StatusNoContent,
		Summary: "Give a hold back", Description: "To give it back again changes nothing."}, a.releaseHold)
	operation(a, huma.Operation{OperationID: "booking-history", Method: http.MethodGet, Path: one + "/history", Tags: tags,
		Summary: "Who did what, when and why", Errors: []int{http.StatusNotFound}}, a.bookingHistory)
}

type createInput struct {
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"255" doc:"A repetition with the same key gets the first answer."`
	Body           BookingRequest
}

func (a *API) createBooking(ctx context.Context, p tenant.Principal, in *createInput) (*bookingOutput, error) {
	r, err := a.bookingRequest(ctx, p, in.Body)
	if err != nil {
		return nil, err
	}
	r.Key = in.IdempotencyKey
	b, err := a.Bookings.Create(ctx, p, r)
	if err != nil {
		return nil, err
	}
	out := bookingAnswer(b, p)
	out.Location = "/api/v2/bookings/" + b.ID
	return out, nil
}

type idInput struct {
	ID string `path:"id" maxLength:"64"`
}

func (a *API) getBooking(ctx context.Context, p tenant.Principal, in *idInput) (*bookingOutput, error) {
	b, err := a.Bookings.Get(ctx, p, in.ID)
	if err != nil {
		return nil, err
	}
	return bookingAnswer(b, p), nil
}

// ScopeInput says which dates of a series a request is about.
type ScopeInput struct {
	Scope      string `query:"scope" enum:"all,this,following" default:"all" doc:"Which dates of a series."`
	Occurrence string `query:"occurrence" doc:"The original start of the date (RFC 3339)."`
}

func (in ScopeInput) parse() (booking.Scope, error) {
	s := booking.Scope{Kind: in.Scope}
	var bad fault.Fields
	if in.Occurrence != "" {
		s.Occurrence = parseTime(&bad, "query.occurrence", in.Occurrence, "")
	}
	return s, bad.Err()
}

type changeInput struct {
	ID      string `path:"id" maxLength:"64"`
	IfMatch string `header:"If-Match" doc:"The ETag of the version that was read."`
	ScopeInput
	Body BookingRequest
}

func (a *API) changeBooking(ctx context.Context, p tenant.Principal, in *changeInput) (*bookingOutput, error) {
	expect, err := ifMatch(in.IfMatch)
	if err != nil {
		return nil, err
	}
	r, err := a.bookingRequest(ctx, p, in.Body)
	if err != nil {
		return nil, err
	}
	scope, err := in.ScopeInput.parse()
	if err != nil {
		return nil, err
	}
	b, err := a.Bookings.Change(ctx, p, in.ID, expect, scope, r)
	if err != nil {
		return nil, err
	}
	return bookingAnswer(b, p), nil
}

type cancelInput struct {
	ID      string `path:"id" maxLength:"64"`
	IfMatch string `header:"If-Match"`
	ScopeInput
	Body *struct {
		Reason string `json:"reason,omitempty" doc:"At most 2,000 bytes."`
	} `required:"false"`
}

func (a *API) cancelBooking(ctx context.Context, p tenant.Principal, in *cancelInput) (*bookingOutput, error) {
	expect, err := ifMatch(in.IfMatch)
	if err != nil {
		return nil, err
	}
	reason := ""
	if in.Body != nil {
		reason = in.Body.Reason
	}
	scope, err := in.ScopeInput.parse()
	if err != nil {
		return nil, err
	}
	b, err := a.Bookings.Cancel(ctx, p, in.ID, expect, scope, reason)
	if err != nil {
		return nil, err
	}
	return bookingAnswer(b, p), nil
}

type bookingsInput struct {
	From      string `query:"from" doc:"Only those that end after this (RFC 3339)."`
	Till      string `query:"till" doc:"Only those that start before this."`
	Resource  string `query:"resource" maxLength:"254"`
	Organizer string `query:"organizer" maxLength:"254"`
	Mine      bool   `query:"mine" doc:"Only those I booked or am invited to."`
	Status    string `query:"status" enum:"confirmed,pending-approval,cancelled,conflict"`
	Expand    string `query:"expand" enum:"yes,no" doc:"yes: each date of a series is an item of its own; needs from and till. Left out: yes if both are given."`
	AsOf      string `query:"asOf" doc:"The bookings as they were at this time; needs from and till. Other filters but resource do not count."`
	Limit     int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	Cursor    string `query:"cursor" maxLength:"500"`
}

type bookingsOutput struct {
	Body struct {
		Items      []Booking `json:"items"`
		NextCursor string    `json:"nextCursor,omitempty" doc:"Give it as cursor to get the next page; absent on the last."`
	}
}

func (a *API) listBookings(ctx context.Context, p tenant.Principal, in *bookingsInput) (*bookingsOutput, error) {
	var bad fault.Fields
	f := booking.Filter{Resource: strings.ToLower(in.Resource), Organizer: strings.ToLower(in.Organizer),
		Status: booking.Status(in.Status), Limit: in.Limit + 1}
	if in.From != "" {
		f.From = parseTime(&bad, "query.from", in.From, "")
	}
	if in.Till != "" {
		f.Till = parseTime(&bad, "query.till", in.Till, "")
	}
	if !f.From.IsZero() && !f.Till.IsZero() && !f.Till.After(f.From) {
		bad.Add("query.till", "is not after from")
	}
	if err := bad.Err(); err != nil {
		return nil, err
	}
	if in.Mine {
		f.Person = p.Email
	}
	ranged := !f.From.IsZero() && !f.Till.IsZero()
	f.ByDate = ranged && in.Expand != "no"
	if !ranged && (in.Expand == "yes" || in.AsOf != "") {
		return nil, fault.InvalidField("query.from", "from and till are needed for this")
	}
	if ranged && f.Till.Sub(f.From) > maxRange {
		return nil, fault.InvalidField("query.till", "is more than %d days after from", int(maxRange.Hours()/24))
	}
	if in.AsOf != "" {
		return a.bookingsAsOf(ctx, p, in, f)
	}
	place, err := decodeCursor(in.Cursor)
	if err != nil {
		return nil, err
	}
	if place != "" {
		start, id, ok := strings.Cut(place, " ")
		t, err := time.Parse(time.RFC3339Nano, start)
		if !ok || err != nil {
			return nil, fault.InvalidField("query.cursor", "is not a cursor of this list")
		}
		f.After = booking.Cursor{Start: t, ID: id}
	}
	list, err := a.Bookings.List(ctx, p, f)
	if err != nil {
		return nil, err
	}
	out := &bookingsOutput{}
	out.Body.Items = []Booking{}
	for i, b := range list {
		if i == in.Limit {
			last := out.Body.Items[i-1]
			out.Body.NextCursor = encodeCursor(fmt.Sprintf("%s %s", last.Start.UTC().Format(time.RFC3339Nano), last.ID))
			break
		}
		out.Body.Items = append(out.Body.Items, bookingOf(b, p))
	}
	return out, nil
}

func (a *API) bookingsAsOf(ctx context.Context, p tenant.Principal, in *bookingsInput, f booking.Filter) (*bookingsOutput, error) {
	var bad fault.Fields
	at := parseTime(&bad, "query.asOf", in.AsOf, "")
	if err := bad.Err(); err != nil {
		return nil, err
	}
	list, err := a.Bookings.AsOf(ctx, p, at, f.From, f.Till, f.Resource)
	if err != nil {
		return nil, err
	}
	out := &bookingsOutput{}
	out.Body.Items = []Booking{}
	for _, b := range list {
		x := bookingOf(b, p)
		x.CanEdit = false
		out.Body.Items = append(out.Body.Items, x)
	}
	return out, nil
}

type historyOutput struct {
	Body struct {
		Items []HistoryEntry `json:"items"`
	}
}

// HistoryEntry says who did what to a booking.
type HistoryEntry struct {
	At     time.Time `json:"at"`
	Actor  string    `json:"actor"`
	Action string    `json:"action" enum:"created,changed,cancelled,restored,split,extended,conflict,solved,adopted,replied,write-dropped" doc:"split: dates were taken out into another booking; extended: the horizon of a series moved on; adopted: changed in the calendar by another program; write-dropped: an operator has given up for good what could not be written into the calendars of the reason."`
	Reason string    `json:"reason,omitempty"`
	Before *Booking  `json:"before,omitempty" doc:"The booking before; absent when it was made."`
	After  *Booking  `json:"after,omitempty"`
}

func (a *API) bookingHistory(ctx context.Context, p tenant.Principal, in *idInput) (*historyOutput, error) {
	entries, err := a.Bookings.History(ctx, p, in.ID)
	if err != nil {
		return nil, err
	}
	out := &historyOutput{}
	out.Body.Items = []HistoryEntry{}
	for _, e := range entries {
		out.Body.Items = append(out.Body.Items, HistoryEntry{At: e.At.UTC(), Actor: e.Actor, Action: e.Action, Reason: e.Reason,
			Before: a.bookingThen(ctx, p, e.Before), After: a.bookingThen(ctx, p, e.After)})
	}
	return out, nil
}

// bookingThen is a booking as history has kept it.
func (a *API) bookingThen(ctx context.Context, p tenant.Principal, text string) *Booking {
	if text == "" {
		return nil
	}
	var b booking.Booking
	if err := json.Unmarshal([]byte(text), &b); err != nil {
		a.log.ErrorContext(ctx, "an entry of a booking's history cannot be read", "err", err)
		return nil
	}
	out := bookingOf(b, p)
	out.CanEdit = false
	return &out
}
