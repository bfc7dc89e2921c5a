package groupware

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"rmp/calendar/ical"
	"rmp/communigate/cli"
	"rmp/communigate/dataformat"
	"rmp/communigate/ximss"
	"rmp/internal/fault"
	"rmp/internal/people"
	"rmp/internal/tenant"
)

var _ people.Mail = (*Groupware)(nil)

// path is an account's calendar as a caller's session sees it.
func path(c people.Caller, account string) string {
	if c.Password != "" && account == c.Email {
		return calendarMailbox
	}
	return calendarPath(account)
}

// do sends requests for a caller.
func (g *Groupware) do(ctx context.Context, c people.Caller, requests ...*ximss.Request) ([]*ximss.Reply, error) {
	var replies []*ximss.Reply
	var err error
	if c.Password != "" {
		replies, err = g.as(ctx, c, requests...)
	} else {
		var pool *ximss.Pool
		if pool, err = g.pool(ctx, c.Tenant.ID); err == nil {
			replies, err = pool.Do(ctx, requests...)
		}
	}
	var known *fault.Error
	if errors.As(err, &known) {
		return nil, err
	}
	if errors.Is(err, ximss.ErrBadLogin) || errors.Is(err, ximss.ErrNoAccount) {
		return nil, fault.Wrap(err, fault.Unauthenticated, "CommuniGate Pro does not accept your password any more; sign in again")
	}
	if err != nil {
		return nil, asFault(err)
	}
	return replies, nil
}

// within opens an account's calendar, sends the requests, and closes it. The
// service account's right is made where it is missing.
func (g *Groupware) within(ctx context.Context, c people.Caller, account string, requests func(handle string) []*ximss.Request) ([]*ximss.Reply, error) {
	const handle = "people"
	batch := slices.Concat([]*ximss.Request{ximss.OpenCalendar(handle, path(c, account))}, requests(handle), []*ximss.Request{ximss.CloseCalendar(handle)})
	for try := 0; ; try++ {
		replies, err := g.do(ctx, c, batch...)
		if err != nil {
			return nil, err
		}
		opened := replies[0].Err
		if opened == nil {
			return replies[1 : len(replies)-1], nil
		}
		if try > 0 || c.Password != "" && account != c.Email {
			return nil, refusalFault(opened, "there is no such calendar, or not for you")
		}
		if repaired := g.EnsureCalendar(ctx, c.Tenant, account); repaired != nil {
			return nil, refusalFault(errors.Join(opened, repaired), "there is no such calendar, and it could not be made")
		}
	}
}

// refusalFault says to the user what CommuniGate refused.
func refusalFault(err error, missing string) error {
	var unknown *cli.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ximss.ErrDenied):
		return fault.Wrap(err, fault.Forbidden, "CommuniGate Pro does not let you: you have no right to do that there")
	case errors.Is(err, ximss.ErrNotFound), errors.Is(err, ximss.ErrNoAccount), errors.Is(err, cli.ErrNotFound), errors.As(err, &unknown) && unknown.Code == 513:
		return fault.Wrap(err, fault.NotFound, "%s", missing)
	}
	var x *ximss.Error
	if errors.As(err, &x) {
		return fault.Wrap(err, fault.Invalid, "CommuniGate Pro refused it: %s", x.Text)
	}
	return asFault(err)
}

// Calendars implements people.Mail.
func (g *Groupware) Calendars(ctx context.Context, c people.Caller) ([]people.Calendar, error) {
	own := []people.Calendar{{Account: c.Email, Name: calendarMailbox, Own: true, Letters: calendarRights}}
	var others []string
	if c.Password != "" {
		replies, err := g.do(ctx, c, ximss.ListMailboxes("*", calendarClass))
		if err != nil {
			return nil, err
		}
		list, err := replies[0].Mailboxes()
		if err != nil {
			return nil, asFault(err)
		}
		for _, m := range list {
			if !strings.HasPrefix(m.Name, "~") && m.Name != calendarMailbox && (m.Class == "" || m.Class == calendarClass) {
				own = append(own, people.Calendar{Account: c.Email, Name: m.Name, Own: true, Letters: calendarRights})
			}
		}
	}
	err := g.serverOf(c.Tenant).cli.With(ctx, func(conn *cli.Conn) error {
		list, err := conn.MailboxSubscription(ctx, c.Email)
		others = list
		return err
	})
	if err != nil { // without CLI one's own are all that is known
		return own, nil //nolint:nilerr // as said
	}
	for _, m := range others {
		account, box, ok := strings.Cut(strings.TrimPrefix(m, "~"), "/")
		account = strings.ToLower(account)
		if !strings.HasPrefix(m, "~") || !ok || box != calendarMailbox || !c.Tenant.Owns(account) || account == c.Email {
			continue
		}
		if letters, err := g.Rights(ctx, c.Tenant, account, c.Email); err == nil && letters != "" {
			own = append(own, people.Calendar{Account: account, Name: box, Letters: letters})
		}
	}
	return own, nil
}

