package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rmp/calendar/zone"
	"rmp/internal/availability"
	"rmp/internal/booking"
	"rmp/internal/directory"
	"rmp/internal/fault"
	"rmp/internal/tenant"
)

// ParticipantInput is a person in a search: an address, or an object.
type ParticipantInput struct {
	Email        string      `json:"email"`
	Group        string      `json:"group"`
	Required     *bool       `json:"required,omitempty"`
	TimeZone     string      `json:"timeZone,omitempty"`
	WorkingHours *HoursInput `json:"workingHours,omitempty"`
}

// UnmarshalJSON takes both forms.
func (x *ParticipantInput) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(b), []byte(`"`)) {
		return json.Unmarshal(b, &x.Email)
	}
	type plain ParticipantInput
	return json.Unmarshal(b, (*plain)(x))
}

// Schema says that both forms are right.
func (ParticipantInput) Schema(r huma.Registry) *huma.Schema {
	return eitherOf("A mail address.", map[string]*huma.Schema{"email": {Type: huma.TypeString},
		"group":    {Type: huma.TypeString, Description: "Instead of email: the id of a contact group, which stands for its people."},
		"required": {Type: huma.TypeBoolean, Description: "Left out: true."}, "timeZone": {Type: huma.TypeString, Description: "Of the working hours; left out: that of the constraints."},
		"workingHours": hoursSchema()})
}

// participants puts people in the place of groups.
func (a *API) participants(ctx context.Context, p tenant.Principal, list []ParticipantInput) ([]ParticipantInput, error) {
	var out []ParticipantInput
	for i, x := range list {
		if x.Group == "" {
			out = append(out, x)
			continue
		}
		members, err := a.People.Expand(ctx, p, []string{x.Group})
		if err != nil {
			return nil, groupFault(err, fmt.Sprintf("/users/%d/group", i))
		}
		for _, m := range members {
			one := x
			one.Email, one.Group = m.Address, ""
			out = append(out, one)
		}
	}
	if len(out) > mostParticipants {
		return nil, fault.InvalidField("/users", "are more than %d with the people of the groups", mostParticipants)
	}
	return out, nil
}

// mostParticipants bounds a search.
const mostParticipants = 200

func hoursSchema() *huma.Schema {
	dayNames := &huma.Schema{Type: huma.TypeString, Enum: []any{"MO", "TU", "WE", "TH", "FR", "SA", "SU"}}
	s := &huma.Schema{Type: huma.TypeObject, Required: []string{"start", "end"}, AdditionalProperties: false, Properties: map[string]*huma.Schema{
		"start": {Type: huma.TypeString, Description: "08:30"}, "end": {Type: huma.TypeString, Description: "24:00 is the end of the day."},
		"days": {Type: huma.TypeArray, Items: dayNames, Description: "Left out: Monday to Friday."}}}
	for _, p := range s.Properties {
		if p.Items != nil {
			p.Items.PrecomputeMessages()
		}
		p.PrecomputeMessages()
	}
	s.PrecomputeMessages()
	return s
}

// HoursInput are working hours.
type HoursInput struct {
	Start string   `json:"start" example:"08:30"`
	End   string   `json:"end" example:"17:00" doc:"24:00 is the end of the day."`
	Days  []string `json:"days,omitempty" doc:"MO, TU, WE, TH, FR, SA, SU; left out: Monday to Friday."`
}

func (h *HoursInput) parse(bad *fault.Fields, at string) *availability.Hours {
	if h == nil {
		return nil
	}
	out := &availability.Hours{}
	var ok1, ok2 bool
	out.From, ok1 = directory.ParseClock(h.Start)
	out.To, ok2 = directory.ParseClock(h.End)
	if !ok1 {
		bad.Add(at+"/start", "is not a time such as 08:30")
	}
	if !ok2 {
		bad.Add(at+"/end", "is not a time such as 17:00")
	}
	if ok1 && ok2 && out.To <= out.From {
		bad.Add(at+"/end", "is not after start")
	}
	list := h.Days
	if len(list) == 0 {
		list = []string{"MO", "TU", "WE", "TH", "FR"}
	}
	for i, d := range list {
		n := slices.Index([]string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}, d)
		if n < 0 {
			bad.Add(fmt.Sprintf("%s/days/%d", at, i), "is not one of MO, TU, WE, TH, FR, SA, SU")
			continue
		}
		out.Days[n] = true
	}
	return out
}

