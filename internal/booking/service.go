package booking

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"rmp/internal/directory"
	"rmp/internal/fault"
	"rmp/internal/tenant"
)

func itoa(i int) string { return strconv.Itoa(i) }

// Writer tries the calendar writes of a booking that has just been stored.
type Writer interface {
	// WriteNow works on the intents of the booking for a short time. What it
	// does not finish stays with the outbox.
	WriteNow(ctx context.Context, t tenant.ID, bookingID string)
	// Lease says under which name, and until when, a new intent is this
	// process's own to try first.
	Lease() (owner string, until time.Time)
}

// Tenants answers what is known of a tenant.
type Tenants interface {
	Tenant(ctx context.Context, id tenant.ID) (tenant.Tenant, error)
}

// Service takes, changes and cancels bookings.
type Service struct {
	Bookings     Stores
	Resources    directory.Stores
	Tenants      Tenants
	Availability Availability
	Writer       Writer
	Now          func() time.Time
	Log          *slog.Logger
}

// Create books. A time that is taken is a *ConflictError.
func (s *Service) Create(ctx context.Context, p tenant.Principal, r Request) (Booking, error) {
	t, resources, err := s.prepare(ctx, p, &r)
	if err != nil {
		return Booking{}, err
	}
	now := s.Now().UTC().Truncate(time.Microsecond)
	b := Booking{
		ID: rand.Text(), UID: newUID(now), Status: Confirmed, Version: 1,
		Organizer: Person{Email: p.Email, Name: p.Name},
		CreatedAt: now, UpdatedAt: now,
	}
	b.fill(r, resources)
	if err := s.checkFresh(ctx, p, t, b, resources, r); err != nil {
		return Booking{}, err
	}
	c := s.change(t, p, b, nil, "created", "")
	if err := s.Bookings(p.Tenant).Insert(ctx, c); err != nil {
		if errors.Is(err, ErrOverlap) {
			return Booking{}, s.conflict(ctx, p, resources, b, nil)
		}
		return Booking{}, fmt.Errorf("create booking: %w", err)
	}
	return s.written(ctx, p.Tenant, b.ID)
}

// Change replaces what the person may choose about a booking. expect is the
// version it is based on; 0 takes the present one.
func (s *Service) Change(ctx context.Context, p tenant.Principal, id string, expect int64, r Request) (Booking, error) {
	old, err := s.editable(ctx, p, id)
	if err != nil {
		return Booking{}, err
	}
	if old.Status == Cancelled {
		return Booking{}, fault.New(fault.Invalid, "the booking is cancelled; make a new one")
	}
	if expect != 0 && expect != old.Version {
		return Booking{}, errStale(ErrStale)
	}
	if r.TimeZone == "" {
		r.TimeZone = old.TimeZone
	}
	if r.Mode == "" {
		r.Mode = old.Mode
	}
	t, resources, err := s.prepare(ctx, p, &r)
	if err != nil {
		return Booking{}, err
	}
	b := old
	b.fill(r, resources)
	b.UpdatedAt = s.Now().UTC().Truncate(time.Microsecond)
	b.Sequence++
	if err := s.checkFresh(ctx, p, t, b, resources, r); err != nil {
		return Booking{}, err
	}
	c := s.change(t, p, b, &old, "changed", "")
	if err := s.Bookings(p.Tenant).Update(ctx, c); err != nil {
		switch {
		case errors.Is(err, ErrOverlap):
			return Booking{}, s.conflict(ctx, p, resources, b, nil)
		case errors.Is(err, ErrStale):
			return Booking{}, errStale(err)
		}
		return Booking{}, fmt.Errorf("change booking: %w", err)
	}
	return s.written(ctx, p.Tenant, b.ID)
}

// Cancel frees the resources and takes the booking out of the calendars. To
// cancel again changes nothing.
func (s *Service) Cancel(ctx context.Context, p tenant.Principal, id string, expect int64, reason string) (Booking, error) {
	var bad fault.Fields
	text(&bad, "/reason", reason, MaxReason, true)
	if err := bad.Err(); err != nil {
		return Booking{}, err
	}
	for tries := 0; ; tries++ {
		old, err := s.editable(ctx, p, id)
		if err != nil {
			return Booking{}, err
		}
		if old.Status == Cancelled {
			return old, nil
		}
		if expect != 0 && expect != old.Version {
			return Booking{}, errStale(ErrStale)
		}
		t, err := s.Tenants.Tenant(ctx, p.Tenant)
		if err != nil {
			return Booking{}, fmt.Errorf("cancel booking: %w", err)
		}
		b := old
		b.Status = Cancelled
		b.UpdatedAt = s.Now().UTC().Truncate(time.Microsecond)
		b.Sequence++
		err = s.Bookings(p.Tenant).Update(ctx, s.change(t, p, b, &old, "cancelled", reason))
		switch {
		case errors.Is(err, ErrStale) && expect == 0 && tries < 5:
			continue // somebody changed it at this moment; the wish still stands
		case errors.Is(err, ErrStale):
			return Booking{}, errStale(err)
		case err != nil:
			return Booking{}, fmt.Errorf("cancel booking: %w", err)
		}
		return s.written(ctx, p.Tenant, b.ID)
	}
}

