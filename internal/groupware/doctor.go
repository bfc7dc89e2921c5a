package groupware

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"rmp/calendar/ical"
	"rmp/communigate/cli"
	"rmp/communigate/dataformat"
	"rmp/communigate/ximss"
	"rmp/internal/directory"
	"rmp/internal/people"
	"rmp/internal/tenant"
)

// What an account of RMP has; the doctor looks for the same.
const (
	CalendarMailbox = calendarMailbox
	CalendarClass   = calendarClass
	CalendarRights  = calendarRights
	ContactsMailbox = "Contacts"
	ContactsClass   = "IPF.Contact"
	// NeededRights are those without which RMP cannot read, write and remove
	// events.
	NeededRights = "lrswite"
)

// ResourceServices are the access modes that a resource's domain has. Real
// settings have a number in front, that of the modes the server's version
// knows; left out, the server fills it in.
var ResourceServices = []string{"Mail", "Relay", "Signal", "TLS", "IMAP", "MAPI", "AirSync", "WebMail", "XIMSS", "PWD", "LDAP", "WebCAL", "HTTP", "WebSite"}

// ResourceSettings are the settings of a resource's account.
func ResourceSettings(r directory.Resource) dataformat.Dict {
	return dataformat.Dict{"RealName": r.Name, "AutoAccept": "YES", "ServiceClass": "Resource"}
}

// ResourceRules are the rules by which a resource's account accepts
// invitations.
func ResourceRules() dataformat.Array {
	return dataformat.Array{dataformat.Array{"5", "AutoAccept",
		dataformat.Array{dataformat.Array{"Calendar Method", "is", "REQUEST"}},
		dataformat.Array{dataformat.Array{"Accept Request", "---"}, dataformat.Array{"Discard", "---"}}}}
}

// Admin lends a CLI connection to the tenant's server.
func (g *Groupware) Admin(ctx context.Context, t tenant.Tenant, fn func(*cli.Conn) error) error {
	return g.serverOf(t).cli.With(ctx, fn)
}

// ServiceLogin tries the sign-in of the tenant's service account in a session
// of its own, which ends at once. It does not wait for a free session, but
// ends those first that this process keeps and does not use.
func (g *Groupware) ServiceLogin(ctx context.Context, t tenant.Tenant) error {
	server := g.serverOf(t)
	g.servers.mu.Lock()
	o := g.servers.open[t.ID]
	g.servers.mu.Unlock()
	if o != nil {
		o.pool.EndIdle(ctx)
	}
	s, err := ximss.Login(ctx, server.client, g.session(server, t.ServiceAccount(), t.ServicePassword))
	if err != nil {
		return err
	}
	return s.Close(ctx)
}

// OpenSessions is how many sessions of the tenant's service account this
// process has open.
func (g *Groupware) OpenSessions(id tenant.ID) int {
	g.servers.mu.Lock()
	defer g.servers.mu.Unlock()
	if o := g.servers.open[id]; o != nil {
		return o.pool.Open()
	}
	return 0
}

// CertificateEnd is when the certificate of the tenant's server ends; zero
// where it is reached without TLS.
func (g *Groupware) CertificateEnd(ctx context.Context, t tenant.Tenant) (time.Time, error) {
	server := g.serverOf(t)
	if server.tls == nil {
		return time.Time{}, nil
	}
	at, err := url.Parse(server.url)
	if err != nil {
		return time.Time{}, err
	}
	d := tls.Dialer{NetDialer: &net.Dialer{Timeout: g.cfg.Timeout}, Config: server.tls}
	c, err := d.DialContext(ctx, "tcp", at.Host)
	if err != nil {
		return time.Time{}, err
	}
	defer c.Close() //nolint:errcheck // nothing was written
	return c.(*tls.Conn).ConnectionState().PeerCertificates[0].NotAfter, nil
}

// TransparentEvents are the events of a calendar in a range that do not block
// time.
func (g *Groupware) TransparentEvents(ctx context.Context, t tenant.Tenant, account string, from, till time.Time) ([]*ical.Event, error) {
	items, err := g.Events(ctx, people.Caller{Tenant: t, Email: t.ServiceAccount()}, account, from, till)
	if err != nil {
		return nil, err
	}
	var out []*ical.Event
	for _, e := range items.Events {
		if e.Free() && !strings.EqualFold(e.Status, "CANCELLED") {
			out = append(out, e)
		}
	}
	return out, nil
}

// SetTransparency has an event of a calendar block time, or not.
func (g *Groupware) SetTransparency(ctx context.Context, t tenant.Tenant, account, uid string, free bool, from, till time.Time) error {
	c := people.Caller{Tenant: t, Email: t.ServiceAccount()}
	items, err := g.Events(ctx, c, account, from, till)
	if err != nil {
		return err
	}
	e := items.Events[uid]
	if e == nil {
		return fmt.Errorf("the event %s is not in the calendar of %s any more", uid, account)
	}
	e.Transp, e.BusyStatus = "OPAQUE", "BUSY"
	if free {
		e.Transp, e.BusyStatus = "TRANSPARENT", "FREE"
	}
	e.Sequence++
	return g.Publish(ctx, c, account, &ical.Calendar{Events: []*ical.Event{e}}, false)
}

// Session lends a session of the tenant's service account.
func (g *Groupware) Session(ctx context.Context, id tenant.ID) (*ximss.Session, func(), error) {
	pool, err := g.pool(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	return pool.Lend(ctx)
}

// SessionsPerTenant is how many sessions of a service account a process opens
// at most.
func (g *Groupware) SessionsPerTenant() int { return g.cfg.Sessions }
