package ximssserver

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"rmp/calendar/ical"
	"rmp/communigate/standin/backend"
	"rmp/xmlnode"
)

// What a message looks like in lists, and as an EMail element when it is read.

// sortKey is the text that a field sorts and filters by.
func sortKey(m backend.Message, field string) string {
	switch strings.ToUpper(field) {
	case "SUBJECT":
		return m.Subject
	case "FROM", "E-FROM":
		return m.FromName + " " + m.From
	case "TO", "E-TO":
		return strings.Join(bare(m.To), ",")
	case "FLAGS":
		return strings.Join(m.Flags, ",")
	}
	return ""
}

// field is a requested field of a message: none or more elements. Names
// beginning with E- ask for bare addresses.
func (c *call) field(m backend.Message, name string) []*xmlnode.Node {
	one := func(text string) []*xmlnode.Node {
		if text == "" {
			return nil
		}
		return []*xmlnode.Node{xmlnode.New(name).WithText(text)}
	}
	switch strings.ToUpper(name) {
	case "FLAGS":
		return one(strings.Join(m.Flags, ","))
	case "INTERNALDATE", "DATE":
		return []*xmlnode.Node{c.date(name, m.Received)}
	case "SIZE":
		return one(strconv.Itoa(len(m.Data)))
	case "SUBJECT":
		return one(m.Subject)
	case "FROM":
		if m.FromName != "" {
			return one(fmt.Sprintf("%q <%s>", m.FromName, m.From))
		}
		return one(m.From)
	case "E-FROM":
		if m.From == "" {
			return nil
		}
		n := xmlnode.New(name).WithText(m.From)
		if m.FromName != "" {
			n.Set("realName", m.FromName)
		}
		return []*xmlnode.Node{n}
	case "TO":
		return one(strings.Join(bare(m.To), ", "))
	case "E-TO":
		var out []*xmlnode.Node
		for part := range strings.SplitSeq(m.To, ",") {
			kind, address := splitTo(part)
			if address == "" {
				continue
			}
			n := xmlnode.New(name).WithText(address)
			if kind != "" {
				n.Set("realName", kind)
			}
			out = append(out, n)
		}
		return out
	case "CONTENT-TYPE":
		switch m.Kind {
		case backend.Event, backend.Task:
			return one("text/calendar")
		case backend.Contact:
			return one("text/x-vcard")
		case backend.Group:
			return one("text/x-vgroup")
		}
		return one("text/plain")
	}
	return nil
}

func (c *call) date(name string, t time.Time) *xmlnode.Node {
	_, shift := t.In(c.zone).Zone()
	return xmlnode.New(name, "localTime", c.local(t), "timeShift", strconv.Itoa(shift)).WithText(ical.At(t).String())
}

// splitTo takes a stored recipient apart: type:address, or address.
func splitTo(s string) (kind, address string) {
	s = strings.TrimSpace(s)
	if k, a, ok := strings.Cut(s, ":"); ok {
		return k, a
	}
	return "", s
}

func bare(to string) (out []string) {
	for part := range strings.SplitSeq(to, ",") {
		if _, a := splitTo(part); a != "" {
			out = append(out, a)
		}
	}
	return out
}

// email is the message as an EMail element. What is stored as such is as it
// was; an item or a contact is the one part of a message.
func email(m backend.Message) (*xmlnode.Node, error) {
	data, err := xmlnode.Parse([]byte(m.Data), xmlnode.Limits{})
	if err != nil {
		return nil, fmt.Errorf("message %d: %w", m.UID, err)
	}
	if m.Kind == backend.Mail {
		return data, nil
	}
	n := xmlnode.New("EMail")
	if m.From != "" {
		from := xmlnode.New("From").WithText(m.From)
		if m.FromName != "" {
			from.Set("realName", m.FromName)
		}
		n.Add(from)
	}
	for _, to := range bare(m.To) {
		n.Add(xmlnode.New("To").WithText(to))
	}
	n.Add(xmlnode.New("Subject").WithText(m.Subject), xmlnode.New("Date").WithText(ical.At(m.Received).String()))
	mime := xmlnode.New("MIME", "type", "text", "subtype", "calendar", "charset", "utf-8")
	switch {
	case m.Kind == backend.Contact:
		mime.Set("subtype", "x-vcard")
	case m.Kind == backend.Group:
		mime.Set("subtype", "x-vgroup")
	case !data.Is("iCalendar"):
		data = xmlnode.New("iCalendar", "xmlns", "urn:ietf:params:xml:ns:xcal").Add(xmlnode.New("vCalendar", "version", "2.0").Add(data))
	}
	return n.Add(mime.Set("estimatedSize", strconv.Itoa(len(m.Data))).Add(data)), nil
}