// Get answers one booking as the person may see it.
func (s *Service) Get(ctx context.Context, p tenant.Principal, id string) (Booking, error) {
	b, err := s.load(ctx, p.Tenant, id)
	if err != nil {
		return Booking{}, err
	}
	return b.SeenBy(p), nil
}

// List answers the bookings that pass the filter, as the person may see them.
func (s *Service) List(ctx context.Context, p tenant.Principal, f Filter) ([]Booking, error) {
	list, err := s.Bookings(p.Tenant).Bookings(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("list bookings: %w", err)
	}
	for i := range list {
		list[i] = list[i].SeenBy(p)
	}
	return list, nil
}

// History answers who did what to a booking, oldest first, to those who may
// change it.
func (s *Service) History(ctx context.Context, p tenant.Principal, id string) ([]HistoryEntry, error) {
	if _, err := s.editable(ctx, p, id); err != nil {
		return nil, err
	}
	h, err := s.Bookings(p.Tenant).History(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	return h, nil
}

func errStale(err error) error {
	return fault.Wrap(err, fault.Stale, "the booking has changed since you read it; read it again")
}

func (s *Service) load(ctx context.Context, t tenant.ID, id string) (Booking, error) {
	b, err := s.Bookings(t).Booking(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return Booking{}, fault.Wrap(err, fault.NotFound, "there is no booking %q", short(id))
	}
	if err != nil {
		return Booking{}, fmt.Errorf("read booking: %w", err)
	}
	return b, nil
}

func (s *Service) editable(ctx context.Context, p tenant.Principal, id string) (Booking, error) {
	b, err := s.load(ctx, p.Tenant, id)
	if err != nil {
		return Booking{}, err
	}
	if !b.EditableBy(p) {
		return Booking{}, fault.New(fault.Forbidden, "only the person who booked, or an administrator, may change this booking")
	}
	return b, nil
}

// EditableBy reports whether the person may change or cancel the booking.
func (b Booking) EditableBy(p tenant.Principal) bool {
	return strings.EqualFold(b.Organizer.Email, p.Email) || p.Role.AtLeast(tenant.Admin)
}

// SeenBy hides from a person what a private booking of others is about.
func (b Booking) SeenBy(p tenant.Principal) Booking {
	invited := slices.ContainsFunc(b.Attendees, func(a Attendee) bool { return strings.EqualFold(a.Email, p.Email) })
	if !b.Private || invited || b.EditableBy(p) {
		return b
	}
	b.Title, b.Description, b.Location, b.Attendees = "Private", "", "", nil
	b.Sync = slices.DeleteFunc(slices.Clone(b.Sync), func(s Sync) bool { return s.Kind == PersonCalendar })
	return b
}

// prepare normalizes and validates a request and looks up its resources.
func (s *Service) prepare(ctx context.Context, p tenant.Principal, r *Request) (tenant.Tenant, []directory.Resource, error) {
	t, err := s.Tenants.Tenant(ctx, p.Tenant)
	if err != nil {
		return t, nil, fmt.Errorf("read tenant: %w", err)
	}
	if r.TimeZone == "" {
		r.TimeZone = t.TimeZone
	}
	if r.Mode == "" {
		r.Mode = Mode(t.Mode)
	}
	given := slices.Clone(r.Resources)
	r.normalize()
	if err := r.validate(s.Now()); err != nil {
		return t, nil, err
	}
	found, err := s.Resources(p.Tenant).Resources(ctx, directory.Filter{Emails: r.Resources})
	if err != nil {
		return t, nil, fmt.Errorf("read resources: %w", err)
	}
	var bad fault.Fields
	for i, g := range given {
		email := strings.ToLower(strings.TrimSpace(g))
		at := slices.IndexFunc(found, func(f directory.Resource) bool { return f.Email == email })
		switch {
		case at < 0:
			bad.Add("/resources/"+itoa(i), "there is no resource %q", short(g))
		case !found[at].Active:
			bad.Add("/resources/"+itoa(i), "%s is out of service", found[at].Name)
		}
	}
	return t, found, bad.Err()
}

// checkFresh reads the resources' calendars now and refuses what others have
// taken, or cannot be read, and people of the tenant that do not exist.
func (s *Service) checkFresh(ctx context.Context, p tenant.Principal, t tenant.Tenant, b Booking, resources []directory.Resource, r Request) error {
	var people []string
	for _, a := range r.Attendees {
		if t.Owns(a.Email) {
			people = append(people, a.Email)
		}
	}
	clashes, missing, err := s.Availability.Fresh(ctx, p.Tenant, r.Resources, people, b.Start, b.End)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		var bad fault.Fields
		for i, a := range r.Attendees {
			if slices.Contains(missing, a.Email) {
				bad.Add("/attendees/"+itoa(i), "there is no account %q", short(a.Email))
			}
		}
		return bad.Err()
	}
	if len(clashes) > 0 {
		return s.conflict(ctx, p, resources, b, clashes)
	}
	return nil
}

