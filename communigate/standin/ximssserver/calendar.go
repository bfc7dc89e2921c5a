package ximssserver

import (
	"strconv"
	"strings"
	"time"

	"rmp/calendar/ical"
	"rmp/calendar/zone"
	"rmp/communigate/standin/backend"
	"rmp/xmlnode"
)

var calendarOperations = []operation{
	{"calendarOpen", false, (*call).calendarOpen}, {"calendarClose", false, (*call).calendarClose},
	{"findEvents", false, (*call).findEvents}, {"findTasks", false, (*call).findTasks}, {"calendarReadItem", false, (*call).readItem},
	{"calendarPublish", true, (*call).publish}, {"calendarCancel", true, (*call).cancel}, {"calendarUpdate", true, (*call).update},
	{"calendarAccept", true, (*call).accept}, {"calendarDecline", true, (*call).decline}, {"calendarImport", true, (*call).calendarImport},
	{"freeBusyRead", false, (*call).freeBusy},
}

// openCalendar is what stands behind a calendar's handle.
type openCalendar struct {
	path string
	watch
}

const maxHandles = 1000

func (c *call) calendarOpen() error {
	handle := c.in.Attr("calendar")
	if handle == "" {
		return illegal("calendar name")
	}
	if _, open := c.calendars[handle]; open {
		return &backend.Error{Num: 524, Text: "calendar has already been opened"}
	}
	if len(c.calendars)+len(c.folders) >= maxHandles {
		return &backend.Error{Num: 524, Text: "too many open calendars"}
	}
	path := c.in.Attr("mailbox")
	if path == "" {
		path = handle
	}
	m, err := c.openBox(path, "lr")
	if err != nil {
		return err
	}
	w := watch{m.ID, "calendarReport", handle}
	c.calendars[handle] = openCalendar{path, w}
	c.outbox.watch(w)
	return nil
}

func (c *call) calendarClose() error {
	o, err := c.handle()
	if err != nil {
		return err
	}
	c.outbox.unwatch(o.watch)
	delete(c.calendars, o.handle)
	return nil
}

func (c *call) handle() (openCalendar, error) {
	o, open := c.calendars[c.in.Attr("calendar")]
	if !open {
		return o, &backend.Error{Num: 524, Text: "calendar has not been opened"}
	}
	return o, nil
}

// calendar is the mailbox of the request's handle, with the rights checked
// anew: they may have changed since it was opened.
func (c *call) calendar(rights string) (backend.Mailbox, error) {
	o, err := c.handle()
	if err != nil {
		return backend.Mailbox{}, err
	}
	return c.mailbox(o.path, rights)
}

// findEvents answers one events message for each day of the window, in the
// session's zone; an occurrence stands in each day that it touches.
func (c *call) findEvents() error {
	m, err := c.calendar("lr")
	if err != nil {
		return err
	}
	from, till, err := c.window()
	if err != nil {
		return err
	}
	skip, limit, err := c.page()
	if err != nil {
		return err
	}
	found, err := c.tx.Find(m, from, till, c.zone)
	if err != nil {
		return err
	}
	c.outbox.looked(c.calendars[c.in.Attr("calendar")].watch)
	for day := from; day.Before(till); {
		next := zone.WallOf(day, c.zone).Date().AddDays(1).In(c.zone)
		if next.After(till) || !next.After(day) {
			next = till
		}
		events := xmlnode.New("events", "calendar", c.in.Attr("calendar"), "timeFrom", c.local(day), "timeTill", c.local(next), "skip", strconv.Itoa(skip))
		n := 0
		for _, o := range found {
			if o.Start.Before(next) && o.End.After(day) || o.Start.Equal(o.End) && !o.Start.Before(day) && o.Start.Before(next) {
				if n++; n > skip && (limit == 0 || n <= skip+limit) {
					events.Add(c.event(o))
				}
			}
		}
		c.data(events.Set("items", strconv.Itoa(len(events.Children))))
		day = next
	}
	return nil
}

// page reads skip and limit, which page inside each day.
func (c *call) page() (skip, limit int, err error) {
	number := func(name string) int {
		s := c.in.Attr(name)
		if s == "" {
			return 0
		}
		n, e := strconv.Atoi(s)
		if e != nil || n < 0 {
			err = illegal("%s attribute", name)
		}
		return n
	}
	skip, limit = number("skip"), number("limit")
	return
}

