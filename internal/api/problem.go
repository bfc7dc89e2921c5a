package api

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rmp/internal/booking"
	"rmp/internal/fault"
	"rmp/internal/wording"
)

// Problem is an error of the API, as RFC 9457 has it.
type Problem struct {
	Type      string         `json:"type" doc:"A URI that names the kind of problem." example:"urn:rmp:problem:invalid"`
	Title     string         `json:"title" doc:"The kind of problem in words." example:"Not acceptable"`
	Status    int            `json:"status" doc:"The HTTP status." example:"422"`
	Detail    string         `json:"detail" doc:"What is wrong here, and what to do about it."`
	Instance  string         `json:"instance,omitempty" doc:"The path of the request."`
	RequestID string         `json:"requestId,omitempty" doc:"The id under which the request is in the log."`
	Errors    []ProblemField `json:"errors,omitempty" doc:"The parts of the input that are not acceptable."`

	Conflicts    []Conflict    `json:"conflicts,omitempty" doc:"With status 409: what is in the way."`
	Alternatives []Alternative `json:"alternatives,omitempty" doc:"With status 409: what would be possible instead, best first."`
	Refusals     []Refusal     `json:"refusals,omitempty" doc:"With type policy: the rules of the resources that are against it, each with the nearest allowed choice."`
	Unknown      []Unknown     `json:"unknown,omitempty" doc:"Calendars that could not be read: whether they are free is unknown."`

	headers http.Header
}

// ProblemField is one part of the input that is not acceptable.
type ProblemField struct {
	Pointer string `json:"pointer" doc:"A JSON pointer into the body, or the place and name of a parameter." example:"/end"`
	Detail  string `json:"detail" example:"is not after start"`
}

// Conflict is one thing that is in the way of a booking.
type Conflict struct {
	Resource string    `json:"resource" doc:"Address of the resource."`
	Start    time.Time `json:"start"`
	End      time.Time `json:"end"`
	Reason   string    `json:"reason" enum:"booked,held,set-up or tear-down,in the calendar,the series itself" doc:"held: somebody is just choosing; in the calendar: another program wrote it there; the series itself: another of its dates reaches over this one."`
	HeldBy   *HeldBy   `json:"heldBy,omitempty" doc:"Who holds the time, if the caller may know."`
}

// HeldBy is who holds a time.
type HeldBy struct {
	Email string `json:"email,omitempty"`
	Name  string `json:"name,omitempty"`
	Title string `json:"title,omitempty"`
}

// Alternative is a booking that would be possible instead.
type Alternative struct {
	Start     time.Time `json:"start"`
	End       time.Time `json:"end"`
	Resources []string  `json:"resources" doc:"Addresses of the resources."`
	Reason    string    `json:"reason" doc:"Why this is offered." example:"30 minutes later"`
}

// Unknown is a calendar that could not be read.
type Unknown struct {
	Email string `json:"email"`
	Error string `json:"error" enum:"unknown,forbidden,unreachable" doc:"unknown: no such account; forbidden: may not be read; unreachable: CommuniGate Pro is away, slow or answers wrongly."`
}

func (p *Problem) Error() string { return p.Detail }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders implements huma.HeadersError.
func (p *Problem) GetHeaders() http.Header { return p.headers }

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

type kind struct {
	status int
	title  string
}

var kinds = map[fault.Code]kind{
	fault.Malformed:       {http.StatusBadRequest, "The request cannot be read"},
	fault.Invalid:         {http.StatusUnprocessableEntity, "Not acceptable"},
	fault.Unauthenticated: {http.StatusUnauthorized, "Not signed in"},
	fault.Forbidden:       {http.StatusForbidden, "Not allowed"},
	fault.NotFound:        {http.StatusNotFound, "Not found"},
	fault.Conflict:        {http.StatusConflict, "The time is taken"},
	fault.Stale:           {http.StatusPreconditionFailed, "Changed since it was read"},
	fault.TooLarge:        {http.StatusRequestEntityTooLarge, "Too large"},
	fault.TooMany:         {http.StatusTooManyRequests, "Too many requests"},
	fault.Unknown:         {http.StatusServiceUnavailable, "Unknown whether it is free"},
	fault.Unavailable:     {http.StatusServiceUnavailable, "Not available now"},
	fault.BadGateway:      {http.StatusBadGateway, "CommuniGate Pro answered wrongly"},
	fault.Timeout:         {http.StatusGatewayTimeout, "CommuniGate Pro is too slow"},
	fault.Internal:        {http.StatusInternalServerError, "Internal error"},
}

