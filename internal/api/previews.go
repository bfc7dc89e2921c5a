package api

import (
	"context"
	"time"

	"rmp/internal/booking"
	"rmp/internal/fault"
	"rmp/internal/tenant"
)

// Preview is what a booking would do.
type Preview struct {
	Possible bool          `json:"possible" doc:"Whether it could be booked as it is."`
	Dates    []PreviewDate `json:"dates"`
	Refusals []Refusal     `json:"refusals" doc:"Rules that are against the booking as a whole."`
	LastEnd  *time.Time    `json:"lastEnd,omitempty" doc:"Absent: the series goes on for ever."`
	HeldTill *time.Time    `json:"heldTill,omitempty" doc:"Dates from here on would be booked as time goes on."`
}

// PreviewDate is one date of a preview.
type PreviewDate struct {
	Occurrence   time.Time     `json:"occurrence"`
	Start        time.Time     `json:"start"`
	End          time.Time     `json:"end"`
	State        string        `json:"state" enum:"free,taken,refused,unknown"`
	Conflicts    []Conflict    `json:"conflicts,omitempty"`
	Refusals     []Refusal     `json:"refusals,omitempty"`
	Unknown      []string      `json:"unknown,omitempty" doc:"Calendars that could not be read."`
	Alternatives []Alternative `json:"alternatives,omitempty" doc:"Other equal resources at the time, other times for the same; for the first dates that are taken."`
}

// Refusal is a rule of a resource that is against a booking.
type Refusal struct {
	Rule         string     `json:"rule" doc:"The field of the resource's policy." example:"maximumDurationInMinutes"`
	Resource     string     `json:"resource"`
	Detail       string     `json:"detail"`
	NearestStart *time.Time `json:"nearestStart,omitempty" doc:"The nearest time that the rule allows."`
	NearestEnd   *time.Time `json:"nearestEnd,omitempty"`
}

func refusalsOf(list []booking.Refusal) []Refusal {
	out := []Refusal{}
	for _, r := range list {
		x := Refusal{Rule: r.Rule, Resource: r.Resource, Detail: r.Detail}
		if !r.NearestStart.IsZero() {
			start, end := r.NearestStart.UTC(), r.NearestEnd.UTC()
			x.NearestStart, x.NearestEnd = &start, &end
		}
		out = append(out, x)
	}
	return out
}

type previewInput struct {
	Booking string `query:"booking" maxLength:"64" doc:"The id of a booking that is to be changed: its own time is not in the way."`
	Body    BookingRequest
}

type previewOutput struct{ Body Preview }

func (a *API) previewBooking(ctx context.Context, p tenant.Principal, in *previewInput) (*previewOutput, error) {
	r, err := a.bookingRequest(ctx, p, in.Body)
	if err != nil {
		return nil, err
	}
	plan, err := a.Bookings.Preview(ctx, p, r, in.Booking)
	if err != nil {
		return nil, err
	}
	var shown Booking
	series(&shown, plan.Booking)
	out := &previewOutput{Body: Preview{Possible: plan.Possible(), Dates: []PreviewDate{}, Refusals: refusalsOf(plan.Refusals), LastEnd: shown.LastEnd, HeldTill: shown.HeldTill}}
	for _, d := range plan.Dates {
		x := PreviewDate{Occurrence: d.Original.UTC(), Start: d.Start.UTC(), End: d.End.UTC(), State: string(d.State), Conflicts: conflictsOf(d.Clashes), Unknown: d.Unknown,
			Alternatives: alternativesOf(d.Alternatives)}
		if len(d.Refusals) > 0 {
			x.Refusals = refusalsOf(d.Refusals)
		}
		sayRefusals(ctx, x.Refusals)
		sayAlternatives(ctx, x.Alternatives)
		out.Body.Dates = append(out.Body.Dates, x)
	}
	sayRefusals(ctx, out.Body.Refusals)
	return out, nil
}

type restoreInput struct {
	ID      string `path:"id" maxLength:"64"`
	IfMatch string `header:"If-Match"`

	Occurrence string `query:"occurrence" doc:"The original start of one date of a series: that date alone is restored, be it that it was cancelled or that it was skipped."`
}

func (a *API) restoreBooking(ctx context.Context, p tenant.Principal, in *restoreInput) (*bookingOutput, error) {
	expect, err := ifMatch(in.IfMatch)
	if err != nil {
		return nil, err
	}
	var bad fault.Fields
	at := optionalTime(&bad, "query.occurrence", in.Occurrence)
	if err := bad.Err(); err != nil {
		return nil, err
	}
	b, err := a.Bookings.Restore(ctx, p, in.ID, expect, at)
	if err != nil {
		return nil, err
	}
	return bookingAnswer(b, p), nil
}

// Hold is a time that is kept free while somebody chooses.
type Hold struct {
	ID        string           `json:"id"`
	Start     time.Time        `json:"start"`
	End       time.Time        `json:"end"`
	Resources []BookedResource `json:"resources"`
	ExpiresAt time.Time        `json:"expiresAt"`
}

type holdInput struct {
	Body struct {
		Span
		Resources []ResourceInput `json:"resources" maxItems:"50"`
		Seconds   int             `json:"seconds,omitempty" minimum:"1" maximum:"1800" default:"300" doc:"How long it lasts."`
	}
}

type holdOutput struct{ Body Hold }

func (a *API) createHold(ctx context.Context, p tenant.Principal, in *holdInput) (*holdOutput, error) {
	r, err := BookingRequest{Span: in.Body.Span, Resources: in.Body.Resources}.parse()
	if err != nil {
		return nil, err
	}
	b, err := a.Bookings.Hold(ctx, p, r, time.Duration(in.Body.Seconds)*time.Second)
	if err != nil {
		return nil, err
	}
	shown := bookingOf(b, p)
	return &holdOutput{Body: Hold{ID: b.ID, Start: shown.Start, End: shown.End, Resources: shown.Resources, ExpiresAt: b.HoldUntil.UTC()}}, nil
}

func (a *API) releaseHold(ctx context.Context, p tenant.Principal, in *idInput) (*struct{}, error) {
	return nil, a.Bookings.Release(ctx, p, in.ID)
}
