package api

import (
	"bytes"
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

// Booking is a booking as the API tells of it.
type Booking struct {
	ID          string            `json:"id"`
	UID         string            `json:"uid" doc:"The iCalendar UID." example:"RMP-1788271200000-4k2m7q3w5x6y7z2a"`
	Title       string            `json:"title"`
	Start       time.Time         `json:"start"`
	End         time.Time         `json:"end"`
	TimeZone    string            `json:"timeZone" doc:"IANA name: the zone whose wall time was meant."`
	Status      string            `json:"status" enum:"confirmed,pending-approval,cancelled,conflict"`
	Organizer   Person            `json:"organizer" doc:"The person who booked."`
	Resources   []BookedResource  `json:"resources"`
	Attendees   []Attendee        `json:"attendees"`
	Location    string            `json:"location,omitempty"`
	Description string            `json:"description,omitempty"`
	Private     bool              `json:"private"`
	Mode        string            `json:"mode" enum:"direct,invitation"`
	Occurrences int               `json:"occurrences" doc:"How many dates the booking has."`
	Sequence    int               `json:"sequence" doc:"The iCalendar SEQUENCE."`
	Version     int64             `json:"version" doc:"Grows with each change; the ETag."`
	Sync        []Sync            `json:"sync" doc:"How far each calendar is."`
	CanEdit     bool              `json:"canEdit" doc:"Whether the caller may change or cancel it."`
	CreatedAt   time.Time         `json:"createdAt"`
	UpdatedAt   time.Time         `json:"updatedAt"`
	Links       map[string]string `json:"links"`
}

// Person is somebody with an address.
type Person struct {
	Email string `json:"email"`
	Name  string `json:"name,omitempty"`
}

// BookedResource is a resource of a booking.
type BookedResource struct {
	Email string `json:"email"`
	Name  string `json:"name"`
	Type  string `json:"type"`
}

// Attendee is a person at a meeting.
type Attendee struct {
	Email  string `json:"email"`
	Name   string `json:"name,omitempty"`
	Role   string `json:"role" enum:"required,optional,chair"`
	Status string `json:"status" enum:"needs-action,accepted,declined,tentative"`
}

// Sync is how far one calendar is.
type Sync struct {
	Calendar  string    `json:"calendar" doc:"The account whose calendar it is."`
	Kind      string    `json:"kind" enum:"central,resource,person"`
	State     string    `json:"state" enum:"synced,pending,failed" doc:"pending: it is still tried; failed: given up, somebody must look."`
	Remove    bool      `json:"remove,omitempty" doc:"The booking is to be taken out of this calendar."`
	Attempts  int       `json:"attempts"`
	LastError string    `json:"lastError,omitempty"`
	UpdatedAt time.Time `json:"updatedAt"`
}

func bookingOf(b booking.Booking, p tenant.Principal) Booking {
	out := Booking{ID: b.ID, UID: b.UID, Title: b.Title, Start: b.Start.UTC(), End: b.End.UTC(), TimeZone: b.TimeZone,
		Status: string(b.Status), Organizer: Person(b.Organizer), Location: b.Location, Description: b.Description,
		Private: b.Private, Mode: string(b.Mode), Occurrences: 1, Sequence: b.Sequence, Version: b.Version,
		CreatedAt: b.CreatedAt.UTC(), UpdatedAt: b.UpdatedAt.UTC(), CanEdit: b.EditableBy(p) && b.Status != booking.Cancelled,
		Resources: []BookedResource{}, Attendees: []Attendee{}, Sync: []Sync{},
		Links: map[string]string{"self": "/api/v2/bookings/" + b.ID, "history": "/api/v2/bookings/" + b.ID + "/history"}}
	for _, r := range b.Resources {
		out.Resources = append(out.Resources, BookedResource{Email: r.Email, Name: r.Name, Type: r.Type})
	}
	for _, x := range b.Attendees {
		out.Attendees = append(out.Attendees, Attendee{Email: x.Email, Name: x.Name, Role: x.Role, Status: x.PartStat})
	}
	for _, s := range b.Sync {
		out.Sync = append(out.Sync, Sync{Calendar: s.Calendar, Kind: string(s.Kind), State: string(s.State), Remove: s.Remove,
			Attempts: s.Attempts, LastError: s.LastError, UpdatedAt: s.UpdatedAt.UTC()})
	}
	return out
}

// BookingRequest is what a person asks for.
type BookingRequest struct {
	Title string `json:"title" doc:"At most 500 bytes." example:"Planning"`
	Span
	Resources   []string        `json:"resources" maxItems:"50" doc:"Addresses of resources." example:"[\"room-berlin@confroom.resources.example.test\"]"`
	Attendees   []AttendeeInput `json:"attendees,omitempty" maxItems:"500" doc:"Addresses, or objects with email, name and role."`
	Location    string          `json:"location,omitempty" doc:"At most 500 bytes; left out, calendars show the names of the resources."`
	Description string          `json:"description,omitempty" doc:"At most 20,000 bytes."`
	Private     bool            `json:"private,omitempty" doc:"Others see that the time is taken, not what for."`
	Mode        string          `json:"mode,omitempty" enum:"direct,invitation" doc:"How it reaches the calendars; left out: as the tenant has it."`
}

// AttendeeInput is an attendee in a request: an address, or an object.
type AttendeeInput struct {
	Email string `json:"email"`
	Name  string `json:"name,omitempty"`
	Role  string `json:"role,omitempty"`
}

// UnmarshalJSON takes both forms.
func (x *AttendeeInput) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(b), []byte(`"`)) {
		return json.Unmarshal(b, &x.Email)
	}
	type plain AttendeeInput
	return json.Unmarshal(b, (*plain)(x))
}

