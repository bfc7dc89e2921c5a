package api

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"rmp/internal/audit"
	"rmp/internal/fault"
	"rmp/internal/gatekeeper"
	"rmp/internal/secret"
	"rmp/internal/tenant"
	"rmp/internal/trail"
	"rmp/internal/webauth"
)

// User is a person as the API tells of them.
type User struct {
	Email         string `json:"email" example:"anna@example.test"`
	RealName      string `json:"realName" example:"Anna Berg"`
	Role          string `json:"role" enum:"user,manager,admin,super_admin"`
	Domain        string `json:"domain" doc:"The CommuniGate domain of the account." example:"example.test"`
	IsDomainAdmin bool   `json:"isDomainAdmin" doc:"May administer the tenant."`
	IsServerAdmin bool   `json:"isServerAdmin" doc:"May administer all tenants."`
}

// SignedIn is the answer to a sign-in or a renewal.
type SignedIn struct {
	Success      bool   `json:"success"`
	Token        string `json:"token,omitempty" doc:"Access token (JWT); left out where the browser app has it in a cookie."`
	RefreshToken string `json:"refreshToken,omitempty" doc:"Good for one renewal."`
	ExpiresIn    int    `json:"expiresIn" doc:"Seconds until the access token ends." example:"900"`
	SessionID    string `json:"sessionId" doc:"Opaque handle of the CommuniGate session."`
	User         User   `json:"user"`
}

// Me is the person signed in, with their tenant.
type Me struct {
	User
	TimeZone string   `json:"timeZone" doc:"IANA name of the tenant's time zone."`
	Tenant   MyTenant `json:"tenant"`
}

// MyTenant is the organisation of the person signed in.
type MyTenant struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Domain   string `json:"domain"`
	TimeZone string `json:"timeZone"`
	Mode     string `json:"mode" enum:"direct,invitation" doc:"Default write mode of bookings."`

	Branding tenant.Branding `json:"branding,omitzero"`
}

type loginInput struct {
	Body struct {
		Email         string `json:"email" example:"anna@example.test" maxLength:"254"`
		Password      string `json:"password" example:"rmp-demo" maxLength:"1024"`
		CGProPassword string `json:"cgproPassword,omitempty" maxLength:"1024" doc:"The password of the CommuniGate account, when it is another one."`
		Server        string `json:"server,omitempty" maxLength:"254" doc:"Accepted for compatibility; the server is that of the tenant."`
	}
}

type signedInOutput struct {
	SetCookie []*http.Cookie `header:"Set-Cookie"`
	Body      SignedIn
}

type refreshInput struct {
	Authorization string `header:"Authorization" doc:"Bearer and the refresh token."`
	Cookie        string `cookie:"rmp_refresh" doc:"The refresh token of the browser app."`
	Body          *struct {
		RefreshToken string `json:"refreshToken,omitempty" maxLength:"1024"`
	} `required:"false"`
}

func (a *API) registerAuth() {
	for id, path := range map[string]string{"login": "/api/v2/auth/login", "simple-login": "/api/v2/auth/simple-login"} {
		operation(a, huma.Operation{OperationID: id, Method: http.MethodPost, Path: path, Tags: []string{"Authentication"},
			Summary:     "Sign in",
			Description: "Checks the gatekeeper, then CommuniGate Pro; both must say yes. The answer to a wrong login does not say which of the two refused.",
			Errors:      []int{http.StatusUnauthorized, http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout},
		}, a.login)
	}
	operation(a, huma.Operation{OperationID: "refresh", Method: http.MethodPost, Path: "/api/v2/auth/refresh", Tags: []string{"Authentication"},
		Summary:     "Renew the tokens",
		Description: "The refresh token comes in the Authorization header, in the body, or in the browser app's cookie. It is good for one renewal; a second use ends the sign-in.",
		Errors:      []int{http.StatusUnauthorized},
	}, a.refresh)
	operation(a, huma.Operation{OperationID: "me", Method: http.MethodGet, Path: "/api/v2/auth/me", Tags: []string{"Authentication"},
		Summary: "Who is signed in"}, a.me)
	operation(a, huma.Operation{OperationID: "check-admin", Method: http.MethodGet, Path: "/api/v2/auth/check-admin", Tags: []string{"Authentication"},
		Summary: "What the person may administer"}, a.checkAdmin)
	operation(a, huma.Operation{OperationID: "logout", Method: http.MethodPost, Path: "/api/v2/auth/logout", Tags: []string{"Authentication"},
		Summary: "Sign out", Description: "Ends the CommuniGate session and both tokens.", DefaultStatus: http.StatusOK}, a.logout)
}

func userOf(email, name string, role tenant.Role, domain string) User {
	return User{Email: email, RealName: name, Role: string(role), Domain: domain,
		IsDomainAdmin: role.AtLeast(tenant.Admin), IsServerAdmin: role.AtLeast(tenant.SuperAdmin)}
}

func signedInOf(t gatekeeper.Tokens) SignedIn {
	return SignedIn{Success: true, Token: t.Access.Reveal(), RefreshToken: t.Refresh.Reveal(),
		ExpiresIn: int(t.ExpiresIn.Seconds()), SessionID: t.Session,
		User: userOf(t.User.Email, t.User.Name, t.User.Role, t.User.CGPDomain)}
}