// AnyOfInput asks for some resources of a kind.
type AnyOfInput struct {
	Type        string   `json:"type" example:"conference-room"`
	MinCapacity int      `json:"minCapacity,omitempty" minimum:"0" doc:"Left out, a room has at least as many seats as there are users."`
	Features    []string `json:"features,omitempty" maxItems:"50"`
	Site        string   `json:"site,omitempty" maxLength:"200"`
	Count       int      `json:"count,omitempty" minimum:"1" maximum:"20" default:"1"`
}

// AnyOfList is one AnyOfInput, or several: a room at each of two sites.
type AnyOfList []AnyOfInput

// UnmarshalJSON takes both forms.
func (x *AnyOfList) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(b), []byte("[")) {
		return json.Unmarshal(b, (*[]AnyOfInput)(x))
	}
	one := make([]AnyOfInput, 1)
	err := json.Unmarshal(b, &one[0])
	*x = one
	return err
}

// Schema says that both forms are right.
func (AnyOfList) Schema(r huma.Registry) *huma.Schema {
	one := r.Schema(reflect.TypeFor[AnyOfInput](), true, "AnyOfInput")
	most := 10
	list := &huma.Schema{Type: huma.TypeArray, Items: one, MaxItems: &most, Description: "Some resources of each of several kinds."}
	list.PrecomputeMessages()
	return &huma.Schema{OneOf: []*huma.Schema{one, list}}
}

// ConstraintsInput restricts where a meeting may lie.
type ConstraintsInput struct {
	ExcludeWeekends bool        `json:"excludeWeekends,omitempty"`
	MorningOnly     bool        `json:"morningOnly,omitempty" doc:"It ends by noon."`
	AfternoonOnly   bool        `json:"afternoonOnly,omitempty" doc:"It begins at noon or later."`
	WorkingHours    *HoursInput `json:"workingHours,omitempty"`
	TimeZone        string      `json:"timeZone,omitempty" maxLength:"64" doc:"IANA name of the zone of all of these; left out: UTC." example:"Europe/Berlin"`
	Holidays        []string    `json:"holidays,omitempty" maxItems:"400" doc:"Days on which it may not lie." example:"[\"2026-12-25\"]"`
	Granularity     int         `json:"granularity,omitempty" minimum:"1" maximum:"1440" default:"15" doc:"Minutes between two starts that are looked at."`
	BufferBefore    int         `json:"bufferBefore,omitempty" minimum:"0" maximum:"1440" doc:"Minutes that are free for the participants before the meeting."`
	BufferAfter     int         `json:"bufferAfter,omitempty" minimum:"0" maximum:"1440"`
	Quorum          int         `json:"quorum,omitempty" minimum:"0" maximum:"200" doc:"So many of the required participants are enough; 0: all."`
	MinimumNotice   int         `json:"minimumNotice,omitempty" minimum:"0" maximum:"525600" doc:"Minutes from now before which it may not begin."`
}

type slotsInput struct {
	Body struct {
		Users       []ParticipantInput `json:"users,omitempty" maxItems:"200" doc:"Addresses, or objects with email, required, timeZone and workingHours."`
		Resources   []ResourceInput    `json:"resources,omitempty" maxItems:"50" doc:"All of these."`
		AnyOf       AnyOfList          `json:"anyOf,omitempty" doc:"Some resources of a kind, the smallest that fit first; a list for several kinds or sites."`
		Duration    int                `json:"duration" minimum:"1" maximum:"44640" doc:"Minutes."`
		From        string             `json:"from" example:"2026-09-01T00:00:00Z"`
		Till        string             `json:"till" doc:"At most 92 days after from." example:"2026-09-15T00:00:00Z"`
		Limit       int                `json:"limit,omitempty" minimum:"1" maximum:"200" default:"10"`
		Constraints ConstraintsInput   `json:"constraints,omitempty"`
	}
}

