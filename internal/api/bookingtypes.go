package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
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
	Start       time.Time         `json:"start" doc:"Of the first date of a series; in a list by date, of the date."`
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
	Recurrence  *Recurrence       `json:"recurrence,omitempty" doc:"Absent: it takes place once."`
	Occurrences int               `json:"occurrences" doc:"How many dates the booking has; of a series those that hold their resources by now."`
	Occurrence  *time.Time        `json:"occurrence,omitempty" doc:"In a list by date: the original start of the date, which names it within its series."`
	Exceptions  []Exception       `json:"exceptions,omitempty" doc:"Dates of a series that are not as its rule has them; in a list by date only that date."`
	LastEnd     *time.Time        `json:"lastEnd,omitempty" doc:"End of the last date of a series; absent if it goes on for ever."`
	HeldTill    *time.Time        `json:"heldTill,omitempty" doc:"Up to where the dates of a series hold their resources by now; this moves on. Absent: all do."`
	Follows     string            `json:"follows,omitempty" doc:"The series that this booking was split from."`
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
	// Quantity is shown where there are several units.
	Quantity int `json:"quantity,omitempty" doc:"How many units; absent: the resource is one."`
}

// Recurrence says which dates a series has.
type Recurrence struct {
	RRule   string      `json:"rrule" doc:"As RFC 5545 has it." example:"FREQ=WEEKLY;BYDAY=MO;COUNT=10"`
	RDates  []time.Time `json:"rdates,omitempty" doc:"Additional starts."`
	ExDates []time.Time `json:"exdates,omitempty" doc:"Starts that are left out."`
}

// Exception is one date of a series that is not as its rule has it.
type Exception struct {
	Occurrence  time.Time `json:"occurrence" doc:"Its original start."`
	State       string    `json:"state" enum:"changed,cancelled,skipped,conflict" doc:"skipped: it was taken when the series was booked; conflict: it turned out to be taken later. But for a changed one, the date does not take place."`
	Start       time.Time `json:"start"`
	End         time.Time `json:"end"`
	Title       string    `json:"title,omitempty"`
	Location    string    `json:"location,omitempty"`
	Description string    `json:"description,omitempty"`
	Reason      string    `json:"reason,omitempty"`
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
	Kind      string    `json:"kind" enum:"central,resource,person,guest" doc:"guest: a person elsewhere, who is sent the event."`
	State     string    `json:"state" enum:"synced,pending,failed" doc:"pending: it is still tried; failed: given up, somebody must look."`
	Remove    bool      `json:"remove,omitempty" doc:"The booking is to be taken out of this calendar."`
	Attempts  int       `json:"attempts"`
	LastError string    `json:"lastError,omitempty"`
	UpdatedAt time.Time `json:"updatedAt"`
}

func syncOf(s booking.Sync) Sync {
	return Sync{Calendar: s.Calendar, Kind: string(s.Kind), State: string(s.State), Remove: s.Remove,
		Attempts: s.Attempts, LastError: s.LastError, UpdatedAt: s.UpdatedAt.UTC()}
}

func bookingOf(b booking.Booking, p tenant.Principal) Booking {
	out := Booking{ID: b.ID, UID: b.UID, Title: b.Title, Start: b.Start.UTC(), End: b.End.UTC(), TimeZone: b.TimeZone,
		Status: string(b.Status), Organizer: Person(b.Organizer), Location: b.Location, Description: b.Description,
		Private: b.Private, Mode: string(b.Mode), Occurrences: b.Count(), Follows: b.Follows, Sequence: b.Sequence, Version: b.Version,
		CreatedAt: b.CreatedAt.UTC(), UpdatedAt: b.UpdatedAt.UTC(), CanEdit: b.EditableBy(p) && b.Status != booking.Cancelled,
		Resources: []BookedResource{}, Attendees: []Attendee{}, Sync: []Sync{},
		Links: map[string]string{"self": "/api/v2/bookings/" + b.ID, "history": "/api/v2/bookings/" + b.ID + "/history"}}
	for _, r := range b.Resources {
		x := BookedResource{Email: r.Email, Name: r.Name, Type: r.Type}
		if r.Units > 1 {
			x.Quantity = r.Quantity
		}
		out.Resources = append(out.Resources, x)
	}
	series(&out, b)
	for _, x := range b.Attendees {
		out.Attendees = append(out.Attendees, Attendee{Email: x.Email, Name: x.Name, Role: x.Role, Status: x.PartStat})
	}
	for _, s := range b.Sync {
		out.Sync = append(out.Sync, syncOf(s))
	}
	return out
}