func (a *API) login(ctx context.Context, _ tenant.Principal, in *loginInput) (*signedInOutput, error) {
	t, err := a.Gatekeeper.Login(ctx, gatekeeper.Credentials{Email: in.Body.Email,
		Password: secret.Text(in.Body.Password), CGPPassword: secret.Text(in.Body.CGProPassword), Address: requestAddress(ctx)})
	a.signedIn(ctx, t, in.Body.Email, "login", err)
	if err != nil {
		return nil, err
	}
	return &signedInOutput{Body: signedInOf(t)}, nil
}

// RecordSignIn notes a try to sign in at another way in.
func (a *API) RecordSignIn(ctx context.Context, from netip.Addr, action, email string, t gatekeeper.Tokens, err error) {
	ctx = context.WithValue(ctx, requestKey{}, requestInfo{id: trail.Get(ctx, trail.RequestID), address: from})
	a.signedIn(ctx, t, email, action, err)
}

// signedIn notes a try to sign in, in the audit log and for the metrics.
func (a *API) signedIn(ctx context.Context, t gatekeeper.Tokens, email, way string, err error) {
	trail.Note(ctx, trail.Tenant, string(t.User.Tenant))
	a.append(ctx, signInEntry(t, email, way, err))
	var f *fault.Error
	if errors.As(err, &f) && f.Code == fault.Unauthenticated { // what was typed stays out: it may be a password
		a.log.InfoContext(ctx, "a sign-in was refused", "way", way, "because", f.Hint)
	}
	if a.SignedIn == nil {
		return
	}
	result := "failed"
	switch {
	case err == nil:
		result = "ok"
	case fault.CodeOf(err) == fault.Unauthenticated:
		result = "refused"
	case fault.CodeOf(err) == fault.TooMany:
		result = "throttled"
	}
	a.SignedIn(way, result)
}

// signInEntry is what the audit log says of a try to sign in.
func signInEntry(t gatekeeper.Tokens, email, action string, err error) audit.Entry {
	e := audit.Entry{Tenant: t.User.Tenant, Actor: t.User.Email, Action: action, Outcome: audit.Done}
	switch {
	case err == nil:
		return e
	case fault.CodeOf(err) == fault.Unauthenticated, fault.CodeOf(err) == fault.TooMany:
		e.Outcome = audit.Refused
	default:
		e.Outcome = audit.Failed
	}
	e.Actor = clip(strings.ToLower(email))
	return e
}

func (a *API) refresh(ctx context.Context, _ tenant.Principal, in *refreshInput) (*signedInOutput, error) {
	var token string
	fromCookie := false
	scheme, bearer, _ := strings.Cut(in.Authorization, " ")
	switch {
	case strings.EqualFold(scheme, "Bearer") && bearer != "":
		token = strings.TrimSpace(bearer)
	case in.Body != nil && in.Body.RefreshToken != "":
		token = in.Body.RefreshToken
	case in.Cookie != "":
		token, fromCookie = in.Cookie, true
	default:
		return nil, fault.New(fault.Unauthenticated, "no refresh token was given")
	}
	t, err := a.Gatekeeper.Refresh(ctx, secret.Text(token))
	if err != nil {
		return nil, err
	}
	out := &signedInOutput{Body: signedInOf(t)}
	if fromCookie {
		out.SetCookie = webauth.Cookies(t, isSecure(ctx))
		out.Body.Token, out.Body.RefreshToken = "", "" // scripts of the page never see them
	}
	return out, nil
}

type meOutput struct{ Body Me }

func (a *API) me(ctx context.Context, p tenant.Principal, _ *struct{}) (*meOutput, error) {
	t, err := a.Tenants.Tenant(ctx, p.Tenant)
	if err != nil {
		return nil, err
	}
	return &meOutput{Me{User: userOf(p.Email, p.Name, p.Role, p.Domain), TimeZone: t.TimeZone,
		Tenant: MyTenant{ID: string(t.ID), Name: t.Name, Domain: t.Domain, TimeZone: t.TimeZone, Mode: t.Mode, Branding: t.Settings.Branding}}}, nil
}

type checkAdminOutput struct {
	Body struct {
		IsAdmin       bool     `json:"isAdmin"`
		IsDomainAdmin bool     `json:"isDomainAdmin"`
		IsServerAdmin bool     `json:"isServerAdmin"`
		AdminDomains  []string `json:"adminDomains"`
	}
}

func (a *API) checkAdmin(ctx context.Context, p tenant.Principal, _ *struct{}) (*checkAdminOutput, error) {
	out := &checkAdminOutput{}
	out.Body.IsAdmin = p.Role.AtLeast(tenant.Admin)
	out.Body.IsDomainAdmin = out.Body.IsAdmin
	out.Body.IsServerAdmin = p.Role.AtLeast(tenant.SuperAdmin)
	out.Body.AdminDomains = []string{}
	if out.Body.IsAdmin {
		t, err := a.Tenants.Tenant(ctx, p.Tenant)
		if err != nil {
			return nil, err
		}
		out.Body.AdminDomains = append(out.Body.AdminDomains, t.Domain)
	}
	return out, nil
}

type logoutOutput struct {
	SetCookie []*http.Cookie `header:"Set-Cookie"`
	Body      struct {
		Success bool `json:"success"`
	}
}

func (a *API) logout(ctx context.Context, p tenant.Principal, _ *struct{}) (*logoutOutput, error) {
	if p.Token != "" {
		return nil, fault.New(fault.Forbidden, "a token is not signed in; delete it instead")
	}
	if err := a.Gatekeeper.Logout(ctx, p.Session); err != nil {
		return nil, err
	}
	out := &logoutOutput{SetCookie: webauth.NoCookies()}
	out.Body.Success = true
	return out, nil
}
