package probe

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"rmp/calendar/ical"
	"rmp/communigate/cli"
	"rmp/communigate/dataformat"
	"rmp/communigate/ximss"
	"rmp/xmlnode"
)

// scratch makes two accounts with calendars and makes the first the one that
// asks. What it answers removes them again.
func (p *probe) scratch(ctx context.Context) (remove func(), err error) {
	remove = func() {}
	c, err := cli.Dial(ctx, *p.Admin)
	if err != nil {
		return remove, err
	}
	domain := p.Domain
	if _, after, ok := strings.Cut(p.Admin.User, "@"); ok && domain == "" {
		domain = after
	}
	if domain == "" {
		if domain, err = c.MainDomainName(ctx); err != nil {
			_ = c.Close()
			return remove, err
		}
	}
	var made []string
	remove = func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		left := made
		for i := len(made) - 1; i >= 0; i-- {
			if err := c.DeleteAccount(ctx, made[i]); err == nil || errors.Is(err, cli.ErrNotFound) {
				left = left[:i]
			}
		}
		_ = c.Close()
		if len(left) > 0 {
			p.answer("accounts removed", "no", "remove by hand: "+strings.Join(left, ", "), nil, nil)
			return
		}
		p.answer("accounts removed", "yes", "the accounts that were made are removed again", nil, nil)
	}
	password := rand.Text()
	id := strings.ToLower(rand.Text()[:8])
	for _, which := range []string{"host", "guest"} {
		account := fmt.Sprintf("rmp-probe-%s-%s@%s", id, which, domain)
		if err := c.CreateAccount(ctx, account, dataformat.Dict{"Password": password}); err != nil {
			return remove, fmt.Errorf("the account %s: %w", account, err)
		}
		made = append(made, account)
		err := c.CreateMailbox(ctx, account, "Calendar")
		if err != nil && !errors.Is(err, cli.ErrExists) {
			return remove, err
		}
		if err := c.SetMailboxClass(ctx, account, "Calendar", "IPF.Appointment"); err != nil {
			return remove, err
		}
	}
	p.Config.User, p.Config.Password, p.guest = made[0], password, made[1]
	return remove, nil
}

// invitation stores a meeting with the second account invited, and looks what
// comes to its INBOX and to the free/busy of the first.
func (p *probe) invitation(ctx context.Context) error {
	start := p.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, 1).Add(11 * time.Hour)
	event := &ical.Event{UID: fmt.Sprintf("rmp-probe-meeting-%d", p.Now().UnixNano()), Start: ical.At(start), End: ical.At(start.Add(time.Hour)), Summary: "RMP probe meeting",
		Transp: "OPAQUE", BusyStatus: "BUSY", Organizer: &ical.Address{Email: p.Config.User},
		Attendees: []ical.Attendee{{Address: ical.Address{Email: p.guest}, Role: "REQ-PARTICIPANT", PartStat: "NEEDS-ACTION", RSVP: true}}}
	cal := &ical.Calendar{Method: "REQUEST", ProdID: "-//RMP//probe//EN", Events: []*ical.Event{event}}
	if _, err := p.s.Do(ctx, ximss.OpenCalendar("meeting", "Calendar")); err != nil {
		return err
	}
	replies, err := p.s.Do(ctx, p.report.Dialect.Publish("meeting", cal, ximss.SendAll), ximss.CloseCalendar("meeting"))
	if err != nil {
		return err
	}
	if replies[0].Err != nil {
		p.answer("invitation", "", "the server refuses a meeting with an attendee", nil, replies[0])
		return nil //nolint:nilerr // that is the answer
	}
	from := start.Truncate(24 * time.Hour)
	asked := xmlnode.New("freeBusyRead", p.report.Dialect.PeerAttr, p.Config.User, "timeFrom", ical.At(from).String(), "timeTill", ical.At(from.AddDate(0, 0, 1)).String())
	if p.report.Dialect.PeerAttr != "" {
		reply, err := p.do(ctx, asked)
		if err != nil {
			return err
		}
		p.replace("free/busy form")
		p.freeBusyForm(asked, reply)
		busy, err := reply.FreeBusy()
		value := "yes"
		if err != nil || len(busy) == 0 {
			value = "no"
		}
		p.answer("free/busy at once", value, "whether a meeting shows in free/busy as soon as it is stored", asked, reply)
	}
	return p.delivered(ctx)
}

// replace forgets an earlier answer.
func (p *probe) replace(name string) {
	kept := p.report.Answers[:0]
	for _, a := range p.report.Answers {
		if a.Name != name {
			kept = append(kept, a)
		}
	}
	p.report.Answers = kept
}

// delivered looks for the invitation in the second account. It may take its
// way through a queue.
func (p *probe) delivered(ctx context.Context) error {
	cfg := p.Config
	cfg.User = p.guest
	cfg.Dialect = p.report.Dialect
	guest, err := ximss.Login(ctx, ximss.Client(cfg), cfg)
	if err != nil {
		return err
	}
	defer guest.Close(ctx) //nolint:errcheck // it ends by itself otherwise
	if _, err := guest.Do(ctx, ximss.OpenFolder("inbox", ximss.FolderView{Mailbox: "INBOX", Fields: []string{"Subject", "Content-Type"}})); err != nil {
		return err
	}
	const tries = 20
	wait := time.NewTicker(250 * time.Millisecond)
	defer wait.Stop()
	for range tries {
		replies, err := guest.Do(ctx, ximss.SyncFolder("inbox", 0), ximss.BrowseFolder("inbox", 0, 10))
		if err != nil {
			return err
		}
		list, err := replies[1].FolderReports()
		if err == nil && len(list) > 0 {
			p.answer("invitation", "delivered", "what sendRequests does for an attendee of the same server", nil, replies[1])
			return nil
		}
		select {
		case <-wait.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	p.answer("invitation", "not delivered", "nothing came to the attendee's INBOX in five seconds", nil, nil)
	return nil
}
