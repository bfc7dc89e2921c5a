package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"rmp/internal/tenant"
)

// Console asks the tenant's server with a command of CLI that only reads, and
// only about the tenant's own domains; else it refuses.
type Console interface {
	Ask(ctx context.Context, t tenant.Tenant, command string) (any, error)
}

type (
	consoleInput struct {
		Body struct {
			Command string `json:"command" minLength:"1" maxLength:"2000" example:"GETACCOUNTEFFECTIVESETTINGS anna@example.test"`
		}
	}
	consoleOutput struct {
		Body struct {
			Answer any `json:"answer" doc:"As JSON: dictionaries, lists, strings and numbers; absent: the command has none."`
		}
	}
)

func (a *API) registerConsole() {
	operation(a, huma.Operation{OperationID: "ask-server", Method: http.MethodPost, Path: "/api/v2/admin/cli", Tags: []string{"Administration"}, Summary: "Ask CommuniGate Pro",
		Description: "A command of CLI that only reads, about an account or a domain of the organisation, by which an administrator looks into what is wrong. Passwords are left out.",
		Errors:      []int{http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}}, a.askServer)
}

func (a *API) askServer(ctx context.Context, p tenant.Principal, in *consoleInput) (*consoleOutput, error) {
	t, err := a.Tenants.Tenant(ctx, p.Tenant)
	if err != nil {
		return nil, err
	}
	out := &consoleOutput{}
	out.Body.Answer, err = a.Console.Ask(ctx, t, in.Body.Command)
	return out, err
}
