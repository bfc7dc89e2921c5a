package booking

import (
	"slices"
	"strings"
	"time"

	"rmp/internal/tenant"
)

// Reach is what a booking may be seen in: what is kept of it for display is
// not true any more when the booking changes.
type Reach struct {
	Accounts   []string // whose calendars it is in
	From, Till time.Time
	Endless    bool // it has no Till
}

// around is more than the set-up and the tear-down of any booking.
const around = 48 * time.Hour

// Reach is where the booking is, by any of its dates.
func (b *Booking) Reach() Reach {
	r := Reach{Accounts: []string{strings.ToLower(b.Organizer.Email)}, From: b.Start, Till: later(b.End, b.LastEnd),
		Endless: b.Recurrence != nil && b.LastEnd.IsZero()}
	for _, x := range b.Resources {
		r.Accounts = append(r.Accounts, x.Email)
	}
	for _, a := range b.Attendees {
		r.Accounts = append(r.Accounts, a.Email)
	}
	for _, o := range b.Overrides {
		if !o.Start.IsZero() {
			r.From, r.Till = earlier(r.From, o.Start), later(r.Till, o.End)
		}
	}
	r.From, r.Till = r.From.Add(-around), r.Till.Add(around)
	return r
}

// And is both.
func (r Reach) And(o Reach) Reach {
	r.Accounts = slices.Concat(r.Accounts, o.Accounts)
	slices.Sort(r.Accounts)
	r.Accounts = slices.Compact(r.Accounts)
	r.From, r.Till, r.Endless = earlier(r.From, o.From), later(r.Till, o.Till), r.Endless || o.Endless
	return r
}

// touched forgets what is kept of the calendars that a booking is in.
func (s *Service) touched(t tenant.ID, r Reach) {
	till := r.Till
	if r.Endless {
		till = time.Time{}
	}
	s.Availability.Changed(t, r.Accounts, r.From, till)
}
