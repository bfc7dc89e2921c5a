package backend

import (
	"strings"
	"time"

	"rmp/calendar/ical"
	"rmp/calendar/recurrence"
	"rmp/calendar/zone"
	"rmp/xmlnode"
)

// Invitations travel as mail (RFC 5546, RFC 6047): a message with a calendar
// in it, whose METHOD says what is asked. A mail rule of the receiving account
// may act on it: Accept Request answers an invitation, Accept Reply takes an
// answer into the organizer's calendar (CommuniGate Pro Guide, Rules).

// Envelope is a message on its way.
type Envelope struct {
	From, FromName string
	To             string
	Subject        string
	Text           string
	Calendar       *ical.Calendar // nil for plain mail
}

// email is the message as an EMail element.
func (v *Envelope) email(now time.Time) *xmlnode.Node {
	from := xmlnode.New("From").WithText(v.From)
	if v.FromName != "" {
		from.Set("realName", v.FromName)
	}
	n := xmlnode.New("EMail").Add(from, xmlnode.New("To").WithText(v.To), xmlnode.New("Subject").WithText(v.Subject),
		xmlnode.New("Date").WithText(ical.At(now).String()))
	if v.Calendar == nil {
		return n.Add(xmlnode.New("MIME", "type", "text", "subtype", "plain", "charset", "utf-8").WithText(v.Text))
	}
	part := xmlnode.New("MIME", "type", "text", "subtype", "calendar", "charset", "utf-8", "Type-method", v.Calendar.Method).Add(v.Calendar.XML())
	if v.Text == "" {
		return n.Add(part)
	}
	return n.Add(xmlnode.New("MIME", "type", "multipart", "subtype", "alternative").Add(
		xmlnode.New("MIME", "type", "text", "subtype", "plain", "charset", "utf-8").WithText(v.Text), part))
}

// maxHops bounds answers to answers.
const maxHops = 8

// Send delivers a message to whom its address stands for on this server. An
// address that is nobody here is passed over: there is no other server.
func (tx *Tx) Send(v Envelope, now time.Time) error { return tx.send(v, now, 0) }

