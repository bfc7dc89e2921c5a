package doctor

import (
	"context"
	"fmt"
	"time"
)

// database looks at the version of the database and of the schema.
func (v *visit) database(ctx context.Context) error {
	s, err := v.DB.Describe(ctx)
	if err != nil {
		return err
	}
	e := Evidence{"SELECT version", s.Engine + " " + s.Version}
	if s.Old {
		v.add(Finding{Check: "database.version", Subject: s.Engine, Status: Fail, Title: "The database is too old", Cause: fmt.Sprintf("%s %s is older than %s, which RMP is made for.", s.Engine, s.Version, s.Oldest), Evidence: []Evidence{e}, Cure: "Bring the database server up to date."})
	} else {
		v.pass("database.version", s.Engine, "The database is of a version that RMP is made for", e)
	}
	schema := Evidence{"SELECT max(version_id) FROM goose_db_version", fmt.Sprint(s.Schema)}
	switch {
	case s.Schema > s.Newest:
		v.add(Finding{Check: "database.schema", Subject: s.Engine, Status: Fail, Title: "The database belongs to a newer RMP", Cause: fmt.Sprintf("Its schema is version %d, this RMP knows %d.", s.Schema, s.Newest), Evidence: []Evidence{schema}, Cure: "Run the newer RMP everywhere."})
	case s.Passes:
		v.add(Finding{Check: "database.role", Subject: s.Engine, Status: Warn, Title: "The wall between tenants has one layer only", Cause: "The database role is a superuser or may bypass row-level security.", Evidence: []Evidence{{"SELECT rolsuper OR rolbypassrls FROM pg_roles", "true"}}, Cure: "Give RMP a role of its own without those rights."})
	default:
		v.pass("database.schema", s.Engine, "The schema is the one this RMP knows", schema)
	}
	return nil
}

// outbox looks at the calendar writes.
func (v *visit) outbox(ctx context.Context) error {
	pending, failed, oldest, err := v.db.Backlog(ctx)
	if err != nil {
		return err
	}
	e := Evidence{"calendar writes of the tenant", fmt.Sprintf("%d pending, %d given up", pending, failed)}
	age := time.Duration(0)
	if !oldest.IsZero() {
		age = v.Now().Sub(oldest)
	}
	if failed > 0 {
		v.add(Finding{Check: "outbox.failed", Subject: v.t.Domain, Status: Fail, Title: "Calendar writes were given up", Cause: fmt.Sprintf("%d bookings are not in a calendar they belong into; why stands with each.", failed), Evidence: []Evidence{e},
			Cure: "See to the cause that stands with them, then have them tried again.", Steps: []Step{{Op: retryWrites}}})
	} else {
		v.pass("outbox.failed", v.t.Domain, "No calendar write was given up", e)
	}
	if age > oldWrite {
		v.add(Finding{Check: "outbox.stuck", Subject: v.t.Domain, Status: Fail, Title: "Calendar writes are stuck", Cause: fmt.Sprintf("The oldest has waited for %s.", age.Round(time.Minute)), Evidence: []Evidence{e},
			Cure: "Check that an RMP process runs, and that it reaches CommuniGate Pro."})
	} else {
		v.pass("outbox.stuck", v.t.Domain, "No calendar write is stuck", e)
	}
	return nil
}

// drift looks at the calendars that could not be compared, and at overlaps.
func (v *visit) drift(ctx context.Context) error {
	checks, err := v.db.CalendarChecks(ctx, 1000)
	if err != nil {
		return err
	}
	for _, c := range checks {
		if c.LastError == "" || c.Resource.Email == "" {
			continue
		}
		v.add(Finding{Check: "calendar.drift", Subject: c.Resource.Email, Status: Warn, Title: "A calendar could not be compared with the database", Cause: c.LastError,
			Evidence: []Evidence{{"last comparison", c.CheckedAt.UTC().Format(time.RFC3339) + ": " + c.LastError}}, Cure: "See to what the error names; then it is compared again by itself.", Steps: []Step{{Op: checkNow, Account: c.Resource.Email}}})
	}
	overlaps, err := v.db.Conflicts(ctx, false, 100)
	if err != nil {
		return err
	}
	for _, o := range overlaps {
		v.add(Finding{Check: "calendar.overlap", Subject: o.Resource.Email, Status: Warn, Title: "A booking overlaps with an event of another program",
			Cause:    fmt.Sprintf("%s, %s: somebody wrote an event into the calendar by another program.", o.Booking.Title, o.Start.UTC().Format(time.RFC3339)),
			Evidence: []Evidence{{"comparison", fmt.Sprintf("%s to %s", o.Other.Start.UTC().Format(time.RFC3339), o.Other.End.UTC().Format(time.RFC3339))}}, Cure: "The two organizers have been told; one of them moves."})
	}
	if len(overlaps) == 0 {
		v.pass("calendar.overlap", v.t.Domain, "Nothing overlaps")
	}
	return nil
}

// events looks for events in resources' calendars that do not block time.
func (v *visit) events(ctx context.Context) error {
	from, till := v.Now().Add(-24*time.Hour), v.Now().Add(dates)
	for i, r := range v.resources {
		if v.opts.Progress != nil && i%20 == 0 {
			v.opts.Progress("events", i, len(v.resources))
		}
		if !v.opts.wants("resource.events") {
			return nil
		}
		if !v.readable[r.Email] {
			continue // what is wrong with the calendar is found above
		}
		list, err := v.Groupware.TransparentEvents(ctx, v.t, r.Email, from, till)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			v.pass("resource.events", r.Email, "All events block time")
			continue
		}
		for _, e := range list {
			v.add(Finding{Check: "resource.events", Subject: r.Email, Status: Warn, Title: "An event of a resource does not block time", Cause: "It is marked as free (TRANSP or BUSYSTATUS), so that others can book the time.",
				Evidence: []Evidence{{"calendar of " + r.Email, fmt.Sprintf("UID %s, TRANSP %s, BUSYSTATUS %s", e.UID, e.Transp, e.BusyStatus)}}, Cure: "Mark it as busy.",
				Steps: []Step{{Op: makeBusy, Account: r.Email, Name: e.UID}}})
		}
	}
	return nil
}
