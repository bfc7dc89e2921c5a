package api

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"rmp/internal/booking"
	"rmp/internal/directory"
	"rmp/internal/fault"
	"rmp/internal/tenant"
)

// Provision makes and takes over the accounts of resources.
type Provision interface {
	// Create makes the account with its calendar, settings and rights, and
	// stores the resource; it may be repeated. most bounds the number of
	// resources; 0 does not.
	Create(ctx context.Context, t tenant.Tenant, r *directory.Resource, most int) error
	// Remove takes the resource out; account removes the account too.
	Remove(ctx context.Context, t tenant.Tenant, r directory.Resource, account bool) error
	// Adopt takes over the accounts of the resource domains that are no
	// resources yet.
	Adopt(ctx context.Context, t tenant.Tenant, dryRun bool) ([]Adopted, error)
}

// ErrTooMany is answered by Provision when the tenant has as many resources
// as it may.
var ErrTooMany = errors.New("the tenant's limit is reached")

// Adopted is what became of an account.
type Adopted struct {
	Email  string `json:"email"`
	Name   string `json:"name,omitempty"`
	Type   string `json:"type"`
	Result string `json:"result" enum:"adopted,known,failed"`
	Reason string `json:"reason,omitempty"`
}

var (
	typeWord  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,30}$`)
	localPart = regexp.MustCompile(`^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$`)
	// activeResources are those that calendars are listed of.
	activeResources = directory.Filter{Limit: maxLimit}
)

type (
	createResourceInput struct {
		Body struct {
			Email string `json:"email" maxLength:"254" doc:"Its account, in the sub-domain of its type." example:"berlin@confroom.resources.example.test"`
			Type  string `json:"type,omitempty" maxLength:"64" doc:"Left out: that of the sub-domain." example:"conference-room"`
			ResourceChange
		}
	}
	deleteResourceInput struct {
		Email   string `path:"email" maxLength:"254"`
		Force   bool   `query:"force" doc:"Cancel what is booked of it from now on."`
		Account bool   `query:"account" doc:"Remove its account on CommuniGate Pro too, with its calendar."`
	}
	adoptInput struct {
		DryRun bool `query:"dryRun" doc:"Only say what would happen."`
	}
	adoptOutput struct {
		Body struct {
			Items []Adopted `json:"items"`
		}
	}
)

func (a *API) registerProvision() {
	tags := []string{"Resources"}
	upstream := []int{http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}
	operation(a, huma.Operation{OperationID: "create-resource", Method: http.MethodPost, Path: "/api/v2/resources", Tags: tags, DefaultStatus: http.StatusCreated, Summary: "Add a resource",
		Description: "Makes its account on CommuniGate Pro with a calendar, the settings and the rule by which it answers invitations, and the right of the account that writes bookings, then the resource. Safe to repeat after a failure half way.",
		Errors:      upstream}, a.createResource)
	operation(a, huma.Operation{OperationID: "delete-resource", Method: http.MethodDelete, Path: "/api/v2/resources/{email}", Tags: tags, DefaultStatus: http.StatusNoContent, Summary: "Remove a resource",
		Description: "Refused while it is booked in the future, unless force cancels that. The past stays in the history.", Errors: append([]int{http.StatusNotFound, http.StatusConflict}, upstream...)}, a.deleteResource)
	operation(a, huma.Operation{OperationID: "adopt-resources", Method: http.MethodPost, Path: "/api/v2/admin/resources/adopt", Tags: []string{"Administration"},
		Summary: "Take over accounts that are there already", Description: "Those in the sub-domains of the resource types. Each gets what a new resource gets; its calendar stays, and what is in it blocks.", Errors: upstream}, a.adoptResources)
}

func (a *API) createResource(ctx context.Context, p tenant.Principal, in *createResourceInput) (*resourceOutput, error) {
	t, err := a.Tenants.Tenant(ctx, p.Tenant)
	if err != nil {
		return nil, err
	}
	b := in.Body
	email := strings.ToLower(strings.TrimSpace(b.Email))
	local, domain, _ := strings.Cut(email, "@")
	var bad fault.Fields
	kind, ok := directory.TypeOf(t, email)
	switch {
	case !ok:
		bad.Add("/email", "is not in a sub-domain for resources, such as %s", directory.Types[0].Domain(t.Domain))
	case b.Type != "" && b.Type != kind.Name:
		bad.Add("/type", "is not that of the sub-domain %s, which is %s", domain, kind.Name)
	case !localPart.MatchString(local):
		bad.Add("/email", "must begin and end with a letter or digit before the @, and have only those, dots, - and _ between")
	}
	if !booking.KnownZone(b.TimeZone) {
		bad.Add("/timeZone", "%q is not the name of a time zone in the IANA database, such as Europe/Berlin", clip(b.TimeZone))
	}
	checkLine(&bad, "/name", b.Name, 200)
	b.Policy.Validate(&bad, "/policy")
	if err := bad.Err(); err != nil {
		return nil, err
	}
	if _, err := a.Resources(p.Tenant).Resource(ctx, email); err == nil {
		return nil, fault.InvalidField("/email", "is a resource already; change that one")
	} else if fault.CodeOf(err) != fault.NotFound {
		return nil, err
	}
	r := directory.Resource{Email: email, Type: kind.Name, Name: b.Name, Description: b.Description, Site: b.Site, Floor: b.Floor, Capacity: b.Capacity, Features: b.Features,
		TimeZone: b.TimeZone, Units: max(1, b.Units), Policy: b.Policy, Active: b.Active == nil || *b.Active, UpdatedAt: a.Now()}
	err = a.Provision.Create(ctx, t, &r, t.Settings.Limits.Resources)
	if errors.Is(err, ErrTooMany) {
		return nil, fault.Wrap(err, fault.Invalid, "the organisation may have %d resources, and has them", t.Settings.Limits.Resources)
	}
	if err != nil {
		return nil, err
	}
	if list := b.managers(); len(list) > 0 {
		if err := a.Resources(p.Tenant).SetManagers(ctx, r.ID, list); err != nil {
			return nil, err
		}
	}
	out, err := a.getResource(ctx, p, &resourceInput{Email: email})
	if err == nil {
		out.Location = "/api/v2/resources/" + email
	}
	return out, err
}

func (a *API) deleteResource(ctx context.Context, p tenant.Principal, in *deleteResourceInput) (*struct{}, error) {
	t, err := a.Tenants.Tenant(ctx, p.Tenant)
	if err != nil {
		return nil, err
	}
	r, err := a.Resources(p.Tenant).Resource(ctx, in.Email)
	if err != nil {
		return nil, err
	}
	note(ctx, "force", boolText(in.Force), "account", boolText(in.Account))
	for {
		list, err := a.Bookings.List(ctx, p, booking.Filter{Resource: r.Email, From: a.Now(), Live: true, Limit: 100})
		if err != nil {
			return nil, err
		}
		if len(list) == 0 {
			break
		}
		if !in.Force {
			problem := problemOf(fault.Conflict, "it is booked in the future, next on "+list[0].Start.UTC().Format("2006-01-02 15:04Z")+"; with force=true those bookings are cancelled")
			problem.Title = "The resource is booked"
			return nil, problem
		}
		for _, b := range list {
			if _, err := a.Bookings.Cancel(ctx, p, b.ID, 0, booking.Scope{Kind: "all"}, "The resource "+r.Name+" is no longer there."); err != nil {
				return nil, err
			}
		}
	}
	return nil, a.Provision.Remove(ctx, t, r, in.Account)
}

func (a *API) adoptResources(ctx context.Context, p tenant.Principal, in *adoptInput) (*adoptOutput, error) {
	t, err := a.Tenants.Tenant(ctx, p.Tenant)
	if err != nil {
		return nil, err
	}
	list, err := a.Provision.Adopt(ctx, t, in.DryRun)
	if err != nil {
		return nil, err
	}
	out := &adoptOutput{}
	out.Body.Items = append([]Adopted{}, list...)
	return out, nil
}
