// Package notify tells people what they should know, by mail through
// CommuniGate Pro.
package notify

import (
	"context"
	"fmt"
	"strings"
	"time"

	"rmp/calendar/zone"
	"rmp/internal/booking"
	"rmp/internal/reconcile"
	"rmp/internal/tenant"
)

// Mailer sends mail as the tenant's service account.
type Mailer interface {
	SendMail(ctx context.Context, t tenant.ID, to, subject, text string) error
}

// Notifier writes the mails.
type Notifier struct{ Mailer Mailer }

// Tell implements reconcile.Teller: both organizers learn of an overlap, what
// it is about, and what would be possible instead. A private title is told
// to its own organizer only.
func (n Notifier) Tell(ctx context.Context, c reconcile.Conflict, alternatives []booking.Alternative) error {
	loc, err := zone.LoadIANA(c.Booking.TimeZone)
	if err != nil {
		loc = time.UTC
	}
	span := func(start, end time.Time) string {
		return start.In(loc).Format("Mon 2 Jan 2006 15:04") + "–" + end.In(loc).Format("15:04 MST")
	}
	title := c.Booking.Title
	if c.Booking.Private {
		title = "a private booking"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s is taken twice:\n\n", c.Resource.Name)
	fmt.Fprintf(&b, "- %s, booked by %s: %s\n", title, c.Booking.Organizer.Email, span(c.Start, c.End))
	by := c.Other.Organizer
	if by == "" {
		by = "an unnamed program or person"
	}
	fmt.Fprintf(&b, "- an event written into the calendar by %s: %s\n\n", by, span(c.Other.Start, c.Other.End))
	b.WriteString("Please agree which of the two moves.\n")
	if len(alternatives) > 0 {
		b.WriteString("\nWhat would be possible instead of the booking:\n\n")
		for _, a := range alternatives {
			fmt.Fprintf(&b, "- %s, %s\n", span(a.Start, a.End), strings.Join(a.Resources, ", "))
		}
	}
	subject := fmt.Sprintf("%s is taken twice on %s", c.Resource.Name, c.Start.In(loc).Format("2 January"))
	for i, to := range []string{c.Booking.Organizer.Email, c.Other.Organizer} {
		if !strings.Contains(to, "@") || i > 0 && strings.EqualFold(to, c.Booking.Organizer.Email) {
			continue
		}
		if err := n.Mailer.SendMail(ctx, c.Tenant, to, subject, b.String()); err != nil {
			return fmt.Errorf("tell %s: %w", to, err)
		}
	}
	return nil
}
