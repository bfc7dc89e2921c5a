// Package demo fills an empty installation with an organisation that looks
// lived in: rooms and other resources, 40 people, and two months of meetings.
//
// Everything goes the product's own ways: accounts, mailboxes and rights over
// the CLI protocol, people's own appointments over XIMSS, bookings through
// the booking engine. The tenant is switched active as the last step, so a
// seeding that was interrupted is taken up again at the next start; each step
// may be repeated.
package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"rmp/internal/booking"
	"rmp/internal/directory"
	"rmp/internal/fault"
	"rmp/internal/gatekeeper"
	"rmp/internal/secret"
	"rmp/internal/tenant"
)

// CommuniGate is what the demo needs of the mail server.
type CommuniGate interface {
	// EnsureTenant makes the sub-domains and the service account.
	EnsureTenant(ctx context.Context, t tenant.Tenant, createMainDomain bool) error
	EnsureResource(ctx context.Context, t tenant.Tenant, r directory.Resource) error
	EnsurePerson(ctx context.Context, t tenant.Tenant, email, name string, password secret.Text) error
	// PublishAppointments writes appointments of people into their calendars.
	PublishAppointments(ctx context.Context, t tenant.Tenant, list []Appointment) error
}

// Appointment is somebody's own appointment, made outside of RMP.
type Appointment struct {
	UID        string
	Person     string
	Name       string
	Title      string
	Start, End time.Time
	TimeZone   string
	RRule      string // empty: once
}

// Tenants keeps the tenants.
type Tenants interface {
	Tenants(ctx context.Context) ([]tenant.Tenant, error)
	SaveTenant(ctx context.Context, t *tenant.Tenant) error
}

// Deps is what the demo is wired to.
type Deps struct {
	CGP       CommuniGate
	Tenants   Tenants
	Users     gatekeeper.Store
	Resources directory.Stores
	Bookings  *booking.Service
	Now       func() time.Time
	Log       *slog.Logger
	Progress  func(what string, done, of int)
}

// Seed makes the demo tenant, unless there is a tenant already that is not a
// half-made demo.
func Seed(ctx context.Context, d Deps) error {
	tenants, err := d.Tenants.Tenants(ctx)
	if err != nil {
		return fmt.Errorf("seed the demo: %w", err)
	}
	var t tenant.Tenant
	switch {
	case len(tenants) == 0:
		t = tenant.Tenant{ID: "demo", Domain: Domain, Name: "Example Ltd", TimeZone: TimeZone, Mode: string(booking.Direct),
			Demo: true, ServicePassword: secret.Random()}
		if err := d.Tenants.SaveTenant(ctx, &t); err != nil {
			return fmt.Errorf("seed the demo: %w", err)
		}
	case len(tenants) == 1 && tenants[0].Demo && !tenants[0].Active:
		t = tenants[0]
	default:
		return nil
	}
	for _, step := range []func(context.Context, Deps, tenant.Tenant) error{seedDomains, seedResources, seedPeople, seedAppointments, seedBookings} {
		if err := step(ctx, d, t); err != nil {
			return fmt.Errorf("seed the demo: %w", err)
		}
	}
	t.Active = true
	if err := d.Tenants.SaveTenant(ctx, &t); err != nil {
		return fmt.Errorf("seed the demo: %w", err)
	}
	return nil
}

func seedDomains(ctx context.Context, d Deps, t tenant.Tenant) error {
	d.Progress("domains", 0, 1)
	err := d.CGP.EnsureTenant(ctx, t, true)
	d.Progress("domains", 1, 1)
	return err
}

func seedResources(ctx context.Context, d Deps, t tenant.Tenant) error {
	all := resources()
	for i, r := range all {
		if err := d.CGP.EnsureResource(ctx, t, r); err != nil {
			return fmt.Errorf("resource %s: %w", r.Email, err)
		}
		if err := d.Resources(t.ID).SaveResource(ctx, &r); err != nil {
			return fmt.Errorf("resource %s: %w", r.Email, err)
		}
		if r.Type == "conference-room" && r.Site == lab {
			if err := d.Resources(t.ID).SetManagers(ctx, r.ID, []string{Manager}); err != nil {
				return fmt.Errorf("resource %s: %w", r.Email, err)
			}
		}
		d.Progress("resources", i+1, len(all))
	}
	return nil
}

func seedPeople(ctx context.Context, d Deps, t tenant.Tenant) error {
	// The password is public, so one hash serves all.
	hash, err := gatekeeper.HashPassword(Password)
	if err != nil {
		return err
	}
	all := people()
	for i, p := range all {
		if err := d.CGP.EnsurePerson(ctx, t, p.email, p.name, Password); err != nil {
			return fmt.Errorf("person %s: %w", p.email, err)
		}
		u := gatekeeper.User{Tenant: t.ID, Email: p.email, Name: p.name, Role: p.role, CGPDomain: t.Domain, PasswordHash: hash, Active: true}
		if old, err := d.Users.UserByEmail(ctx, p.email); err == nil {
			u.ID, u.Version = old.ID, old.Version
		} else if !errors.Is(err, gatekeeper.ErrNoUser) {
			return fmt.Errorf("person %s: %w", p.email, err)
		}
		if err := d.Users.SaveUser(ctx, &u, 0); err != nil {
			return fmt.Errorf("person %s: %w", p.email, err)
		}
		d.Progress("people", i+1, len(all))
	}
	return nil
}