// SlotItem is a time that would do.
type SlotItem struct {
	Start     time.Time    `json:"start"`
	End       time.Time    `json:"end"`
	Resources []string     `json:"resources" doc:"What would be booked."`
	Missing   []string     `json:"missing" doc:"Participants who cannot, or are not known to."`
	Score     int          `json:"score" doc:"Up to 1000: fewer missing and earlier is better."`
	Reasons   []SlotReason `json:"reasons"`
}

// SlotReason says something for or against a slot.
type SlotReason struct {
	Code string `json:"code" enum:"everybody-free,optional-missing,quorum,room-fits,room-larger,earliest"`
	Text string `json:"text"`
}

// SlotWhy names what rules out starts.
type SlotWhy struct {
	Kind    string  `json:"kind" enum:"person,resource,resources,rule"`
	Name    string  `json:"name" doc:"An address, the name of a constraint, or a type of resources."`
	Share   float64 `json:"share" doc:"Of the starts that were looked at, how many it rules out by itself: 0 to 1."`
	Text    string  `json:"text"`
	Unknown bool    `json:"unknown,omitempty" doc:"The calendar could not be read."`
}

// SlotRelaxation is a single change of the question that would give a slot.
type SlotRelaxation struct {
	Code string   `json:"code" enum:"without-person,without-rule,without-resource,fewer-resources,shorter,later"`
	Name string   `json:"name"`
	Text string   `json:"text"`
	Slot SlotItem `json:"slot" doc:"The first that there would be."`
}

type slotsOutput struct {
	Body struct {
		Slots       []SlotItem       `json:"slots" doc:"Best first."`
		Why         []SlotWhy        `json:"why" doc:"When there are no slots: what rules out most."`
		Relaxations []SlotRelaxation `json:"relaxations" doc:"When there are no slots: what would give one."`
		Unknown     []Unknown        `json:"unknown" doc:"Calendars that could not be read: they count as not free."`
		AsOf        time.Time        `json:"asOf"`
	}
}

func (a *API) registerSlots() {
	operation(a, huma.Operation{OperationID: "find-slots", Method: http.MethodPost, Path: "/api/v2/availability/slots", Tags: []string{"Availability"},
		Summary: "When could they meet?", Description: "Slots in which the participants are free and the resources could be booked by the caller, best first. When there are none, it says why and what would help."}, a.findSlots)
}

