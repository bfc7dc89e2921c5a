package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rmp/calendar/ical"
	"rmp/calendar/zone"
	"rmp/internal/audit"
	"rmp/internal/fault"
	"rmp/internal/people"
	"rmp/internal/tenant"
)

// Calendar is a calendar that the person may look at.
type Calendar struct {
	Name   string       `json:"name" example:"Calendar"`
	Owner  string       `json:"owner" example:"anna@example.test"`
	Type   string       `json:"type" enum:"personal,shared,resource"`
	Access string       `json:"access" enum:"read-write,read-only,free-busy"`
	Level  people.Level `json:"level" enum:"see,read,write,manage,custom,none" doc:"What the person may do, in a word."`
}

// CalendarEvent is an event of a calendar: one date of it, or with
// includeRecurring=false the series as a whole.
type CalendarEvent struct {
	UID         string          `json:"uid,omitempty"`
	Title       string          `json:"title,omitempty"`
	Start       time.Time       `json:"start"`
	End         time.Time       `json:"end"`
	TimeZone    string          `json:"timeZone,omitempty" doc:"IANA name, where wall time matters."`
	AllDay      bool            `json:"allDay,omitempty"`
	Location    string          `json:"location,omitempty"`
	Description string          `json:"description,omitempty"`
	Private     bool            `json:"private,omitempty"`
	Busy        string          `json:"busy" enum:"busy,tentative,out-of-office,free"`
	Organizer   *Person         `json:"organizer,omitempty"`
	Attendees   []EventAttendee `json:"attendees,omitempty"`
	RRule       string          `json:"rrule,omitempty" doc:"Present: it is a date of a series." example:"FREQ=WEEKLY"`
	Occurrence  *time.Time      `json:"occurrence,omitempty" doc:"The start of this date."`
	Booking     bool            `json:"booking,omitempty" doc:"It is the event of a booking, and is changed with it."`
	ETag        string          `json:"etag,omitempty"`
}

// EventAttendee is somebody at an event.
type EventAttendee struct {
	Email  string `json:"email"`
	Name   string `json:"name,omitempty"`
	Role   string `json:"role,omitempty" enum:"required,optional,chair,resource"`
	Status string `json:"status,omitempty" enum:"needs-action,accepted,declined,tentative,delegated"`
}

// EventRequest is a plain event in a request.
type EventRequest struct {
	UID         string `json:"uid,omitempty" maxLength:"500" doc:"Left out: one is made."`
	Title       string `json:"title"`
	Location    string `json:"location,omitempty"`
	Description string `json:"description,omitempty"`
	Span
	AllDay          bool             `json:"allDay,omitempty" doc:"start and end are midnights in timeZone, end behind the last day."`
	Private         bool             `json:"private,omitempty"`
	Busy            *bool            `json:"busy,omitempty" doc:"Left out: true."`
	Recurrence      *RecurrenceInput `json:"recurrence,omitempty" doc:"An RRULE, or an object with rrule and exdates."`
	Attendees       []AttendeeInput  `json:"attendees,omitempty" maxItems:"500"`
	SendInvitations bool             `json:"sendInvitations,omitempty" doc:"CommuniGate Pro sends requests to the attendees."`
}

var busyWords = map[string]string{"TENTATIVE": "tentative", "OOF": "out-of-office", "FREE": "free"}

func busyWord(status string) string {
	if w := busyWords[strings.ToUpper(status)]; w != "" {
		return w
	}
	return "busy"
}

var roleWords = map[string]string{"CHAIR": "chair", "OPT-PARTICIPANT": "optional", "NON-PARTICIPANT": "resource"}

func eventOf(x *ical.Event, span people.Span) CalendarEvent {
	out := CalendarEvent{UID: span.UID, Start: span.Start.UTC(), End: span.End.UTC(), Busy: busyWord(span.Status)}
	if x == nil {
		return out
	}
	out.UID = x.UID
	shown := x
	for _, e := range x.Exceptions { // the date may be a changed one
		if start, _, err := e.Span(zone.Resolver{}.Load, time.UTC); err == nil && start.Equal(span.Start) {
			shown = e
		}
	}
	out.Title, out.Location, out.Description, out.AllDay = shown.Summary, shown.Location, shown.Description, x.Start.Kind == ical.Date
	out.Private = x.Class == "PRIVATE" || x.Class == "CONFIDENTIAL"
	if x.Start.Kind == ical.Zoned {
		if loc, err := (zone.Resolver{}).Load(x.Start.Zone); err == nil {
			out.TimeZone = loc.String()
		}
	}
	if x.Organizer != nil {
		out.Organizer = &Person{Email: strings.ToLower(x.Organizer.Email), Name: x.Organizer.Name}
	}
	for _, a := range shown.Attendees {
		role := roleWords[strings.ToUpper(a.Role)]
		if role == "" {
			role = "required"
		}
		out.Attendees = append(out.Attendees, EventAttendee{Email: strings.ToLower(a.Email), Name: a.Name, Role: role, Status: strings.ToLower(a.PartStat)})
	}
	if x.Recurs() {
		if len(x.RRules) > 0 {
			out.RRule = x.RRules[0]
		}
		at := span.Start.UTC()
		out.Occurrence = &at
	}
	out.Booking = x.ExtraValue("X-RMP-ACTUAL-ORGANIZER") != ""
	out.ETag = people.ETag(x)
	return out
}

