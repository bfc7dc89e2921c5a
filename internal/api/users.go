package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rmp/internal/gatekeeper"
	"rmp/internal/secret"
	"rmp/internal/tenant"
)

// Account is a user as administrators see them.
type Account struct {
	Email           string     `json:"email" example:"anna@example.test"`
	RealName        string     `json:"realName" example:"Anna Berg"`
	Role            string     `json:"role" enum:"user,manager,admin,super_admin"`
	Domain          string     `json:"domain" doc:"The CommuniGate domain of the account." example:"example.test"`
	Active          bool       `json:"active"`
	HasPassword     bool       `json:"hasPassword" doc:"false: signs in with OpenID Connect only."`
	HasCGProSecret  bool       `json:"hasCgproPassword" doc:"A CommuniGate password of its own is stored, encrypted."`
	LastLogin       *time.Time `json:"lastLogin,omitempty"`
	ManagedResource []string   `json:"manages,omitempty" doc:"Addresses of the resources that a manager runs."`
}

// AccountRequest is what an administrator sets of a user.
type AccountRequest struct {
	Email         string  `json:"email,omitempty" maxLength:"254" example:"anna@example.test"`
	RealName      string  `json:"realName" maxLength:"800" example:"Anna Berg"`
	Role          string  `json:"role,omitempty" enum:"user,manager,admin,super_admin" default:"user"`
	Domain        string  `json:"domain,omitempty" maxLength:"254" doc:"The CommuniGate domain of the account; left out: that of the address."`
	Password      string  `json:"password,omitempty" maxLength:"1024" doc:"8 to 1,024 bytes; left out: stays as it is."`
	CGProPassword *string `json:"cgproPassword,omitempty" maxLength:"1024" doc:"When CommuniGate has another one; stored encrypted and never answered. Empty: none; left out: stays as it is."`
	Active        *bool   `json:"active,omitempty" doc:"Left out: true."`
}

func (r AccountRequest) person() gatekeeper.Person {
	n := gatekeeper.Person{Email: r.Email, Name: r.RealName, Role: tenant.Role(r.Role), CGPDomain: r.Domain, Password: secret.Text(r.Password), Active: r.Active == nil || *r.Active}
	if n.Role == "" {
		n.Role = tenant.User
	}
	if r.CGProPassword != nil {
		s := secret.Text(*r.CGProPassword)
		n.CGPPassword = &s
	}
	return n
}

func accountOf(u gatekeeper.User) Account {
	out := Account{Email: u.Email, RealName: u.Name, Role: string(u.Role), Domain: u.CGPDomain, Active: u.Active, HasPassword: u.PasswordHash != "", HasCGProSecret: u.CGPPassword != ""}
	if !u.LastLogin.IsZero() {
		at := u.LastLogin.UTC()
		out.LastLogin = &at
	}
	return out
}

type (
	usersInput struct {
		Q      string `query:"q" maxLength:"200" doc:"In address or name."`
		Role   string `query:"role" enum:"user,manager,admin,super_admin"`
		Cursor string `query:"cursor" maxLength:"500"`
		LimitInput
	}
	usersOutput struct {
		Body struct {
			Items      []Account `json:"items"`
			NextCursor string    `json:"nextCursor,omitempty"`
		}
	}
	userInput struct {
		Email string `path:"email" maxLength:"254" example:"anna@example.test"`
	}
	userOutput struct {
		ETag     string `header:"ETag"`
		Location string `header:"Location"`
		Body     Account
	}
	createUserInput struct{ Body AccountRequest }
	changeUserInput struct {
		Email   string `path:"email" maxLength:"254" example:"anna@example.test"`
		IfMatch string `header:"If-Match"`
		Body    AccountRequest
	}
)

