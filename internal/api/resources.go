package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rmp/internal/booking"
	"rmp/internal/directory"
	"rmp/internal/fault"
	"rmp/internal/tenant"
)

// Resource is a thing that can be booked.
type Resource struct {
	Email       string   `json:"email" doc:"The account that holds its calendar." example:"room-berlin@confroom.resources.example.test"`
	Type        string   `json:"type" example:"conference-room"`
	Name        string   `json:"name" example:"Berlin"`
	Description string   `json:"description,omitempty"`
	Site        string   `json:"site,omitempty" example:"Headquarters"`
	Floor       string   `json:"floor,omitempty" example:"2"`
	Capacity    int      `json:"capacity,omitempty" doc:"Persons." example:"8"`
	Features    []string `json:"features" example:"[\"screen\",\"video\"]"`
	TimeZone    string   `json:"timeZone" doc:"IANA name." example:"Europe/Berlin"`
	Active      bool     `json:"active"`
	Units       int      `json:"units" doc:"How many identical ones there are."`

	Policy   directory.Policy `json:"policy" doc:"Rules of its own."`
	Managers []string         `json:"managers,omitempty" doc:"Who runs it; shown with one resource only."`
	Photo    string           `json:"photo,omitempty" doc:"Where its photo is; another address with each photo."`

	Rules directory.Policy `json:"rules" doc:"What holds: its own rules, else those of its type, else the defaults."`
}

func resourceOf(r directory.Resource) Resource {
	features := r.Features
	if features == nil {
		features = []string{}
	}
	out := Resource{Email: r.Email, Type: r.Type, Name: r.Name, Description: r.Description, Site: r.Site, Floor: r.Floor,
		Capacity: r.Capacity, Features: features, TimeZone: r.TimeZone, Active: r.Active, Units: max(1, r.Units), Policy: r.Policy, Rules: r.Rules().Policy}
	if r.Photo != "" {
		out.Photo = "/api/v2/resources/" + r.Email + "/photo?v=" + r.Photo
	}
	return out
}

// ResourceType is a kind of resource.
type ResourceType struct {
	Type   string `json:"type" example:"conference-room"`
	Label  string `json:"label" example:"Conference room"`
	Prefix string `json:"prefix" doc:"What stands before the tenant's domain in the addresses." example:"confroom.resources."`
}

