package booking

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"rmp/internal/directory"
	"rmp/internal/tenant"
)

// Block is a span in which units of a resource are taken.
type Block struct {
	From, Till time.Time // blocked, with set-up and tear-down
	Start, End time.Time // of the meeting
	Holder     Person
	Title      string
	Private    bool
	Foreign    bool      // written into the calendar by another program
	Hold       bool      // somebody is just choosing
	HoldUntil  time.Time // of a hold: from then on it is not there
	BookingID  string    // of RMP's own
	Itself     bool      // of an earlier date of the series that is asked about
	Status     string    // busy, tentative or out-of-office
}

// Load is what is known of one resource in a window: whether it can be booked
// is decided from it alone, for every question alike.
type Load struct {
	Resource directory.Resource
	Rules    directory.Rules
	Blocks   []Block // ordered by From
	// Err is set if the calendar could not be read: whether the resource is
	// free is unknown then.
	Err  error
	Why  string // the reason in a word: unknown, forbidden, unreachable
	AsOf time.Time
}

// Refusal is a rule of a resource that a booking would break.
type Refusal struct {
	Rule     string // name of the field of directory.Policy
	Resource string // address
	Pointer  string // the field of the request that it is about
	Detail   string
	// Nearest is the nearest span that the rule allows; zero if there is none.
	NearestStart, NearestEnd time.Time
}

// Verdict is whether a span of a resource can be booked, and if not, why.
type Verdict struct {
	Clashes  []Clash
	Refusals []Refusal
	Unknown  bool
}

// Free reports whether nothing is in the way.
func (v Verdict) Free() bool { return !v.Unknown && len(v.Clashes)+len(v.Refusals) == 0 }

// Case is a question to a Load.
type Case struct {
	Who        tenant.Principal
	Now        time.Time
	Start, End time.Time // of the meeting
	Quantity   int       // units; 0 is 1
	Ignore     []string  // ids of a booking that is being changed, and of a hold that is being booked
	// Later marks a date of a series after the first: the lead time is that
	// of the first.
	Later bool
	// Kept marks a date that is booked already as it is: the rules are not
	// asked again, and an overlap that was made elsewhere, which people were
	// told of, is not in the way of other changes.
	Kept bool
}

// Judge decides.
func (l Load) Judge(c Case) Verdict {
	v := Verdict{Unknown: l.Err != nil, Clashes: l.clashes(c)}
	if c.Kept {
		v.Clashes = slices.DeleteFunc(v.Clashes, func(x Clash) bool { return x.Foreign })
		return v
	}
	v.Refusals = l.refusals(c)
	return v
}

// with is the load with what earlier dates of a series take of it, as far as
// they reach a later one.
func (l Load) with(b *Booking, quantity int, dates []Occurrence, o Occurrence) Load {
	setup, teardown := l.Rules.Setup(), l.Rules.Teardown()
	blocks := l.Blocks
	for _, x := range dates {
		if !x.End.Add(teardown).After(o.Start.Add(-setup)) {
			continue
		}
		for range max(1, quantity) {
			blocks = append(slices.Clip(blocks), Block{From: x.Start.Add(-setup), Till: x.End.Add(teardown), Start: x.Start, End: x.End, Holder: b.Organizer, Title: b.Title, Itself: true})
		}
	}
	if len(blocks) > len(l.Blocks) {
		slices.SortStableFunc(blocks, func(a, b Block) int { return a.From.Compare(b.From) })
		l.Blocks = blocks
	}
	return l
}

// clashes are what leaves too few units free somewhere in the span.
func (l Load) clashes(c Case) []Clash {
	from, till := c.Start.Add(-l.Rules.Setup()), c.End.Add(l.Rules.Teardown())
	// All that begin before the span's end are looked at: an event of another
	// program may be of any length.
	var over []Block
	for _, b := range l.Blocks {
		if !b.From.Before(till) {
			break
		}
		// A foreign event has no buffers of its own; ours must not reach it.
		if b.Till.After(from) && (b.BookingID == "" || !slices.Contains(c.Ignore, b.BookingID)) && (!b.Hold || b.HoldUntil.After(c.Now)) {
			over = append(over, b)
		}
	}
	if len(over) == 0 {
		return nil
	}
	units, quantity := max(1, l.Resource.Units), max(1, c.Quantity)
	if units > 1 && quantity <= units && peak(over, from, till)+quantity <= units {
		return nil
	}
	out := make([]Clash, len(over))
	for i, b := range over {
		out[i] = Clash{Resource: l.Resource.Email, Start: b.Start, End: b.End, Holder: b.Holder, Title: b.Title, Private: b.Private,
			Foreign: b.Foreign, Hold: b.Hold, Itself: b.Itself, Buffer: !b.Start.Before(c.End) || !b.End.After(c.Start)}
	}
	return out
}

// peak is the most blocks at one instant of [from, till).
func peak(blocks []Block, from, till time.Time) int {
	type edge struct {
		at   time.Time
		step int
	}
	edges := make([]edge, 0, 2*len(blocks))
	for _, b := range blocks {
		if b.From.Before(till) && b.Till.After(from) {
			edges = append(edges, edge{b.From, 1}, edge{b.Till, -1})
		}
	}
	slices.SortFunc(edges, func(a, b edge) int {
		if c := a.at.Compare(b.at); c != 0 {
			return c
		}
		return cmp.Compare(a.step, b.step) // what ends makes room for what begins
	})
	most, now := 0, 0
	for _, e := range edges {
		now += e.step
		most = max(most, now)
	}
	return most
}

