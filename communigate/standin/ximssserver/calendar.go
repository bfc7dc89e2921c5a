package ximssserver

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"rmp/calendar/ical"
	"rmp/calendar/zone"
	"rmp/communigate/dataformat"
	"rmp/communigate/standin/backend"
	"rmp/xmlnode"
)

// call is one request at work.
type call struct {
	*session
	tx    *backend.Tx
	in    *xmlnode.Node
	id    string
	out   []*xmlnode.Node
	later func() *xmlnode.Node
}

// writes are the operations that change something.
var writes = map[string]bool{
	"calendaropen": false, "calendarpublish": true, "calendarcancel": true, "calendaraccept": true, "calendardecline": true,
	"mailboxcreate": true, "mailboxremove": true, "mailboxrename": true, "prefsstore": true, "passwordmodify": true,
}

func isRefusal(err error) bool {
	var e *backend.Error
	return errors.As(err, &e)
}

func illegal(format string, args ...any) error {
	return &backend.Error{Num: 501, Text: "illegal " + fmt.Sprintf(format, args...)}
}

// data adds a data message that answers the request.
func (c *call) data(n *xmlnode.Node) {
	if c.id != "" {
		n.Attrs = append([]xmlnode.Attr{{Name: "id", Value: c.id}}, n.Attrs...)
	}
	c.out = append(c.out, n)
}

func (c *call) serve() error {
	switch strings.ToLower(c.in.Name) {
	case "noop", "bye", "setsessionoption", "setclientname":
		return nil
	case "calendaropen":
		return c.calendarOpen()
	case "calendarclose":
		if _, err := c.handle(); err != nil {
			return err
		}
		delete(c.calendars, c.in.Attr("calendar"))
		return nil
	case "findevents":
		return c.findEvents()
	case "calendarreaditem":
		return c.readItem()
	case "calendarpublish":
		return c.publish()
	case "calendarcancel":
		return c.cancel()
	case "calendaraccept":
		return c.accept()
	case "calendardecline":
		return c.decline()
	case "freebusyread":
		return c.freeBusy()
	case "mailboxlist":
		return c.mailboxList()
	case "mailboxcreate":
		return c.mailboxCreate()
	case "mailboxremove":
		return c.mailboxRemove()
	case "mailboxrightsget":
		return c.mailboxRights()
	case "prefsread":
		return c.prefsRead()
	case "prefsstore":
		return c.prefsStore()
	case "passwordmodify":
		return c.passwordModify()
	case "cliexecute":
		line := c.in.Text
		c.later = func() *xmlnode.Node {
			n := xmlnode.New("cliResult").WithText(c.server.opts.Execute(c.tx.Context(), c.account, line))
			if c.id != "" {
				n.Set("id", c.id)
			}
			return n
		}
		return nil
	}
	return errUnknown
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
	if len(c.calendars) >= maxHandles {
		return &backend.Error{Num: 524, Text: "too many open calendars"}
	}
	path := c.in.Attr("mailbox")
	if path == "" {
		path = handle
	}
	if _, err := c.mailbox(path, "lr"); err != nil {
		return err
	}
	c.calendars[handle] = path
	return nil
}

// mailbox finds a mailbox and checks the rights to it.
func (c *call) mailbox(path, rights string) (backend.Mailbox, error) {
	owner, name, err := c.tx.Locate(c.account, path)
	if err != nil {
		return backend.Mailbox{}, err
	}
	m, err := c.tx.Mailbox(owner, name)
	if err != nil {
		return m, err
	}
	return m, m.Need(c.account, rights)
}

func (c *call) handle() (string, error) {
	path, open := c.calendars[c.in.Attr("calendar")]
	if !open {
		return "", &backend.Error{Num: 524, Text: "calendar has not been opened"}
	}
	return path, nil
}

