package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"rmp/internal/booking"
	"rmp/internal/directory"
	"rmp/internal/fault"
	"rmp/internal/secret"
	"rmp/internal/tenant"
)

// Installation keeps the tenants.
type Installation interface {
	Tenants(ctx context.Context) ([]tenant.Tenant, error)
	Tenant(ctx context.Context, id tenant.ID) (tenant.Tenant, error)
	// SaveTenant answers ErrDomainTaken or ErrStaleTenant where that is so.
	SaveTenant(ctx context.Context, t *tenant.Tenant) error
	// Prepare makes on the tenant's CommuniGate Pro server what RMP needs
	// there; it may be repeated.
	Prepare(ctx context.Context, t tenant.Tenant) error
}

// Errors of an Installation.
var (
	ErrNoTenant    = errors.New("no such tenant")
	ErrDomainTaken = errors.New("another tenant has the domain")
	ErrStaleTenant = errors.New("the tenant has changed")
)

// Tenant is an organisation in the installation.
type Tenant struct {
	ID       string          `json:"id"`
	Domain   string          `json:"domain" example:"example.test"`
	Name     string          `json:"name" example:"Example Ltd"`
	TimeZone string          `json:"timeZone" example:"Europe/Berlin"`
	Mode     string          `json:"mode" enum:"direct,invitation"`
	Active   bool            `json:"active"`
	Demo     bool            `json:"demo"`
	Server   TenantServer    `json:"server"`
	Limits   tenant.Limits   `json:"limits"`
	Branding tenant.Branding `json:"branding"`
	OIDC     TenantOIDC      `json:"oidc"`
}

// TenantServer is a tenant's own CommuniGate Pro server.
type TenantServer struct {
	Host     string  `json:"host,omitempty" maxLength:"254" doc:"Left out: the installation's server." example:"mail.example.test"`
	HTTPPort int     `json:"httpPort,omitempty" minimum:"0" maximum:"65535" doc:"XIMSS over HTTP; left out: 8100, or 9100 with TLS."`
	CLIPort  int     `json:"cliPort,omitempty" minimum:"0" maximum:"65535" doc:"Left out: 106."`
	TLS      bool    `json:"tls,omitempty" doc:"For XIMSS."`
	CLITLS   bool    `json:"cliTls,omitempty" doc:"Upgrade CLI to TLS."`
	Admin    string  `json:"admin,omitempty" maxLength:"254" example:"postmaster"`
	Password *string `json:"adminPassword,omitempty" maxLength:"1024" doc:"Stored encrypted and never answered; left out: stays as it is."`
}

// TenantOIDC is a tenant's OpenID Connect provider.
type TenantOIDC struct {
	Issuer   string  `json:"issuer,omitempty" maxLength:"1000" doc:"An https URL; left out: none." example:"https://login.example.test"`
	ClientID string  `json:"clientId,omitempty" maxLength:"500"`
	Label    string  `json:"label,omitempty" maxLength:"100" doc:"What the button of the sign-in page says."`
	Secret   *string `json:"clientSecret,omitempty" maxLength:"1024" doc:"Stored encrypted and never answered; left out: stays as it is."`
}

// TenantRequest is what is set of a tenant.
type TenantRequest struct {
	Domain   string          `json:"domain,omitempty" maxLength:"254" example:"example.test" doc:"Cannot be changed later."`
	Name     string          `json:"name" maxLength:"800"`
	TimeZone string          `json:"timeZone" maxLength:"64" example:"Europe/Berlin"`
	Mode     string          `json:"mode,omitempty" enum:"direct,invitation" default:"direct"`
	Active   *bool           `json:"active,omitempty" doc:"Left out: true."`
	Server   TenantServer    `json:"server,omitempty"`
	Limits   tenant.Limits   `json:"limits,omitempty"`
	Branding tenant.Branding `json:"branding,omitempty"`
	OIDC     TenantOIDC      `json:"oidc,omitempty"`
}

// OwnSettings is what an administrator sets of their own tenant.
type OwnSettings struct {
	Name     string          `json:"name" maxLength:"800"`
	TimeZone string          `json:"timeZone" maxLength:"64" example:"Europe/Berlin"`
	Mode     string          `json:"mode" enum:"direct,invitation" doc:"How bookings are written unless they say otherwise."`
	Branding tenant.Branding `json:"branding,omitempty"`

	ResourceTypes []ResourceType `json:"resourceTypes,omitempty" doc:"Kinds of resource of your own, besides those that all organisations have. A new one's sub-domain is made on CommuniGate Pro." example:"[{\"type\":\"boat\",\"prefix\":\"boats.resources.\",\"label\":\"Boat\"}]"`
}

