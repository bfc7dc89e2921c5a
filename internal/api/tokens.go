package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rmp/internal/fault"
	"rmp/internal/gatekeeper"
	"rmp/internal/tenant"
)

// APIToken is a script's token, without its text.
type APIToken struct {
	ID        string         `json:"id"`
	Name      string         `json:"name" example:"Door panel of Berlin"`
	Scopes    []tenant.Scope `json:"scopes" example:"[\"bookings:read\"]"`
	CreatedAt time.Time      `json:"createdAt"`
	ExpiresAt time.Time      `json:"expiresAt"`
	LastUsed  *time.Time     `json:"lastUsed,omitempty" doc:"To the minute."`
}

func apiTokenOf(k gatekeeper.APIToken) APIToken {
	t := APIToken{ID: k.ID, Name: k.Name, Scopes: k.Scopes, CreatedAt: k.CreatedAt.UTC(), ExpiresAt: k.ExpiresAt.UTC()}
	if !k.LastUsed.IsZero() {
		at := k.LastUsed.UTC()
		t.LastUsed = &at
	}
	return t
}

type tokensOutput struct {
	Body struct {
		Items []APIToken `json:"items"`
	}
}

type createTokenInput struct {
	Body struct {
		Name      string         `json:"name" example:"Door panel of Berlin"`
		Scopes    []tenant.Scope `json:"scopes" maxItems:"20" example:"[\"bookings:read\",\"resources:read\"]" doc:"bookings:read, bookings:write, resources:read, people:read, people:write, admin. The token never may more than the person."`
		ExpiresAt string         `json:"expiresAt" example:"2027-01-31T00:00:00Z" doc:"RFC 3339, within a year."`
	}
}

type createTokenOutput struct {
	Body struct {
		APIToken
		Token string `json:"token" doc:"Shown this once; send it as Authorization: Bearer."`
	}
}

type tokenInput struct {
	ID string `path:"id" maxLength:"64"`
}

func (a *API) registerTokens() {
	tags := []string{"Authentication"}
	const path = "/api/v2/auth/tokens"
	operation(a, huma.Operation{OperationID: "list-tokens", Method: http.MethodGet, Path: path, Tags: tags, Summary: "Your tokens for scripts"}, a.listTokens)
	operation(a, huma.Operation{OperationID: "create-token", Method: http.MethodPost, Path: path, Tags: tags, DefaultStatus: http.StatusCreated,
		Summary: "Make a token for a script", Description: "It acts for you, within its scopes, until it ends or is deleted. Idempotency-Key is not honoured here: an answer with a secret is not kept."}, a.createToken)
	operation(a, huma.Operation{OperationID: "delete-token", Method: http.MethodDelete, Path: path + "/{id}", Tags: tags, DefaultStatus: http.StatusNoContent,
		Summary: "End a token", Errors: []int{http.StatusNotFound}}, a.deleteToken)
}

func (a *API) listTokens(ctx context.Context, p tenant.Principal, _ *struct{}) (*tokensOutput, error) {
	list, err := a.Gatekeeper.APITokens(ctx, p)
	out := &tokensOutput{}
	out.Body.Items = []APIToken{}
	for _, k := range list {
		out.Body.Items = append(out.Body.Items, apiTokenOf(k))
	}
	return out, err
}

func (a *API) createToken(ctx context.Context, p tenant.Principal, in *createTokenInput) (*createTokenOutput, error) {
	var bad fault.Fields
	expires := parseTime(&bad, "/expiresAt", in.Body.ExpiresAt, "")
	if err := bad.Err(); err != nil {
		return nil, err
	}
	k, text, err := a.Gatekeeper.CreateAPIToken(ctx, p, in.Body.Name, in.Body.Scopes, expires)
	if err != nil {
		return nil, err
	}
	note(ctx, "token", k.ID)
	out := &createTokenOutput{}
	out.Body.APIToken, out.Body.Token = apiTokenOf(k), text.Reveal()
	return out, nil
}

func (a *API) deleteToken(ctx context.Context, p tenant.Principal, in *tokenInput) (*struct{}, error) {
	return nil, a.Gatekeeper.DeleteAPIToken(ctx, p, in.ID)
}
