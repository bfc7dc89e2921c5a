package booking

import (
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"rmp/calendar/recurrence"
	"rmp/calendar/zone"
	"rmp/internal/fault"
)

// Limits of a booking request.
const (
	MaxTitle       = 500    // bytes
	MaxDescription = 20_000 // bytes
	MaxLocation    = 500    // bytes
	MaxReason      = 2_000  // bytes
	MaxResources   = 50
	MaxAttendees   = 500
	MaxLength      = 31 * 24 * time.Hour
	maxAhead       = 10 * 366 * 24 * time.Hour
)

// Request is what a person asks for, in a new booking or a change of one.
type Request struct {
	Title       string
	Start, End  time.Time
	TimeZone    string // IANA name; empty: the tenant's
	Resources   []Wanted
	Attendees   []Attendee
	Location    string
	Description string
	Private     bool
	Mode        Mode        // empty: the tenant's
	Recurrence  *Recurrence // nil: one date; in a change: as it is
	OnConflict  string      // of a series: fail (the default), or skip the dates that are taken
	Hold        string      // id of a hold that the booking takes the place of
	Key         string      // Idempotency-Key, kept with the booking
}

// Wanted is a resource as a request names it.
type Wanted struct {
	Email    string
	Quantity int // units; 0 is 1
}

// What to do with the dates of a series that are taken.
const (
	FailOnConflict = "fail"
	SkipOnConflict = "skip"
)

// Scope says which dates of a series a change is about.
type Scope struct {
	Kind       string    // ScopeAll (or empty), ScopeThis, ScopeFollowing
	Occurrence time.Time // the original start of a date; for ScopeAll it may be zero
}

// The kinds of scope.
const (
	ScopeAll       = "all"
	ScopeThis      = "this"
	ScopeFollowing = "following"
)

// normalize trims and lower-cases what is compared later, cuts times to
// whole seconds, and drops repetitions.
func (r *Request) normalize() {
	r.Title = strings.TrimSpace(r.Title)
	r.Location = strings.TrimSpace(r.Location)
	r.Start = r.Start.UTC().Truncate(time.Second)
	r.End = r.End.UTC().Truncate(time.Second)
	if r.OnConflict == "" {
		r.OnConflict = FailOnConflict
	}
	if r.Recurrence != nil {
		c := *r.Recurrence
		c.RRule = strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(c.RRule)), "RRULE:")
		c.RDates, c.ExDates = wholeSeconds(c.RDates), wholeSeconds(c.ExDates)
		r.Recurrence = &c
	}
	seen := map[string]bool{}
	resources := make([]Wanted, 0, len(r.Resources))
	for _, w := range r.Resources {
		w.Email = strings.ToLower(strings.TrimSpace(w.Email))
		if w.Quantity == 0 {
			w.Quantity = 1
		}
		if !seen[w.Email] {
			seen[w.Email] = true
			resources = append(resources, w)
		}
	}
	slices.SortFunc(resources, func(a, b Wanted) int { return strings.Compare(a.Email, b.Email) })
	r.Resources = resources
	attendees := make([]Attendee, 0, len(r.Attendees))
	for _, a := range r.Attendees {
		if a.Email = strings.ToLower(strings.TrimSpace(a.Email)); !seen[a.Email] {
			seen[a.Email] = true
			if a.Role == "" {
				a.Role = "required"
			}
			attendees = append(attendees, a)
		}
	}
	r.Attendees = attendees
}

func wholeSeconds(list []time.Time) []time.Time {
	out := make([]time.Time, 0, len(list))
	for _, t := range list {
		out = append(out, t.UTC().Truncate(time.Second))
	}
	slices.SortFunc(out, time.Time.Compare)
	return slices.CompactFunc(out, time.Time.Equal)
}

// recurs reports whether a recurrence gives any date but the first.
func (r *Recurrence) recurs() bool {
	return r != nil && (r.RRule != "" || len(r.RDates) > 0)
}

// validate names every field that is not acceptable. now is the time of the
// request; a booking may begin in the past only if it has not ended, so that
// what is going on can be written down.
func (r *Request) validate(now time.Time) error {
	var bad fault.Fields
	text(&bad, "/title", r.Title, MaxTitle, false)
	text(&bad, "/description", r.Description, MaxDescription, true)
	text(&bad, "/location", r.Location, MaxLocation, false)
	if r.Title == "" {
		bad.Add("/title", "is missing")
	}
	switch {
	case r.Start.IsZero():
		bad.Add("/start", "is missing")
	case r.End.IsZero():
		bad.Add("/end", "is missing")
	case !r.End.After(r.Start):
		bad.Add("/end", "is not after start")
	case r.End.Sub(r.Start) > MaxLength:
		bad.Add("/end", "is more than %d days after start", int(MaxLength.Hours()/24))
	case !r.End.After(now) && !r.Recurrence.recurs():
		bad.Add("/end", "is in the past")
	case r.Start.After(now.Add(maxAhead)):
		bad.Add("/start", "is more than ten years ahead")
	}
	if !KnownZone(r.TimeZone) {
		bad.Add("/timeZone", "%q is not the name of a time zone in the IANA database, such as Europe/Berlin", short(r.TimeZone))
	}
	if len(r.Resources) == 0 {
		bad.Add("/resources", "name at least one")
	}
	if len(r.Resources) > MaxResources {
		bad.Add("/resources", "more than %d", MaxResources)
	}
	if len(r.Attendees) > MaxAttendees {
		bad.Add("/attendees", "more than %d", MaxAttendees)
	}
	for i, a := range r.Attendees {
		at := "/attendees/" + itoa(i)
		if !ValidAddress(a.Email) {
			bad.Add(at, "%q is not a mail address", short(a.Email))
		}
		text(&bad, at+"/name", a.Name, MaxLocation, false)
		if a.Role != "required" && a.Role != "optional" {
			bad.Add(at+"/role", "must be required or optional")
		}
	}
	if r.OnConflict != FailOnConflict && r.OnConflict != SkipOnConflict {
		bad.Add("/onConflict", "must be fail or skip")
	}
	if c := r.Recurrence; c != nil {
		if c.RRule != "" {
			if _, err := recurrence.ParseRule(c.RRule); err != nil {
				bad.Add("/recurrence/rrule", "%s", strings.TrimPrefix(err.Error(), "recurrence rule: "))
			}
		}
		if len(c.RDates)+len(c.ExDates) > MaxExceptions {
			bad.Add("/recurrence", "has more than %d dates", MaxExceptions)
		}
	}
	if r.Mode != Direct && r.Mode != Invitation {
		bad.Add("/mode", "must be direct or invitation")
	}
	return bad.Err()
}

// KnownZone reports whether a name is in the IANA database. Local is not: it
// means another zone on each machine.
func KnownZone(name string) bool {
	_, err := zone.LoadIANA(name)
	return err == nil
}

// ValidAddress reports whether s is a plain mail address without a name.
func ValidAddress(s string) bool {
	if len(s) > 254 || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || r == '"' || r == '<' }) {
		return false
	}
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s && a.Name == ""
}

func text(bad *fault.Fields, pointer, s string, most int, lines bool) {
	switch {
	case len(s) > most:
		bad.Add(pointer, "longer than %d bytes", most)
	case !utf8.ValidString(s):
		bad.Add(pointer, "is not valid UTF-8")
	case strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) && !(lines && (r == '\n' || r == '\r' || r == '\t'))
	}):
		bad.Add(pointer, "contains a control character")
	}
}

func short(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}