type resourcesInput struct {
	Type        string   `query:"type" doc:"Only this type." example:"conference-room"`
	Q           string   `query:"q" maxLength:"200" doc:"In name, address, site, floor or description."`
	MinCapacity int      `query:"minCapacity" minimum:"0" doc:"At least so many persons."`
	Feature     []string `query:"feature,explode" maxItems:"50" doc:"All of these; repeatable."`
	Site        string   `query:"site" maxLength:"200"`
	Favourite   bool     `query:"favourite" doc:"Only those you have marked."`
	FreeFrom    string   `query:"freeFrom" doc:"With freeTill: only those free then (RFC 3339). A calendar that cannot be read is not free."`
	FreeTill    string   `query:"freeTill"`
	Limit       int      `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	Cursor      string   `query:"cursor" maxLength:"500"`
}

type resourcesOutput struct {
	Body struct {
		Items      []Resource `json:"items"`
		NextCursor string     `json:"nextCursor,omitempty" doc:"Give it as cursor to get the next page; absent on the last."`
	}
}

func (a *API) registerResources() {
	tags := []string{"Resources"}
	operation(a, huma.Operation{OperationID: "list-resources", Method: http.MethodGet, Path: "/api/v2/resources", Tags: tags,
		Summary: "List resources", Description: "In the order of their addresses."}, a.listResources)
	operation(a, huma.Operation{OperationID: "get-resource", Method: http.MethodGet, Path: "/api/v2/resources/{email}", Tags: tags,
		Summary: "One resource", Errors: []int{http.StatusNotFound}}, a.getResource)
	operation(a, huma.Operation{OperationID: "change-resource", Method: http.MethodPut, Path: "/api/v2/resources/{email}", Tags: tags,
		Summary: "Change a resource", Description: "Replaces all but its address and type; fields left out are emptied. With If-Match only if it is still the version that was read.",
		Errors: []int{http.StatusNotFound, http.StatusPreconditionFailed}}, a.changeResource)
	operation(a, huma.Operation{OperationID: "get-type-policy", Method: http.MethodGet, Path: "/api/v2/resource-types/{type}/policy", Tags: tags,
		Summary: "The rules of all resources of a type", Errors: []int{http.StatusNotFound}}, a.typePolicy)
	operation(a, huma.Operation{OperationID: "set-type-policy", Method: http.MethodPut, Path: "/api/v2/resource-types/{type}/policy", Tags: tags,
		Summary: "Set the rules of all resources of a type", Description: "A resource's own rules come first.", Errors: []int{http.StatusNotFound}}, a.setTypePolicy)
	operation(a, huma.Operation{OperationID: "list-resource-types", Method: http.MethodGet, Path: "/api/v2/resource-types", Tags: tags,
		Summary: "The types of resources"}, a.listResourceTypes)
}

func (a *API) listResources(ctx context.Context, p tenant.Principal, in *resourcesInput) (*resourcesOutput, error) {
	after, err := decodeCursor(in.Cursor)
	if err != nil {
		return nil, err
	}
	f := directory.Filter{Type: in.Type, Query: in.Q, MinCapacity: in.MinCapacity, Features: in.Feature, Site: in.Site,
		Limit: in.Limit + 1, After: after}
	if in.Favourite {
		if f.Emails, err = a.Resources(p.Tenant).Favourites(ctx, p.UserID); err != nil {
			return nil, err
		}
		if len(f.Emails) == 0 {
			out := &resourcesOutput{}
			out.Body.Items = []Resource{}
			return out, nil
		}
	}
	free, err := a.freeFilter(in)
	if err != nil {
		return nil, err
	}
	out := &resourcesOutput{}
	out.Body.Items = []Resource{}
	for {
		found, err := a.Resources(p.Tenant).Resources(ctx, f)
		if err != nil {
			return nil, fmt.Errorf("list resources: %w", err)
		}
		passing, err := free.pass(ctx, a, p, found)
		if err != nil {
			return nil, err
		}
		for _, r := range passing {
			if len(out.Body.Items) == in.Limit {
				out.Body.NextCursor = encodeCursor(out.Body.Items[in.Limit-1].Email)
				return out, nil
			}
			out.Body.Items = append(out.Body.Items, resourceOf(r))
		}
		if len(found) < f.Limit {
			return out, nil
		}
		f.After = found[len(found)-1].Email
	}
}

// freeSpan restricts to what is free in a span; the zero one to nothing.
type freeSpan struct{ from, till time.Time }

func (a *API) freeFilter(in *resourcesInput) (freeSpan, error) {
	if in.FreeFrom == "" && in.FreeTill == "" {
		return freeSpan{}, nil
	}
	var bad fault.Fields
	from := parseTime(&bad, "query.freeFrom", in.FreeFrom, "")
	till := parseTime(&bad, "query.freeTill", in.FreeTill, "")
	checkRange(&bad, "query.freeTill", from, till)
	return freeSpan{from, till}, bad.Err()
}

func (s freeSpan) pass(ctx context.Context, a *API, p tenant.Principal, found []directory.Resource) ([]directory.Resource, error) {
	if s.from.IsZero() || len(found) == 0 {
		return found, nil
	}
	return a.Availability.FreeResources(ctx, p, found, s.from, s.till)
}

type resourceInput struct {
	Email string `path:"email" maxLength:"254"`
}

type resourceOutput struct {
	ETag     string `header:"ETag"`
	Location string `header:"Location"`
	Body     Resource
}

func (a *API) getResource(ctx context.Context, p tenant.Principal, in *resourceInput) (*resourceOutput, error) {
	r, err := a.Resources(p.Tenant).Resource(ctx, in.Email)
	if err != nil {
		return nil, err
	}
	out := &resourceOutput{ETag: etag(r.Version), Body: resourceOf(r)}
	out.Body.Managers, err = a.Resources(p.Tenant).Managers(ctx, r.ID)
	return out, err
}

type resourceTypesOutput struct {
	Body struct {
		Items []ResourceType `json:"items"`
	}
}

func (a *API) listResourceTypes(ctx context.Context, p tenant.Principal, _ *struct{}) (*resourceTypesOutput, error) {
	of, err := a.Tenants.Tenant(ctx, p.Tenant)
	if err != nil {
		return nil, err
	}
	out := &resourceTypesOutput{}
	for _, t := range directory.TypesOf(of) {
		out.Body.Items = append(out.Body.Items, ResourceType{Type: t.Name, Label: t.Label, Prefix: t.Prefix})
	}
	return out, nil
}

// ResourceChange is what an administrator may change about a resource.
type ResourceChange struct {
	Name        string           `json:"name" minLength:"1" maxLength:"200"`
	Description string           `json:"description,omitempty" maxLength:"5000"`
	Site        string           `json:"site,omitempty" maxLength:"200"`
	Floor       string           `json:"floor,omitempty" maxLength:"100"`
	Capacity    int              `json:"capacity,omitempty" minimum:"0" maximum:"100000"`
	Features    []string         `json:"features,omitempty" maxItems:"100"`
	TimeZone    string           `json:"timeZone" maxLength:"64" example:"Europe/Berlin"`
	Active      *bool            `json:"active,omitempty" doc:"Whether it can be booked; left out, it stays as it is."`
	Units       int              `json:"units,omitempty" minimum:"1" maximum:"1000" default:"1" doc:"How many identical ones there are. Fewer than are booked are refused for new bookings only."`
	Policy      directory.Policy `json:"policy,omitempty"`
	Managers    *[]string        `json:"managers,omitempty" maxItems:"100" doc:"Addresses of those who run it; left out, they stay. Only an administrator may set them."`
}

func (r ResourceChange) managers() []string {
	if r.Managers == nil {
		return nil
	}
	return *r.Managers
}

var managerAddress = regexp.MustCompile(`^[^@\s[:cntrl:]]{1,64}@[A-Za-z0-9.-]{1,189}$`)

type changeResourceInput struct {
	Email   string `path:"email" maxLength:"254"`
	IfMatch string `header:"If-Match"`
	Body    ResourceChange
}

func (a *API) changeResource(ctx context.Context, p tenant.Principal, in *changeResourceInput) (*resourceOutput, error) {
	expect, err := ifMatch(in.IfMatch)
	if err != nil {
		return nil, err
	}
	r, err := a.Resources(p.Tenant).Resource(ctx, in.Email)
	if err != nil {
		return nil, err
	}
	if !p.Runs(r.Email) {
		return nil, fault.New(fault.Forbidden, "you do not manage this resource")
	}
	if in.Body.Managers != nil && !p.Role.AtLeast(tenant.Admin) {
		return nil, fault.New(fault.Forbidden, "only an administrator may say who manages a resource")
	}
	if expect != 0 && expect != r.Version {
		return nil, fault.New(fault.Stale, "the resource has changed since you read it; read it again")
	}
	b := in.Body
	var bad fault.Fields
	if !booking.KnownZone(b.TimeZone) {
		bad.Add("/timeZone", "%q is not the name of a time zone in the IANA database, such as Europe/Berlin", clip(b.TimeZone))
	}
	b.Policy.Validate(&bad, "/policy")
	for i, m := range b.managers() {
		if !managerAddress.MatchString(m) {
			bad.Add(fmt.Sprintf("/managers/%d", i), "is not an address")
		}
	}
	if err := bad.Err(); err != nil {
		return nil, err
	}
	r.Name, r.Description, r.Site, r.Floor, r.Capacity, r.Features = b.Name, b.Description, b.Site, b.Floor, b.Capacity, b.Features
	r.TimeZone, r.Units, r.Policy, r.UpdatedAt = b.TimeZone, max(1, b.Units), b.Policy, a.Now()
	if b.Active != nil {
		r.Active = *b.Active
	}
	err = a.Resources(p.Tenant).SaveResource(ctx, &r)
	if errors.Is(err, directory.ErrStale) {
		return nil, fault.Wrap(err, fault.Stale, "the resource has changed since you read it; read it again")
	}
	if err != nil {
		return nil, err
	}
	if b.Managers != nil {
		note(ctx, "managers", strings.Join(b.managers(), " "))
		if err := a.Resources(p.Tenant).SetManagers(ctx, r.ID, b.managers()); err != nil {
			return nil, err
		}
	}
	return a.getResource(ctx, p, &resourceInput{Email: in.Email})
}

// TypeInput names a type of resources in the path.
type TypeInput struct {
	Type string `path:"type" maxLength:"64" example:"conference-room"`
}

type typePolicyOutput struct{ Body directory.Policy }

func (a *API) knownType(ctx context.Context, p tenant.Principal, name string) error {
	of, err := a.Tenants.Tenant(ctx, p.Tenant)
	if err != nil {
		return err
	}
	if _, ok := directory.TypeByName(of, name); !ok {
		return fault.New(fault.NotFound, "there is no type %q", clip(name))
	}
	return nil
}

func (a *API) typePolicy(ctx context.Context, p tenant.Principal, in *TypeInput) (*typePolicyOutput, error) {
	if err := a.knownType(ctx, p, in.Type); err != nil {
		return nil, err
	}
	policy, err := a.Resources(p.Tenant).TypePolicy(ctx, in.Type)
	return &typePolicyOutput{policy}, err
}

type setTypePolicyInput struct {
	TypeInput
	Body directory.Policy
}

func (a *API) setTypePolicy(ctx context.Context, p tenant.Principal, in *setTypePolicyInput) (*typePolicyOutput, error) {
	if err := a.knownType(ctx, p, in.Type); err != nil {
		return nil, err
	}
	var bad fault.Fields
	in.Body.Validate(&bad, "")
	if err := bad.Err(); err != nil {
		return nil, err
	}
	if err := a.Resources(p.Tenant).SaveTypePolicy(ctx, in.Type, in.Body); err != nil {
		return nil, err
	}
	return &typePolicyOutput{in.Body}, nil
}
