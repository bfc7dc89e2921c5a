package directory

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"rmp/calendar/zone"
	"rmp/internal/fault"
	"rmp/internal/tenant"
)

// Policy is under which rules a resource may be booked. A field that is nil
// leaves the rule to the next wider policy: that of the resource's type, then
// DefaultPolicy. The names are those of Exchange's calendar processing where
// it has the rule.
type Policy struct {
	BookingWindowInDays         *int          `json:"bookingWindowInDays,omitempty" minimum:"0" maximum:"3650" doc:"How far ahead a booking may begin; 0: no limit."`
	EnforceSchedulingHorizon    *bool         `json:"enforceSchedulingHorizon,omitempty" doc:"Refuse a series that goes on beyond the booking window; else its dates beyond it are booked as the window moves on."`
	MinimumLeadTimeInMinutes    *int          `json:"minimumLeadTimeInMinutes,omitempty" minimum:"0" maximum:"525600" doc:"How long before its beginning a booking must be made."`
	MinimumDurationInMinutes    *int          `json:"minimumDurationInMinutes,omitempty" minimum:"0" maximum:"44640"`
	MaximumDurationInMinutes    *int          `json:"maximumDurationInMinutes,omitempty" minimum:"0" maximum:"44640" doc:"0: no limit but that of 31 days."`
	AllowRecurringMeetings      *bool         `json:"allowRecurringMeetings,omitempty"`
	MaximumOccurrences          *int          `json:"maximumOccurrences,omitempty" minimum:"0" maximum:"100000" doc:"Most dates of a series; a series without an end is refused then. 0: no limit."`
	MaximumSeriesLengthInDays   *int          `json:"maximumSeriesLengthInDays,omitempty" minimum:"0" maximum:"36500" doc:"From the first to the last date of a series. 0: no limit."`
	ScheduleOnlyDuringWorkHours *bool         `json:"scheduleOnlyDuringWorkHours,omitempty"`
	WorkingHours                *WorkingHours `json:"workingHours,omitempty" doc:"Opening hours, in the time zone of the resource."`
	ClosedDays                  []string      `json:"closedDays,omitempty" maxItems:"1000" doc:"Days (2026-12-25) in the resource's time zone on which it cannot be booked."`
	AllBookInPolicy             *bool         `json:"allBookInPolicy,omitempty" doc:"Everybody may book; else only those of bookInPolicy, and administrators."`
	BookInPolicy                []string      `json:"bookInPolicy,omitempty" maxItems:"1000" doc:"Who may book: addresses, domains (@sales.example.org), or roles (role:manager and above)."`
	Quotas                      []Quota       `json:"quotas,omitempty" maxItems:"10" doc:"How much one person may book."`
	SetupTimeInMinutes          *int          `json:"setupTimeInMinutes,omitempty" minimum:"0" maximum:"1440" doc:"Kept free before each booking; blocks, and is not shown as meeting time."`
	TeardownTimeInMinutes       *int          `json:"teardownTimeInMinutes,omitempty" minimum:"0" maximum:"1440" doc:"Kept free after each booking."`
}

// WorkingHours are opening hours by day of the week.
type WorkingHours struct {
	Days  []string `json:"days" doc:"MO, TU, WE, TH, FR, SA, SU." example:"[\"MO\",\"TU\",\"WE\",\"TH\",\"FR\"]"`
	Start string   `json:"start" example:"08:00"`
	End   string   `json:"end" doc:"24:00 is the end of the day." example:"18:00"`
}

// Quota bounds what one person may hold in a calendar period, in the time
// zone of the resource.
type Quota struct {
	Period          string `json:"period" enum:"day,week,month"`
	MaximumBookings int    `json:"maximumBookings,omitempty" minimum:"0" doc:"0: no limit."`
	MaximumMinutes  int    `json:"maximumMinutes,omitempty" minimum:"0" doc:"0: no limit."`
	Scope           string `json:"scope,omitempty" enum:"resource,type" doc:"Counted over this resource (the default), or over all of its type."`
}

func ptr[T any](v T) *T { return &v }

