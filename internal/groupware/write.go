package groupware

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"rmp/calendar/ical"
	"rmp/calendar/zone"
	"rmp/communigate/ximss"
	"rmp/internal/booking"
	"rmp/internal/demo"
	"rmp/internal/outbox"
	"rmp/internal/tenant"
)

// Write implements outbox.Calendars: all the jobs in one round trip, and once
// more those whose calendar or right was missing and could be made.
func (g *Groupware) Write(ctx context.Context, id tenant.ID, jobs []outbox.Job) []error {
	errs := make([]error, len(jobs))
	every := make([]int, len(jobs))
	for i := range every {
		every[i] = i
	}
	t, err := g.tenants.Tenant(ctx, id)
	if err == nil {
		err = g.write(ctx, t, jobs, every, errs)
	}
	if err != nil {
		for i := range errs {
			errs[i] = err
		}
		return errs
	}
	var again []int
	for i, err := range errs {
		if err == nil || jobs[i].Kind == booking.Guest || !errors.Is(err, ximss.ErrDenied) && !errors.Is(err, ximss.ErrNotFound) {
			continue
		}
		if repaired := g.EnsureCalendar(ctx, t, jobs[i].Calendar); repaired != nil {
			errs[i] = fmt.Errorf("%w; and it could not be repaired: %w", err, repaired)
			continue
		}
		again = append(again, i)
	}
	if len(again) > 0 {
		if err := g.write(ctx, t, jobs, again, errs); err != nil {
			for _, i := range again {
				errs[i] = err
			}
		}
	}
	for i, err := range errs {
		var refused *ximss.Error
		if errors.As(err, &refused) {
			errs[i] = fmt.Errorf("%w: %w", outbox.ErrRefused, err)
		}
	}
	return errs
}

// write does the jobs named by their places, and notes the outcome of each.
func (g *Groupware) write(ctx context.Context, t tenant.Tenant, jobs []outbox.Job, places []int, errs []error) error {
	pool, err := g.pool(ctx, t.ID)
	if err != nil {
		return err
	}
	for _, i := range places {
		if jobs[i].Kind == booking.Guest {
			continue
		}
		if err := g.ensureRight(ctx, t, jobs[i].Calendar); err != nil { // the write itself will say what it comes to
			g.log.InfoContext(ctx, "the right to a calendar could not be asked for", "account", jobs[i].Calendar, "tenant", t.ID, "err", err)
		}
	}
	var requests []*ximss.Request
	for n, i := range places {
		requests = append(requests, g.work(t, jobs[i], "w"+strconv.Itoa(n))...)
	}
	replies, err := pool.Do(ctx, requests...)
	if err != nil {
		return err
	}
	for _, i := range places {
		j := jobs[i]
		if j.Kind == booking.Guest {
			errs[i] = replies[0].Err
			replies = replies[1:]
			continue
		}
		opened, worked := replies[0].Err, replies[1].Err
		replies = replies[perCalendar:]
		switch {
		case opened != nil && j.Remove && (errors.Is(opened, ximss.ErrNotFound) || errors.Is(opened, ximss.ErrNoAccount)):
			errs[i] = nil // with the calendar went the event
		case opened != nil:
			errs[i] = opened
		case j.Remove && errors.Is(worked, ximss.ErrNotFound):
			errs[i] = nil // done before, or removed by somebody
		default:
			errs[i] = worked
		}
	}
	return nil
}

// work are the requests of a job: opening, writing and closing a calendar, or
// one message to a guest.
func (g *Groupware) work(t tenant.Tenant, j outbox.Job, handle string) []*ximss.Request {
	if j.Kind == booking.Guest {
		return []*ximss.Request{ximss.SubmitInvitation(invitation(t, j))}
	}
	// In the mode Invitation the server sends requests to the attendees when
	// the central calendar changes.
	send := ximss.SendNone
	if j.Booking.Mode == booking.Invitation && j.Kind == booking.CentralCalendar {
		send = ximss.SendAll
	}
	work := g.cfg.Dialect.Cancel(handle, j.Booking.UID, ical.Time{}, send, "")
	if !j.Remove {
		work = g.cfg.Dialect.Publish(handle, event(t, j), send)
	}
	return []*ximss.Request{ximss.OpenCalendar(handle, calendarPath(j.Calendar)), work, ximss.CloseCalendar(handle)}
}

// invitation is the message by which a guest elsewhere learns of a booking,
// or that it is off. One that comes twice has the same UID and SEQUENCE.
func invitation(t tenant.Tenant, j outbox.Job) (ximss.Mail, *ical.Calendar) {
	c := event(t, j)
	c.Method = "REQUEST"
	subject := "Invitation: " + j.Booking.Title
	if j.Remove {
		c.Method, subject = "CANCEL", "Cancelled: "+j.Booking.Title
		for _, e := range c.Events {
			e.Status = "CANCELLED"
		}
	}
	return ximss.Mail{From: t.ServiceAccount(), Name: j.Booking.Organizer.Name, To: []string{j.Calendar}, Subject: subject}, c
}

// PublishAppointments implements demo.CommuniGate: appointments that people
// made themselves, in another program.
func (g *Groupware) PublishAppointments(ctx context.Context, t tenant.Tenant, list []demo.Appointment) error {
	pool, err := g.pool(ctx, t.ID)
	if err != nil {
		return err
	}
	var requests []*ximss.Request
	for i, a := range list {
		loc, err := zone.LoadIANA(a.TimeZone)
		if err != nil {
			return err
		}
		e := &ical.Event{UID: a.UID, Start: ical.InZone(a.Start, loc), End: ical.InZone(a.End, loc), Summary: a.Title,
			Organizer: &ical.Address{Email: a.Person, Name: a.Name}, Transp: "OPAQUE", BusyStatus: "BUSY"}
		if a.RRule != "" {
			e.RRules = []string{a.RRule}
		}
		h := "a" + strconv.Itoa(i)
		requests = append(requests, ximss.OpenCalendar(h, calendarPath(a.Person)),
			g.cfg.Dialect.Publish(h, &ical.Calendar{Method: "PUBLISH", ProdID: prodID, Events: []*ical.Event{e}}, ximss.SendNone), ximss.CloseCalendar(h))
	}
	replies, err := pool.Do(ctx, requests...)
	if err != nil {
		return err
	}
	for i, r := range replies {
		if r.Err != nil {
			return fmt.Errorf("appointment of %s: %w", list[i/perCalendar].Person, r.Err)
		}
	}
	return nil
}