type (
	calendarsOutput struct {
		Body struct {
			Items []Calendar `json:"items"`
		}
	}
	eventsOfInput struct {
		AccountInput
		StartDate        string `query:"startDate" doc:"RFC 3339."`
		EndDate          string `query:"endDate" doc:"RFC 3339; at most 366 days later."`
		IncludeRecurring bool   `query:"includeRecurring" default:"true" doc:"Each date of a series; false: each series once."`
	}
	// AccountInput names whose calendar it is.
	AccountInput struct {
		Account string `path:"account" maxLength:"254" example:"anna@example.test"`
	}
	eventsOfOutput struct {
		Body struct {
			Items    []CalendarEvent `json:"items"`
			FreeBusy bool            `json:"freeBusy,omitempty" doc:"Only when the account is busy may be told."`
			AsOf     time.Time       `json:"asOf"`
		}
	}
	eventInput struct {
		AccountInput
		UID  string `path:"uid" maxLength:"500"`
		Near string `query:"near" doc:"RFC 3339: about when it takes place; needed where that is more than a year back or two ahead."`
	}
	eventOutput struct {
		ETag     string `header:"ETag"`
		Location string `header:"Location"`
		Body     CalendarEvent
	}
	createEventInput struct {
		AccountInput
		Body EventRequest
	}
	changeEventInput struct {
		AccountInput
		UID        string `path:"uid" maxLength:"500"`
		Near       string `query:"near" doc:"RFC 3339: about when it took place until now."`
		Occurrence string `query:"occurrence" doc:"RFC 3339: of a series change only the date that originally starts then."`
		IfMatch    string `header:"If-Match"`
		Body       EventRequest
	}
	deleteEventInput struct {
		AccountInput
		UID             string `path:"uid" maxLength:"500"`
		Near            string `query:"near"`
		Occurrence      string `query:"occurrence" doc:"RFC 3339: of a series remove only this date."`
		SendInvitations bool   `query:"sendInvitations" doc:"The attendees are told."`
		Comment         string `query:"comment" maxLength:"2000" doc:"For them."`
		IfMatch         string `header:"If-Match"`
	}
	importInput struct {
		AccountInput
		RawBody []byte `contentType:"text/calendar" doc:"An iCalendar file."`
	}
	importOutput struct {
		Body struct {
			Created int             `json:"created"`
			Updated int             `json:"updated"`
			Refused int             `json:"refused"`
			Items   []ImportedEvent `json:"items"`
		}
	}
	// ImportedEvent is what became of one event of a file.
	ImportedEvent struct {
		UID    string `json:"uid"`
		Title  string `json:"title,omitempty"`
		Result string `json:"result" enum:"created,updated,refused"`
		Reason string `json:"reason,omitempty"`
	}
	exportInput struct {
		AccountInput
		From string `query:"from" doc:"RFC 3339."`
		Till string `query:"till" doc:"RFC 3339; at most 366 days later."`
	}
	rawOutput struct {
		ContentType        string `header:"Content-Type"`
		ContentDisposition string `header:"Content-Disposition"`
		ETag               string `header:"ETag"`
		CacheControl       string `header:"Cache-Control"`
		Status             int
		Body               []byte
	}
	invitationsOutput struct {
		Body struct {
			Items []InvitationItem `json:"items"`
		}
	}
	// InvitationItem is a request in the person's INBOX.
	InvitationItem struct {
		ID    int64         `json:"id"`
		From  string        `json:"from,omitempty"`
		Event CalendarEvent `json:"event"`
	}
	answerInput struct {
		ID   int64 `path:"id" minimum:"1"`
		Body struct {
			Answer  string `json:"answer" enum:"accepted,declined,tentative"`
			Comment string `json:"comment,omitempty" maxLength:"2000" doc:"For the organizer."`
		}
	}
)

// maxImport bounds a file.
const maxImport = 8 << 20