// duration is the length of an event, in the unit that the stand-in shows.
func (c *call) duration(d time.Duration) string {
	return strconv.FormatInt(int64(d/c.server.opts.Quirks.durationUnit()), 10)
}

func (c *call) event(o backend.Occurrence) *xmlnode.Node {
	e := o.Event
	n := xmlnode.New("event", "UID", strconv.FormatInt(o.UID, 10), "itemUID", o.Master.UID)
	if e.Start.Kind == ical.Date {
		n.Set("dateFrom", zone.WallOf(o.Start, c.zone).String()[:8])
	} else {
		n.Set("timeFrom", c.local(o.Start))
	}
	n.Set("duration", c.duration(o.End.Sub(o.Start)))
	n.Set("busystatus", c.tx.BusyStatus(e))
	n.Set("priority", strconv.Itoa(e.Priority))
	if e.Organizer != nil {
		n.Set("organizer", e.Organizer.Email)
	}
	n.Set("attendees", strconv.Itoa(len(e.Attendees)))
	return n.Add(xmlnode.New("summary").WithText(e.Summary))
}

func (c *call) findTasks() error {
	m, err := c.calendar("lr")
	if err != nil {
		return err
	}
	from, till, err := c.window()
	if err != nil {
		return err
	}
	found, err := c.tx.FindTasks(m, from, till, strings.EqualFold(c.in.Attr("completed"), "yes"))
	if err != nil {
		return err
	}
	c.outbox.looked(c.calendars[c.in.Attr("calendar")].watch)
	out := xmlnode.New("tasks", "calendar", c.in.Attr("calendar"), "timeFrom", c.local(from), "timeTill", c.local(till), "items", strconv.Itoa(len(found)))
	for _, it := range found {
		e := it.Event
		n := xmlnode.New("task", "UID", strconv.FormatInt(it.UID, 10), "itemUID", e.UID)
		at := func(name string, t ical.Time) {
			if when, err := t.Instant(c.server.b.LoadZone, c.zone); err == nil && !t.IsZero() {
				n.Set(name, c.local(when))
			}
		}
		at("timeFrom", e.Start)
		at("due", e.Due)
		n.Set("percent-complete", strconv.Itoa(e.PercentComplete)).Set("priority", strconv.Itoa(e.Priority))
		if e.Organizer != nil {
			n.Set("organizer", e.Organizer.Email)
		}
		out.Add(n.Add(xmlnode.New("summary").WithText(e.Summary)))
	}
	c.data(out)
	return nil
}

func (c *call) readItem() error {
	m, err := c.calendar("lr")
	if err != nil {
		return err
	}
	uid, err := strconv.ParseInt(c.in.Attr("UID"), 10, 64)
	if err != nil {
		return illegal("UID attribute")
	}
	it, err := c.tx.Item(m, uid)
	if err != nil {
		return err
	}
	c.data(xmlnode.New("calendarItem", "calendar", c.in.Attr("calendar"), "UID", strconv.FormatInt(uid, 10)).Add(c.server.opts.Quirks.item(it.XML())))
	return nil
}

// body reads the iCalendar element of the request.
func (c *call) body() (*ical.Calendar, error) {
	n := c.in.Child("iCalendar", "vCalendar", "vevent", "vtodo")
	if n == nil {
		return nil, illegal("iCalendar data")
	}
	cal, err := ical.FromXML(n)
	if err != nil {
		return nil, illegal("iCalendar data: %v", err)
	}
	if len(cal.Events)+len(cal.Todos) == 0 {
		return nil, illegal("iCalendar data: no event")
	}
	return cal, nil
}

// items are the events and tasks of a body.
func items(cal *ical.Calendar) (out []backend.Item) {
	for _, e := range cal.Events {
		out = append(out, backend.Item{Kind: backend.Event, Event: e, Zones: cal.Zones})
	}
	for _, e := range cal.Todos {
		out = append(out, backend.Item{Kind: backend.Task, Event: e, Zones: cal.Zones})
	}
	return out
}

// sendRequests reads to whom requests go: to nobody, to all, or to those that
// are new to the event.
func (c *call) sendRequests() (string, error) {
	s := strings.ToLower(c.in.Attr("sendRequests"))
	switch s {
	case "", "no":
		return "", nil
	case "all", "new":
		return s, nil
	case "yes":
		return "all", nil
	}
	return "", illegal("sendRequests attribute")
}