func problemOf(code fault.Code, detail string) *Problem {
	k, ok := kinds[code]
	if !ok {
		code, k = fault.Internal, kinds[fault.Internal]
	}
	return &Problem{Type: "urn:rmp:problem:" + string(code), Title: k.title, Status: k.status, Detail: detail}
}

// problem turns an error of the inner layers into an answer. What has no
// code is logged with its cause and told as an internal error without it.
func (a *API) problem(ctx context.Context, err error) *Problem {
	p := a.translate(ctx, err)
	p.RequestID = requestID(ctx)
	p.Instance = requestPath(ctx)
	return p.in(ctx)
}

// said is a text in the language of the request.
func said(ctx context.Context, text string) string { return wording.In(requestLanguage(ctx), text) }

// in says the problem in the language of the request.
func (p *Problem) in(ctx context.Context) *Problem {
	out := *p // it may be one that all requests share
	out.Errors, out.Refusals, out.Alternatives = slices.Clone(p.Errors), slices.Clone(p.Refusals), slices.Clone(p.Alternatives)
	out.headers = p.headers.Clone()
	if out.headers == nil {
		out.headers = http.Header{}
	}
	out.headers.Set("Content-Language", requestLanguage(ctx))
	out.Title, out.Detail = said(ctx, p.Title), said(ctx, p.Detail)
	for i, f := range p.Errors {
		out.Errors[i].Detail = said(ctx, f.Detail)
		if p.Detail == f.Pointer+": "+f.Detail {
			out.Detail = f.Pointer + ": " + out.Errors[i].Detail
		}
	}
	sayRefusals(ctx, out.Refusals)
	sayAlternatives(ctx, out.Alternatives)
	return &out
}

func sayRefusals(ctx context.Context, list []Refusal) {
	for i := range list {
		list[i].Detail = said(ctx, list[i].Detail)
	}
}

func sayAlternatives(ctx context.Context, list []Alternative) {
	for i := range list {
		list[i].Reason = said(ctx, list[i].Reason)
	}
}

func (a *API) translate(ctx context.Context, err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	var c *booking.ConflictError
	if errors.As(err, &c) {
		return conflictProblem(c)
	}
	var refused *booking.PolicyError
	if errors.As(err, &refused) {
		return policyProblem(refused)
	}
	var f *fault.Error
	switch {
	case errors.As(err, &f):
	case errors.Is(err, context.DeadlineExceeded):
		f = fault.Wrap(err, fault.Unavailable, "the request took too long; try again")
	case a.Unavailable != nil && a.Unavailable(err):
		f = fault.Wrap(err, fault.Unavailable, "the database cannot be reached; try again soon")
	default:
		f = fault.Wrap(err, fault.Internal, "something went wrong on our side; the log has it under the request id")
	}
	p = problemOf(f.Code, f.Text)
	if p.Status >= 500 && f != errBusy {
		a.log.ErrorContext(ctx, "request failed", "err", err)
	}
	for _, field := range f.Fields {
		if f.Code == fault.Unknown {
			p.Unknown = append(p.Unknown, Unknown{Email: field.Pointer, Error: field.Detail})
			continue
		}
		p.Errors = append(p.Errors, ProblemField(field))
	}
	if f.RetryAfter > 0 || p.Status == http.StatusServiceUnavailable {
		seconds := max(1, int(math.Ceil(f.RetryAfter.Seconds())))
		p.headers = http.Header{"Retry-After": {strconv.Itoa(seconds)}}
	}
	if f.Code == fault.Unauthenticated {
		p.headers = http.Header{"Www-Authenticate": {`Bearer realm="rmp"`}}
	}
	return p
}