// series fills in what a series has beyond one date.
func series(out *Booking, b booking.Booking) {
	at := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		t = t.UTC()
		return &t
	}
	if r := b.Recurrence; r != nil {
		out.Recurrence = &Recurrence{RRule: r.RRule, RDates: r.RDates, ExDates: r.ExDates}
		out.LastEnd, out.HeldTill = at(b.LastEnd), at(b.ExpandedTill)
		if b.Occurrence != nil { // in a list by date, the whole series is not told again with each
			out.Recurrence.RDates, out.Recurrence.ExDates = nil, nil
		}
		for _, o := range b.Overrides {
			if b.Occurrence != nil && !o.Original.Equal(b.Occurrence.Original) {
				continue
			}
			out.Exceptions = append(out.Exceptions, Exception{Occurrence: o.Original.UTC(), State: string(o.State), Start: o.Start.UTC(), End: o.End.UTC(),
				Title: o.Title, Location: o.Location, Description: o.Description, Reason: o.Reason})
		}
	}
	o := b.Occurrence
	if o == nil {
		return
	}
	out.Occurrence, out.Start, out.End = at(o.Original), o.Start.UTC(), o.End.UTC()
	if o.Override != nil {
		out.Title, out.Location, out.Description = o.Override.Title, o.Override.Location, o.Override.Description
	}
}

// BookingRequest is what a person asks for.
type BookingRequest struct {
	Title string `json:"title" doc:"At most 500 bytes." example:"Planning"`
	Span
	Resources   []ResourceInput  `json:"resources" maxItems:"50" doc:"Addresses of resources, or objects with email and quantity."`
	Attendees   []AttendeeInput  `json:"attendees,omitempty" maxItems:"500" doc:"Addresses, or objects with email or group, name and role."`
	Location    string           `json:"location,omitempty" doc:"At most 500 bytes; left out, calendars show the names of the resources."`
	Description string           `json:"description,omitempty" doc:"At most 20,000 bytes."`
	Private     bool             `json:"private,omitempty" doc:"Others see that the time is taken, not what for."`
	Mode        string           `json:"mode,omitempty" enum:"direct,invitation" doc:"How it reaches the calendars; left out: as the tenant has it."`
	Recurrence  *RecurrenceInput `json:"recurrence,omitempty" doc:"An RRULE, or an object with rrule, exdates and rdates. In a change: left out, it stays as it is; empty, the booking takes place once."`
	OnConflict  string           `json:"onConflict,omitempty" enum:"fail,skip" default:"fail" doc:"Of a series: skip books the dates that are free and remembers those that are not."`
	Hold        string           `json:"hold,omitempty" maxLength:"64" doc:"Id of a hold that this booking takes the place of."`
}

// ResourceInput is a resource in a request: an address, or an object.
type ResourceInput struct {
	Email    string `json:"email"`
	Quantity int    `json:"quantity,omitempty"`
}

// UnmarshalJSON takes both forms.
func (x *ResourceInput) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(b), []byte(`"`)) {
		return json.Unmarshal(b, &x.Email)
	}
	type plain ResourceInput
	return json.Unmarshal(b, (*plain)(x))
}

// Schema says that both forms are right.
func (ResourceInput) Schema(huma.Registry) *huma.Schema {
	one := 1.0
	return eitherOf("The address of a resource.", map[string]*huma.Schema{"email": {Type: huma.TypeString},
		"quantity": {Type: huma.TypeInteger, Minimum: &one, Description: "How many units; 1 if left out."}}, "email")
}

// RecurrenceInput is a recurrence in a request: an RRULE, or an object.
type RecurrenceInput struct {
	RRule   string   `json:"rrule"`
	RDates  []string `json:"rdates,omitempty"`
	ExDates []string `json:"exdates,omitempty"`
}

// UnmarshalJSON takes both forms.
func (x *RecurrenceInput) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(b), []byte(`"`)) {
		return json.Unmarshal(b, &x.RRule)
	}
	type plain RecurrenceInput
	return json.Unmarshal(b, (*plain)(x))
}

// Schema says that both forms are right.
func (RecurrenceInput) Schema(huma.Registry) *huma.Schema {
	times := func(doc string) *huma.Schema {
		return &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeString}, Description: doc}
	}
	return eitherOf("An RRULE as RFC 5545 has it, such as FREQ=WEEKLY;BYDAY=MO;COUNT=10.", map[string]*huma.Schema{
		"rrule": {Type: huma.TypeString}, "rdates": times("Additional starts (RFC 3339)."), "exdates": times("Starts that are left out.")})
}