func minutes(n int) string {
	switch {
	case n%(24*60) == 0 && n > 0:
		return fmt.Sprintf("%d days", n/(24*60))
	case n%60 == 0 && n > 0:
		return fmt.Sprintf("%d hours", n/60)
	}
	return fmt.Sprintf("%d minutes", n)
}

// refusals are the rules of the resource that the span would break.
func (l Load) refusals(c Case) (out []Refusal) {
	r := l.Rules
	length := c.End.Sub(c.Start)
	refuse := func(rule, pointer string, nearStart, nearEnd time.Time, format string, args ...any) {
		out = append(out, Refusal{Rule: rule, Resource: l.Resource.Email, Pointer: pointer,
			Detail: l.Resource.Name + " " + fmt.Sprintf(format, args...), NearestStart: nearStart, NearestEnd: nearEnd})
	}
	none := time.Time{}
	if !r.MayBook(c.Who) {
		refuse("bookInPolicy", "/resources", none, none, "may be booked by certain people only")
	}
	if n := max(1, c.Quantity); n > max(1, l.Resource.Units) {
		refuse("units", "/resources", none, none, "has %d units, not %d", max(1, l.Resource.Units), n)
	}
	if days := *r.BookingWindowInDays; days > 0 {
		if last := c.Now.AddDate(0, 0, days); c.Start.After(last) {
			near := last.Truncate(time.Minute)
			refuse("bookingWindowInDays", "/start", near, near.Add(length), "can be booked at most %d days ahead", days)
		}
	}
	if lead := *r.MinimumLeadTimeInMinutes; lead > 0 && !c.Later {
		if first := c.Now.Add(time.Duration(lead) * time.Minute); c.Start.Before(first) {
			near := first.Add(5*time.Minute - 1).Truncate(5 * time.Minute)
			refuse("minimumLeadTimeInMinutes", "/start", near, near.Add(length), "must be booked %s ahead", minutes(lead))
		}
	}
	if n := *r.MinimumDurationInMinutes; length < time.Duration(n)*time.Minute {
		refuse("minimumDurationInMinutes", "/end", c.Start, c.Start.Add(time.Duration(n)*time.Minute), "is booked for at least %s", minutes(n))
	}
	if n := *r.MaximumDurationInMinutes; n > 0 && length > time.Duration(n)*time.Minute {
		refuse("maximumDurationInMinutes", "/end", c.Start, c.Start.Add(time.Duration(n)*time.Minute), "is booked for at most %s", minutes(n))
	}
	if why := r.ClosedBecause(c.Start, c.End); why != "" {
		near := l.nearestOpen(c)
		text := "is closed then"
		if why == "workingHours" {
			text = fmt.Sprintf("is open from %s to %s (%s) only", r.WorkingHours.Start, r.WorkingHours.End, r.Zone)
		}
		end := none
		if !near.IsZero() {
			end = near.Add(length)
		}
		refuse(why, "/start", near, end, "%s", text)
	}
	return out
}

// nearestOpen is the start nearest to that of the case at which the resource
// is open long enough; zero if there is none within two weeks.
func (l Load) nearestOpen(c Case) time.Time {
	const step, reach = 15 * time.Minute, 14 * 24 * time.Hour
	length := c.End.Sub(c.Start)
	base := c.Start.Truncate(step)
	for d := time.Duration(0); d <= reach; d += step {
		for _, at := range []time.Time{base.Add(d), base.Add(-d)} {
			if at.After(c.Now) && l.Rules.Open(at, at.Add(length)) {
				return at
			}
		}
	}
	return time.Time{}
}

// refuseSeries are the rules about series as a whole.
func (l Load) refuseSeries(b *Booking, dates int) (out []Refusal) {
	if !b.Recurrence.recurs() {
		return nil
	}
	r := l.Rules
	refuse := func(rule, format string, args ...any) {
		out = append(out, Refusal{Rule: rule, Resource: l.Resource.Email, Pointer: "/recurrence", Detail: l.Resource.Name + " " + fmt.Sprintf(format, args...)})
	}
	endless := b.LastEnd.IsZero()
	if !*r.AllowRecurringMeetings {
		refuse("allowRecurringMeetings", "cannot be booked as a series; book its dates one by one")
	}
	if n := *r.MaximumOccurrences; n > 0 && (endless || dates > n || !b.ExpandedTill.IsZero() && dates >= n) {
		refuse("maximumOccurrences", "can be booked for at most %d dates in a series; end it with COUNT=%d", n, n)
	}
	if n := *r.MaximumSeriesLengthInDays; n > 0 && (endless || b.LastEnd.After(b.Start.AddDate(0, 0, n).Add(24*time.Hour))) {
		last := b.Start.AddDate(0, 0, n)
		refuse("maximumSeriesLengthInDays", "can be booked as a series over at most %d days; end it with UNTIL=%s", n, last.UTC().Format("20060102T150405Z"))
	}
	if n := *r.BookingWindowInDays; n > 0 && *r.EnforceSchedulingHorizon {
		if last := b.UpdatedAt.AddDate(0, 0, n); endless || b.LastEnd.After(last) {
			refuse("enforceSchedulingHorizon", "can be booked at most %d days ahead, all dates of a series included; end it with UNTIL=%s", n, last.UTC().Format("20060102T150405Z"))
		}
	}
	return out
}
