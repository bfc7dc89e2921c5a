package booking

import (
	"context"
	"fmt"
	"slices"
	"time"

	"rmp/internal/directory"
	"rmp/internal/fault"
	"rmp/internal/tenant"
)

// DateState says what would become of a date.
type DateState string

// The states of a planned date.
const (
	DateFree    DateState = "free"
	DateTaken   DateState = "taken"   // somebody else has it
	DateRefused DateState = "refused" // a rule of a resource is against it
	DateUnknown DateState = "unknown" // a calendar could not be read
)

// PlannedDate is one date of a plan.
type PlannedDate struct {
	Occurrence
	State        DateState
	Clashes      []Clash
	Refusals     []Refusal
	Unknown      []string // addresses of calendars that could not be read
	Alternatives []Alternative
}

// Plan is what a booking would do, date by date. Nothing is changed by it.
type Plan struct {
	Booking  Booking
	Dates    []PlannedDate
	Refusals []Refusal // of the series as a whole, and of quotas
}

// Possible reports whether it could be booked as it is.
func (p Plan) Possible() bool {
	return len(p.Refusals) == 0 && !slices.ContainsFunc(p.Dates, func(d PlannedDate) bool { return d.State != DateFree })
}

// draft is a booking on its way into the store.
type draft struct {
	tenant    tenant.Tenant
	who       tenant.Principal
	request   Request
	resources []directory.Resource // ordered by address
	booking   Booking
	dates     []Occurrence
	old       *Booking // that is being changed
	loads     []Load   // of the resources, in their order
	owner     string   // who holds the lease of the calendar writes
	fresh     []Sync   // the calendar writes of a new booking
}

// ignore are the ids whose occupancy is not in the way of the draft.
func (d *draft) ignore() []string {
	if d.request.Hold != "" {
		return []string{d.booking.ID, d.request.Hold}
	}
	return []string{d.booking.ID}
}

// bounded works out the dates of the draft, and refuses one that has none to
// come.
func (d *draft) bounded(now time.Time) error {
	if err := d.rebounded(now); err != nil {
		return err
	}
	switch {
	case d.booking.Recurrence == nil:
	case len(d.dates) == 0:
		return fault.InvalidField("/recurrence", "gives no date")
	case !d.dates[len(d.dates)-1].End.After(now) && d.booking.ExpandedTill.IsZero():
		return fault.InvalidField("/recurrence", "gives dates in the past only")
	}
	return nil
}

// rebounded works out the dates of what is left of a series: perhaps only
// those that have passed, perhaps none.
func (d *draft) rebounded(now time.Time) error {
	horizon := now.Add(Horizon)
	for _, r := range d.resources {
		if days := *r.Rules().BookingWindowInDays; days > 0 && now.AddDate(0, 0, days).Before(horizon) {
			horizon = now.AddDate(0, 0, days)
		}
	}
	horizon = horizon.UTC().Truncate(time.Second)
	if !d.booking.Recurrence.recurs() {
		d.booking.Recurrence = nil
		if !d.booking.single() {
			d.dates = nil
			return nil
		}
	}
	dates, err := d.booking.bound(horizon, now)
	if err != nil {
		return fault.InvalidField("/recurrence/rrule", "%s", err)
	}
	d.dates = dates
	return nil
}

// single makes a series of which only its first date is left a booking of
// that date, as it was changed. It reports whether that date takes place.
func (b *Booking) single() bool {
	overrides := b.Overrides
	b.Overrides = nil
	for _, o := range overrides {
		if !o.Original.Equal(b.Start) {
			continue
		}
		if o.State != ChangedDate {
			return false
		}
		b.Start, b.End, b.Title, b.Location, b.Description = o.Start, o.End, o.Title, o.Location, o.Description
	}
	return true
}

// coming are the dates that have not ended.
func (d *draft) coming(now time.Time) []Occurrence {
	return slices.DeleteFunc(slices.Clone(d.dates), func(o Occurrence) bool { return !o.End.After(now) })
}

