package ximss

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"rmp/calendar/ical"
	"rmp/xmlnode"
)

// OpenCalendar opens a mailbox as a calendar under a handle.
func OpenCalendar(handle, mailbox string) *Request {
	return NewRequest(xmlnode.New("calendarOpen", "calendar", handle, "mailbox", mailbox))
}

// CloseCalendar closes a handle.
func CloseCalendar(handle string) *Request {
	return NewRequest(xmlnode.New("calendarClose", "calendar", handle))
}

// FindEvents asks for the events of an open calendar that touch [from, till).
func FindEvents(handle string, from, till time.Time) *Request {
	return NewRequest(xmlnode.New("findEvents", "calendar", handle, "timeFrom", utc(from), "timeTill", utc(till)))
}

// Publish stores events in an open calendar; one of the same UID is
// replaced. No requests are sent to attendees.
func Publish(handle string, c *ical.Calendar) *Request {
	return NewRequest(xmlnode.New("calendarPublish", "calendar", handle, "sendRequests", "no").Add(c.XML()))
}

// Cancel removes the item of an iCalendar UID from an open calendar.
func Cancel(handle, itemUID string) *Request {
	return NewRequest(xmlnode.New("calendarCancel", "calendar", handle, "itemUID", itemUID, "sendRequests", "no"))
}

// FreeBusy asks for the free/busy of an account.
func FreeBusy(peer string, from, till time.Time) *Request {
	return NewRequest(xmlnode.New("freeBusyRead", "peer", peer, "timeFrom", utc(from), "timeTill", utc(till)))
}

// Send says to whom requests go when an event is stored or cancelled.
type Send uint8

// Whom to send requests to.
const (
	SendNone Send = iota
	SendAll       // all attendees
	SendNew       // those that the event did not have before
)

func (d Dialect) send(s Send) string {
	switch s {
	case SendAll:
		return d.sendAll()
	case SendNew:
		return "new"
	}
	return "no"
}

// Publish stores events in an open calendar and sends requests.
func (d Dialect) Publish(handle string, c *ical.Calendar, send Send) *Request {
	body := c.XML()
	if d.RootCase == "lower" {
		body.Name = strings.ToLower(body.Name)
		for _, v := range body.Children {
			v.Name = strings.ToLower(v.Name)
		}
	}
	return NewRequest(xmlnode.New("calendarPublish", "calendar", handle, "sendRequests", d.send(send)).Add(body))
}

// Cancel removes the item of an iCalendar UID from an open calendar, or with
// a recurrence id one of its occurrences. A comment goes to the attendees.
func (d Dialect) Cancel(handle, itemUID string, recurrenceID ical.Time, send Send, comment string) *Request {
	n := xmlnode.New("calendarCancel", "calendar", handle, "itemUID", itemUID, "sendRequests", d.send(send))
	if !recurrenceID.IsZero() {
		n.Set("recurrenceId", recurrenceID.String())
	}
	if comment != "" {
		n.Add(xmlnode.New("requestComment").WithText(comment))
	}
	return NewRequest(n)
}

// FreeBusy asks for the free/busy of an account.
func (d Dialect) FreeBusy(peer string, from, till time.Time) *Request {
	return NewRequest(xmlnode.New("freeBusyRead", d.peerAttr(), peer, "timeFrom", utc(from), "timeTill", utc(till)))
}

// Accept stores an invitation in an open calendar with the answer PARTSTAT,
// which goes to the organizer.
func Accept(handle string, c *ical.Calendar, partStat, comment string) *Request {
	n := xmlnode.New("calendarAccept", "calendar", handle, "PARTSTAT", partStat).Add(c.XML())
	if comment != "" {
		n.Add(xmlnode.New("replyComment").WithText(comment))
	}
	return NewRequest(n)
}

// Decline answers an invitation with no, and takes the event out of the
// calendar if one is named.
func Decline(handle string, c *ical.Calendar, comment string) *Request {
	n := xmlnode.New("calendarDecline")
	if handle != "" {
		n.Set("calendar", handle)
	}
	if n.Add(c.XML()); comment != "" {
		n.Add(xmlnode.New("replyComment").WithText(comment))
	}
	return NewRequest(n)
}

// TakeReply brings an attendee's answer into the organizer's calendar.
func TakeReply(handle string, c *ical.Calendar) *Request {
	return NewRequest(xmlnode.New("calendarUpdate", "calendar", handle).Add(c.XML()))
}

// FindTasks asks for the tasks of an open calendar.
func FindTasks(handle string, from, till time.Time, completed bool) *Request {
	n := xmlnode.New("findTasks", "calendar", handle, "timeFrom", utc(from), "timeTill", utc(till))
	if completed {
		n.Set("completed", "yes")
	}
	return NewRequest(n)
}

// ReadItem asks for an event or task by the UID of its message.
func ReadItem(handle string, uid int64) *Request {
	return NewRequest(xmlnode.New("calendarReadItem", "calendar", handle, "UID", strconv.FormatInt(uid, 10)))
}