// Rights implements people.Mail.
func (g *Groupware) Rights(ctx context.Context, t tenant.Tenant, account, person string) (letters string, err error) {
	err = g.serverOf(t).cli.With(ctx, func(c *cli.Conn) error {
		letters, err = c.MailboxRights(ctx, account, calendarMailbox, person)
		return err
	})
	return letters, cliFault(err, "there is no such calendar, or not for you")
}

func cliFault(err error, missing string) error {
	var refused *cli.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, cli.ErrNotFound), errors.As(err, &refused) && refused.Code == 513:
		return fault.Wrap(err, fault.NotFound, "%s", missing)
	case errors.As(err, &refused):
		return fault.Wrap(err, fault.Invalid, "CommuniGate Pro refused it: %s", refused.Text)
	}
	return fault.Wrap(err, fault.Unavailable, "CommuniGate Pro's administration cannot be reached; try again soon")
}

// ACL implements people.Mail.
func (g *Groupware) ACL(ctx context.Context, t tenant.Tenant, account string) (map[string]string, error) {
	out := map[string]string{}
	err := g.serverOf(t).cli.With(ctx, func(c *cli.Conn) error {
		acl, err := c.MailboxACL(ctx, account, calendarMailbox)
		for id, v := range acl {
			if letters, ok := v.(string); ok {
				out[strings.ToLower(id)] = letters
			}
		}
		return err
	})
	return out, cliFault(err, "there is no such calendar")
}

// SetACL implements people.Mail. Who gets rights finds the calendar among
// their own: it is put into their subscription.
func (g *Groupware) SetACL(ctx context.Context, t tenant.Tenant, account, identifier, letters string) error {
	err := g.serverOf(t).cli.With(ctx, func(c *cli.Conn) error {
		if err := c.SetMailboxACL(ctx, account, calendarMailbox, dataformat.Dict{identifier: letters}); err != nil {
			return err
		}
		if !strings.Contains(identifier, "@") || strings.HasSuffix(identifier, "@") {
			return nil
		}
		list, err := c.MailboxSubscription(ctx, identifier)
		if err != nil {
			return nil //nolint:nilerr // the right holds; the list is a convenience
		}
		name := calendarPath(account)
		has := slices.Contains(list, name)
		switch {
		case letters != "" && !has:
			list = append(list, name)
		case letters == "" && has:
			list = slices.DeleteFunc(list, func(s string) bool { return s == name })
		default:
			return nil
		}
		return c.SetMailboxSubscription(ctx, identifier, list)
	})
	return cliFault(err, "there is no such calendar")
}

