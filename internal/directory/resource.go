// Package directory knows the things that can be booked and the tenants'
// people who book them. It holds no calendar: what is taken when is the
// business of the packages booking and availability.
package directory

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"rmp/internal/fault"
	"rmp/internal/tenant"
)

// Type is a kind of resource. It decides the sub-domain of the accounts.
type Type tenant.ResourceType

// Types are the kinds of resource every tenant has. A resource's account is
// in the domain Prefix + tenant domain.
var Types = []Type{
	{"conference-room", "confroom.resources.", "Conference room"},
	{"parking-space", "parking.resources.", "Parking space"},
	{"company-vehicle", "vehicles.resources.", "Company vehicle"},
	{"equipment", "equipment.resources.", "Equipment"},
	{"catering-service", "catering.resources.", "Catering service"},
}

// TypesOf are the kinds of resource of a tenant: those that all have, and its
// own.
func TypesOf(t tenant.Tenant) []Type {
	out := slices.Clone(Types)
	for _, x := range t.Settings.ResourceTypes {
		out = append(out, Type(x))
	}
	return out
}

// TypeByName answers the tenant's type of the name.
func TypeByName(t tenant.Tenant, name string) (Type, bool) {
	return find(t, func(x Type) bool { return x.Name == name })
}

// TypeOf answers the type of an account by its sub-domain.
func TypeOf(t tenant.Tenant, email string) (Type, bool) {
	_, domain, _ := strings.Cut(strings.ToLower(email), "@")
	return find(t, func(x Type) bool { return x.Domain(t.Domain) == domain })
}

func find(t tenant.Tenant, is func(Type) bool) (Type, bool) {
	types := TypesOf(t)
	i := slices.IndexFunc(types, is)
	if i < 0 {
		return Type{}, false
	}
	return types[i], true
}

var (
	typeName   = regexp.MustCompile(`^[a-z][a-z0-9-]{1,40}$`)
	typePrefix = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?\.){1,4}$`)
)

// CheckTypes says what is wrong with a tenant's own types.
func CheckTypes(bad *fault.Fields, pointer string, own []tenant.ResourceType) {
	const most = 50
	if len(own) > most {
		bad.Add(pointer, "are more than %d", most)
		return
	}
	names, prefixes := map[string]bool{}, map[string]bool{}
	for _, t := range Types {
		names[t.Name], prefixes[t.Prefix] = true, true
	}
	for i, t := range own {
		at := fmt.Sprintf("%s/%d", pointer, i)
		switch {
		case !typeName.MatchString(t.Name):
			bad.Add(at+"/type", "must be 2 to 41 small letters, digits and -, such as boat")
		case names[t.Name]:
			bad.Add(at+"/type", "is there already")
		case !typePrefix.MatchString(t.Prefix):
			bad.Add(at+"/prefix", "is not the beginning of a sub-domain such as boats.resources.")
		case prefixes[t.Prefix]:
			bad.Add(at+"/prefix", "is that of another type")
		}
		if t.Label == "" || utf8.RuneCountInString(t.Label) > 100 || strings.ContainsFunc(t.Label, unicode.IsControl) {
			bad.Add(at+"/label", "must have 1 to 100 characters, none of them a control character")
		}
		names[t.Name], prefixes[t.Prefix] = true, true
	}
}

// Domain is the sub-domain of the type's accounts in a tenant.
func (t Type) Domain(tenantDomain string) string { return t.Prefix + tenantDomain }

// Resource is a thing that can be booked: a room, a parking space, a vehicle,
// a piece of equipment, a catering service.
type Resource struct {
	ID          string // internal; the address may change, this does not
	Email       string // the account that holds its calendar, in lower case
	Type        string // name of a Type
	Name        string
	Description string
	Site        string // building or campus
	Floor       string
	Capacity    int // persons; 0 where it means nothing
	Features    []string
	TimeZone    string // IANA name
	Active      bool
	Units       int    // how many identical ones there are; at least 1
	Policy      Policy // its own; see Rules
	TypePolicy  Policy // of all resources of the type
	Photo       string // hash of its photo; empty: none. Stored apart
	Version     int64  // grows with each change; the ETag
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Filter chooses resources. Zero fields do not restrict.
type Filter struct {
	Type        string
	Query       string // in name, address, site, floor or description, letter case ignored
	MinCapacity int
	Features    []string // all of them
	Site        string
	Emails      []string // only these
	Limit       int      // at most that many; 0: all
	After       string   // cursor: only addresses after this one in order
}

// Matches reports whether a resource passes the filter (Limit and After
// aside).
func (f Filter) Matches(r Resource) bool {
	switch {
	case f.Type != "" && r.Type != f.Type,
		r.Capacity < f.MinCapacity,
		f.Site != "" && !strings.EqualFold(f.Site, r.Site),
		len(f.Emails) > 0 && !slices.ContainsFunc(f.Emails, func(e string) bool { return strings.EqualFold(e, r.Email) }):
		return false
	}
	for _, want := range f.Features {
		if !slices.ContainsFunc(r.Features, func(have string) bool { return strings.EqualFold(have, want) }) {
			return false
		}
	}
	if f.Query != "" {
		q := strings.ToLower(f.Query)
		text := strings.ToLower(r.Name + "\n" + r.Email + "\n" + r.Site + "\n" + r.Floor + "\n" + r.Description)
		return strings.Contains(text, q)
	}
	return true
}

// ErrStale is answered when somebody changed a resource meanwhile.
var ErrStale = errors.New("the resource has changed")

// Store keeps the resources of one tenant.
type Store interface {
	// Resources answers those that pass the filter, ordered by address.
	Resources(ctx context.Context, f Filter) ([]Resource, error)
	// Resource answers one, or a fault of code NotFound.
	Resource(ctx context.Context, email string) (Resource, error)
	// SaveResource inserts the resource, or updates the one of the same
	// address, which must be of the Version unless that is 0: else ErrStale.
	// It fills in ID, Version and the times.
	// TypePolicy is stored apart.
	SaveResource(ctx context.Context, r *Resource) error
	// Managers answers who runs a resource; SetManagers says who.
	Managers(ctx context.Context, resourceID string) ([]string, error)
	SetManagers(ctx context.Context, resourceID string, people []string) error
	// Managed answers the addresses of the resources that a person runs.
	Managed(ctx context.Context, person string) ([]string, error)
	// Favourites answers the addresses that a person has marked.
	Favourites(ctx context.Context, userID string) ([]string, error)
	SetFavourite(ctx context.Context, userID, resourceID string, marked bool) error
	// Photo answers a resource's photo; SetPhoto stores one, or none without
	// content.
	Photo(ctx context.Context, resourceID string) (p Photo, found bool, err error)
	SetPhoto(ctx context.Context, resourceID string, p Photo) error
	// SaveTypePolicy stores the policy of all resources of a type.
	SaveTypePolicy(ctx context.Context, typeName string, p Policy) error
	// TypePolicy answers it, the zero one if none is stored.
	TypePolicy(ctx context.Context, typeName string) (Policy, error)
}

// Stores gives the store of a tenant.
type Stores func(tenant.ID) Store
