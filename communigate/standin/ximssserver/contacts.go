package ximssserver

import (
	"errors"
	"strconv"
	"strings"

	"rmp/calendar/ical"
	"rmp/calendar/vcard"
	"rmp/communigate/standin/backend"
	"rmp/xmlnode"
)

var contactOperations = []operation{
	{"contactAppend", true, (*call).contactAppend}, {"contactFind", false, (*call).contactFind}, {"contactsImport", true, (*call).contactsImport},
}

// contactMessage is a contact or group as a message. In lists a group is
// known by its recipient GROUP, and a contact's addresses are recipients.
func contactMessage(n *xmlnode.Node) (backend.Message, error) {
	if n.Is("vCardGroup") {
		g, err := vcard.GroupFromXML(n)
		if err != nil {
			return backend.Message{}, err
		}
		return groupMessage(g), nil
	}
	card, err := vcard.FromXML(n)
	if err != nil {
		return backend.Message{}, err
	}
	return cardMessage(card), nil
}

func groupMessage(g *vcard.Group) backend.Message {
	return backend.Message{Kind: backend.Group, Subject: g.Name, To: "GROUP", Data: g.XML().String()}
}

func cardMessage(c *vcard.Card) backend.Message {
	var to []string
	for _, e := range c.Emails {
		address := strings.Map(func(r rune) rune {
			if r == ',' || r == ':' {
				return -1
			}
			return r
		}, e.Value)
		kind := ""
		for _, t := range e.Types {
			if t == "WORK" || t == "HOME" {
				kind = strings.ToLower(t) + ":"
			}
		}
		to = append(to, kind+address)
	}
	return backend.Message{Kind: backend.Contact, Subject: c.DisplayName(), To: strings.Join(to, ","), Data: c.XML().String()}
}

func (c *call) contactAppend() error {
	_, m, err := c.folderOf("")
	if err != nil {
		return err
	}
	if target := c.in.Attr("targetMailbox"); target != "" {
		if m, err = c.openBox(target, ""); err != nil {
			return err
		}
	}
	if err := m.Need(c.account, "i"); err != nil {
		return err
	}
	body := c.in.Child("vCard", "vCardGroup")
	if body == nil {
		return &backend.Error{Num: 501, Text: "illegal vCard data format"}
	}
	msg, err := contactMessage(body)
	if err != nil {
		return &backend.Error{Num: 501, Text: "illegal vCard data format"}
	}
	return c.append(m, msg)
}

// append stores a message, in the place of the one that the request names,
// and reports its UID when asked to.
func (c *call) append(m backend.Mailbox, msg backend.Message) error {
	if old := c.in.Attr("replacesUID"); old != "" {
		uid, err := strconv.ParseInt(old, 10, 64)
		if err != nil {
			return illegal("replacesUID attribute")
		}
		if err := m.Need(c.account, "te"); err != nil {
			return err
		}
		if _, err := c.tx.Message(m, uid); err == backend.ErrNoMessage && strings.EqualFold(c.in.Attr("checkOld"), "yes") { //nolint:errorlint // made by the backend, never wrapped
			return err
		}
		if err := c.tx.Remove(m, uid); err != nil {
			return err
		}
	}
	msg.Received = c.now()
	uid, err := c.tx.Append(m, msg)
	if err == nil && strings.EqualFold(c.in.Attr("report"), "uid") {
		c.data(xmlnode.New(c.in.Name, "UID", strconv.FormatInt(uid, 10)))
	}
	return err
}

// contactFind answers the contacts that have an address.
func (c *call) contactFind() error {
	_, m, err := c.folderOf("lr")
	if err != nil {
		return err
	}
	peer := c.in.Attr("peer")
	if peer == "" {
		return illegal("peer attribute")
	}
	list, err := c.tx.Messages(m)
	if err != nil {
		return err
	}
	for _, short := range list {
		found := false
		for _, to := range bare(short.To) {
			found = found || strings.EqualFold(to, peer)
		}
		if !found {
			continue
		}
		msg, err := c.tx.Message(m, short.UID)
		if err != nil {
			return err
		}
		mail, err := email(msg)
		if err != nil {
			return err
		}
		c.data(xmlnode.New("folderMessage", "folder", c.in.Attr("folder"), "UID", strconv.FormatInt(msg.UID, 10)).Add(mail))
	}
	return nil
}

