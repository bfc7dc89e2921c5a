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

	Server   Server
	Settings Settings
	Version  int64 // grows with each change; the ETag
}

// Server is the CommuniGate Pro server of a tenant. Without a host it is the
// installation's.
type Server struct {
	Host     string `json:"host,omitempty"`
	HTTPPort int    `json:"httpPort,omitempty"` // XIMSS; 0: 8100, or 9100 with TLS
	CLIPort  int    `json:"cliPort,omitempty"`  // 0: 106
	TLS      bool   `json:"tls,omitempty"`
	CLITLS   bool   `json:"cliTls,omitempty"`
	Admin    string `json:"admin,omitempty"`

	AdminPassword secret.Text `json:"-"` // sealed in storage
}

// Settings are what an administrator sets for the whole tenant.
type Settings struct {
	Limits   Limits   `json:"limits,omitzero"`
	Branding Branding `json:"branding,omitzero"`
	OIDC     OIDC     `json:"oidc,omitzero"`
	// ResourceTypes are the tenant's own kinds of resource, besides those
	// that every tenant has.
	ResourceTypes []ResourceType `json:"resourceTypes,omitempty"`
}

// ResourceType is a kind of resource.
type ResourceType struct {
	Name   string `json:"type"`   // conference-room
	Prefix string `json:"prefix"` // confroom.resources.
	Label  string `json:"label"`  // Conference room
}

// Limits bound what a tenant may use; 0 is the installation's default.
type Limits struct {
	Users             int `json:"users,omitempty"`
	Resources         int `json:"resources,omitempty"`
	RequestsPerMinute int `json:"requestsPerMinute,omitempty"` // counted by each process for itself
	EventStreams      int `json:"eventStreams,omitempty"`      // open at once, of each process
}

// Branding is how the web app greets a tenant's people.
type Branding struct {
	Name   string `json:"name,omitempty"`
	Colour string `json:"colour,omitempty"` // #rrggbb
}

// OIDC is the tenant's OpenID Connect provider, by which its people may sign
// in too. Without an issuer there is none.
type OIDC struct {
	Issuer   string `json:"issuer,omitempty"`
	ClientID string `json:"clientId,omitempty"`
	Label    string `json:"label,omitempty"` // what the button says

	ClientSecret secret.Text `json:"-"` // sealed in storage
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

// Scope is a part of the API that a script's token may use.
type Scope string

// The scopes of tokens. A write scope does not include the read scope.
const (
	BookingsRead  Scope = "bookings:read"
	BookingsWrite Scope = "bookings:write"
	ResourcesRead Scope = "resources:read"
	PeopleRead    Scope = "people:read"  // calendars, contacts, delegates
	PeopleWrite   Scope = "people:write" //
	AdminScope    Scope = "admin"        // what the person's role allows beyond
)

// Scopes are all of them.
var Scopes = []Scope{BookingsRead, BookingsWrite, ResourcesRead, PeopleRead, PeopleWrite, AdminScope}

// Principal is who is asking, as the access token or a script's token says.
type Principal struct {
	Tenant  ID
	UserID  string
	Domain  string
	Email   string
	Name    string
	Role    Role
	Session string   // opaque handle of the CommuniGate session; empty with a script's token
	Token   string   // id of a script's token; empty with a session
	Scopes  []Scope  // of a script's token
	Manages []string // addresses of the resources that a manager runs
}

// Runs reports whether the person may change what is booked of a resource: an
// administrator, or its manager.
func (p Principal) Runs(resource string) bool {
	return p.Role.AtLeast(Admin) || p.Role == Manager && slices.Contains(p.Manages, strings.ToLower(resource))
}

// May reports whether the way in that the principal took reaches the scope.
func (p Principal) May(s Scope) bool { return p.Token == "" || slices.Contains(p.Scopes, s) }