func (a *API) registerCalendars() {
	tags := []string{"Calendars"}
	const of, one = "/api/v2/calendars/{account}/events", "/api/v2/calendars/{account}/events/{uid}"
	refusals := []int{http.StatusNotFound, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}
	operation(a, huma.Operation{OperationID: "list-calendars", Method: http.MethodGet, Path: "/api/v2/calendars", Tags: tags, Summary: "Your calendars",
		Description: "Your own, those others share with you, and those of the resources.", Errors: refusals}, a.listCalendars)
	operation(a, huma.Operation{OperationID: "list-events", Method: http.MethodGet, Path: of, Tags: tags, Summary: "Events of a calendar",
		Description: "Yours, one that you may read, or as an administrator any of the organisation's. Who may not read a calendar is told when it is busy, as far as CommuniGate Pro tells them that.", Errors: refusals}, a.listEvents)
	operation(a, huma.Operation{OperationID: "create-event", Method: http.MethodPost, Path: of, Tags: tags, DefaultStatus: http.StatusCreated, Summary: "Add a plain event", Errors: refusals}, a.createEvent)
	operation(a, huma.Operation{OperationID: "get-event", Method: http.MethodGet, Path: one, Tags: tags, Summary: "One event", Errors: refusals}, a.getEvent)
	changing := append([]int{http.StatusPreconditionFailed}, refusals...)
	operation(a, huma.Operation{OperationID: "change-event", Method: http.MethodPut, Path: one, Tags: tags, Summary: "Change a plain event, or one date of a series",
		Description: "Replaces what the request can say; alarms and what other programs have added stay. The event of a booking is changed with the booking.", Errors: changing}, a.changeEvent)
	operation(a, huma.Operation{OperationID: "delete-event", Method: http.MethodDelete, Path: one, Tags: tags, DefaultStatus: http.StatusNoContent, Summary: "Remove a plain event, or one date of a series", Errors: changing}, a.deleteEvent)
	operation(a, huma.Operation{OperationID: "import-calendar", Method: http.MethodPost, Path: "/api/v2/calendars/{account}/import", Tags: tags, MaxBodyBytes: maxImport,
		Summary: "Take the events of an iCalendar file over", Description: "Each for itself, with what became of it: one that is refused does not keep the others out. An event with a known UID is updated, unless the calendar has a newer version.",
		Errors: append([]int{http.StatusRequestEntityTooLarge}, refusals...)}, a.importCalendar)
	operation(a, huma.Operation{OperationID: "export-calendar", Method: http.MethodGet, Path: "/api/v2/calendars/{account}/export.ics", Tags: tags, Summary: "The events of a range as an iCalendar file", Errors: refusals,
		Responses: map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{calendarType: {Schema: &huma.Schema{Type: huma.TypeString}}}}}}, a.exportCalendar)
	operation(a, huma.Operation{OperationID: "list-invitations", Method: http.MethodGet, Path: "/api/v2/invitations", Tags: tags, Summary: "Invitations in your INBOX", Errors: refusals}, a.listInvitations)
	operation(a, huma.Operation{OperationID: "answer-invitation", Method: http.MethodPost, Path: "/api/v2/invitations/{id}/answer", Tags: tags, DefaultStatus: http.StatusNoContent,
		Summary: "Accept or decline an invitation", Description: "The answer goes to the organizer, the event into your calendar unless you decline.", Errors: refusals}, a.answerInvitation)
}

const calendarType = "text/calendar; charset=utf-8"

func (a *API) listCalendars(ctx context.Context, p tenant.Principal, _ *struct{}) (*calendarsOutput, error) {
	list, err := a.People.Calendars(ctx, p)
	if err != nil {
		return nil, err
	}
	out := &calendarsOutput{}
	out.Body.Items = []Calendar{}
	for _, c := range list {
		x := Calendar{Name: c.Name, Owner: c.Account, Type: "shared", Level: people.LevelOf(c.Letters), Access: "free-busy"}
		if c.Own {
			x.Type = "personal"
		}
		switch {
		case people.Has(c.Letters, "i"):
			x.Access = "read-write"
		case people.Has(c.Letters, "r"):
			x.Access = "read-only"
		}
		out.Body.Items = append(out.Body.Items, x)
	}
	resources, err := a.Resources(p.Tenant).Resources(ctx, activeResources)
	if err != nil {
		return nil, err
	}
	for _, r := range resources {
		x := Calendar{Name: r.Name, Owner: r.Email, Type: "resource", Access: "read-only", Level: people.Read}
		out.Body.Items = append(out.Body.Items, x)
	}
	return out, nil
}

