// Package people is what belongs to persons rather than to bookings: their
// calendars with plain events, who may do what with them, invitations,
// contacts and groups, and looking for any of them by name.
//
// Everything is in CommuniGate Pro. RMP acts there as the person, with the
// password of their sign-in, so that the server itself decides what they may;
// for an administrator in others' calendars, and for who has no password
// there (OpenID Connect, a script's token), it acts as the service account,
// and what the person may is asked of the server first. Which of the two is
// in Caller.
package people

import (
	"context"
	"fmt"
	"strings"
	"time"

	"rmp/calendar/ical"
	"rmp/calendar/vcard"
	"rmp/internal/fault"
	"rmp/internal/secret"
	"rmp/internal/tenant"
)

// Caller is who asks, and how CommuniGate is reached for them.
type Caller struct {
	Tenant   tenant.Tenant
	Email    string
	Session  string      // handle of the sign-in
	Password secret.Text // empty: the service account acts
}

// AsService is the caller with the service account at work.
func (c Caller) AsService() Caller {
	c.Password = ""
	return c
}

// Calendar is one calendar that a person may look at.
type Calendar struct {
	Account string // whose
	Name    string // of the mailbox; the main one is Calendar
	Own     bool
	Letters string // what the person may do, as the server's letters
}

// Span is a time of an event.
type Span struct {
	UID        string
	Start, End time.Time
	Status     string // BUSY, TENTATIVE, OOF, FREE
}

// Items are the events of a range: what is known of each, by UID, and when
// they take place.
type Items struct {
	Spans  []Span
	Events map[string]*ical.Event // masters, with their exceptions
}

// Invitation is a request in somebody's INBOX.
type Invitation struct {
	ID    int64 // of the message
	From  string
	Event *ical.Calendar
}

// Folder is a folder of contacts.
type Folder struct {
	Name  string
	Count int64
}

// Contact is a card or a group in a folder. One of the two is there.
type Contact struct {
	Folder string
	ID     int64 // of the message; another after each change
	Card   *vcard.Card
	Group  *vcard.Group
}

// Name is what to show of it.
func (c Contact) Name() string {
	if c.Group != nil {
		return c.Group.Name
	}
	return c.Card.DisplayName()
}

// Mail is what the package needs of CommuniGate. Refusals are faults:
// NotFound (no such account, calendar, folder or item), Forbidden (no right),
// Stale (it has changed), Unavailable and its kind.
type Mail interface {
	// Calendars answers the caller's own calendars and those of others in
	// their subscription.
	Calendars(ctx context.Context, c Caller) ([]Calendar, error)
	// Rights answers the letters of what a person may do with the main
	// calendar of an account.
	Rights(ctx context.Context, t tenant.Tenant, account, person string) (string, error)
	// ACL answers who may do what with it; SetACL sets the letters of one, ""
	// takes them all back.
	ACL(ctx context.Context, t tenant.Tenant, account string) (map[string]string, error)
	SetACL(ctx context.Context, t tenant.Tenant, account, identifier, letters string) error

	Events(ctx context.Context, c Caller, account string, from, till time.Time) (Items, error)
	// Busy answers when an account is busy, which needs fewer rights.
	Busy(ctx context.Context, c Caller, account string, from, till time.Time) ([]Span, error)
	Publish(ctx context.Context, c Caller, account string, event *ical.Calendar, invite bool) error
	Cancel(ctx context.Context, c Caller, account, uid string, date ical.Time, invite bool, comment string) error

	Invitations(ctx context.Context, c Caller) ([]Invitation, error)
	Answer(ctx context.Context, c Caller, id int64, partStat, comment string) error

	Folders(ctx context.Context, c Caller) ([]Folder, error)
	CreateFolder(ctx context.Context, c Caller, name string) error
	RemoveFolder(ctx context.Context, c Caller, name string) error
	Contacts(ctx context.Context, c Caller, folder string) ([]Contact, error)
	Contact(ctx context.Context, c Caller, folder string, id int64) (Contact, error)
	// SaveContact stores a card or group, in the place of ID unless that is
	// 0, and answers the new ID.
	SaveContact(ctx context.Context, c Caller, x Contact) (int64, error)
	RemoveContact(ctx context.Context, c Caller, folder string, id int64) error
}

// Deps is what the service stands on.
type Deps struct {
	Mail    Mail
	Tenants interface {
		Tenant(ctx context.Context, id tenant.ID) (tenant.Tenant, error)
	}
	// Password is that of a sign-in, or empty.
	Password func(ctx context.Context, session string) (secret.Text, error)
	// Directory answers the people and resources of a tenant.
	Directory func(ctx context.Context, t tenant.ID) ([]Entry, error)
	// Booked answers which of the events, by their UIDs, are a booking's in the
	// calendar of an account.
	Booked func(ctx context.Context, t tenant.ID, account string, uids []string) (map[string]bool, error)
	// Changed is told of a calendar that was written into.
	Changed func(t tenant.ID, account string, from, till time.Time)
	Now     func() time.Time
}

// Service answers what people ask.
type Service struct {
	Deps
	indexes indexes
}

// New makes a service.
func New(d Deps) *Service { return &Service{Deps: d, indexes: newIndexes()} }

func (s *Service) caller(ctx context.Context, p tenant.Principal) (Caller, error) {
	t, err := s.Tenants.Tenant(ctx, p.Tenant)
	if err != nil {
		return Caller{}, err
	}
	c := Caller{Tenant: t, Email: strings.ToLower(p.Email), Session: p.Session}
	if p.Session != "" {
		if c.Password, err = s.Password(ctx, p.Session); err != nil {
			return Caller{}, fmt.Errorf("read the sign-in: %w", err)
		}
	}
	return c, nil
}

// asPerson is a caller who must act as themselves.
func (s *Service) asPerson(ctx context.Context, p tenant.Principal) (Caller, error) {
	c, err := s.caller(ctx, p)
	if err == nil && c.Password == "" {
		err = fault.New(fault.Forbidden, "this is done in your own name at CommuniGate Pro, for which you must be signed in with your password")
	}
	return c, err
}

// account checks an address in the path: it is the tenant's.
func account(t tenant.Tenant, email string) (string, error) {
	email = strings.ToLower(strings.TrimSpace(email))
	if !t.Owns(email) {
		return "", fault.New(fault.NotFound, "there is no such account")
	}
	return email, nil
}