// calendar is the mailbox of the request's handle, with the rights checked
// anew: they may have changed since it was opened.
func (c *call) calendar(rights string) (backend.Mailbox, error) {
	path, err := c.handle()
	if err != nil {
		return backend.Mailbox{}, err
	}
	return c.mailbox(path, rights)
}

const maxWindow = 800 * 24 * time.Hour

// window reads timeFrom and timeTill: with Z in UTC, else in the session's
// zone; a date alone is its midnight.
func (c *call) window() (from, till time.Time, err error) {
	at := func(name string) (time.Time, error) {
		s := c.in.Attr(name)
		for _, f := range []string{"20060102T150405Z", "20060102T150405", "20060102"} {
			if t, err := time.Parse(f, s); err == nil {
				if strings.HasSuffix(s, "Z") {
					return t, nil
				}
				return zone.WallOf(t, time.UTC).In(c.zone), nil
			}
		}
		return time.Time{}, illegal("%s attribute", name)
	}
	if from, err = at("timeFrom"); err != nil {
		return
	}
	if till, err = at("timeTill"); err != nil {
		return
	}
	if !from.Before(till) || till.Sub(from) > maxWindow {
		err = illegal("time interval")
	}
	return
}

func (c *call) local(t time.Time) string { return zone.WallOf(t, c.zone).String() }

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
	found, err := c.tx.Find(m, from, till, c.zone)
	if err != nil {
		return err
	}
	for day := from; day.Before(till); {
		next := zone.WallOf(day, c.zone).AddDays(1).In(c.zone)
		if next.After(till) || !next.After(day) {
			next = till
		}
		events := xmlnode.New("events", "calendar", c.in.Attr("calendar"), "timeFrom", c.local(day), "timeTill", c.local(next), "skip", "0")
		n := 0
		var children []*xmlnode.Node
		for _, o := range found {
			if o.Start.Before(next) && o.End.After(day) || o.Start.Equal(o.End) && !o.Start.Before(day) && o.Start.Before(next) {
				children = append(children, c.event(o))
				n++
			}
		}
		c.data(events.Set("items", strconv.Itoa(n)).Add(children...))
		day = next
	}
	return nil
}

func (c *call) event(o backend.Occurrence) *xmlnode.Node {
	e := o.Event
	n := xmlnode.New("event", "UID", strconv.FormatInt(o.UID, 10), "itemUID", o.Master.UID)
	if e.Start.Kind == ical.Date {
		n.Set("dateFrom", zone.WallOf(o.Start, c.zone).String()[:8])
	} else {
		n.Set("timeFrom", c.local(o.Start))
	}
	n.Set("duration", strconv.FormatInt(int64(o.End.Sub(o.Start).Seconds()), 10))
	n.Set("busystatus", busyStatus(e))
	n.Set("priority", strconv.Itoa(e.Priority))
	if e.Organizer != nil {
		n.Set("organizer", e.Organizer.Email)
	}
	n.Set("attendees", strconv.Itoa(len(e.Attendees)))
	return n.Add(xmlnode.New("summary").WithText(e.Summary))
}

func busyStatus(e *ical.Event) string {
	switch {
	case e.Free():
		return "FREE"
	case e.BusyStatus != "":
		return e.BusyStatus
	case strings.EqualFold(e.Status, "TENTATIVE"):
		return "TENTATIVE"
	}
	return "BUSY"
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
	c.data(xmlnode.New("calendarItem", "calendar", c.in.Attr("calendar"), "UID", strconv.FormatInt(uid, 10)).Add(it.Event.XML()))
	return nil
}

// body reads the iCalendar element of the request.
func (c *call) body() (*ical.Calendar, error) {
	n := c.in.Child("iCalendar", "vCalendar", "vevent")
	if n == nil {
		return nil, illegal("iCalendar data")
	}
	cal, err := ical.FromXML(n)
	if err != nil {
		return nil, illegal("iCalendar data: %v", err)
	}
	if len(cal.Events) == 0 {
		return nil, illegal("iCalendar data: no event")
	}
	return cal, nil
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
	for _, e := range cal.Events {
		if err := c.put(m, e); err != nil {
			return err
		}
	}
	return nil
}

