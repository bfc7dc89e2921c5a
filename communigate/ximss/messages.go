package ximss

import (
	"strings"

	"rmp/calendar/ical"
	"rmp/xmlnode"
)

// Mail is a message to send or to store.
type Mail struct {
	From    string // address; default: that of the account
	Name    string // of the sender
	To      []string
	Subject string
	Text    string
}

func (m Mail) node() *xmlnode.Node {
	n := xmlnode.New("EMail")
	if m.From != "" {
		from := xmlnode.New("From")
		if m.Name != "" {
			from.Set("realName", m.Name)
		}
		n.Add(from.WithText(m.From))
	}
	for _, to := range m.To {
		n.Add(xmlnode.New("To").WithText(to))
	}
	n.Add(xmlnode.New("Subject").WithText(m.Subject))
	return n.Add(xmlnode.New("MIME", "type", "text", "subtype", "plain").WithText(m.Text))
}

// SubmitMessage sends a message.
func SubmitMessage(m Mail) *Request {
	return NewRequest(xmlnode.New("messageSubmit").Add(m.node())).Once()
}

// SubmitInvitation sends a message that carries a calendar object: a request,
// a reply or a cancellation, as its method says.
func SubmitInvitation(m Mail, c *ical.Calendar) *Request {
	n := m.node()
	part := xmlnode.New("MIME", "type", "text", "subtype", "calendar", "method", c.Method, "charset", "utf-8").Add(c.XML())
	for i, child := range n.Children {
		if child.Is("MIME") {
			n.Children[i] = part
		}
	}
	return NewRequest(xmlnode.New("messageSubmit").Add(n))
}

// AppendMessage stores a message in a mailbox, with flags such as Seen.
func AppendMessage(mailbox string, m Mail, flags ...string) *Request {
	n := xmlnode.New("messageAppend", "targetMailbox", mailbox, "report", "uid")
	if len(flags) > 0 {
		n.Set("flags", strings.Join(flags, ","))
	}
	return NewRequest(n.Add(m.node())).Once()
}
