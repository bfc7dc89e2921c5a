package people

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"rmp/calendar/ical"
	"rmp/calendar/zone"
	"rmp/internal/fault"
	"rmp/internal/tenant"
)

// Imported is what became of one event of a file.
type Imported struct {
	UID, Title string
	Result     string // created, updated, refused
	Reason     string
}

// MostImported bounds a file.
const MostImported = 2000

// Import takes the events of a file over into an account's calendar, each for
// itself: one that is refused does not keep the others out.
func (s *Service) Import(ctx context.Context, p tenant.Principal, email string, data []byte) ([]Imported, error) {
	c, email, err := s.access(ctx, p, email, "i")
	if err != nil {
		return nil, err
	}
	files, err := ical.ParseText(data, ical.Limits{})
	var refused []Imported
	if err != nil {
		if files, refused = readable(data); len(files) == 0 {
			return nil, fault.Wrap(err, fault.Invalid, "the file is not iCalendar: %s", err.Error())
		}
	}
	type one struct {
		of *ical.Calendar
		x  *ical.Event
	}
	var all []one
	for _, f := range files {
		for _, x := range f.Events {
			all = append(all, one{f, x})
		}
	}
	switch {
	case len(all) == 0:
		return nil, fault.New(fault.Invalid, "the file has no events")
	case len(all) > MostImported:
		return nil, fault.New(fault.TooLarge, "the file has %d events; at most %d are taken at once", len(all), MostImported)
	}
	loc, err := zone.LoadIANA(c.Tenant.TimeZone)
	if err != nil {
		loc = time.UTC
	}
	var from, till time.Time
	out := make([]Imported, len(all))
	starts := make([]time.Time, len(all))
	for i, o := range all {
		out[i] = Imported{UID: o.x.UID, Title: o.x.Summary}
		start, end, err := importable(o.of, o.x, loc)
		if err != nil {
			out[i].Result, out[i].Reason = "refused", err.Error()
			continue
		}
		starts[i] = start
		if from.IsZero() || start.Before(from) {
			from = start
		}
		if end.After(till) {
			till = end
		}
	}
	known := map[string]*ical.Event{}
	if !from.IsZero() {
		items, err := s.Mail.Events(ctx, c, email, from.Add(-24*time.Hour), till.Add(24*time.Hour))
		if err != nil {
			return nil, err
		}
		known = items.Events
	}
	uids := make([]string, len(all))
	for i, o := range all {
		uids[i] = o.x.UID
	}
	taken, err := s.Booked(ctx, c.Tenant.ID, email, uids)
	if err != nil {
		return nil, err
	}
	for i, o := range all {
		if out[i].Result != "" {
			continue
		}
		old := known[o.x.UID]
		switch {
		case taken[o.x.UID] || old != nil && booked(old):
			out[i].Result, out[i].Reason = "refused", errBooked.Text
			continue
		case old != nil && old.Sequence > o.x.Sequence:
			out[i].Result, out[i].Reason = "refused", "the calendar holds a newer version"
			continue
		}
		x := *o.x
		x.Extra = slices.DeleteFunc(slices.Clone(x.Extra), func(p ical.Property) bool { return strings.HasPrefix(strings.ToUpper(p.Name), "X-RMP-") })
		err := s.Mail.Publish(ctx, c, email, &ical.Calendar{Method: "PUBLISH", Version: "2.0", ProdID: ProdID, Zones: o.of.Zones, Events: []*ical.Event{&x}}, false)
		switch {
		case err != nil:
			var f *fault.Error
			out[i].Result, out[i].Reason = "refused", err.Error()
			if errors.As(err, &f) {
				out[i].Reason = f.Text
			}
		case old != nil:
			out[i].Result = "updated"
		default:
			out[i].Result = "created"
		}
	}
	s.Changed(c.Tenant.ID, email, from.Add(-48*time.Hour), time.Time{})
	return append(out, refused...), nil
}

// importable says why an event of a file cannot be taken.
func importable(of *ical.Calendar, x *ical.Event, local *time.Location) (start, end time.Time, err error) {
	if x.UID == "" {
		return start, end, errors.New("it has no UID")
	}
	if len(x.UID) > 500 || strings.ContainsFunc(x.UID, unicode.IsControl) {
		return start, end, errors.New("its UID is too long or has control characters")
	}
	resolve := of.Resolve(zones)
	if start, end, err = x.Span(resolve, local); err != nil {
		return start, end, err
	}
	if start.Year() < 1970 || end.Year() > 2200 {
		return start, end, errors.New("it is outside of the years 1970 to 2200")
	}
	if _, err := x.Series(resolve, local); err != nil {
		return start, end, err
	}
	return start, end, nil
}

// Export answers the events of a range as a file.
func (s *Service) Export(ctx context.Context, p tenant.Principal, email string, from, till time.Time) ([]byte, error) {
	r, err := s.Events(ctx, p, email, from, till)
	if err != nil {
		return nil, err
	}
	out := &ical.Calendar{Version: "2.0", ProdID: ProdID, Method: "PUBLISH", Extra: []ical.Property{{Name: "X-WR-CALNAME", Value: email}}}
	if r.OnlyBusy {
		for i, b := range r.Spans {
			out.Events = append(out.Events, &ical.Event{UID: "busy-" + strconv.Itoa(i) + "-" + strconv.FormatInt(b.Start.Unix(), 10) + "@" + strings.ReplaceAll(email, "@", "."),
				Stamp: ical.At(s.Now()), Start: ical.At(b.Start), End: ical.At(b.End), Summary: "Busy", Transp: "OPAQUE"})
		}
		return out.AppendText(nil), nil
	}
	for _, x := range r.Events {
		if x.Stamp.IsZero() {
			c := *x
			c.Stamp, x = ical.At(s.Now()), &c
		}
		out.Events = append(out.Events, x)
	}
	slices.SortFunc(out.Events, func(a, b *ical.Event) int { return strings.Compare(a.UID, b.UID) })
	return out.AppendText(nil), nil
}