func (c *call) publish() error {
	m, err := c.calendar("i")
	if err != nil {
		return err
	}
	cal, err := c.body()
	if err != nil {
		return err
	}
	send, err := c.sendRequests()
	if err != nil {
		return err
	}
	for _, it := range items(cal) {
		invited := map[string]bool{}
		if old, err := c.tx.ItemByUID(m, it.Event.UID); err == nil {
			for _, a := range old.Event.Attendees {
				invited[strings.ToLower(a.Email)] = true
			}
		}
		published := *it.Event
		if err := c.put(m, it); err != nil {
			return err
		}
		if send == "" || it.Kind != backend.Event {
			continue
		}
		published.UID = it.Event.UID
		var only map[string]bool
		if send == "new" {
			only = map[string]bool{}
			for _, a := range published.Attendees {
				if key := strings.ToLower(a.Email); !invited[key] {
					only[key] = true
				}
			}
		}
		if err := c.tx.Invite(c.account, "REQUEST", &published, it.Zones, "", only, c.now()); err != nil {
			return err
		}
	}
	return nil
}

// put stores an event; to replace one needs the right to delete too.
func (c *call) put(m backend.Mailbox, it backend.Item) error {
	if _, err := c.tx.ItemByUID(m, it.Event.UID); err == nil {
		if err := m.Need(c.account, "te"); err != nil {
			return err
		}
	}
	return c.tx.Publish(m, it, c.now())
}

func (c *call) cancel() error {
	m, err := c.calendar("te")
	if err != nil {
		return err
	}
	uid, itemUID := c.in.Attr("UID"), c.in.Attr("itemUID")
	// UID in capitals is the number of the message; clients that put the
	// iCalendar UID there are understood too.
	if n, err := strconv.ParseInt(uid, 10, 64); uid != "" && err == nil {
		return c.cancelItem(m, func() (backend.Item, error) { return c.tx.Item(m, n) })
	}
	if itemUID == "" {
		itemUID = uid
	}
	if itemUID == "" {
		cal, err := c.body()
		if err != nil {
			return err
		}
		itemUID = items(cal)[0].Event.UID
	}
	return c.cancelItem(m, func() (backend.Item, error) { return c.tx.ItemByUID(m, itemUID) })
}

func (c *call) cancelItem(m backend.Mailbox, find func() (backend.Item, error)) error {
	send, err := c.sendRequests()
	if err != nil {
		return err
	}
	it, err := find()
	if err != nil {
		return err
	}
	var rid ical.Time
	if s := c.in.Attr("recurrenceId"); s != "" {
		if rid, err = ical.ParseTime(s, ""); err != nil {
			return illegal("recurrenceId attribute")
		}
		if rid.Kind == ical.Floating { // in the zone of the event itself
			rid.Kind, rid.Zone = it.Event.Start.Kind, it.Event.Start.Zone
			if rid.Kind == ical.UTC {
				rid = ical.At(rid.Wall.In(c.zone))
			}
		}
	}
	if send != "" && it.Kind == backend.Event {
		gone := *it.Event
		gone.RecurrenceID, gone.Sequence, gone.Status = rid, gone.Sequence+1, "CANCELLED"
		gone.RRules, gone.RDates, gone.ExDates, gone.Exceptions = nil, nil, nil, nil
		if err := c.tx.Invite(c.account, "CANCEL", &gone, it.Zones, c.in.ChildText("requestComment"), nil, c.now()); err != nil {
			return err
		}
	}
	return c.tx.Cancel(m, it, rid, c.now())
}

// update takes an attendee's answer into the organizer's calendar.
func (c *call) update() error {
	m, err := c.calendar("ite")
	if err != nil {
		return err
	}
	cal, err := c.body()
	if err != nil {
		return err
	}
	return c.tx.TakeReply(m, cal, c.now())
}