// others notes in the audit log that an administrator reached somebody
// else's calendar.
func (a *API) others(ctx context.Context, p tenant.Principal, action, account string, err error) {
	if strings.EqualFold(account, p.Email) || !p.Role.AtLeast(tenant.Admin) {
		return
	}
	note(ctx, "calendar", strings.ToLower(account))
	outcome := audit.Done
	if err != nil {
		outcome = audit.Refused
	}
	actor := p.Email
	if p.Token != "" {
		actor += " (token " + p.Token + ")"
	}
	a.append(ctx, audit.Entry{Tenant: p.Tenant, Actor: actor, Action: action, Target: requestPath(ctx), Outcome: outcome, Detail: noted(ctx)})
}

func (a *API) listEvents(ctx context.Context, p tenant.Principal, in *eventsOfInput) (*eventsOfOutput, error) {
	var bad fault.Fields
	from := parseTime(&bad, "query.startDate", in.StartDate, "")
	till := parseTime(&bad, "query.endDate", in.EndDate, "")
	checkRange(&bad, "query.endDate", from, till)
	if err := bad.Err(); err != nil {
		return nil, err
	}
	r, err := a.People.Events(ctx, p, in.Account, from, till)
	a.others(ctx, p, "list-events", in.Account, err)
	if err != nil {
		return nil, err
	}
	out := &eventsOfOutput{}
	out.Body.Items, out.Body.FreeBusy, out.Body.AsOf = []CalendarEvent{}, r.OnlyBusy, a.Now().UTC()
	seen := map[string]bool{}
	for _, s := range r.Spans {
		if s.UID != "" && !in.IncludeRecurring && seen[s.UID] {
			continue
		}
		seen[s.UID] = true
		out.Body.Items = append(out.Body.Items, eventOf(r.Events[s.UID], s))
	}
	return out, nil
}

func spanOf(x *ical.Event) people.Span {
	start, end, err := x.Span(zone.Resolver{}.Load, time.UTC)
	if err != nil {
		return people.Span{UID: x.UID}
	}
	return people.Span{UID: x.UID, Start: start, End: end, Status: x.BusyStatus}
}

func eventAnswer(x *ical.Event) *eventOutput {
	return &eventOutput{ETag: people.ETag(x), Body: eventOf(x, spanOf(x))}
}

func optionalTime(bad *fault.Fields, pointer, s string) time.Time {
	if s == "" {
		return time.Time{}
	}
	return parseTime(bad, pointer, s, "")
}

func (a *API) getEvent(ctx context.Context, p tenant.Principal, in *eventInput) (*eventOutput, error) {
	var bad fault.Fields
	near := optionalTime(&bad, "query.near", in.Near)
	if err := bad.Err(); err != nil {
		return nil, err
	}
	x, err := a.People.Event(ctx, p, in.Account, in.UID, near)
	a.others(ctx, p, "get-event", in.Account, err)
	if err != nil {
		return nil, err
	}
	return eventAnswer(x), nil
}

// event reads an event of a request.
func (a *API) event(ctx context.Context, p tenant.Principal, r EventRequest) (people.Event, error) {
	list, err := a.attendees(ctx, p, r.Attendees)
	if err != nil {
		return people.Event{}, err
	}
	var bad fault.Fields
	start, end := r.Span.parse(&bad)
	out := people.Event{UID: strings.TrimSpace(r.UID), Title: r.Title, Location: r.Location, Description: r.Description, Start: start, End: end, TimeZone: r.TimeZone, AllDay: r.AllDay,
		Private: r.Private, Free: r.Busy != nil && !*r.Busy, Invite: r.SendInvitations}
	if out.TimeZone == "" {
		t, err := a.Tenants.Tenant(ctx, p.Tenant)
		if err != nil {
			return out, err
		}
		out.TimeZone = t.TimeZone
	}
	if c := r.Recurrence; c != nil {
		out.RRule = c.RRule
		for _, s := range c.ExDates {
			out.ExDates = append(out.ExDates, parseTime(&bad, "/recurrence/exdates", s, r.TimeZone))
		}
		if len(c.RDates) > 0 {
			bad.Add("/recurrence/rdates", "are for bookings only")
		}
	}
	for i, x := range list {
		if !managerAddress.MatchString(x.Email) {
			bad.Add("/attendees", "%q (number %d) is not a mail address", clip(x.Email), i+1)
			continue
		}
		checkLine(&bad, "/attendees", x.Name, 200)
		role := "REQ-PARTICIPANT"
		if x.Role == "optional" {
			role = "OPT-PARTICIPANT"
		}
		out.Attendees = append(out.Attendees, ical.Attendee{Address: ical.Address{Email: x.Email, Name: x.Name}, CUType: "INDIVIDUAL", Role: role, PartStat: "NEEDS-ACTION", RSVP: true})
	}
	checkLine(&bad, "/uid", out.UID, 500)
	return out, bad.Err()
}