// Schema says that both forms are right.
func (AttendeeInput) Schema(huma.Registry) *huma.Schema {
	str := func(doc string) *huma.Schema { return &huma.Schema{Type: huma.TypeString, Description: doc} }
	object := &huma.Schema{Type: huma.TypeObject, Required: []string{"email"}, AdditionalProperties: false,
		Properties: map[string]*huma.Schema{"email": str(""), "name": str(""),
			"role": {Type: huma.TypeString, Enum: []any{"required", "optional"}, Default: "required"}}}
	object.PrecomputeMessages()
	address := str("A mail address.")
	address.PrecomputeMessages()
	return &huma.Schema{OneOf: []*huma.Schema{address, object}}
}

func (r BookingRequest) parse() (booking.Request, error) {
	var bad fault.Fields
	start, end := r.Span.parse(&bad)
	out := booking.Request{Title: r.Title, Start: start, End: end, TimeZone: r.TimeZone, Resources: r.Resources,
		Location: r.Location, Description: r.Description, Private: r.Private, Mode: booking.Mode(r.Mode)}
	for _, x := range r.Attendees {
		out.Attendees = append(out.Attendees, booking.Attendee{Person: booking.Person{Email: x.Email, Name: x.Name}, Role: x.Role})
	}
	return out, bad.Err()
}

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
	calendarTrouble := []int{http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusGatewayTimeout}
	operation(a, signedIn, huma.Operation{OperationID: "create-booking", Method: http.MethodPost, Path: path, Tags: tags, DefaultStatus: http.StatusCreated,
		Summary:     "Book",
		Description: "All the resources or none. 409 says what is in the way and what would be possible instead; 503 with type unknown means that a resource's calendar could not be read. An Idempotency-Key header makes a repetition harmless.",
		Errors:      calendarTrouble}, a.createBooking)
	operation(a, signedIn, huma.Operation{OperationID: "list-bookings", Method: http.MethodGet, Path: path, Tags: tags,
		Summary: "List bookings", Description: "In the order of their starts."}, a.listBookings)
	operation(a, signedIn, huma.Operation{OperationID: "get-booking", Method: http.MethodGet, Path: one, Tags: tags,
		Summary: "One booking", Errors: []int{http.StatusNotFound}}, a.getBooking)
	operation(a, signedIn, huma.Operation{OperationID: "change-booking", Method: http.MethodPut, Path: one, Tags: tags,
		Summary: "Change a booking", Description: "Replaces what the person may choose. With If-Match only if it is still the version that was read. The body is that of a new booking; fields left out are emptied.",
		Errors: append([]int{http.StatusNotFound, http.StatusPreconditionFailed}, calendarTrouble...)}, a.changeBooking)
	operation(a, signedIn, huma.Operation{OperationID: "cancel-booking", Method: http.MethodDelete, Path: one, Tags: tags,
		Summary: "Cancel a booking", Description: "To cancel again changes nothing.",
		Errors: []int{http.StatusNotFound, http.StatusPreconditionFailed}}, a.cancelBooking)
	operation(a, signedIn, huma.Operation{OperationID: "booking-history", Method: http.MethodGet, Path: one + "/history", Tags: tags,
		Summary: "Who did what, when and why", Errors: []int{http.StatusNotFound}}, a.bookingHistory)
}

type createInput struct {
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"255" doc:"A repetition with the same key gets the first answer."`
	Body           BookingRequest
}

func (a *API) createBooking(ctx context.Context, p tenant.Principal, in *createInput) (*bookingOutput, error) {
	r, err := in.Body.parse()
	if err != nil {
		return nil, err
	}
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

type changeInput struct {
	ID      string `path:"id" maxLength:"64"`
	IfMatch string `header:"If-Match" doc:"The ETag of the version that was read."`
	Body    BookingRequest
}

func (a *API) changeBooking(ctx context.Context, p tenant.Principal, in *changeInput) (*bookingOutput, error) {
	expect, err := ifMatch(in.IfMatch)
	if err != nil {
		return nil, err
	}
	r, err := in.Body.parse()
	if err != nil {
		return nil, err
	}
	b, err := a.Bookings.Change(ctx, p, in.ID, expect, r)
	if err != nil {
		return nil, err
	}
	return bookingAnswer(b, p), nil
}

type cancelInput struct {
	ID      string `path:"id" maxLength:"64"`
	IfMatch string `header:"If-Match"`
	Body    *struct {
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
	b, err := a.Bookings.Cancel(ctx, p, in.ID, expect, reason)
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
			last := list[i-1]
			out.Body.NextCursor = encodeCursor(fmt.Sprintf("%s %s", last.Start.UTC().Format(time.RFC3339Nano), last.ID))
			break
		}
		out.Body.Items = append(out.Body.Items, bookingOf(b, p))
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
	Action string    `json:"action" enum:"created,changed,cancelled"`
	Reason string    `json:"reason,omitempty"`
}

func (a *API) bookingHistory(ctx context.Context, p tenant.Principal, in *idInput) (*historyOutput, error) {
	entries, err := a.Bookings.History(ctx, p, in.ID)
	if err != nil {
		return nil, err
	}
	out := &historyOutput{}
	out.Body.Items = []HistoryEntry{}
	for _, e := range entries {
		out.Body.Items = append(out.Body.Items, HistoryEntry{At: e.At.UTC(), Actor: e.Actor, Action: e.Action, Reason: e.Reason})
	}
	return out, nil
}