func conflictsOf(list []booking.Clash) []Conflict {
	var out []Conflict
	for _, x := range list {
		c := Conflict{Resource: x.Resource, Start: x.Start.UTC(), End: x.End.UTC(), Reason: "booked"}
		switch {
		case x.Itself:
			c.Reason = "the series itself"
		case x.Hold:
			c.Reason = "held"
		case x.Buffer:
			c.Reason = "set-up or tear-down"
		case x.Foreign:
			c.Reason = "in the calendar"
		}
		if x.Foreign {
			x.Title = "" // it may be private: that is not known of other programs' events
		}
		if !x.Private && (x.Holder.Email != "" || x.Title != "") {
			c.HeldBy = &HeldBy{Email: x.Holder.Email, Name: x.Holder.Name, Title: x.Title}
		}
		out = append(out, c)
	}
	return out
}

func alternativesOf(list []booking.Alternative) []Alternative {
	var out []Alternative
	for _, x := range list {
		out = append(out, Alternative{Start: x.Start.UTC(), End: x.End.UTC(), Resources: x.Resources, Reason: x.Reason})
	}
	return out
}

func conflictProblem(c *booking.ConflictError) *Problem {
	p := problemOf(fault.Conflict, "the time is taken")
	p.Conflicts, p.Alternatives = conflictsOf(c.Clashes), alternativesOf(c.Alternatives)
	if len(p.Conflicts) > 0 {
		x := p.Conflicts[0]
		p.Detail = fmt.Sprintf("%s is taken from %s to %s", x.Resource, x.Start.Format(time.RFC3339), x.End.Format(time.RFC3339))
	}
	return p
}

// policyProblem names each rule that is against the booking.
func policyProblem(e *booking.PolicyError) *Problem {
	p := problemOf(fault.Invalid, e.Refusals[0].Detail)
	p.Type, p.Title = "urn:rmp:problem:policy", "Against the rules of the resource"
	p.Refusals = refusalsOf(e.Refusals)
	for _, r := range e.Refusals {
		p.Errors = append(p.Errors, ProblemField{Pointer: r.Pointer, Detail: r.Detail})
	}
	return p
}

// codeOfStatus is for what huma itself refuses.
func codeOfStatus(status int) fault.Code {
	for code, k := range kinds {
		if k.status == status && code != fault.Unknown {
			return code
		}
	}
	if status >= 400 && status < 500 {
		return fault.Malformed
	}
	return fault.Internal
}

// humaError makes the Problem for what huma itself refuses: a body that
// cannot be read, a field of the wrong type.
func humaError(ctx huma.Context, status int, msg string, errs ...error) huma.StatusError {
	if msg == "cannot read request body" { // huma takes it for a fault of the server
		status, msg = http.StatusBadRequest, "the body could not be read: the request is broken off or not as its headers say"
	}
	p := problemOf(codeOfStatus(status), msg)
	p.Status = status
	if status >= 500 {
		p.Detail = "something went wrong on our side; the log has it under the request id"
	}
	if ctx != nil {
		p.RequestID = requestID(ctx.Context())
		p.Instance = ctx.URL().Path
	}
	for _, err := range errs {
		var d huma.ErrorDetailer
		switch {
		case err == nil:
		case errors.As(err, &d):
			p.Errors = append(p.Errors, ProblemField{Pointer: pointerOf(d.ErrorDetail().Location), Detail: d.ErrorDetail().Message})
		case status < 500:
			p.Errors = append(p.Errors, ProblemField{Detail: err.Error()})
		}
	}
	if len(p.Errors) == 1 && p.Errors[0].Pointer != "" {
		p.Detail = p.Errors[0].Pointer + ": " + p.Errors[0].Detail
	}
	if ctx == nil {
		return p
	}
	return p.in(ctx.Context())
}

// pointerOf turns huma's body.items[3].name into /items/3/name and leaves
// parameters as they are: query.limit.
func pointerOf(location string) string {
	rest, ok := strings.CutPrefix(location, "body")
	if !ok {
		return location
	}
	rest = strings.NewReplacer("[", "/", "]", "", ".", "/").Replace(rest)
	if rest == "" {
		return "/"
	}
	return rest
}