// DefaultPolicy holds where nothing else is said.
var DefaultPolicy = Policy{
	BookingWindowInDays: ptr(0), EnforceSchedulingHorizon: ptr(false), MinimumLeadTimeInMinutes: ptr(0), MinimumDurationInMinutes: ptr(0), MaximumDurationInMinutes: ptr(0),
	AllowRecurringMeetings: ptr(true), MaximumOccurrences: ptr(0), MaximumSeriesLengthInDays: ptr(0), ScheduleOnlyDuringWorkHours: ptr(false),
	WorkingHours:    &WorkingHours{Days: []string{"MO", "TU", "WE", "TH", "FR"}, Start: "08:00", End: "18:00"},
	AllBookInPolicy: ptr(true), SetupTimeInMinutes: ptr(0), TeardownTimeInMinutes: ptr(0),
}

// Over answers the policy with what it leaves open taken from a wider one.
func (p Policy) Over(wider Policy) Policy {
	if reflect.ValueOf(p).IsZero() {
		return wider
	}
	out := reflect.ValueOf(&p).Elem()
	from := reflect.ValueOf(wider)
	for i := range out.NumField() {
		if f := out.Field(i); f.CanSet() && f.IsNil() {
			f.Set(from.Field(i))
		}
	}
	return p
}

var weekdayNames = []string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}

// ParseClock reads 08:30 as minutes since midnight; 24:00 is allowed.
func ParseClock(s string) (minutes int, ok bool) {
	if s == "24:00" {
		return 24 * 60, true
	}
	t, err := time.Parse("15:04", s)
	return t.Hour()*60 + t.Minute(), err == nil && len(s) == 5
}

// Validate names every field of a policy that is not acceptable, below a
// pointer.
func (p Policy) Validate(bad *fault.Fields, at string) {
	if w := p.WorkingHours; w != nil {
		from, ok1 := ParseClock(w.Start)
		till, ok2 := ParseClock(w.End)
		if !ok1 {
			bad.Add(at+"/workingHours/start", "is not a time such as 08:00")
		}
		if !ok2 {
			bad.Add(at+"/workingHours/end", "is not a time such as 18:00")
		}
		if ok1 && ok2 && till <= from {
			bad.Add(at+"/workingHours/end", "is not after start")
		}
		if len(w.Days) == 0 {
			bad.Add(at+"/workingHours/days", "names no day")
		}
		for i, d := range w.Days {
			if !slices.Contains(weekdayNames, d) {
				bad.Add(fmt.Sprintf("%s/workingHours/days/%d", at, i), "is not one of MO, TU, WE, TH, FR, SA, SU")
			}
		}
	}
	for i, d := range p.ClosedDays {
		if _, err := time.Parse(time.DateOnly, d); err != nil {
			bad.Add(fmt.Sprintf("%s/closedDays/%d", at, i), "is not a day such as 2026-12-25")
		}
	}
	for i, who := range p.BookInPolicy {
		role, isRole := strings.CutPrefix(who, "role:")
		if isRole && !tenant.Role(role).Valid() || !isRole && !strings.Contains(who, "@") {
			bad.Add(fmt.Sprintf("%s/bookInPolicy/%d", at, i), "is not an address, a domain (@example.org) or a role (role:manager)")
		}
	}
	if lo, hi := p.MinimumDurationInMinutes, p.MaximumDurationInMinutes; lo != nil && hi != nil && *hi > 0 && *lo > *hi {
		bad.Add(at+"/maximumDurationInMinutes", "is less than minimumDurationInMinutes")
	}
	for i, q := range p.Quotas {
		at := fmt.Sprintf("%s/quotas/%d", at, i)
		if q.Period != "day" && q.Period != "week" && q.Period != "month" {
			bad.Add(at+"/period", "must be day, week or month")
		}
		if q.MaximumBookings < 0 || q.MaximumMinutes < 0 || q.MaximumBookings == 0 && q.MaximumMinutes == 0 {
			bad.Add(at, "needs maximumBookings or maximumMinutes above 0")
		}
		if q.Scope != "" && q.Scope != "resource" && q.Scope != "type" {
			bad.Add(at+"/scope", "must be resource or type")
		}
	}
}

// Rules is a policy with nothing left open, in the resource's time zone.
type Rules struct {
	Policy
	Zone *time.Location
}