func (tx *Tx) send(v Envelope, now time.Time, hops int) error {
	if hops > maxHops {
		return nil
	}
	list, err := tx.Recipients(v.To)
	if err != nil {
		return err
	}
	for _, a := range list {
		if err := tx.deliver(a, v, now, hops); err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) deliver(a Account, v Envelope, now time.Time, hops int) error {
	todo, err := tx.applyRules(a, v, now, hops)
	if err != nil || todo.discard {
		return err
	}
	name := todo.mailbox
	if name == "" {
		name = "INBOX"
	}
	box, err := tx.Mailbox(a, name)
	if err == ErrNoMailbox { //nolint:errorlint // made by this package, never wrapped
		box, err = tx.Mailbox(a, "INBOX")
	}
	if err != nil {
		return err
	}
	_, err = tx.Append(box, Message{Kind: Mail, Flags: append(todo.flags, "Recent"), Received: now, From: v.From, FromName: v.FromName, To: v.To,
		Subject: v.Subject, Data: v.email(now).String()})
	return err
}

// MainCalendar finds the account's main calendar; with create it is made
// when there is none.
func (tx *Tx) MainCalendar(a Account, create bool) (Mailbox, error) {
	name := a.Prefs.String("CalendarBox")
	if name == "" {
		name = "Calendar"
	}
	return tx.calendarBox(a, name, create)
}

func (tx *Tx) calendarBox(a Account, name string, create bool) (Mailbox, error) {
	box, err := tx.Mailbox(a, name)
	if err == ErrNoMailbox && create { //nolint:errorlint // made by this package, never wrapped
		if err := tx.CreateMailbox(a, name, "IPF.Appointment"); err != nil {
			return box, err
		}
		return tx.Mailbox(a, name)
	}
	return box, err
}

// Invite sends a REQUEST, or a CANCEL, for an event to its attendees. With
// only, just to those addresses.
func (tx *Tx) Invite(from Account, method string, e *ical.Event, zones []*ical.Timezone, comment string, only map[string]bool, now time.Time) error {
	sent := map[string]bool{}
	for _, at := range e.Attendees {
		key := strings.ToLower(at.Email)
		if sent[key] || key == from.Address() || e.Organizer != nil && strings.EqualFold(at.Email, e.Organizer.Email) || only != nil && !only[key] {
			continue
		}
		sent[key] = true
		copied := *e
		v := Envelope{From: from.Address(), FromName: from.RealName(), To: at.Email, Subject: e.Summary, Text: comment,
			Calendar: &ical.Calendar{Method: method, ProdID: prodID, Events: []*ical.Event{&copied}, Zones: zones}}
		if method == "CANCEL" {
			v.Subject = "Cancelled: " + e.Summary
		}
		if err := tx.Send(v, now); err != nil {
			return err
		}
	}
	return nil
}

const prodID = "-//CommuniGate Pro//stand-in//EN"

// Reply sends the organizer of an event what an attendee answers.
func (tx *Tx) Reply(from Account, e *ical.Event, partStat, comment string, now time.Time) error {
	return tx.reply(from, e, partStat, comment, now, 0)
}

var replyWords = map[string]string{"ACCEPTED": "Accepted", "DECLINED": "Declined", "TENTATIVE": "Tentative"}

func (tx *Tx) reply(from Account, e *ical.Event, partStat, comment string, now time.Time, hops int) error {
	if e.Organizer == nil || e.Organizer.Email == "" || strings.EqualFold(e.Organizer.Email, from.Address()) {
		return nil
	}
	answer := &ical.Event{UID: e.UID, Sequence: e.Sequence, Stamp: ical.At(now), Start: e.Start, End: e.End, Duration: e.Duration, Summary: e.Summary,
		Organizer: e.Organizer, RecurrenceID: e.RecurrenceID,
		Attendees: []ical.Attendee{{Address: ical.Address{Email: from.Address(), Name: from.RealName()}, PartStat: partStat}}}
	word := replyWords[partStat]
	if word == "" {
		word = partStat
	}
	return tx.send(Envelope{From: from.Address(), FromName: from.RealName(), To: e.Organizer.Email, Subject: word + ": " + e.Summary, Text: comment,
		Calendar: &ical.Calendar{Method: "REPLY", ProdID: prodID, Events: []*ical.Event{answer}}}, now, hops+1)
}

// acceptRequest answers an invitation for an account: yes when its calendar
// is free at all the times, else no. A CANCEL takes the event out.
func (tx *Tx) acceptRequest(a Account, calendar string, c *ical.Calendar, now time.Time, hops int) error {
	box, err := tx.MainCalendar(a, true)
	if calendar != "" && calendar != "---" {
		box, err = tx.calendarBox(a, calendar, true)
	}
	if err != nil {
		return err
	}
	for _, e := range c.Events {
		if e.UID == "" {
			continue
		}
		if c.Method == "CANCEL" {
			if err := tx.cancelByUID(box, e, now); err != nil {
				return err
			}
			continue
		}
		it := Item{Kind: Event, Event: e, Zones: c.Zones}
		busy, err := tx.conflicts(box, &it, now)
		if err != nil {
			return err
		}
		stat := "ACCEPTED"
		if busy {
			stat = "DECLINED"
		} else {
			SetPartStat(e, a, stat)
			if err := tx.Publish(box, it, now); err != nil {
				return err
			}
		}
		if err := tx.reply(a, e, stat, "", now, hops); err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) cancelByUID(box Mailbox, e *ical.Event, now time.Time) error {
	it, err := tx.ItemByUID(box, e.UID)
	if err == ErrNoItem { //nolint:errorlint // made by this package, never wrapped
		return nil
	}
	if err != nil {
		return err
	}
	return tx.Cancel(box, it, e.RecurrenceID, now)
}

// SetPartStat notes an account's answer in an event, also when the event
// names the account by its name alone.
func SetPartStat(e *ical.Event, a Account, stat string) {
	for i, at := range e.Attendees {
		if strings.EqualFold(at.Email, a.Address()) {
			e.Attendees[i].PartStat, e.Attendees[i].RSVP = stat, false
		}
	}
}

// horizon is how far ahead an endless series is compared with a calendar.
const horizon = 2 * 366 * 24 * time.Hour

// conflicts reports whether the calendar is not free at some time of the
// event, the event itself left out.
func (tx *Tx) conflicts(box Mailbox, it *Item, now time.Time) (bool, error) {
	series, err := it.Event.Series(tx.resolver(it), tx.b.zones.Host)
	if err != nil {
		return false, &Error{501, "illegal calendar item: " + err.Error()}
	}
	first, last, _ := series.Bounds()
	if limit := now.Add(horizon); last.After(limit) {
		last = limit
	}
	if !first.Before(last) {
		return false, nil
	}
	wanted, err := series.Between(first, last)
	if err != nil {
		return false, &Error{501, "illegal calendar item: " + err.Error()}
	}
	taken, err := tx.Find(box, first, last, tx.b.zones.Host)
	if err != nil {
		return false, err
	}
	var busy []recurrence.Occurrence
	for _, o := range taken {
		if o.Master.UID != it.Event.UID && tx.BusyStatus(o.Event) != "FREE" {
			busy = append(busy, o.Occurrence)
		}
	}
	for _, w := range wanted {
		for _, b := range busy { // both in order of their starts
			if !b.Start.Before(w.End) {
				break
			}
			if b.End.After(w.Start) {
				return true, nil
			}
		}
	}
	return false, nil
}

// TakeReply notes the answers of a REPLY in the organizer's calendar.
func (tx *Tx) TakeReply(box Mailbox, c *ical.Calendar, now time.Time) error {
	for _, e := range c.Events {
		it, err := tx.ItemByUID(box, e.UID)
		if err != nil {
			return err
		}
		target := it.Event
		if !e.RecurrenceID.IsZero() {
			same := tx.sameTime(&it, e.RecurrenceID)
			for _, x := range it.Event.Exceptions {
				if same(x.RecurrenceID) {
					target = x
				}
			}
		}
		for _, answer := range e.Attendees {
			for i, at := range target.Attendees {
				if strings.EqualFold(at.Email, answer.Email) {
					target.Attendees[i].PartStat, target.Attendees[i].RSVP = answer.PartStat, false
				}
			}
		}
		if err := tx.store(box, it, now); err != nil {
			return err
		}
	}
	return nil
}

// Local is a time as the zone shows it, in the form of calendar data.
func Local(t time.Time, loc *time.Location) string { return zone.WallOf(t, loc).String() }