// put stores an event; to replace one needs the right to delete too.
func (c *call) put(m backend.Mailbox, e *ical.Event) error {
	if e.UID != "" {
		if _, err := c.tx.ItemByUID(m, e.UID); err == nil {
			if err := m.Need(c.account, "te"); err != nil {
				return err
			}
		}
	}
	return c.tx.Publish(m, e, c.server.opts.Now())
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
		itemUID = cal.Events[0].UID
	}
	return c.cancelItem(m, func() (backend.Item, error) { return c.tx.ItemByUID(m, itemUID) })
}

func (c *call) cancelItem(m backend.Mailbox, find func() (backend.Item, error)) error {
	it, err := find()
	if err != nil {
		return err
	}
	var rid ical.Time
	if s := c.in.Attr("recurrenceId"); s != "" {
		if rid, err = ical.ParseTime(s, ""); err != nil {
			return illegal("recurrenceId attribute")
		}
	}
	return c.tx.Cancel(m, it, rid)
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
	if stat == "" {
		stat = "ACCEPTED"
	}
	for _, e := range cal.Events {
		for i, a := range e.Attendees {
			if strings.EqualFold(a.Email, m.Owner.Address()) {
				e.Attendees[i].PartStat = stat
			}
		}
		if err := c.put(m, e); err != nil {
			return err
		}
	}
	return nil
}

func (c *call) decline() error {
	if c.in.Attr("calendar") == "" {
		return nil
	}
	m, err := c.calendar("te")
	if err != nil {
		return err
	}
	cal, err := c.body()
	if err != nil {
		return err
	}
	it, err := c.tx.ItemByUID(m, cal.Events[0].UID)
	if err == backend.ErrNoItem { //nolint:errorlint // made by the backend, never wrapped
		return nil
	}
	if err != nil {
		return err
	}
	return c.tx.Cancel(m, it, ical.Time{})
}

// freeBusy answers the busy times of the peer's main calendar, merged.
func (c *call) freeBusy() error {
	peer := c.in.Attr("peer", "userName", "account")
	from, till, err := c.window()
	if err != nil {
		return err
	}
	if !strings.Contains(peer, "@") {
		peer += "@" + c.account.Domain
	}
	a, err := c.tx.Account(peer)
	if err != nil {
		return err
	}
	utc := func(t time.Time) string { return zone.WallOf(t, time.UTC).String() + "Z" }
	out := xmlnode.New("freeBusyData", "peer", peer, "timeFrom", utc(from), "timeTill", utc(till))
	box := a.Prefs.String("CalendarBox")
	if box == "" {
		box = "Calendar"
	}
	m, err := c.tx.Mailbox(a, box)
	if err != nil {
		if err == backend.ErrNoMailbox { //nolint:errorlint // made by the backend, never wrapped
			c.data(out) // no calendar yet: nothing in it
			return nil
		}
		return err
	}
	found, err := c.tx.Find(m, from, till, c.zone)
	if err != nil {
		return err
	}
	type span struct {
		start, end time.Time
		status     string
	}
	var spans []span
	for _, o := range found {
		status := busyStatus(o.Event)
		if status == "FREE" || !o.End.After(o.Start) {
			continue
		}
		if n := len(spans); n > 0 && spans[n-1].status == status && !o.Start.After(spans[n-1].end) {
			if o.End.After(spans[n-1].end) {
				spans[n-1].end = o.End
			}
			continue
		}
		spans = append(spans, span{o.Start, o.End, status})
	}
	for _, s := range spans {
		out.Add(xmlnode.New("freeBusy", "timeFrom", utc(s.start), "timeTill", utc(s.end), "busyStatus", s.status))
	}
	c.data(out)
	return nil
}

