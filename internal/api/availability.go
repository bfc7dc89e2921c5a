package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rmp/internal/availability"
	"rmp/internal/booking"
	"rmp/internal/fault"
	"rmp/internal/tenant"
)

// BusySpan is a time that is not free.
type BusySpan struct {
	Start  time.Time `json:"start"`
	End    time.Time `json:"end"`
	Status string    `json:"status" enum:"busy,tentative,out-of-office"`
}

// FreeBusy is the free/busy of one account.
type FreeBusy struct {
	Email string     `json:"email"`
	Busy  []BusySpan `json:"busy" doc:"In the order of their starts. Empty together with error does not mean free."`
	Error string     `json:"error,omitempty" enum:"unknown,forbidden,unreachable" doc:"The calendar could not be read, so whether it is free is unknown. unknown: there is no such account."`
}

type freeBusyInput struct {
	Body struct {
		Emails []string `json:"emails" minItems:"1" maxItems:"500" doc:"People and resources."`
		From   string   `json:"from" example:"2026-09-01T00:00:00Z"`
		Till   string   `json:"till" example:"2026-09-02T00:00:00Z"`
	}
}

type freeBusyOutput struct {
	Body struct {
		Items []FreeBusy `json:"items" doc:"One for each different address asked for, in the order asked."`
		AsOf  time.Time  `json:"asOf" doc:"The time of the oldest reading in the answer."`
	}
}

type checkInput struct {
	Body struct {
		Users     []string `json:"users,omitempty" maxItems:"500"`
		Resources []string `json:"resources,omitempty" maxItems:"500"`
		Span
	}
}

// Span is a start and an end as a request gives them.
type Span struct {
	Start     string `json:"start,omitempty" doc:"RFC 3339; without an offset only together with timeZone." example:"2026-09-01T14:00:00Z"`
	StartTime string `json:"startTime,omitempty" doc:"Another name of start."`
	End       string `json:"end,omitempty" example:"2026-09-01T15:00:00Z"`
	EndTime   string `json:"endTime,omitempty" doc:"Another name of end."`
	TimeZone  string `json:"timeZone,omitempty" doc:"IANA name of the zone that wall times are in." maxLength:"64" example:"Europe/Berlin"`
}

// parse reads the span and notes what is wrong with it.
func (s Span) parse(bad *fault.Fields) (start, end time.Time) {
	if s.TimeZone != "" && !booking.KnownZone(s.TimeZone) {
		bad.Add("/timeZone", "%q is not the name of a time zone in the IANA database, such as Europe/Berlin", clip(s.TimeZone))
	}
	pick := func(name, a, b string) (string, string) {
		if a == "" && b != "" {
			return "/" + name + "Time", b
		}
		return "/" + name, a
	}
	pointer, value := pick("start", s.Start, s.StartTime)
	start = parseTime(bad, pointer, value, s.TimeZone)
	pointer, value = pick("end", s.End, s.EndTime)
	end = parseTime(bad, pointer, value, s.TimeZone)
	if !start.IsZero() && !end.IsZero() && !end.After(start) {
		bad.Add(pointer, "is not after start")
	}
	return start, end
}

type checkOutput struct {
	Body struct {
		Available bool      `json:"available" doc:"True only if every calendar could be read and is free."`
		Busy      []BusyOf  `json:"busy"`
		Refused   []Refusal `json:"refused" doc:"Rules of resources that are against it for the caller."`
		Unknown   []Unknown `json:"unknown" doc:"Calendars that could not be read."`
		AsOf      time.Time `json:"asOf"`
	}
}

// BusyOf says when one account is not free.
type BusyOf struct {
	Email     string     `json:"email"`
	Intervals []BusySpan `json:"intervals"`
}

func (a *API) registerAvailability() {
	tags := []string{"Availability"}
	operation(a, huma.Operation{OperationID: "freebusy", Method: http.MethodPost, Path: "/api/v2/freebusy", Tags: tags,
		Summary: "Free/busy of people and resources"}, a.freeBusy)
	operation(a, huma.Operation{OperationID: "check-availability", Method: http.MethodPost, Path: "/api/v2/availability/check", Tags: tags,
		Summary: "Is this time free for all?"}, a.checkAvailability)
}

func (a *API) freeBusy(ctx context.Context, p tenant.Principal, in *freeBusyInput) (*freeBusyOutput, error) {
	var bad fault.Fields
	from := parseTime(&bad, "/from", in.Body.From, "")
	till := parseTime(&bad, "/till", in.Body.Till, "")
	checkRange(&bad, "/till", from, till)
	checkAddresses(&bad, "/emails", in.Body.Emails)
	if err := bad.Err(); err != nil {
		return nil, err
	}
	accounts, err := a.Availability.Busy(ctx, p.Tenant, in.Body.Emails, from, till)
	if err != nil {
		return nil, err
	}
	out := &freeBusyOutput{}
	out.Body.AsOf = a.Now().UTC()
	for _, x := range accounts {
		if x.AsOf.Before(out.Body.AsOf) {
			out.Body.AsOf = x.AsOf.UTC()
		}
		out.Body.Items = append(out.Body.Items, FreeBusy{Email: x.Email, Busy: spansOf(x), Error: x.Reason()})
	}
	return out, nil
}

func (a *API) checkAvailability(ctx context.Context, p tenant.Principal, in *checkInput) (*checkOutput, error) {
	var bad fault.Fields
	start, end := in.Body.parse(&bad)
	checkRange(&bad, "/end", start, end)
	checkAddresses(&bad, "/users", in.Body.Users)
	checkAddresses(&bad, "/resources", in.Body.Resources)
	accounts := slices.Concat(in.Body.Users, in.Body.Resources)
	if len(accounts) == 0 {
		bad.Add("/resources", "name at least one user or resource")
	}
	if err := bad.Err(); err != nil {
		return nil, err
	}
	v, err := a.Availability.Check(ctx, p, accounts, start, end)
	if err != nil {
		return nil, err
	}
	out := &checkOutput{}
	out.Body.Available = v.Available
	out.Body.AsOf = a.Now().UTC()
	out.Body.Busy, out.Body.Unknown, out.Body.Refused = []BusyOf{}, []Unknown{}, refusalsOf(v.Refused)
	sayRefusals(ctx, out.Body.Refused)
	for _, x := range v.Busy {
		out.Body.Busy = append(out.Body.Busy, BusyOf{Email: x.Email, Intervals: spansOf(x)})
	}
	for _, x := range v.Unknown {
		out.Body.Unknown = append(out.Body.Unknown, Unknown{Email: x.Email, Error: x.Reason()})
	}
	return out, nil
}

func checkAddresses(bad *fault.Fields, pointer string, emails []string) {
	for i, e := range emails {
		if !booking.ValidAddress(strings.TrimSpace(e)) {
			bad.Add(fmt.Sprintf("%s/%d", pointer, i), "%q is not a mail address", clip(e))
		}
	}
}

// spansOf merges what overlaps, so that nothing shows through of how many
// things a person has at a time.
func spansOf(x availability.Account) []BusySpan {
	out := []BusySpan{}
	for _, s := range x.Busy { // in the order of their starts
		if last := len(out) - 1; last >= 0 && out[last].Status == s.Status && !s.Start.After(out[last].End) {
			if s.End.After(out[last].End) {
				out[last].End = s.End.UTC()
			}
			continue
		}
		out = append(out, BusySpan{Start: s.Start.UTC(), End: s.End.UTC(), Status: s.Status})
	}
	return out
}
