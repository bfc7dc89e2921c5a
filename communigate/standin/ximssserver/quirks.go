package ximssserver

import (
	"strings"
	"time"

	"rmp/calendar/ical"
	"rmp/xmlnode"
)

// Quirks are the forms of parts of the protocol that are known only at second
// hand. The zero value is what is likeliest; the others are for finding out
// whether a client would cope with a server that is different.
type Quirks struct {
	DurationInMinutes  bool // of events, where it is in seconds otherwise
	FreeBusyAsCalendar bool // freeBusyData holds a vfreebusy element
	FreeBusyAsText     bool // freeBusyData holds a VFREEBUSY as text
	FreeBusyUnknown    bool // freeBusyData is in a form that nobody knows
	RuleElements       bool // rrule has a child element for each part
	LowerCaseParams    bool // parameters of calendar data are lower case attributes
	MailboxesOfAll     bool // mailboxList without a class lists mailboxes of every class
}

func (q Quirks) durationUnit() time.Duration {
	if q.DurationInMinutes {
		return time.Minute
	}
	return time.Second
}

// item changes calendar data to the quirks.
func (q Quirks) item(n *xmlnode.Node) *xmlnode.Node {
	if !q.RuleElements && !q.LowerCaseParams {
		return n
	}
	if q.LowerCaseParams {
		for i := range n.Attrs {
			n.Attrs[i].Name = strings.ToLower(n.Attrs[i].Name)
		}
	}
	if q.RuleElements && n.Is("rrule") {
		for part := range strings.SplitSeq(n.Text, ";") {
			if name, value, ok := strings.Cut(part, "="); ok {
				n.Add(xmlnode.New(strings.ToLower(name)).WithText(value))
			}
		}
		n.Text = ""
		return n
	}
	for _, c := range n.Children {
		q.item(c)
	}
	return n
}

// freeBusy is the answer to freeBusyRead: an element for each period.
func (q Quirks) freeBusy(peer string, from, till time.Time, f *ical.FreeBusy) *xmlnode.Node {
	out := xmlnode.New("freeBusyData", "peer", peer, "timeFrom", ical.At(from).String(), "timeTill", ical.At(till).String())
	if q.FreeBusyUnknown {
		return out.Add(xmlnode.New("slots", "map", "0110"))
	}
	if !q.FreeBusyAsCalendar && !q.FreeBusyAsText {
		for _, p := range f.Periods {
			out.Add(xmlnode.New("freeBusy", "timeFrom", p.Start.String(), "timeTill", p.End.String(), "busyStatus", p.Type))
		}
		return out
	}
	for i, p := range f.Periods {
		switch p.Type {
		case "TENTATIVE":
			f.Periods[i].Type = "BUSY-TENTATIVE"
		case "OOF":
			f.Periods[i].Type = "BUSY-UNAVAILABLE"
		}
	}
	c := &ical.Calendar{ProdID: "-//CommuniGate Pro//stand-in//EN", Busy: []*ical.FreeBusy{f}}
	if q.FreeBusyAsText {
		return out.WithText(string(c.AppendText(nil)))
	}
	return out.Add(c.XML())
}