func (c *call) mailboxList() error {
	filter, class := c.in.Attr("filter"), c.in.Attr("mailboxClass")
	owner, prefix := c.account, ""
	if rest, ok := strings.CutPrefix(filter, "~"); ok {
		who, pattern, _ := strings.Cut(rest, "/")
		a, _, err := c.tx.Locate(c.account, "~"+who+"/")
		if err != nil {
			return err
		}
		owner, prefix, filter = a, "~"+who+"/", pattern
	}
	boxes, err := c.tx.Mailboxes(owner)
	if err != nil {
		return err
	}
	for _, m := range boxes {
		mail := m.Class == "" || m.Class == "IPF.Note"
		if class == "" && !mail || class != "" && !strings.EqualFold(class, m.Class) || !strings.Contains(m.Rights(c.account), "l") || !wildcard(filter, m.Name) {
			continue
		}
		n := xmlnode.New("mailbox", "mailbox", prefix+m.Name)
		if m.Class != "" {
			n.Set("class", m.Class)
		}
		i := func(v int64) string { return strconv.FormatInt(v, 10) }
		c.data(n.Set("UIDValidity", i(m.UIDValidity)).Set("UIDNext", i(m.UIDNext)).Set("Messages", i(m.Messages)).Set("Unseen", "0"))
	}
	return nil
}

// wildcard is the pattern of IMAP LIST: * is anything, % anything but /.
func wildcard(pattern, name string) bool {
	if pattern == "" || pattern == "*" {
		return true
	}
	switch p := pattern[0]; p {
	case '*', '%':
		for i := 0; i <= len(name); i++ {
			if wildcard1(pattern[1:], name[i:]) {
				return true
			}
			if i < len(name) && p == '%' && name[i] == '/' {
				break
			}
		}
		return false
	}
	return name != "" && name[0] == pattern[0] && wildcard1(pattern[1:], name[1:])
}

func wildcard1(pattern, name string) bool {
	if pattern == "" {
		return name == ""
	}
	return wildcard(pattern, name)
}

func (c *call) mailboxCreate() error {
	owner, name, err := c.tx.Locate(c.account, c.in.Attr("mailbox"))
	if err != nil {
		return err
	}
	if owner.ID != c.account.ID {
		return backend.ErrDenied
	}
	return c.tx.CreateMailbox(owner, name, c.in.Attr("mailboxClass"))
}

func (c *call) mailboxRemove() error {
	m, err := c.mailbox(c.in.Attr("mailbox"), "x")
	if err != nil {
		return err
	}
	return c.tx.DeleteMailbox(m)
}

func (c *call) mailboxRights() error {
	m, err := c.mailbox(c.in.Attr("mailbox"), "")
	if err != nil {
		return err
	}
	c.data(xmlnode.New("mailboxRights", "mailbox", c.in.Attr("mailbox"), "rights", m.Rights(c.account)))
	return nil
}

func (c *call) prefsRead() error {
	out := xmlnode.New("prefs")
	for name := range c.account.Prefs {
		out.Add(xmlnode.New(name).WithText(c.account.Prefs.String(name)))
	}
	c.data(out)
	return nil
}

func (c *call) prefsStore() error {
	change := dataformat.Dict{}
	for _, n := range c.in.Children {
		change[n.Name] = strings.TrimSpace(n.Text)
	}
	if err := c.tx.UpdatePrefs(c.account.Address(), change, false); err != nil {
		return err
	}
	a, err := c.tx.Account(c.account.Address())
	if err != nil {
		return err
	}
	c.account = a
	if loc, err := c.server.b.LoadZone(a.Prefs.String("TimeZone")); err == nil {
		c.zone = loc
	}
	return nil
}

func (c *call) passwordModify() error {
	if _, err := c.tx.CheckPassword(c.account.Address(), c.in.Attr("oldPassword")); err != nil {
		return err
	}
	return c.tx.SetPassword(c.account.Address(), c.in.Attr("newPassword"))
}
