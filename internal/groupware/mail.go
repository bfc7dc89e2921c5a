package groupware

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"rmp/calendar/ical"
	"rmp/communigate/ximss"
	"rmp/internal/tenant"
)

// SendMail implements notify.Mailer.
func (g *Groupware) SendMail(ctx context.Context, id tenant.ID, to, subject, text string) error {
	o, err := g.of(ctx, id)
	if err != nil {
		return err
	}
	replies, err := o.pool.Do(ctx, ximss.SubmitMessage(ximss.Mail{From: o.tenant.ServiceAccount(), Name: "Bookings", To: []string{to}, Subject: subject, Text: text}))
	if err != nil {
		return err
	}
	return replies[0].Err
}

// Answer is what an attendee has answered to an invitation.
type Answer struct {
	UID      string
	Email    string
	PartStat string // accepted, declined, tentative
}

// mostAnswers is how many messages one reading of the INBOX looks at.
const mostAnswers = 100

// Answers reads the answers to invitations in the INBOX of the service
// account. Each is given to take; where that goes well, it is brought into the
// central calendar and removed from the INBOX. Other mail is left alone.
func (g *Groupware) Answers(ctx context.Context, id tenant.ID, take func(Answer) error) (int, error) {
	pool, err := g.pool(ctx, id)
	if err != nil {
		return 0, err
	}
	const inbox = "inbox"
	open := ximss.OpenFolder(inbox, ximss.FolderView{Mailbox: "INBOX", Desc: true, Fields: []string{"Content-Type"}})
	replies, err := pool.Do(ctx, open, ximss.BrowseFolder(inbox, 0, mostAnswers-1), ximss.CloseFolder(inbox))
	if err != nil {
		return 0, err
	}
	if replies[0].Err != nil {
		return 0, replies[0].Err
	}
	list, err := replies[1].FolderReports()
	if err != nil || len(list) == 0 {
		return 0, err
	}
	requests := []*ximss.Request{open}
	for _, m := range list {
		requests = append(requests, ximss.ReadMessage(inbox, m.UID, 1<<20))
	}
	replies, err = pool.Do(ctx, append(requests, ximss.CloseFolder(inbox))...)
	if err != nil {
		return 0, err
	}
	n := 0
	for i, m := range list {
		c := replyIn(replies[i+1])
		if c == nil {
			continue
		}
		var failed error
		for _, e := range c.Events {
			for _, a := range e.Attendees {
				failed = errors.Join(failed, take(Answer{UID: e.UID, Email: strings.ToLower(a.Email), PartStat: strings.ToLower(a.PartStat)}))
			}
		}
		if failed != nil {
			return n, failed
		}
		done, err := pool.Do(ctx, ximss.OpenCalendar("central", calendarMailbox), ximss.TakeReply("central", c), ximss.CloseCalendar("central"),
			open, ximss.RemoveMessages(inbox, m.UID), ximss.CloseFolder(inbox))
		if err != nil {
			return n, err
		}
		if done[4].Err != nil { // what the central calendar says of it does not matter: the event may be gone
			return n, fmt.Errorf("remove an answer: %w", done[4].Err)
		}
		n++
	}
	return n, nil
}

// replyIn is the answer that a message carries, or nil.
func replyIn(r *ximss.Reply) *ical.Calendar {
	if c := calendarIn(r); c != nil && strings.EqualFold(c.Method, "REPLY") {
		return c
	}
	return nil
}