func (a *API) findSlots(ctx context.Context, p tenant.Principal, in *slotsInput) (*slotsOutput, error) {
	q, err := a.slotQuery(ctx, p, in)
	if err != nil {
		return nil, err
	}
	r, err := a.Availability.FindSlots(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &slotsOutput{}
	out.Body.Slots, out.Body.Why, out.Body.Relaxations, out.Body.Unknown = []SlotItem{}, []SlotWhy{}, []SlotRelaxation{}, []Unknown{}
	out.Body.AsOf = r.AsOf.UTC()
	for _, s := range r.Slots {
		out.Body.Slots = append(out.Body.Slots, slotOf(ctx, s))
	}
	for _, w := range r.Why {
		w.Text = said(ctx, w.Text)
		out.Body.Why = append(out.Body.Why, SlotWhy(w))
	}
	for _, x := range r.Relax {
		out.Body.Relaxations = append(out.Body.Relaxations, SlotRelaxation{x.Code, x.Name, said(ctx, x.Text), slotOf(ctx, x.First)})
	}
	for _, u := range r.Unknown {
		out.Body.Unknown = append(out.Body.Unknown, Unknown{Email: u.Email, Error: u.Reason()})
	}
	return out, nil
}

func slotOf(ctx context.Context, s availability.Slot) SlotItem {
	out := SlotItem{Start: s.Start.UTC(), End: s.End.UTC(), Resources: s.Resources, Missing: s.Missing, Score: s.Score, Reasons: []SlotReason{}}
	for _, r := range s.Reasons {
		out.Reasons = append(out.Reasons, SlotReason{r.Code, said(ctx, r.Text)})
	}
	return out
}

// slotQuery checks the question and names all that is wrong with it.
func (a *API) slotQuery(ctx context.Context, p tenant.Principal, in *slotsInput) (availability.Query, error) {
	b := in.Body
	var bad fault.Fields
	c := b.Constraints
	q := availability.Query{Who: p, Quantities: map[string]int{}, Duration: time.Duration(b.Duration) * time.Minute, Limit: max(1, b.Limit)}
	minutes := func(n int) time.Duration { return time.Duration(n) * time.Minute }
	q.Constraints = availability.Constraints{ExcludeWeekends: c.ExcludeWeekends, MorningOnly: c.MorningOnly, AfternoonOnly: c.AfternoonOnly, Holidays: c.Holidays,
		Hours: c.WorkingHours.parse(&bad, "/constraints/workingHours"), Zone: loadZone(&bad, "/constraints/timeZone", c.TimeZone), Granularity: minutes(max(1, c.Granularity)),
		BufferBefore: minutes(c.BufferBefore), BufferAfter: minutes(c.BufferAfter), Quorum: c.Quorum, MinimumNotice: minutes(c.MinimumNotice)}
	q.From = parseTime(&bad, "/from", b.From, "")
	q.Till = parseTime(&bad, "/till", b.Till, "")
	if !q.From.IsZero() && !q.Till.IsZero() {
		switch {
		case !q.Till.After(q.From):
			bad.Add("/till", "is not after from")
		case q.Till.Sub(q.From) > availability.MaxRange:
			bad.Add("/till", "is more than %d days after from", int(availability.MaxRange.Hours()/24))
		}
	}
	if c.MorningOnly && c.AfternoonOnly {
		bad.Add("/constraints/afternoonOnly", "leaves nothing together with morningOnly")
	}
	for i, d := range c.Holidays {
		if _, err := time.Parse(time.DateOnly, d); err != nil {
			bad.Add(fmt.Sprintf("/constraints/holidays/%d", i), "is not a day such as 2026-12-25")
		}
	}
	users, err := a.participants(ctx, p, b.Users)
	if err != nil {
		return q, err
	}
	seen := map[string]bool{}
	for i, u := range users {
		at := fmt.Sprintf("/users/%d", min(i, len(b.Users)-1))
		email := strings.ToLower(strings.TrimSpace(u.Email))
		if !booking.ValidAddress(email) {
			bad.Add(at, "%q is not a mail address", clip(u.Email))
		}
		if seen[email] {
			continue
		}
		seen[email] = true
		x := availability.Participant{Email: email, Optional: u.Required != nil && !*u.Required, Hours: u.WorkingHours.parse(&bad, at+"/workingHours")}
		if u.TimeZone != "" {
			x.Zone = loadZone(&bad, at+"/timeZone", u.TimeZone)
		}
		q.People = append(q.People, x)
	}
	of, err := a.Tenants.Tenant(ctx, p.Tenant)
	if err != nil {
		return q, err
	}
	for i, x := range b.AnyOf {
		if _, ok := directory.TypeByName(of, x.Type); !ok {
			bad.Add(fmt.Sprintf("/anyOf/%d/type", i), "there is no type %q", clip(x.Type))
		}
		q.AnyOf = append(q.AnyOf, availability.AnyOf(x))
	}
	if len(b.Users)+len(b.Resources)+len(b.AnyOf) == 0 {
		bad.Add("/users", "name at least one user or resource")
	}
	var emails []string
	for _, r := range b.Resources {
		emails = append(emails, strings.ToLower(strings.TrimSpace(r.Email)))
	}
	if len(emails) > 0 {
		found, err := a.Resources(p.Tenant).Resources(ctx, directory.Filter{Emails: emails})
		if err != nil {
			return q, err
		}
		for i, r := range b.Resources {
			k := slices.IndexFunc(found, func(f directory.Resource) bool { return f.Email == emails[i] })
			switch {
			case k < 0:
				bad.Add(fmt.Sprintf("/resources/%d", i), "there is no resource %q", clip(r.Email))
			case !found[k].Active:
				bad.Add(fmt.Sprintf("/resources/%d", i), "%s is out of service", found[k].Name)
			default:
				q.Quantities[emails[i]] = max(1, r.Quantity)
			}
		}
		q.Resources = found
	}
	return q, bad.Err()
}

func loadZone(bad *fault.Fields, pointer, name string) *time.Location {
	if name == "" {
		return time.UTC
	}
	loc, err := zone.LoadIANA(name)
	if err != nil {
		bad.Add(pointer, "%q is not the name of a time zone in the IANA database, such as Europe/Berlin", clip(name))
		return time.UTC
	}
	return loc
}