// eitherOf is the schema of what may be a text or an object.
func eitherOf(doc string, properties map[string]*huma.Schema, required ...string) *huma.Schema {
	object := &huma.Schema{Type: huma.TypeObject, Required: required, AdditionalProperties: false, Properties: properties}
	for _, p := range properties {
		if p.Items != nil {
			p.Items.PrecomputeMessages()
		}
		p.PrecomputeMessages()
	}
	object.PrecomputeMessages()
	text := &huma.Schema{Type: huma.TypeString, Description: doc}
	text.PrecomputeMessages()
	return &huma.Schema{OneOf: []*huma.Schema{text, object}}
}

// AttendeeInput is an attendee in a request: an address, or an object; or a
// group of the caller's contacts, which stands for its people.
type AttendeeInput struct {
	Email string `json:"email"`
	Group string `json:"group"`
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
	return eitherOf("A mail address.", map[string]*huma.Schema{"email": {Type: huma.TypeString}, "name": {Type: huma.TypeString},
		"group": {Type: huma.TypeString, Description: "Instead of email: the id of a contact group. Its people are booked, those of groups within it too."},
		"role":  {Type: huma.TypeString, Enum: []any{"required", "optional"}, Default: "required"}})
}

// attendees puts people in the place of the groups; who is named by
// themselves stays as they are.
func (a *API) attendees(ctx context.Context, p tenant.Principal, list []AttendeeInput) ([]AttendeeInput, error) {
	if !slices.ContainsFunc(list, func(x AttendeeInput) bool { return x.Group != "" }) {
		return list, nil
	}
	var out []AttendeeInput
	seen := map[string]bool{}
	for i, x := range list {
		if x.Group == "" {
			out = append(out, x)
			seen[strings.ToLower(x.Email)] = true
		} else if x.Email != "" {
			return nil, fault.InvalidField(fmt.Sprintf("/attendees/%d", i), "has both email and group")
		}
	}
	for i, x := range list {
		if x.Group == "" {
			continue
		}
		members, err := a.People.Expand(ctx, p, []string{x.Group})
		if err != nil {
			return nil, groupFault(err, fmt.Sprintf("/attendees/%d/group", i))
		}
		for _, m := range members {
			if !seen[m.Address] {
				seen[m.Address] = true
				out = append(out, AttendeeInput{Email: m.Address, Name: m.Name, Role: x.Role})
			}
		}
	}
	return out, nil
}

// groupFault names the field of a group that cannot be expanded.
func groupFault(err error, pointer string) error {
	var f *fault.Error
	if errors.As(err, &f) && (f.Code == fault.NotFound || f.Code == fault.Invalid) {
		return fault.InvalidField(pointer, "%s", f.Text)
	}
	return err
}

// bookingRequest reads a request, with groups expanded.
func (a *API) bookingRequest(ctx context.Context, p tenant.Principal, r BookingRequest) (booking.Request, error) {
	var err error
	if r.Attendees, err = a.attendees(ctx, p, r.Attendees); err != nil {
		return booking.Request{}, err
	}
	return r.parse()
}

func (r BookingRequest) parse() (booking.Request, error) {
	var bad fault.Fields
	start, end := r.Span.parse(&bad)
	out := booking.Request{Title: r.Title, Start: start, End: end, TimeZone: r.TimeZone,
		Location: r.Location, Description: r.Description, Private: r.Private, Mode: booking.Mode(r.Mode), OnConflict: r.OnConflict, Hold: r.Hold}
	for _, x := range r.Resources {
		out.Resources = append(out.Resources, booking.Wanted(x))
	}
	if c := r.Recurrence; c != nil {
		out.Recurrence = &booking.Recurrence{RRule: c.RRule}
		for name, list := range map[string]struct {
			from []string
			to   *[]time.Time
		}{"rdates": {c.RDates, &out.Recurrence.RDates}, "exdates": {c.ExDates, &out.Recurrence.ExDates}} {
			for i, s := range list.from {
				*list.to = append(*list.to, parseTime(&bad, fmt.Sprintf("/recurrence/%s/%d", name, i), s, r.TimeZone))
			}
		}
	}
	for _, x := range r.Attendees {
		out.Attendees = append(out.Attendees, booking.Attendee{Person: booking.Person{Email: x.Email, Name: x.Name}, Role: x.Role})
	}
	return out, bad.Err()
}