// seedAppointments gives each person a weekly meeting and some appointments
// of their own over two months.
func seedAppointments(ctx context.Context, d Deps, t tenant.Tenant) error {
	rnd := rand.New(rand.NewPCG(7, 11))
	loc, err := time.LoadLocation(TimeZone)
	if err != nil {
		return err
	}
	monday := mondayOf(d.Now().In(loc))
	var list []Appointment
	for i, p := range people() {
		at := func(day, hour, minute int) time.Time {
			return time.Date(monday.Year(), monday.Month(), monday.Day()+day, hour, minute, 0, 0, loc)
		}
		weekly := at(i%5, 9+i%7, 30*(i%2))
		list = append(list, Appointment{UID: fmt.Sprintf("demo-weekly-%02d@%s", i, Domain), Person: p.email, Name: p.name,
			Title: weeklySubjects[i%len(weeklySubjects)], Start: weekly, End: weekly.Add(time.Hour), TimeZone: TimeZone, RRule: "FREQ=WEEKLY;COUNT=12"})
		for n := range 8 {
			s := at(7*n+rnd.IntN(5), 8+rnd.IntN(9), 15*rnd.IntN(4))
			list = append(list, Appointment{UID: fmt.Sprintf("demo-own-%02d-%d@%s", i, n, Domain), Person: p.email, Name: p.name,
				Title: subjects[rnd.IntN(len(subjects))], Start: s, End: s.Add(time.Duration(1+rnd.IntN(4)) * 30 * time.Minute), TimeZone: TimeZone})
		}
	}
	const batch = 20
	for i := 0; i < len(list); i += batch {
		if err := d.CGP.PublishAppointments(ctx, t, list[i:min(i+batch, len(list))]); err != nil {
			return fmt.Errorf("appointments: %w", err)
		}
		d.Progress("appointments", min(i+batch, len(list)), len(list))
	}
	return nil
}

// seedBookings books rooms and some other resources over two months, the week
// that has begun included.
func seedBookings(ctx context.Context, d Deps, t tenant.Tenant) error {
	loc, err := time.LoadLocation(TimeZone)
	if err != nil {
		return err
	}
	rnd := rand.New(rand.NewPCG(3, 5))
	monday := mondayOf(d.Now().In(loc))
	all, ps := resources(), people()
	type wish struct {
		who person
		r   booking.Request
	}
	var wishes []wish
	for day := range 61 {
		date := monday.AddDate(0, 0, day)
		if wd := date.Weekday(); wd == time.Saturday || wd == time.Sunday {
			continue
		}
		many := 9 // the next days are fuller
		if day > 14 {
			many = 5
		}
		for range many {
			who := ps[rnd.IntN(len(ps))]
			kind := all[rnd.IntN(12)]
			if rnd.IntN(4) == 0 {
				kind = all[12+rnd.IntN(len(all)-12)]
			}
			s := time.Date(date.Year(), date.Month(), date.Day(), 8+rnd.IntN(9), 30*rnd.IntN(2), 0, 0, loc)
			r := booking.Request{Title: subjects[rnd.IntN(len(subjects))], Start: s,
				End: s.Add(time.Duration(1+rnd.IntN(4)) * 30 * time.Minute), TimeZone: TimeZone,
				Resources: []booking.Wanted{{Email: kind.Email}}, Private: rnd.IntN(15) == 0}
			if kind.Type == "conference-room" {
				for range 1 + rnd.IntN(3) {
					p := ps[rnd.IntN(len(ps))]
					r.Attendees = append(r.Attendees, booking.Attendee{Person: booking.Person{Email: p.email, Name: p.name}})
				}
				r.Attendees = slices.DeleteFunc(r.Attendees, func(a booking.Attendee) bool { return a.Email == who.email })
			}
			wishes = append(wishes, wish{who, r})
		}
	}
	// The engine refuses what is over; here the week is to be whole.
	service := *d.Bookings
	service.Now = func() time.Time { return monday }
	var g errgroup.Group
	g.SetLimit(4)
	done := make(chan struct{}, len(wishes))
	for _, w := range wishes {
		g.Go(func() error {
			defer func() { done <- struct{}{} }()
			p := tenant.Principal{Tenant: t.ID, Domain: t.Domain, Email: w.who.email, Name: w.who.name, Role: w.who.role}
			_, err := service.Create(ctx, p, w.r)
			var taken *booking.ConflictError
			if errors.As(err, &taken) {
				return nil // two wishes for one time; the first has it
			}
			if fault.CodeOf(err) == fault.Invalid {
				return fmt.Errorf("booking of %s: %w", w.r.Resources[0].Email, err)
			}
			return err
		})
		d.Progress("bookings", len(done), len(wishes))
	}
	err = g.Wait()
	d.Progress("bookings", len(done), len(wishes))
	return err
}

func mondayOf(t time.Time) time.Time {
	days := (int(t.Weekday()) + 6) % 7
	return time.Date(t.Year(), t.Month(), t.Day()-days, 0, 0, 0, 0, t.Location())
}