// Events implements people.Mail: the dates of the range in one round trip,
// and what they are about in another.
func (g *Groupware) Events(ctx context.Context, c people.Caller, account string, from, till time.Time) (people.Items, error) {
	out := people.Items{Events: map[string]*ical.Event{}}
	parts := windows(from, till)
	replies, err := g.within(ctx, c, account, func(h string) (list []*ximss.Request) {
		for _, w := range parts {
			list = append(list, ximss.FindEvents(h, w[0], w[1]))
		}
		return list
	})
	if err != nil {
		return out, err
	}
	messages := map[string]int64{}
	for _, r := range replies {
		found, err := r.Occurrences()
		if err != nil {
			return out, refusalFault(err, "there is no such calendar, or not for you")
		}
		for _, o := range found {
			s := people.Span{UID: o.ItemUID, Start: o.Start, End: o.End, Status: strings.ToUpper(o.BusyStatus)}
			if !slices.Contains(out.Spans[max(0, len(out.Spans)-borderEvents):], s) {
				out.Spans = append(out.Spans, s)
			}
			messages[o.ItemUID] = o.UID
		}
	}
	if len(messages) == 0 || len(out.Spans) > people.MostEvents {
		return out, nil
	}
	uids := make([]string, 0, len(messages))
	for u := range messages {
		uids = append(uids, u)
	}
	slices.Sort(uids)
	for part := range slices.Chunk(uids, maxBatch) {
		replies, err := g.within(ctx, c, account, func(h string) (list []*ximss.Request) {
			for _, u := range part {
				list = append(list, ximss.ReadItem(h, messages[u]))
			}
			return list
		})
		if err != nil {
			return out, err
		}
		for i, u := range part {
			if errors.Is(replies[i].Err, ximss.ErrNotFound) { // changed meanwhile
				continue
			}
			item, err := replies[i].Item()
			if err != nil {
				return out, refusalFault(err, "the event is gone")
			}
			if len(item.Events) > 0 {
				out.Events[u] = item.Events[0]
			}
		}
	}
	return out, nil
}

// Busy implements people.Mail.
func (g *Groupware) Busy(ctx context.Context, c people.Caller, account string, from, till time.Time) ([]people.Span, error) {
	var list []*ximss.Request
	for _, w := range windows(from, till) {
		list = append(list, g.cfg.Dialect.FreeBusy(account, w[0], w[1]))
	}
	replies, err := g.do(ctx, c, list...)
	if err != nil {
		return nil, err
	}
	var out []people.Span
	for _, r := range replies {
		busy, err := r.FreeBusy()
		if err != nil {
			return nil, refusalFault(err, "there is no such account")
		}
		for _, b := range busy {
			out = append(out, people.Span{Start: b.Start, End: b.End, Status: b.Status})
		}
	}
	return out, nil
}

func sending(invite bool) ximss.Send {
	if invite {
		return ximss.SendAll
	}
	return ximss.SendNone
}

// Publish implements people.Mail.
func (g *Groupware) Publish(ctx context.Context, c people.Caller, account string, event *ical.Calendar, invite bool) error {
	if err := g.mayWrite(ctx, c, account); err != nil {
		return err
	}
	replies, err := g.within(ctx, c, account, func(h string) []*ximss.Request {
		return []*ximss.Request{g.cfg.Dialect.Publish(h, event, sending(invite))}
	})
	if err != nil {
		return err
	}
	return refusalFault(replies[0].Err, "there is no such calendar")
}

// Cancel implements people.Mail.
func (g *Groupware) Cancel(ctx context.Context, c people.Caller, account, uid string, date ical.Time, invite bool, comment string) error {
	if err := g.mayWrite(ctx, c, account); err != nil {
		return err
	}
	replies, err := g.within(ctx, c, account, func(h string) []*ximss.Request {
		return []*ximss.Request{g.cfg.Dialect.Cancel(h, uid, date, sending(invite), comment)}
	})
	if err != nil {
		return err
	}
	return refusalFault(replies[0].Err, "there is no such event in this calendar")
}

// mayWrite asks for the right before something is written: CommuniGate Pro
// does not always say when it was missing.
func (g *Groupware) mayWrite(ctx context.Context, c people.Caller, account string) error {
	if c.Password == "" {
		return g.ensureRight(ctx, c.Tenant, account)
	}
	if account == c.Email {
		return nil
	}
	replies, err := g.do(ctx, c, ximss.MailboxRights(path(c, account)))
	if err != nil {
		return err
	}
	letters, err := replies[0].Rights()
	switch {
	case errors.Is(err, ximss.ErrProtocol):
		return nil // the server does not say; the write itself will
	case err != nil:
		return refusalFault(err, "there is no such calendar, or not for you")
	case !people.Has(letters, "i"):
		return fault.New(fault.Forbidden, "you may not write into the calendar of %s", account)
	}
	return nil
}