func (a *API) registerUsers() {
	tags := []string{"Administration"}
	const path, one = "/api/v2/admin/users", "/api/v2/admin/users/{email}"
	operation(a, huma.Operation{OperationID: "list-users", Method: http.MethodGet, Path: path, Tags: tags, Summary: "Who may enter"}, a.listUsers)
	operation(a, huma.Operation{OperationID: "create-user", Method: http.MethodPost, Path: path, Tags: tags, DefaultStatus: http.StatusCreated,
		Summary: "Let somebody in", Description: "Their account on CommuniGate Pro must be there, or be made by its administrator. Nobody makes a user above their own role."}, a.createUser)
	operation(a, huma.Operation{OperationID: "get-user", Method: http.MethodGet, Path: one, Tags: tags, Summary: "One user", Errors: []int{http.StatusNotFound}}, a.getUser)
	operation(a, huma.Operation{OperationID: "change-user", Method: http.MethodPut, Path: one, Tags: tags, Summary: "Change a user",
		Description: "Whoever is switched off or gets another role, address or password is signed out everywhere.", Errors: []int{http.StatusNotFound, http.StatusPreconditionFailed}}, a.changeUser)
	operation(a, huma.Operation{OperationID: "delete-user", Method: http.MethodDelete, Path: one, Tags: tags, DefaultStatus: http.StatusNoContent,
		Summary: "Remove a user", Description: "With their sign-ins and tokens. Their bookings stay, and so does their account on CommuniGate Pro.", Errors: []int{http.StatusNotFound}}, a.deleteUser)
}

func (a *API) listUsers(ctx context.Context, p tenant.Principal, in *usersInput) (*usersOutput, error) {
	after, err := decodeCursor(in.Cursor)
	if err != nil {
		return nil, err
	}
	list, err := a.Gatekeeper.Users(ctx, p.Tenant, gatekeeper.UserFilter{Query: in.Q, Role: tenant.Role(in.Role), After: after, Limit: in.Limit + 1})
	if err != nil {
		return nil, err
	}
	out := &usersOutput{}
	out.Body.Items = []Account{}
	for _, u := range list[:min(len(list), in.Limit)] {
		out.Body.Items = append(out.Body.Items, accountOf(u))
	}
	if len(list) > in.Limit {
		out.Body.NextCursor = encodeCursor(list[in.Limit-1].Email)
	}
	return out, nil
}

func (a *API) userAnswer(ctx context.Context, u gatekeeper.User) (*userOutput, error) {
	out := &userOutput{ETag: etag(u.Version), Body: accountOf(u)}
	if u.Role == tenant.Manager {
		var err error
		if out.Body.ManagedResource, err = a.Resources(u.Tenant).Managed(ctx, u.Email); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (a *API) getUser(ctx context.Context, p tenant.Principal, in *userInput) (*userOutput, error) {
	u, err := a.Gatekeeper.UserOf(ctx, p.Tenant, in.Email)
	if err != nil {
		return nil, err
	}
	return a.userAnswer(ctx, u)
}

func (a *API) createUser(ctx context.Context, p tenant.Principal, in *createUserInput) (*userOutput, error) {
	note(ctx, "user", in.Body.Email, "role", in.Body.Role)
	u, err := a.Gatekeeper.CreateUser(ctx, p, in.Body.person())
	if err != nil {
		return nil, err
	}
	return &userOutput{ETag: etag(u.Version), Location: "/api/v2/admin/users/" + u.Email, Body: accountOf(u)}, nil
}

func (a *API) changeUser(ctx context.Context, p tenant.Principal, in *changeUserInput) (*userOutput, error) {
	version, err := ifMatch(in.IfMatch)
	if err != nil {
		return nil, err
	}
	n := in.Body.person()
	note(ctx, "user", in.Email, "role", string(n.Role), "password", changed(n.Password != ""), "cgproPassword", changed(n.CGPPassword != nil))
	u, err := a.Gatekeeper.ChangeUser(ctx, p, in.Email, version, n)
	if err != nil {
		return nil, err
	}
	return a.userAnswer(ctx, u)
}

func changed(b bool) string {
	if b {
		return "changed"
	}
	return ""
}

func (a *API) deleteUser(ctx context.Context, p tenant.Principal, in *userInput) (*struct{}, error) {
	return nil, a.Gatekeeper.DeleteUser(ctx, p, in.Email)
}
