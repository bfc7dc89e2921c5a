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
	"rmp/internal/trail"
)

func itoa(i int) string { return strconv.Itoa(i) }

// Writer tries the calendar writes of a booking that has just been stored.
type Writer interface {
	// WriteNow works on the intents of the booking for a short time. What it
	// does not finish stays with the outbox. owner is who Lease has named;
	// fresh are the intents of a booking that was just made. It answers how
	// far those are, if that is known.
	WriteNow(ctx context.Context, t tenant.ID, b Booking, owner string, fresh []Sync) []Sync
	// Lease says under which name, and until when, a new intent is this
	// request's own to try first.
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
	// Observe is told how each operation ended; it may be nil.
	Observe func(operation, outcome string, took time.Duration)
}

// Create books. A time that is taken is a *ConflictError, a rule of a
// resource that is against it a *PolicyError.
func (s *Service) Create(ctx context.Context, p tenant.Principal, r Request) (b Booking, err error) {
	ctx, end := s.begin(ctx, p.Tenant, "create")
	defer func() { end(b.ID, err) }()
	d, err := s.newDraft(ctx, p, r)
	if err != nil {
		return Booking{}, err
	}
	err = s.place(ctx, d, func() error { return s.Bookings(p.Tenant).Save(ctx, s.change(d, "created", "")) })
	if err != nil {
		return Booking{}, fmt.Errorf("create booking: %w", err)
	}
	return s.written(ctx, d)
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
		list[i].findOverride()
		list[i] = list[i].SeenBy(p)
	}
	return list, nil
}

// AsOf answers the dates that bookings had in [from, till) as they were at a
// time, of one resource if it is named.
func (s *Service) AsOf(ctx context.Context, p tenant.Principal, at, from, till time.Time, resource string) ([]Booking, error) {
	list, err := s.Bookings(p.Tenant).AsOf(ctx, at, from, till)
	if err != nil {
		return nil, fmt.Errorf("list bookings: %w", err)
	}
	var out []Booking
	for _, b := range list {
		if b.Status == Cancelled || resource != "" && !slices.ContainsFunc(b.Resources, func(r BookedResource) bool { return r.Email == resource }) {
			continue
		}
		dates, err := b.Dates(from, till)
		if err != nil {
			return nil, fmt.Errorf("list bookings: %w", err)
		}
		if len(dates) > 0 && !b.Private { // what is private now was not meant to be known
			now, err := s.Bookings(p.Tenant).Booking(ctx, b.ID)
			if err != nil && !errors.Is(err, ErrNotFound) {
				return nil, fmt.Errorf("list bookings: %w", err)
			}
			b.Private = now.Private
		}
		for _, o := range dates {
			x := b
			x.Occurrence = &o
			out = append(out, x.SeenBy(p))
		}
	}
	slices.SortStableFunc(out, func(a, b Booking) int { return a.Occurrence.Start.Compare(b.Occurrence.Start) })
	return out, nil
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
	trail.Note(ctx, trail.Booking, short(id))
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
	if b.Status == Held { // is no booking; its holder gives it back or books it
		return Booking{}, fault.New(fault.NotFound, "there is no booking %q", short(id))
	}
	if !b.EditableBy(p) {
		return Booking{}, fault.New(fault.Forbidden, "only the person who booked, a manager of its resources or an administrator may change this booking")
	}
	return b, nil
}

// EditableBy reports whether the person may change or cancel the booking: who
// made it, a manager of one of its resources, an administrator.
func (b Booking) EditableBy(p tenant.Principal) bool {
	return strings.EqualFold(b.Organizer.Email, p.Email) || p.Role.AtLeast(tenant.Admin) ||
		slices.ContainsFunc(b.Resources, func(r BookedResource) bool { return p.Runs(r.Email) })
}

// SeenBy hides from a person what a private booking of others is about.
func (b Booking) SeenBy(p tenant.Principal) Booking {
	invited := slices.ContainsFunc(b.Attendees, func(a Attendee) bool { return strings.EqualFold(a.Email, p.Email) })
	if !b.Private || invited || b.EditableBy(p) {
		return b
	}
	b.Title, b.Description, b.Location, b.Attendees = "Private", "", "", nil
	b.Overrides = slices.Clone(b.Overrides)
	for i := range b.Overrides {
		b.Overrides[i].Title, b.Overrides[i].Description, b.Overrides[i].Location, b.Overrides[i].Reason = "Private", "", "", ""
	}
	if b.Occurrence != nil && b.Occurrence.Override != nil {
		o := *b.Occurrence
		o.Override = nil
		b.Occurrence = &o
	}
	b.Sync = slices.DeleteFunc(slices.Clone(b.Sync), func(s Sync) bool { return s.Kind != CentralCalendar && s.Kind != ResourceCalendar })
	return b
}

// written tries the calendar writes and answers the booking as it was stored,
// with how far its calendars are: somebody may have changed it since. The booking is stored by now: a fault of the writes is not one of the
// request. More ids are of bookings that were changed along with it.
func (s *Service) written(ctx context.Context, d *draft, more ...string) (Booking, error) {
	t, b := d.tenant.ID, d.booking
	s.touched(t, d.reach())
	for _, id := range more {
		s.Writer.WriteNow(ctx, t, Booking{ID: id}, d.owner, nil)
	}
	sync := s.Writer.WriteNow(ctx, t, b, d.owner, d.fresh)
	s.touched(t, d.reach()) // what was read meanwhile is of before the write
	if sync != nil {
		slices.SortFunc(sync, func(x, y Sync) int { return strings.Compare(x.Calendar, y.Calendar) })
		b.Sync = sync
		return b, nil
	}
	now, err := s.load(ctx, t, b.ID)
	if err != nil || now.Version == b.Version {
		return now, err
	}
	b.Sync = now.Sync
	return b, nil
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