// Invitations implements people.Mail.
func (g *Groupware) Invitations(ctx context.Context, c people.Caller) ([]people.Invitation, error) {
	const inbox = "inbox"
	open := ximss.OpenFolder(inbox, ximss.FolderView{Mailbox: "INBOX", Desc: true, Fields: []string{"E-From", "Content-Type"}})
	replies, err := g.do(ctx, c, open, ximss.BrowseFolder(inbox, 0, mostAnswers-1), ximss.CloseFolder(inbox))
	if err != nil {
		return nil, err
	}
	if replies[0].Err != nil {
		return nil, refusalFault(replies[0].Err, "there is no INBOX")
	}
	list, err := replies[1].FolderReports()
	if err != nil || len(list) == 0 {
		return nil, asFaultIf(err)
	}
	requests := []*ximss.Request{open}
	for _, m := range list {
		requests = append(requests, ximss.ReadMessage(inbox, m.UID, 1<<20))
	}
	if replies, err = g.do(ctx, c, append(requests, ximss.CloseFolder(inbox))...); err != nil {
		return nil, err
	}
	var out []people.Invitation
	for i, m := range list {
		if cal := calendarIn(replies[i+1]); cal != nil && strings.EqualFold(cal.Method, "REQUEST") && len(cal.Events) > 0 {
			out = append(out, people.Invitation{ID: m.UID, From: m.Field("E-From"), Event: cal})
		}
	}
	return out, nil
}

func asFaultIf(err error) error {
	if err == nil {
		return nil
	}
	return asFault(err)
}

// Answer implements people.Mail: the answer goes to the organizer, the event
// into the calendar unless it is declined, and the message is removed.
func (g *Groupware) Answer(ctx context.Context, c people.Caller, id int64, partStat, comment string) error {
	const inbox, handle = "inbox", "own"
	open := ximss.OpenFolder(inbox, ximss.FolderView{Mailbox: "INBOX"})
	replies, err := g.do(ctx, c, open, ximss.ReadMessage(inbox, id, 1<<20), ximss.CloseFolder(inbox))
	if err != nil {
		return err
	}
	cal := calendarIn(replies[1])
	if cal == nil || !strings.EqualFold(cal.Method, "REQUEST") {
		return fault.New(fault.NotFound, "there is no such invitation")
	}
	answer := ximss.Accept(handle, cal, partStat, comment)
	if partStat == "DECLINED" {
		answer = ximss.Decline(handle, cal, comment)
	}
	if replies, err = g.do(ctx, c, ximss.OpenCalendar(handle, calendarMailbox), answer, ximss.CloseCalendar(handle)); err != nil {
		return err
	}
	if err := errors.Join(replies[0].Err, replies[1].Err); err != nil {
		return refusalFault(err, "you have no calendar")
	}
	replies, err = g.do(ctx, c, open, ximss.RemoveMessages(inbox, id), ximss.CloseFolder(inbox))
	if err != nil {
		return err
	}
	return refusalFault(replies[1].Err, "there is no such invitation")
}

// calendarIn is what a message carries, or nil.
func calendarIn(r *ximss.Reply) *ical.Calendar {
	mail, err := r.Message()
	if err != nil {
		return nil
	}
	n := mail.Find("iCalendar")
	if n == nil {
		return nil
	}
	c, err := ical.FromXML(n)
	if err != nil {
		return nil
	}
	return c
}

// contactsClass is that of folders with contacts.
const contactsClass = "IPF.Contact"

// Folders implements people.Mail. A list without the class would leave these
// folders out.
func (g *Groupware) Folders(ctx context.Context, c people.Caller) ([]people.Folder, error) {
	replies, err := g.do(ctx, c, ximss.ListMailboxes("*", contactsClass))
	if err != nil {
		return nil, err
	}
	list, err := replies[0].Mailboxes()
	if err != nil {
		return nil, asFault(err)
	}
	var out []people.Folder
	for _, m := range list {
		if !strings.HasPrefix(m.Name, "~") && (m.Class == "" || m.Class == contactsClass) {
			out = append(out, people.Folder{Name: m.Name, Count: m.Messages})
		}
	}
	return out, nil
}

// CreateFolder implements people.Mail.
func (g *Groupware) CreateFolder(ctx context.Context, c people.Caller, name string) error {
	replies, err := g.do(ctx, c, ximss.CreateMailbox(name, contactsClass))
	if err != nil {
		return err
	}
	return refusalFault(replies[0].Err, "the folder could not be made")
}

// RemoveFolder implements people.Mail.
func (g *Groupware) RemoveFolder(ctx context.Context, c people.Caller, name string) error {
	replies, err := g.do(ctx, c, ximss.RemoveMailbox(name))
	if err != nil {
		return err
	}
	return refusalFault(replies[0].Err, "there is no such folder")
}

