package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

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
}

func resourceOf(r directory.Resource) Resource {
	features := r.Features
	if features == nil {
		features = []string{}
	}
	return Resource{Email: r.Email, Type: r.Type, Name: r.Name, Description: r.Description, Site: r.Site, Floor: r.Floor,
		Capacity: r.Capacity, Features: features, TimeZone: r.TimeZone, Active: r.Active}
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
	operation(a, signedIn, huma.Operation{OperationID: "list-resources", Method: http.MethodGet, Path: "/api/v2/resources", Tags: tags,
		Summary: "List resources", Description: "In the order of their addresses."}, a.listResources)
	operation(a, signedIn, huma.Operation{OperationID: "get-resource", Method: http.MethodGet, Path: "/api/v2/resources/{email}", Tags: tags,
		Summary: "One resource", Errors: []int{http.StatusNotFound}}, a.getResource)
	operation(a, signedIn, huma.Operation{OperationID: "list-resource-types", Method: http.MethodGet, Path: "/api/v2/resource-types", Tags: tags,
		Summary: "The types of resources"}, a.listResourceTypes)
}

func (a *API) listResources(ctx context.Context, p tenant.Principal, in *resourcesInput) (*resourcesOutput, error) {
	after, err := decodeCursor(in.Cursor)
	if err != nil {
		return nil, err
	}
	f := directory.Filter{Type: in.Type, Query: in.Q, MinCapacity: in.MinCapacity, Features: in.Feature, Site: in.Site,
		Limit: in.Limit + 1, After: after}
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
	emails := make([]string, len(found))
	for i, r := range found {
		emails[i] = r.Email
	}
	busy, err := a.Availability.Busy(ctx, p.Tenant, emails, s.from, s.till)
	if err != nil {
		return nil, err
	}
	var out []directory.Resource
	for i, b := range busy { // in the order asked
		if b.Err == nil && len(b.Busy) == 0 {
			out = append(out, found[i])
		}
	}
	return out, nil
}

type resourceInput struct {
	Email string `path:"email" maxLength:"254"`
}

type resourceOutput struct {
	ETag string `header:"ETag"`
	Body Resource
}

func (a *API) getResource(ctx context.Context, p tenant.Principal, in *resourceInput) (*resourceOutput, error) {
	r, err := a.Resources(p.Tenant).Resource(ctx, in.Email)
	if err != nil {
		return nil, err
	}
	return &resourceOutput{ETag: etag(r.Version), Body: resourceOf(r)}, nil
}

type resourceTypesOutput struct {
	Body struct {
		Items []ResourceType `json:"items"`
	}
}

func (a *API) listResourceTypes(context.Context, tenant.Principal, *struct{}) (*resourceTypesOutput, error) {
	out := &resourceTypesOutput{}
	for _, t := range directory.Types {
		out.Body.Items = append(out.Body.Items, ResourceType{Type: t.Name, Label: t.Label, Prefix: t.Prefix})
	}
	return out, nil
}