// read reads the calendars of the resources over all the coming dates, and
// refuses people of the tenant that do not exist.
func (s *Service) read(ctx context.Context, d *draft) error {
	now := s.Now()
	from, till := d.booking.Start, d.booking.End
	if coming := d.coming(now); len(coming) > 0 {
		from, till = coming[0].Start, coming[0].End
		for _, o := range coming {
			if o.End.After(till) {
				till = o.End
			}
		}
	}
	for _, r := range d.resources {
		rules := r.Rules()
		from, till = earlier(from, from.Add(-rules.Setup())), later(till, till.Add(rules.Teardown()))
	}
	var people []string
	for _, a := range d.booking.Attendees {
		if d.tenant.Owns(a.Email) {
			people = append(people, a.Email)
		}
	}
	loads, missing, err := s.Availability.Fresh(ctx, d.tenant.ID, d.resources, people, from, till)
	if err != nil {
		return err
	}
	var bad fault.Fields
	for i, a := range d.request.Attendees {
		if slices.Contains(missing, a.Email) {
			bad.Add("/attendees/"+itoa(i), "there is no account %q", short(a.Email))
		}
	}
	d.loads = loads
	return bad.Err()
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// judge decides about each coming date from what was read.
func (s *Service) judge(d *draft) []PlannedDate {
	now := s.Now()
	kept := map[Occurrence]bool{}
	// What was cancelled holds nothing any more: it is asked for like a new one.
	if d.old != nil && d.old.Status != Cancelled && sameResources(d.old.Resources, d.booking.Resources) {
		dates, err := d.old.Dates(now, later(now.Add(Horizon), d.old.End))
		if err == nil {
			for _, o := range dates {
				if !d.old.ExpandedTill.IsZero() && !o.Start.Before(d.old.ExpandedTill) {
					continue // does not hold its resources yet
				}
				kept[Occurrence{Original: o.Original, Start: o.Start, End: o.End}] = true
			}
		}
	}
	var out []PlannedDate
	var free []Occurrence
	for i, o := range d.coming(now) {
		p := PlannedDate{Occurrence: o, State: DateFree}
		for k, l := range d.loads {
			quantity := d.booking.Resources[k].Quantity
			v := l.with(&d.booking, quantity, free, o).Judge(Case{Who: d.who, Now: now, Start: o.Start, End: o.End, Quantity: quantity,
				Ignore: d.ignore(), Later: i > 0, Kept: kept[Occurrence{Original: o.Original, Start: o.Start, End: o.End}]})
			p.Clashes = append(p.Clashes, v.Clashes...)
			p.Refusals = append(p.Refusals, v.Refusals...)
			if v.Unknown {
				p.Unknown = append(p.Unknown, l.Resource.Email)
			}
		}
		switch {
		case len(p.Refusals) > 0:
			p.State = DateRefused
		case len(p.Unknown) > 0:
			p.State = DateUnknown
		case len(p.Clashes) > 0:
			p.State = DateTaken
		default:
			free = append(free, o)
		}
		out = append(out, p)
	}
	return out
}

func sameResources(a, b []BookedResource) bool {
	return slices.EqualFunc(a, b, func(x, y BookedResource) bool { return x.ID == y.ID && x.Quantity == y.Quantity })
}

func (d *draft) seriesRefusals() (out []Refusal) {
	if d.old != nil && d.old.Recurrence.equal(d.booking.Recurrence) && d.old.Start.Equal(d.booking.Start) {
		return nil
	}
	for _, l := range d.loads {
		out = append(out, l.refuseSeries(&d.booking, len(d.dates))...)
	}
	return out
}

func (r *Recurrence) equal(o *Recurrence) bool {
	if !r.recurs() || !o.recurs() {
		return r.recurs() == o.recurs()
	}
	return r.RRule == o.RRule && slices.EqualFunc(r.RDates, o.RDates, time.Time.Equal) && slices.EqualFunc(r.ExDates, o.ExDates, time.Time.Equal)
}

// settle makes the plan an answer: an error that says all that is in the
// way, or with onConflict: skip a draft without the dates that are taken.
func (s *Service) settle(ctx context.Context, d *draft, plan []PlannedDate) error {
	var refusals []Refusal
	refusals = append(refusals, d.seriesRefusals()...)
	var unknown []string
	var clashes []Clash
	var first *PlannedDate
	taken := 0
	for i, p := range plan {
		refusals = append(refusals, p.Refusals...)
		unknown = append(unknown, p.Unknown...)
		if p.State == DateTaken {
			taken++
			clashes = append(clashes, p.Clashes...)
			if first == nil {
				first = &plan[i]
			}
		}
	}
	switch {
	case len(unknown) > 0:
		return s.unknown(d, unknown)
	case len(refusals) > 0:
		return &PolicyError{Refusals: distinct(refusals)}
	case taken == 0:
		return nil
	case d.booking.Recurrence == nil || d.request.OnConflict == FailOnConflict || taken == len(plan):
		const most = 200
		return &ConflictError{Clashes: clashes[:min(len(clashes), most)], Alternatives: s.alternatives(ctx, d, *first)}
	}
	for _, p := range plan {
		if p.State == DateTaken {
			d.booking.override(Override{Original: p.Original, State: SkippedDate, Start: p.Start, End: p.End, Reason: "taken when the series was booked"})
		}
	}
	return d.bounded(s.Now())
}

// distinct leaves out what was said of an earlier date already.
func distinct(list []Refusal) []Refusal {
	type key struct{ rule, resource string }
	seen := map[key]bool{}
	return slices.DeleteFunc(list, func(r Refusal) bool {
		k := key{r.Rule, r.Resource}
		was := seen[k]
		seen[k] = true
		return was
	})
}

func (s *Service) unknown(d *draft, emails []string) error {
	var fields []fault.Field
	var cause error
	for _, l := range d.loads {
		if slices.Contains(emails, l.Resource.Email) {
			fields = append(fields, fault.Field{Pointer: l.Resource.Email, Detail: l.Why})
			cause = l.Err
		}
	}
	return &fault.Error{Code: fault.Unknown, Fields: fields, Err: cause,
		Text: "the calendar of the resource could not be read in CommuniGate Pro, so it is unknown whether it is free; nothing was booked"}
}

// alternatives are what would be possible instead of a date.
func (s *Service) alternatives(ctx context.Context, d *draft, p PlannedDate) []Alternative {
	w := Wish{Who: d.who, Resources: d.resources, Quantities: map[string]int{}, Start: p.Start, End: p.End, Ignore: d.ignore()}
	for _, r := range d.booking.Resources {
		w.Quantities[r.Email] = r.Quantity
	}
	for _, c := range p.Clashes {
		if !slices.Contains(w.Taken, c.Resource) {
			w.Taken = append(w.Taken, c.Resource)
		}
	}
	out, err := s.Availability.Alternatives(ctx, d.tenant.ID, w)
	if err != nil { // the refusal stands without suggestions
		s.Log.WarnContext(ctx, "no alternatives for a conflict", "err", err)
	}
	return out
}

// mostPlanned bounds the dates of a preview that get alternatives.
const mostPlanned = 20

// Preview says what Create would do; or Change of a booking, if one is named:
// its own time is not in the way then.
func (s *Service) Preview(ctx context.Context, p tenant.Principal, r Request, changing string) (Plan, error) {
	d, err := s.newDraft(ctx, p, r)
	if err != nil {
		return Plan{}, err
	}
	if changing != "" {
		old, err := s.editable(ctx, p, changing)
		if err != nil {
			return Plan{}, err
		}
		d.old, d.booking.ID = &old, old.ID
	}
	if err := s.read(ctx, d); err != nil {
		return Plan{}, err
	}
	plan := Plan{Booking: d.booking, Dates: s.judge(d), Refusals: d.seriesRefusals()}
	offered := 0
	for i, date := range plan.Dates {
		if date.State == DateTaken && offered < mostPlanned {
			offered++
			plan.Dates[i].Alternatives = s.alternatives(ctx, d, date)
		}
	}
	for _, q := range d.quotas(s.Now()) {
		n, length, err := s.Bookings(p.Tenant).Used(ctx, q, changing)
		if err != nil {
			return Plan{}, fmt.Errorf("preview: %w", err)
		}
		for _, o := range d.dates {
			if !o.Start.Before(q.From) && o.Start.Before(q.Till) {
				n++
				length += o.End.Sub(o.Start)
			}
		}
		if q.Exceeded(n, length) {
			plan.Refusals = append(plan.Refusals, q.Refusal)
		}
	}
	plan.Refusals = distinct(plan.Refusals)
	return plan, nil
}

// Exceeded reports whether so many dates of such a length are too much.
func (q QuotaCheck) Exceeded(n int, length time.Duration) bool {
	return q.MaxBookings > 0 && n > q.MaxBookings || q.MaxLength > 0 && length > q.MaxLength
}

// quotas are those that the coming dates of the draft count against.
func (d *draft) quotas(now time.Time) (out []QuotaCheck) {
	for _, r := range d.resources {
		rules := r.Rules()
		for _, q := range rules.Quotas {
			seen := map[time.Time]bool{}
			for _, o := range d.coming(now) {
				from, till := rules.Period(q, o.Start)
				if seen[from] {
					continue
				}
				seen[from] = true
				c := QuotaCheck{Person: d.booking.Organizer.Email, Resources: []string{r.ID}, From: from, Till: till, MaxBookings: q.MaximumBookings,
					MaxLength: time.Duration(q.MaximumMinutes) * time.Minute}
				of := r.Name
				if q.Scope == "type" {
					c.Resources, c.Type = nil, r.Type
					of = "all of the type " + r.Type
				}
				limit := ""
				if q.MaximumBookings > 0 {
					limit = fmt.Sprintf("%d bookings", q.MaximumBookings)
				}
				if q.MaximumMinutes > 0 {
					if limit != "" {
						limit += " or "
					}
					limit += minutes(q.MaximumMinutes)
				}
				c.Refusal = Refusal{Rule: "quotas", Resource: r.Email, Pointer: "/start", NearestStart: till.UTC(), NearestEnd: till.UTC().Add(o.End.Sub(o.Start)),
					Detail: fmt.Sprintf("one person may have at most %s of %s in a %s; the %s that begins on %s is full", limit, of, q.Period, q.Period, from.Format(time.DateOnly))}
				out = append(out, c)
			}
		}
	}
	return out
}