func tenantOf(t tenant.Tenant) Tenant {
	s, o := t.Server, t.Settings.OIDC
	return Tenant{ID: string(t.ID), Domain: t.Domain, Name: t.Name, TimeZone: t.TimeZone, Mode: t.Mode, Active: t.Active, Demo: t.Demo,
		Server: TenantServer{Host: s.Host, HTTPPort: s.HTTPPort, CLIPort: s.CLIPort, TLS: s.TLS, CLITLS: s.CLITLS, Admin: s.Admin},
		Limits: t.Settings.Limits, Branding: t.Settings.Branding, OIDC: TenantOIDC{Issuer: o.Issuer, ClientID: o.ClientID, Label: o.Label}}
}

var (
	domainName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	hostName   = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.:-]{0,252}[A-Za-z0-9])?$`)
	colour     = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)
)

func checkLine(bad *fault.Fields, pointer, s string, most int) {
	if utf8.RuneCountInString(s) > most || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		bad.Add(pointer, "must have at most %d characters, none of them a control character", most)
	}
}

func (r OwnSettings) apply(bad *fault.Fields, t *tenant.Tenant) {
	if t.Name = strings.TrimSpace(r.Name); t.Name == "" {
		bad.Add("/name", "is missing")
	}
	checkLine(bad, "/name", t.Name, 200)
	if t.TimeZone = r.TimeZone; !booking.KnownZone(r.TimeZone) {
		bad.Add("/timeZone", "%q is not a time zone such as Europe/Berlin", clip(r.TimeZone))
	}
	if t.Mode = r.Mode; t.Mode == "" {
		t.Mode = string(booking.Direct)
	}
	checkLine(bad, "/branding/name", r.Branding.Name, 100)
	if r.Branding.Colour != "" && !colour.MatchString(r.Branding.Colour) {
		bad.Add("/branding/colour", "is not a colour such as #1b6ec2")
	}
	t.Settings.Branding = r.Branding
	var own []tenant.ResourceType
	for _, x := range r.ResourceTypes {
		own = append(own, tenant.ResourceType{Name: x.Type, Prefix: x.Prefix, Label: x.Label})
	}
	directory.CheckTypes(bad, "/resourceTypes", own)
	t.Settings.ResourceTypes = own
}

func ownTypes(list []tenant.ResourceType) []ResourceType {
	var out []ResourceType
	for _, t := range list {
		out = append(out, ResourceType{Type: t.Name, Label: t.Label, Prefix: t.Prefix})
	}
	return out
}

func (r TenantRequest) apply(t *tenant.Tenant) error {
	var bad fault.Fields
	OwnSettings{Name: r.Name, TimeZone: r.TimeZone, Mode: r.Mode, Branding: r.Branding, ResourceTypes: ownTypes(t.Settings.ResourceTypes)}.apply(&bad, t)
	t.Active = r.Active == nil || *r.Active
	s := r.Server
	if s.Host != "" && !hostName.MatchString(s.Host) {
		bad.Add("/server/host", "is not the name or address of a host")
	}
	checkLine(&bad, "/server/admin", s.Admin, 200)
	password := t.Server.AdminPassword
	if s.Password != nil {
		password = secret.Text(*s.Password)
	} else if s.Host != t.Server.Host {
		password = "" // that of one server is not for another
	}
	if s.Host != "" && (s.Admin == "" || password == "") {
		bad.Add("/server", "needs admin and adminPassword, which creates accounts and sets rights")
	}
	t.Server = tenant.Server{Host: s.Host, HTTPPort: s.HTTPPort, CLIPort: s.CLIPort, TLS: s.TLS, CLITLS: s.CLITLS, Admin: s.Admin, AdminPassword: password}
	l := r.Limits
	for name, n := range map[string]int{"users": l.Users, "resources": l.Resources, "requestsPerMinute": l.RequestsPerMinute, "eventStreams": l.EventStreams} {
		if n < 0 || n > 10_000_000 {
			bad.Add("/limits/"+name, "must be 0 (the default) to 10,000,000")
		}
	}
	t.Settings.Limits = l
	o, old := r.OIDC, t.Settings.OIDC
	if o.Issuer != "" {
		u, err := url.Parse(o.Issuer)
		loopback := err == nil && u.Scheme == "http" && (u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1" || u.Hostname() == "::1")
		if err != nil || u.Scheme != "https" && !loopback || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			bad.Add("/oidc/issuer", "must be an https URL without query")
		}
		if o.ClientID == "" {
			bad.Add("/oidc/clientId", "is missing")
		}
	}
	checkLine(&bad, "/oidc/label", o.Label, 100)
	clientSecret := old.ClientSecret
	if o.Secret != nil {
		clientSecret = secret.Text(*o.Secret)
	} else if o.Issuer != old.Issuer {
		clientSecret = ""
	}
	t.Settings.OIDC = tenant.OIDC{Issuer: o.Issuer, ClientID: o.ClientID, Label: o.Label, ClientSecret: clientSecret}
	return bad.Err()
}

type (
	tenantsOutput struct {
		Body struct {
			Items []Tenant `json:"items"`
		}
	}
	tenantInput struct {
		ID string `path:"id" maxLength:"64"`
	}
	tenantOutput struct {
		ETag     string `header:"ETag"`
		Location string `header:"Location"`
		Body     Tenant
	}
	createTenantInput struct{ Body TenantRequest }
	changeTenantInput struct {
		ID      string `path:"id" maxLength:"64"`
		IfMatch string `header:"If-Match"`
		Body    TenantRequest
	}
	settingsOutput struct {
		ETag string `header:"ETag"`
		Body OwnSettings
	}
	setSettingsInput struct {
		IfMatch string `header:"If-Match"`
		Body    OwnSettings
	}
)

func (a *API) registerTenants() {
	tags := []string{"Administration"}
	const path, one, own = "/api/v2/admin/tenants", "/api/v2/admin/tenants/{id}", "/api/v2/admin/settings"
	upstream := []int{http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}
	operation(a, huma.Operation{OperationID: "list-tenants", Method: http.MethodGet, Path: path, Tags: tags, Summary: "The organisations of the installation"}, a.listTenants)
	operation(a, huma.Operation{OperationID: "create-tenant", Method: http.MethodPost, Path: path, Tags: tags, DefaultStatus: http.StatusCreated, Summary: "Add an organisation",
		Description: "Its main domain must be on its CommuniGate Pro server. The sub-domains of the resource types and the account that writes calendars are made there; where that fails the organisation stays inactive, and changing it to active tries again.",
		Errors:      upstream}, a.createTenant)
	operation(a, huma.Operation{OperationID: "get-tenant", Method: http.MethodGet, Path: one, Tags: tags, Summary: "One organisation", Errors: []int{http.StatusNotFound}}, a.getTenant)
	operation(a, huma.Operation{OperationID: "change-tenant", Method: http.MethodPut, Path: one, Tags: tags, Summary: "Change an organisation",
		Description: "Replaces all but its domain and the secrets that are left out. An inactive one's people cannot sign in and are signed out.",
		Errors:      append([]int{http.StatusNotFound, http.StatusPreconditionFailed}, upstream...)}, a.changeTenant)
	operation(a, huma.Operation{OperationID: "get-settings", Method: http.MethodGet, Path: own, Tags: tags, Summary: "Settings of your organisation"}, a.getSettings)
	operation(a, huma.Operation{OperationID: "set-settings", Method: http.MethodPut, Path: own, Tags: tags, Summary: "Change the settings of your organisation",
		Errors: []int{http.StatusPreconditionFailed}}, a.setSettings)
}

func (a *API) listTenants(ctx context.Context, _ tenant.Principal, _ *struct{}) (*tenantsOutput, error) {
	list, err := a.Installation.Tenants(ctx)
	out := &tenantsOutput{}
	out.Body.Items = []Tenant{}
	for _, t := range list {
		out.Body.Items = append(out.Body.Items, tenantOf(t))
	}
	return out, err
}

func (a *API) tenant(ctx context.Context, id string) (tenant.Tenant, error) {
	t, err := a.Installation.Tenant(ctx, tenant.ID(id))
	if errors.Is(err, ErrNoTenant) {
		return t, fault.Wrap(err, fault.NotFound, "there is no such organisation")
	}
	return t, err
}

func tenantAnswer(t tenant.Tenant) *tenantOutput {
	return &tenantOutput{ETag: etag(t.Version), Body: tenantOf(t)}
}

func (a *API) getTenant(ctx context.Context, _ tenant.Principal, in *tenantInput) (*tenantOutput, error) {
	t, err := a.tenant(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return tenantAnswer(t), nil
}

func (a *API) createTenant(ctx context.Context, _ tenant.Principal, in *createTenantInput) (*tenantOutput, error) {
	t := tenant.Tenant{Domain: strings.ToLower(strings.TrimSpace(in.Body.Domain)), ServicePassword: secret.Random()}
	note(ctx, "domain", t.Domain)
	if !domainName.MatchString(t.Domain) || len(t.Domain) > 200 {
		return nil, fault.InvalidField("/domain", "is not a domain such as example.test")
	}
	if err := in.Body.apply(&t); err != nil {
		return nil, err
	}
	active := t.Active
	t.Active = false
	if err := a.saveTenant(ctx, &t); err != nil {
		return nil, err
	}
	if active {
		if err := a.activate(ctx, &t); err != nil {
			return nil, err
		}
	}
	out := tenantAnswer(t)
	out.Location = "/api/v2/admin/tenants/" + string(t.ID)
	return out, nil
}

func (a *API) activate(ctx context.Context, t *tenant.Tenant) error {
	if err := a.Installation.Prepare(ctx, *t); err != nil {
		return err
	}
	t.Active = true
	return a.saveTenant(ctx, t)
}

func (a *API) saveTenant(ctx context.Context, t *tenant.Tenant) error {
	err := a.Installation.SaveTenant(ctx, t)
	switch {
	case errors.Is(err, ErrDomainTaken):
		return fault.InvalidField("/domain", "belongs to another organisation")
	case errors.Is(err, ErrStaleTenant):
		return fault.Wrap(err, fault.Stale, "the organisation has changed since you read it; read it again")
	}
	return err
}

func (a *API) changeTenant(ctx context.Context, p tenant.Principal, in *changeTenantInput) (*tenantOutput, error) {
	t, err := a.current(ctx, in.ID, in.IfMatch)
	if err != nil {
		return nil, err
	}
	was, server := t.Active, t.Server
	if in.Body.Domain != "" && !strings.EqualFold(in.Body.Domain, t.Domain) {
		return nil, fault.InvalidField("/domain", "cannot be changed")
	}
	if err := in.Body.apply(&t); err != nil {
		return nil, err
	}
	note(ctx, "active", boolText(t.Active), "server", t.Server.Host)
	if t.ID == p.Tenant && !t.Active {
		return nil, fault.New(fault.Forbidden, "you cannot switch off your own organisation")
	}
	if t.Active && (!was || t.Server != server) {
		t.Active = was
		if err := a.activate(ctx, &t); err != nil {
			return nil, err
		}
		return tenantAnswer(t), nil
	}
	if err := a.saveTenant(ctx, &t); err != nil {
		return nil, err
	}
	return tenantAnswer(t), nil
}

// current reads a tenant that is still of the version the header names.
func (a *API) current(ctx context.Context, id, ifMatchHeader string) (tenant.Tenant, error) {
	version, err := ifMatch(ifMatchHeader)
	if err != nil {
		return tenant.Tenant{}, err
	}
	t, err := a.tenant(ctx, id)
	if err == nil && version != 0 && version != t.Version {
		err = fault.New(fault.Stale, "the organisation has changed since you read it; read it again")
	}
	return t, err
}

func boolText(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

func settingsAnswer(t tenant.Tenant) *settingsOutput {
	return &settingsOutput{ETag: etag(t.Version), Body: OwnSettings{Name: t.Name, TimeZone: t.TimeZone, Mode: t.Mode, Branding: t.Settings.Branding, ResourceTypes: ownTypes(t.Settings.ResourceTypes)}}
}

func (a *API) getSettings(ctx context.Context, p tenant.Principal, _ *struct{}) (*settingsOutput, error) {
	t, err := a.tenant(ctx, string(p.Tenant))
	if err != nil {
		return nil, err
	}
	return settingsAnswer(t), nil
}

func (a *API) setSettings(ctx context.Context, p tenant.Principal, in *setSettingsInput) (*settingsOutput, error) {
	t, err := a.current(ctx, string(p.Tenant), in.IfMatch)
	if err != nil {
		return nil, err
	}
	var bad fault.Fields
	old := t.Settings.ResourceTypes
	in.Body.apply(&bad, &t)
	if err := bad.Err(); err != nil {
		return nil, err
	}
	for _, x := range old { // resources of a type that is gone would have none
		if slices.Contains(t.Settings.ResourceTypes, x) {
			continue
		}
		list, err := a.Resources(p.Tenant).Resources(ctx, directory.Filter{Type: x.Name, Limit: 1})
		if err != nil {
			return nil, err
		}
		if len(list) > 0 {
			return nil, fault.InvalidField("/resourceTypes", "the type %s has resources; it cannot be changed or removed", x.Name)
		}
	}
	if len(t.Settings.ResourceTypes) > 0 && !slices.Equal(old, t.Settings.ResourceTypes) {
		if err := a.Installation.Prepare(ctx, t); err != nil {
			return nil, err
		}
	}
	if err := a.saveTenant(ctx, &t); err != nil {
		return nil, err
	}
	return settingsAnswer(t), nil
}