// Rules are what holds for the resource.
func (r Resource) Rules() Rules {
	loc, err := zone.LoadIANA(r.TimeZone)
	if err != nil {
		loc = time.UTC
	}
	return Rules{r.Policy.Over(r.TypePolicy).Over(DefaultPolicy), loc}
}

// Setup is kept free before each booking.
func (r Rules) Setup() time.Duration { return time.Duration(*r.SetupTimeInMinutes) * time.Minute }

// Teardown is kept free after each booking.
func (r Rules) Teardown() time.Duration {
	return time.Duration(*r.TeardownTimeInMinutes) * time.Minute
}

// MayBook reports whether a person may book at all.
func (r Rules) MayBook(p tenant.Principal) bool {
	if *r.AllBookInPolicy || p.Role.AtLeast(tenant.Admin) {
		return true
	}
	email := strings.ToLower(p.Email)
	return slices.ContainsFunc(r.BookInPolicy, func(who string) bool {
		if role, ok := strings.CutPrefix(who, "role:"); ok {
			return p.Role.AtLeast(tenant.Role(role))
		}
		who = strings.ToLower(who)
		return who == email || strings.HasPrefix(who, "@") && strings.HasSuffix(email, who)
	})
}

// Open reports whether the resource is open for all of [start, end): it is
// no closed day, and within the opening hours where those bind.
func (r Rules) Open(start, end time.Time) bool { return r.ClosedBecause(start, end) == "" }

// ClosedBecause names the rule that closes the resource somewhere in
// [start, end): closedDays, workingHours, or "".
func (r Rules) ClosedBecause(start, end time.Time) string {
	hours := *r.ScheduleOnlyDuringWorkHours
	if !hours && len(r.ClosedDays) == 0 {
		return ""
	}
	first := start.In(r.Zone)
	for day := midnight(first, 0); day.Before(end); day = midnight(day, 1) {
		if slices.Contains(r.ClosedDays, day.Format(time.DateOnly)) {
			return "closedDays"
		}
		if !hours {
			continue
		}
		from, till := r.hoursOf(day)
		next := midnight(day, 1)
		partFrom, partTill := latest(start, day), earliest(end, next)
		if partFrom.Before(from) || partTill.After(till) {
			return "workingHours"
		}
	}
	return ""
}

// Closed calls f with each span in which the resource is closed, that touches
// [from, till).
func (r Rules) Closed(from, till time.Time, f func(from, till time.Time)) {
	hours := *r.ScheduleOnlyDuringWorkHours
	if !hours && len(r.ClosedDays) == 0 {
		return
	}
	for day := midnight(from.In(r.Zone), 0); day.Before(till); day = midnight(day, 1) {
		next := midnight(day, 1)
		switch {
		case slices.Contains(r.ClosedDays, day.Format(time.DateOnly)):
			f(day, next)
		case hours:
			opens, closes := r.hoursOf(day)
			f(day, opens)
			f(closes, next)
		}
	}
}

// hoursOf are the opening hours of the day that begins at a midnight in the
// resource's zone; both the same instant where it is closed.
func (r Rules) hoursOf(day time.Time) (from, till time.Time) {
	if !slices.Contains(r.WorkingHours.Days, weekdayNames[day.Weekday()]) {
		return day, day
	}
	a, _ := ParseClock(r.WorkingHours.Start)
	b, _ := ParseClock(r.WorkingHours.End)
	at := func(minutes int) time.Time {
		return zone.OnClock(day.Year(), day.Month(), day.Day(), minutes, r.Zone)
	}
	return at(a), at(b)
}

// midnight is the beginning of the day so many days after that of t.
func midnight(t time.Time, days int) time.Time {
	return zone.OnClock(t.Year(), t.Month(), t.Day()+days, 0, t.Location())
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// Period is the calendar period of a quota that an instant falls into, in the
// resource's zone. Weeks begin on Monday.
func (r Rules) Period(q Quota, at time.Time) (from, till time.Time) {
	t := at.In(r.Zone)
	switch q.Period {
	case "week":
		from = midnight(t, -(int(t.Weekday())+6)%7)
		return from, midnight(from, 7)
	case "month":
		return zone.OnClock(t.Year(), t.Month(), 1, 0, r.Zone), zone.OnClock(t.Year(), t.Month()+1, 1, 0, r.Zone)
	}
	return midnight(t, 0), midnight(t, 1)
}