func (a *API) createEvent(ctx context.Context, p tenant.Principal, in *createEventInput) (*eventOutput, error) {
	e, err := a.event(ctx, p, in.Body)
	if err != nil {
		return nil, err
	}
	x, err := a.People.Create(ctx, p, in.Account, e)
	a.others(ctx, p, "create-event", in.Account, err)
	if err != nil {
		return nil, err
	}
	out := eventAnswer(x)
	out.Location = "/api/v2/calendars/" + strings.ToLower(in.Account) + "/events/" + x.UID
	return out, nil
}

func (a *API) changeEvent(ctx context.Context, p tenant.Principal, in *changeEventInput) (*eventOutput, error) {
	e, err := a.event(ctx, p, in.Body)
	if err != nil {
		return nil, err
	}
	var bad fault.Fields
	near := optionalTime(&bad, "query.near", in.Near)
	e.UID, e.Occurrence, e.Expect = in.UID, optionalTime(&bad, "query.occurrence", in.Occurrence), expected(in.IfMatch)
	if err := bad.Err(); err != nil {
		return nil, err
	}
	if near.IsZero() {
		near = e.Occurrence
	}
	x, err := a.People.Change(ctx, p, in.Account, e, near)
	a.others(ctx, p, "change-event", in.Account, err)
	if err != nil {
		return nil, err
	}
	return eventAnswer(x), nil
}

// expected is the ETag of an If-Match header, or "" for any.
func expected(h string) string {
	if h = strings.TrimSpace(h); h == "*" {
		return ""
	}
	return strings.TrimPrefix(h, "W/")
}

func (a *API) deleteEvent(ctx context.Context, p tenant.Principal, in *deleteEventInput) (*struct{}, error) {
	var bad fault.Fields
	near, date := optionalTime(&bad, "query.near", in.Near), optionalTime(&bad, "query.occurrence", in.Occurrence)
	if err := bad.Err(); err != nil {
		return nil, err
	}
	err := a.People.Remove(ctx, p, in.Account, in.UID, date, near, expected(in.IfMatch), in.SendInvitations, in.Comment)
	a.others(ctx, p, "delete-event", in.Account, err)
	return nil, err
}

func (a *API) importCalendar(ctx context.Context, p tenant.Principal, in *importInput) (*importOutput, error) {
	list, err := a.People.Import(ctx, p, in.Account, in.RawBody)
	a.others(ctx, p, "import-calendar", in.Account, err)
	if err != nil {
		return nil, err
	}
	out := &importOutput{}
	for _, x := range list {
		switch x.Result {
		case "created":
			out.Body.Created++
		case "updated":
			out.Body.Updated++
		default:
			out.Body.Refused++
		}
		out.Body.Items = append(out.Body.Items, ImportedEvent(x))
	}
	return out, nil
}

func (a *API) exportCalendar(ctx context.Context, p tenant.Principal, in *exportInput) (*rawOutput, error) {
	var bad fault.Fields
	from, till := parseTime(&bad, "query.from", in.From, ""), parseTime(&bad, "query.till", in.Till, "")
	checkRange(&bad, "query.till", from, till)
	if err := bad.Err(); err != nil {
		return nil, err
	}
	text, err := a.People.Export(ctx, p, in.Account, from, till)
	a.others(ctx, p, "export-calendar", in.Account, err)
	if err != nil {
		return nil, err
	}
	return &rawOutput{ContentType: calendarType, ContentDisposition: `attachment; filename="calendar.ics"`, Status: http.StatusOK, Body: text}, nil
}

func (a *API) listInvitations(ctx context.Context, p tenant.Principal, _ *struct{}) (*invitationsOutput, error) {
	list, err := a.People.Invitations(ctx, p)
	if err != nil {
		return nil, err
	}
	out := &invitationsOutput{}
	out.Body.Items = []InvitationItem{}
	for _, i := range list {
		x := i.Event.Events[0]
		out.Body.Items = append(out.Body.Items, InvitationItem{ID: i.ID, From: i.From, Event: eventOf(x, spanOf(x))})
	}
	return out, nil
}

func (a *API) answerInvitation(ctx context.Context, p tenant.Principal, in *answerInput) (*struct{}, error) {
	return nil, a.People.Answer(ctx, p, in.ID, in.Body.Answer, in.Body.Comment)
}