// inFolder opens a folder of contacts, sends the requests and closes it.
func (g *Groupware) inFolder(ctx context.Context, c people.Caller, folder string, requests func(h string) []*ximss.Request) ([]*ximss.Reply, error) {
	const h = "contacts"
	batch := slices.Concat([]*ximss.Request{ximss.OpenFolder(h, ximss.FolderView{Mailbox: folder, SortField: "To", Fields: []string{"To", "E-To"}})}, requests(h), []*ximss.Request{ximss.CloseFolder(h)})
	replies, err := g.do(ctx, c, batch...)
	if err != nil {
		return nil, err
	}
	if replies[0].Err != nil {
		return nil, refusalFault(replies[0].Err, "there is no such folder of contacts")
	}
	return replies[1 : len(replies)-1], nil
}

// mostContacts is how many of a folder are read.
const mostContacts = 20_000

// Contacts implements people.Mail.
func (g *Groupware) Contacts(ctx context.Context, c people.Caller, folder string) ([]people.Contact, error) {
	replies, err := g.inFolder(ctx, c, folder, func(h string) []*ximss.Request {
		return []*ximss.Request{ximss.BrowseFolder(h, 0, mostContacts-1)}
	})
	if err != nil {
		return nil, err
	}
	list, err := replies[0].FolderReports()
	if err != nil {
		return nil, refusalFault(err, "there is no such folder of contacts")
	}
	var out []people.Contact
	for part := range slices.Chunk(list, maxBatch) {
		replies, err := g.inFolder(ctx, c, folder, func(h string) (requests []*ximss.Request) {
			for _, m := range part {
				requests = append(requests, ximss.ReadMessage(h, m.UID, 1<<20))
			}
			return requests
		})
		if err != nil {
			return nil, err
		}
		for i, m := range part {
			if x, err := contactOf(folder, m.UID, replies[i]); err == nil { // other mail in the folder is passed over
				out = append(out, x)
			}
		}
	}
	return out, nil
}

func contactOf(folder string, id int64, r *ximss.Reply) (people.Contact, error) {
	card, group, err := r.Contact()
	return people.Contact{Folder: folder, ID: id, Card: card, Group: group}, err
}

// Contact implements people.Mail.
func (g *Groupware) Contact(ctx context.Context, c people.Caller, folder string, id int64) (people.Contact, error) {
	replies, err := g.inFolder(ctx, c, folder, func(h string) []*ximss.Request {
		return []*ximss.Request{ximss.ReadMessage(h, id, 1<<20)}
	})
	if err != nil {
		return people.Contact{}, err
	}
	x, err := contactOf(folder, id, replies[0])
	if err != nil {
		return x, fault.Wrap(err, fault.NotFound, "there is no contact %s; it may have changed, which gives it another id", strconv.FormatInt(id, 10))
	}
	return x, nil
}

// SaveContact implements people.Mail.
func (g *Groupware) SaveContact(ctx context.Context, c people.Caller, x people.Contact) (int64, error) {
	replies, err := g.inFolder(ctx, c, x.Folder, func(h string) []*ximss.Request {
		if x.Group != nil {
			return []*ximss.Request{ximss.AppendGroup(h, x.Group, x.ID)}
		}
		return []*ximss.Request{ximss.AppendContact(h, x.Card, x.ID)}
	})
	if err != nil {
		return 0, err
	}
	if err := replies[0].Err; err != nil {
		if x.ID != 0 && errors.Is(err, ximss.ErrNotFound) {
			return 0, fault.Wrap(err, fault.Stale, "the contact has changed since you read it; read it again")
		}
		return 0, refusalFault(err, "there is no such folder of contacts")
	}
	return replies[0].UID()
}

// RemoveContact implements people.Mail.
func (g *Groupware) RemoveContact(ctx context.Context, c people.Caller, folder string, id int64) error {
	replies, err := g.inFolder(ctx, c, folder, func(h string) []*ximss.Request {
		return []*ximss.Request{ximss.RemoveMessages(h, id)}
	})
	if err != nil {
		return err
	}
	return refusalFault(replies[0].Err, "there is no such contact")
}
