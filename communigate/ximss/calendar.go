package ximss

import (
	"fmt"
	"strconv"
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
			o, err := occurrence(n)
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

func occurrence(n *xmlnode.Node) (Occurrence, error) {
	o := Occurrence{ItemUID: n.Attr("itemUID"), BusyStatus: n.Attr("busystatus", "busyStatus"), Summary: n.ChildText("summary"), Organizer: n.Attr("organizer")}
	if o.BusyStatus == "" {
		o.BusyStatus = "BUSY" // not said to be free
	}
	o.UID, _ = strconv.ParseInt(n.Attr("UID"), 10, 64)
	start, ok := parseUTC(n.Attr("timeFrom", "dateFrom"))
	if !ok {
		return o, fmt.Errorf("%w: an event without a time", ErrProtocol)
	}
	seconds, err := strconv.ParseInt(n.Attr("duration"), 10, 64)
	if err != nil || seconds < 0 || seconds > 100*366*86400 {
		return o, fmt.Errorf("%w: an event without a duration", ErrProtocol)
	}
	o.Start, o.End = start, start.Add(time.Duration(seconds)*time.Second)
	return o, nil
}

// Busy is one span of free/busy.
type Busy struct {
	Start, End time.Time
	Status     string
}

// FreeBusy decodes the reply to the request of the same name. The form of it
// is not documented; one that is not understood is an error, not free.
func (r *Reply) FreeBusy() ([]Busy, error) {
	if r.Err != nil {
		return nil, r.Err
	}
	out := []Busy{}
	known := false
	for _, d := range r.Data {
		if !d.Is("freeBusyData") {
			continue
		}
		known = true
		for _, n := range d.Children {
			if !n.Is("freeBusy") {
				return nil, fmt.Errorf("%w: free/busy in a form that is not known", ErrProtocol)
			}
			from, ok1 := parseUTC(n.Attr("timeFrom"))
			till, ok2 := parseUTC(n.Attr("timeTill"))
			if !ok1 || !ok2 {
				return nil, fmt.Errorf("%w: free/busy without times", ErrProtocol)
			}
			if status := n.Attr("busyStatus"); status != "FREE" {
				out = append(out, Busy{from, till, status})
			}
		}
	}
	if !known {
		return nil, fmt.Errorf("%w: no free/busy in the reply", ErrProtocol)
	}
	return out, nil
}