// contactsImport stores the cards of a vCard text, or of the body.
func (c *call) contactsImport() error {
	_, m, err := c.folderOf("i")
	if err != nil {
		return err
	}
	put := func(msg backend.Message) error {
		msg.Received = c.now()
		_, err := c.tx.Append(m, msg)
		return err
	}
	if len(c.in.Children) == 0 {
		f, err := vcard.ParseText([]byte(c.in.Text), vcard.Limits{})
		if err != nil {
			return illegal("vCard data format: %v", err)
		}
		for _, card := range f.Cards {
			if err := put(cardMessage(card)); err != nil {
				return err
			}
		}
		for _, g := range f.Groups {
			if err := put(groupMessage(g)); err != nil {
				return err
			}
		}
		return nil
	}
	for _, n := range c.in.Children {
		msg, err := contactMessage(n)
		if err != nil {
			return illegal("vCard data format")
		}
		if err := put(msg); err != nil {
			return err
		}
	}
	return nil
}

// mailOf reads an EMail element. What holds a contact, a group or an event is
// stored as such.
func (c *call) mailOf() (backend.Message, *ical.Calendar, error) {
	n := c.in.Child("EMail")
	if n == nil {
		return backend.Message{}, nil, illegal("EMail data")
	}
	msg := backend.Message{Kind: backend.Mail, Subject: n.ChildText("Subject"), Data: n.String()}
	if f := n.Child("From"); f != nil {
		msg.From, msg.FromName = strings.TrimSpace(f.Text), f.Attr("realName")
	}
	var to []string
	for _, k := range n.Children {
		if k.Is("To") || k.Is("Cc") || k.Is("Bcc") {
			to = append(to, strings.TrimSpace(k.Text))
		}
	}
	msg.To = strings.Join(to, ",")
	if body := n.Find("vCard"); body != nil {
		contact, err := contactMessage(body)
		return contact, nil, err
	}
	if body := n.Find("vCardGroup"); body != nil {
		group, err := contactMessage(body)
		return group, nil, err
	}
	if body := n.Find("iCalendar"); body != nil {
		cal, err := ical.FromXML(body)
		if err != nil {
			return msg, nil, illegal("iCalendar data: %v", err)
		}
		return msg, cal, nil
	}
	return msg, nil, nil
}

func (c *call) messageAppend() error {
	m, err := c.openBox(c.in.Attr("targetMailbox"), "i")
	if err != nil {
		return err
	}
	msg, _, err := c.mailOf()
	if err != nil {
		var refused *backend.Error
		if errors.As(err, &refused) {
			return err
		}
		return illegal("EMail data: %v", err)
	}
	if flags := c.in.Attr("flags"); flags != "" {
		msg.Flags = strings.Split(flags, ",")
	}
	return c.append(m, msg)
}

// messageSubmit sends a message to the people of this server that it names.
func (c *call) messageSubmit() error {
	msg, cal, err := c.mailOf()
	if err != nil {
		return err
	}
	if msg.To == "" {
		return illegal("EMail data: no recipient")
	}
	n := c.in.Child("EMail")
	text := ""
	if part := n.Find("MIME"); part != nil && cal == nil {
		text = part.Text
	}
	for _, to := range bare(msg.To) {
		v := backend.Envelope{From: c.account.Address(), FromName: c.account.RealName(), To: to, Subject: msg.Subject, Text: text, Calendar: cal}
		if err := c.tx.Send(v, c.now()); err != nil {
			return err
		}
	}
	return nil
}
