package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"rmp/internal/people"
	"rmp/internal/tenant"
)

// Delegate is somebody with rights to a calendar.
type Delegate struct {
	Delegate string       `json:"delegate" example:"ben@example.test"`
	Rights   string       `json:"rights" doc:"Letters as in RFC 4314." example:"lrswite"`
	Level    people.Level `json:"level" enum:"see,read,write,manage,custom" example:"write"`
	Words    []string     `json:"words" doc:"What the letters mean." example:"[\"sees the calendar\",\"reads events\"]"`
}

func delegateOf(d people.Delegate) Delegate {
	return Delegate{Delegate: d.Email, Rights: d.Letters, Level: people.LevelOf(d.Letters), Words: people.Words(d.Letters)}
}

type (
	delegatesOutput struct {
		Body struct {
			Items []Delegate `json:"items"`
		}
	}
	delegateInput struct {
		AccountInput
		Delegate string `path:"delegate" maxLength:"254" example:"ben@example.test"`
	}
	setDelegateInput struct {
		AccountInput
		Delegate string `path:"delegate" maxLength:"254" example:"ben@example.test"`
		Body     struct {
			Level  people.Level `json:"level,omitempty" enum:"see,read,write,manage" doc:"In a word; or rights."`
			Rights string       `json:"rights,omitempty" maxLength:"20" doc:"In letters: lrswipkxtea."`
		}
	}
	delegateOutput struct{ Body Delegate }
)

func (a *API) registerDelegates() {
	tags := []string{"Delegates"}
	const path, one = "/api/v2/calendars/{account}/delegates", "/api/v2/calendars/{account}/delegates/{delegate}"
	refusals := []int{http.StatusNotFound, http.StatusServiceUnavailable}
	operation(a, huma.Operation{OperationID: "list-delegates", Method: http.MethodGet, Path: path, Tags: tags, Summary: "Who may do what with a calendar",
		Description: "Told to its owner, who manages it, and administrators.", Errors: refusals}, a.listDelegates)
	operation(a, huma.Operation{OperationID: "set-delegate", Method: http.MethodPut, Path: one, Tags: tags, Summary: "Give somebody rights to a calendar",
		Description: "They find it among their calendars.", Errors: refusals}, a.setDelegate)
	operation(a, huma.Operation{OperationID: "remove-delegate", Method: http.MethodDelete, Path: one, Tags: tags, DefaultStatus: http.StatusNoContent, Summary: "Take somebody's rights back", Errors: refusals}, a.removeDelegate)
}

func (a *API) listDelegates(ctx context.Context, p tenant.Principal, in *AccountInput) (*delegatesOutput, error) {
	list, err := a.People.Delegates(ctx, p, in.Account)
	if err != nil {
		return nil, err
	}
	out := &delegatesOutput{}
	out.Body.Items = []Delegate{}
	for _, d := range list {
		out.Body.Items = append(out.Body.Items, delegateOf(d))
	}
	return out, nil
}

func (a *API) setDelegate(ctx context.Context, p tenant.Principal, in *setDelegateInput) (*delegateOutput, error) {
	note(ctx, "level", string(in.Body.Level), "rights", in.Body.Rights)
	d, err := a.People.SetDelegate(ctx, p, in.Account, in.Delegate, in.Body.Level, in.Body.Rights)
	if err != nil {
		return nil, err
	}
	return &delegateOutput{delegateOf(d)}, nil
}

func (a *API) removeDelegate(ctx context.Context, p tenant.Principal, in *delegateInput) (*struct{}, error) {
	return nil, a.People.RemoveDelegate(ctx, p, in.Account, in.Delegate)
}