// conflict tells what is in the way and what would be possible instead. Its
// own bookings are looked up; what is foreign is given.
func (s *Service) conflict(ctx context.Context, p tenant.Principal, resources []directory.Resource, b Booking, clashes []Clash) error {
	emails := make([]string, len(resources))
	for i, r := range resources {
		emails[i] = r.Email
	}
	taken, err := s.Bookings(p.Tenant).Occupied(ctx, emails, b.Start, b.End)
	if err != nil {
		return fmt.Errorf("find the conflict: %w", err)
	}
	for _, o := range taken {
		if o.BookingID != b.ID {
			clashes = append(clashes, Clash{Resource: o.ResourceEmail, Start: o.Start, End: o.End,
				Holder: o.Organizer, Title: o.Title, Private: o.Private})
		}
	}
	var inTheWay []string
	for _, c := range clashes {
		if !slices.Contains(inTheWay, c.Resource) {
			inTheWay = append(inTheWay, c.Resource)
		}
	}
	alternatives, err := s.Availability.Alternatives(ctx, p.Tenant, resources, inTheWay, b.Start, b.End)
	if err != nil {
		// The refusal stands without suggestions.
		s.Log.WarnContext(ctx, "no alternatives for a conflict", "err", err)
	}
	return &ConflictError{Clashes: clashes, Alternatives: alternatives}
}

func (b *Booking) fill(r Request, resources []directory.Resource) {
	b.Title, b.Description, b.Location = r.Title, r.Description, r.Location
	b.Start, b.End, b.TimeZone = r.Start, r.End, r.TimeZone
	b.Private, b.Mode = r.Private, r.Mode
	b.Resources = make([]BookedResource, len(resources))
	for i, x := range resources {
		b.Resources[i] = BookedResource{ID: x.ID, Email: x.Email, Name: x.Name, Type: x.Type}
	}
	before := b.Attendees
	b.Attendees = slices.Clone(r.Attendees)
	for i := range b.Attendees {
		a := &b.Attendees[i]
		a.PartStat = "needs-action"
		if j := slices.IndexFunc(before, func(o Attendee) bool { return o.Email == a.Email }); j >= 0 {
			a.PartStat = before[j].PartStat
		}
	}
}

// change puts together what one transaction stores.
func (s *Service) change(t tenant.Tenant, p tenant.Principal, b Booking, old *Booking, action, reason string) Change {
	c := Change{Booking: b, History: HistoryEntry{At: b.UpdatedAt, Actor: p.Email, Action: action, Reason: reason, After: asJSON(b)}}
	if old != nil {
		c.Expect = old.Version
		c.History.Before = asJSON(*old)
	}
	c.Owner, c.LeaseUntil = s.Writer.Lease()
	if b.Status != Cancelled {
		c.Writes = Targets(t, b)
	}
	if old != nil {
		for _, o := range Targets(t, *old) {
			if !slices.ContainsFunc(c.Writes, func(w Sync) bool { return w.Calendar == o.Calendar }) {
				o.Remove = true
				c.Writes = append(c.Writes, o)
			}
		}
	}
	return c
}

// Targets answers the calendars a booking belongs into: the central one of
// the tenant, those of its resources, of the person who booked, and of the
// attendees that have an account of the tenant.
func Targets(t tenant.Tenant, b Booking) []Sync {
	out := []Sync{{Calendar: t.ServiceAccount(), Kind: CentralCalendar}}
	add := func(email string, kind CalendarKind) {
		if !slices.ContainsFunc(out, func(s Sync) bool { return s.Calendar == email }) {
			out = append(out, Sync{Calendar: email, Kind: kind})
		}
	}
	for _, r := range b.Resources {
		add(r.Email, ResourceCalendar)
	}
	if t.Owns(b.Organizer.Email) {
		add(strings.ToLower(b.Organizer.Email), PersonCalendar)
	}
	for _, a := range b.Attendees {
		if t.Owns(a.Email) {
			add(a.Email, PersonCalendar)
		}
	}
	return out
}

// written tries the calendar writes and answers the booking as it is then.
// The booking is stored by now: a fault of the writes is not one of the
// request.
func (s *Service) written(ctx context.Context, t tenant.ID, id string) (Booking, error) {
	s.Writer.WriteNow(ctx, t, id)
	return s.load(ctx, t, id)
}

// newUID mints an iCalendar UID: RMP-<ms>-<random>.
func newUID(now time.Time) string {
	return "RMP-" + strconv.FormatInt(now.UnixMilli(), 10) + "-" + strings.ToLower(rand.Text()[:16])
}

// asJSON is the booking as history keeps it.
func asJSON(b Booking) string {
	b.Sync = nil
	j, err := json.Marshal(b)
	if err != nil {
		return "" // a Booking has nothing that JSON cannot carry
	}
	return string(j)
}