func (c *call) accept() error {
	m, err := c.calendar("i")
	if err != nil {
		return err
	}
	cal, err := c.body()
	if err != nil {
		return err
	}
	stat := strings.ToUpper(c.in.Attr("PARTSTAT"))
	switch stat {
	case "":
		stat = "ACCEPTED"
	case "ACCEPTED", "TENTATIVE", "DECLINED", "NEEDS-ACTION":
	default:
		return illegal("PARTSTAT attribute")
	}
	for _, it := range items(cal) {
		backend.SetPartStat(it.Event, m.Owner, stat)
		answer := *it.Event
		if err := c.put(m, it); err != nil {
			return err
		}
		if err := c.answer(m, &answer, stat); err != nil {
			return err
		}
	}
	return nil
}

// answer sends a reply to the organizer unless sendReply forbids.
func (c *call) answer(m backend.Mailbox, e *ical.Event, stat string) error {
	if strings.EqualFold(c.in.Attr("sendReply"), "no") {
		return nil
	}
	from := c.account
	if m.Owner.ID != 0 {
		from = m.Owner
	}
	return c.tx.Reply(from, e, stat, c.in.ChildText("replyComment"), c.now())
}

// decline sends a negative reply and takes the event out of the calendar, if
// one is named.
func (c *call) decline() error {
	cal, err := c.body()
	if err != nil {
		return err
	}
	var m backend.Mailbox
	if c.in.Attr("calendar") != "" {
		if m, err = c.calendar("te"); err != nil {
			return err
		}
	}
	for _, it := range items(cal) {
		if m.ID != 0 {
			old, err := c.tx.ItemByUID(m, it.Event.UID)
			switch err {
			case nil:
				err = c.tx.Cancel(m, old, it.Event.RecurrenceID, c.now())
			case backend.ErrNoItem: //nolint:errorlint // made by the backend, never wrapped
				err = nil
			}
			if err != nil {
				return err
			}
		}
		if err := c.answer(m, it.Event, "DECLINED"); err != nil {
			return err
		}
	}
	return nil
}

// calendarImport stores all items of a body, as publish does, and takes
// iCalendar text too.
func (c *call) calendarImport() error {
	m, err := c.calendar("i")
	if err != nil {
		return err
	}
	var cals []*ical.Calendar
	if c.in.Child("iCalendar", "vCalendar", "vevent", "vtodo") != nil {
		cal, err := c.body()
		if err != nil {
			return err
		}
		cals = append(cals, cal)
	} else if cals, err = ical.ParseText([]byte(c.in.Text), ical.Limits{}); err != nil {
		return illegal("iCalendar data: %v", err)
	}
	for _, cal := range cals {
		for _, it := range items(cal) {
			if err := c.put(m, it); err != nil {
				return err
			}
		}
	}
	return nil
}

// freeBusy answers the busy times of the peer's main calendar, merged.
func (c *call) freeBusy() error {
	peer := c.in.Attr("peer", "userName", "account", "mailbox")
	from, till, err := c.window()
	if err != nil {
		return err
	}
	if peer = strings.TrimPrefix(peer, "~"); !strings.Contains(peer, "@") {
		peer += "@" + c.account.Domain
	}
	a, err := c.tx.Account(peer)
	if err != nil {
		return err
	}
	f := &ical.FreeBusy{Start: ical.At(from), End: ical.At(till)}
	m, err := c.tx.MainCalendar(a, false)
	switch {
	case err == nil:
		found, err := c.tx.Find(m, from, till, c.zone)
		if err != nil {
			return err
		}
		f.Periods = c.busyPeriods(found)
	case err != backend.ErrNoMailbox: //nolint:errorlint // made by the backend, never wrapped
		return err
	} // no calendar yet: nothing in it
	c.data(c.server.opts.Quirks.freeBusy(peer, from, till, f))
	return nil
}

func (c *call) busyPeriods(found []backend.Occurrence) []ical.Period {
	type span struct {
		start, end time.Time
		status     string
	}
	var spans []span
	last := map[string]int{} // of each status: its last span
	for _, o := range found {
		status := c.tx.BusyStatus(o.Event)
		if status == "FREE" || !o.End.After(o.Start) {
			continue
		}
		if i, ok := last[status]; ok && !o.Start.After(spans[i].end) {
			if o.End.After(spans[i].end) {
				spans[i].end = o.End
			}
			continue
		}
		last[status] = len(spans)
		spans = append(spans, span{o.Start, o.End, status})
	}
	out := make([]ical.Period, len(spans))
	for i, s := range spans {
		out[i] = ical.Period{Start: ical.At(s.start), End: ical.At(s.end), Type: s.status}
	}
	return out
}