// Item decodes the reply to ReadItem: a calendar with one event or task.
func (r *Reply) Item() (*ical.Calendar, error) {
	if r.Err != nil {
		return nil, r.Err
	}
	for _, d := range r.Data {
		for _, name := range []string{"vevent", "vtodo"} {
			if v := d.Find(name); v != nil {
				c, err := ical.FromXML(v)
				if err != nil {
					return nil, fmt.Errorf("%w: %w", ErrProtocol, err)
				}
				return c, nil
			}
		}
	}
	return nil, fmt.Errorf("%w: no item in the reply", ErrProtocol)
}

// Occurrence is one time of an event in a calendar.
type Occurrence struct {
	UID        int64  // of the message
	ItemUID    string // the iCalendar UID
	Start, End time.Time
	BusyStatus string
	Summary    string
	Organizer  string
}

// Occurrences decodes the reply to FindEvents. An occurrence stands in the
// message of each day that it touches, and is answered once.
func (r *Reply) Occurrences() ([]Occurrence, error) {
	if r.Err != nil {
		return nil, r.Err
	}
	type key struct {
		uid   int64
		start time.Time
	}
	var out []Occurrence
	seen := map[key]bool{}
	for _, day := range r.Data {
		if !day.Is("events") {
			continue
		}
		for _, n := range day.Children {
			if !n.Is("event") {
				continue
			}
			o, err := r.occurrence(n)
			if err != nil {
				return nil, err
			}
			if k := (key{o.UID, o.Start}); !seen[k] {
				seen[k] = true
				out = append(out, o)
			}
		}
	}
	return out, nil
}

func (r *Reply) occurrence(n *xmlnode.Node) (Occurrence, error) {
	o := Occurrence{ItemUID: n.Attr("itemUID"), BusyStatus: n.Attr("busystatus", "busyStatus"), Summary: n.ChildText("summary"), Organizer: n.Attr("organizer")}
	if o.BusyStatus == "" {
		o.BusyStatus = "BUSY" // not said to be free
	}
	o.UID, _ = strconv.ParseInt(n.Attr("UID"), 10, 64)
	start, ok := r.parseTime(n.Attr("timeFrom", "dateFrom"))
	if !ok {
		return o, fmt.Errorf("%w: an event without a time", ErrProtocol)
	}
	length, err := strconv.ParseInt(n.Attr("duration"), 10, 64)
	if err != nil || length < 0 || length > 100*366*86400 {
		return o, fmt.Errorf("%w: an event without a duration", ErrProtocol)
	}
	o.Start, o.End = start, start.Add(time.Duration(length)*r.dialect.unit())
	return o, nil
}

// Busy is one span of free/busy.
type Busy struct {
	Start, End time.Time
	Status     string
}

// FreeBusy decodes the reply to the request of the same name. The form of it
// is not documented: an element for each period, a vfreebusy element, and
// VFREEBUSY as text are understood; anything else is an error, not free.
func (r *Reply) FreeBusy() ([]Busy, error) {
	if r.Err != nil {
		return nil, r.Err
	}
	for _, d := range r.Data {
		if !d.Is("freeBusyData") {
			continue
		}
		if v := d.Find("vfreebusy"); v != nil {
			c, err := ical.FromXML(xmlnode.New("vCalendar").Add(v))
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrProtocol, err)
			}
			return r.busyOf(c)
		}
		if text := strings.TrimSpace(d.Text); text != "" {
			list, err := ical.ParseText([]byte(text), ical.Limits{})
			if err != nil || len(list) != 1 {
				return nil, fmt.Errorf("%w: free/busy in a form that is not known", ErrProtocol)
			}
			return r.busyOf(list[0])
		}
		out := []Busy{}
		for _, n := range d.Children {
			if !n.Is("freeBusy") {
				return nil, fmt.Errorf("%w: free/busy in a form that is not known", ErrProtocol)
			}
			from, ok1 := r.parseTime(n.Attr("timeFrom"))
			till, ok2 := r.parseTime(n.Attr("timeTill"))
			if !ok1 || !ok2 {
				return nil, fmt.Errorf("%w: free/busy without times", ErrProtocol)
			}
			if status := n.Attr("busyStatus"); status != "FREE" {
				out = append(out, Busy{from, till, status})
			}
		}
		return out, nil
	}
	return nil, fmt.Errorf("%w: no free/busy in the reply", ErrProtocol)
}

// busyOf are the busy periods of a calendar's free/busy.
func (r *Reply) busyOf(c *ical.Calendar) ([]Busy, error) {
	out := []Busy{}
	for _, f := range c.Busy {
		for _, p := range f.Periods {
			from, ok1 := r.parseTime(p.Start.String())
			till, ok2 := r.parseTime(p.End.String())
			if !ok1 || !ok2 {
				return nil, fmt.Errorf("%w: free/busy without times", ErrProtocol)
			}
			status := map[string]string{"": "BUSY", "BUSY-TENTATIVE": "TENTATIVE", "BUSY-UNAVAILABLE": "OOF"}[p.Type]
			if status == "" {
				status = p.Type
			}
			if status != "FREE" {
				out = append(out, Busy{from, till, status})
			}
		}
	}
	return out, nil
}

// ImportCalendar stores all that a calendar holds in an open calendar.
func ImportCalendar(handle string, c *ical.Calendar) *Request {
	return NewRequest(xmlnode.New("calendarImport", "calendar", handle).Add(c.XML()))
}
