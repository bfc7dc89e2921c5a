// Package tenant says what an organisation in the installation is and who is
// asking on its behalf.
package tenant

import (
	"slices"
	"strings"

	"rmp/internal/secret"
)

// ID names a tenant. Every row, cache key and session is scoped by one.
type ID string

// Tenant is one organisation.
type Tenant struct {
	ID       ID
	Domain   string // the main mail domain, in lower case: example.test
	Name     string // for people: Example Ltd
	TimeZone string // IANA name; the default of bookings and resources
	Mode     string // default write mode of bookings: direct or invitation
	Active   bool
	Demo     bool // made by the demo; may be signed in to with the public password

	// ServicePassword is that of the account all_events in Domain, which
	// writes into the calendars. It is sealed in storage.
	ServicePassword secret.Text
}

// ServiceAccount is the account that writes into the tenant's calendars and
// holds the central one.
func (t Tenant) ServiceAccount() string { return "all_events@" + t.Domain }

// Owns reports whether an address belongs to the tenant: its domain is the
// main domain or one below it.
func (t Tenant) Owns(email string) bool {
	_, domain, ok := strings.Cut(strings.ToLower(email), "@")
	return ok && (domain == t.Domain || strings.HasSuffix(domain, "."+t.Domain))
}

// Role is what a person may do in the tenant.
type Role string

// The roles, each including those before it.
const (
	User       Role = "user"
	Manager    Role = "manager"
	Admin      Role = "admin"
	SuperAdmin Role = "super_admin"
)

var ranks = []Role{User, Manager, Admin, SuperAdmin}

// Valid reports whether there is such a role.
func (r Role) Valid() bool { return slices.Contains(ranks, r) }

// AtLeast reports whether r includes the role o.
func (r Role) AtLeast(o Role) bool {
	return r.Valid() && slices.Index(ranks, r) >= slices.Index(ranks, o)
}

// Principal is who is asking, as the access token says.
type Principal struct {
	Tenant  ID
	Domain  string
	Email   string
	Name    string
	Role    Role
	Session string // opaque handle of the CommuniGate session
}
