package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"rmp/internal/fault"
	"rmp/internal/resourceimport"
	"rmp/internal/tenant"
	"rmp/internal/wording"
)

type (
	importResourcesInput struct {
		DryRun  bool   `query:"dryRun" doc:"Only say what would happen."`
		Update  bool   `query:"update" doc:"Change resources that are there already, in what the file has columns for; else they stay as they are."`
		RawBody []byte `contentType:"text/csv"`
	}
	importResourcesOutput struct {
		Body struct {
			Items   []ImportedResource `json:"items" doc:"One for each row."`
			Created int                `json:"created"`
			Changed int                `json:"changed"`
			Known   int                `json:"known"`
			Refused int                `json:"refused"`
		}
	}
)

// ImportedResource is what became of a row, or would.
type ImportedResource struct {
	Line   int    `json:"line" doc:"In the file, from 1."`
	Email  string `json:"email,omitempty"`
	Name   string `json:"name,omitempty"`
	Type   string `json:"type,omitempty"`
	Result string `json:"result" enum:"created,changed,known,refused"`
	Reason string `json:"reason,omitempty" doc:"Why it was refused, with the column."`
}

func (a *API) registerResourceImport() {
	operation(a, huma.Operation{OperationID: "import-resources", Method: http.MethodPost, Path: "/api/v2/resources/import", Tags: []string{"Resources"}, MaxBodyBytes: resourceimport.MostBytes + 1,
		Summary: "Add resources from a CSV file", Description: "The first row names the columns: name is needed; email, type, site, floor, capacity, units, features (separated by semicolons), timeZone, description and active may be there. Rows that are wrong are refused, the others taken. Safe to repeat.",
		Errors: []int{http.StatusRequestEntityTooLarge, http.StatusBadGateway, http.StatusServiceUnavailable}}, a.importResources)
}

func (a *API) importResources(ctx context.Context, p tenant.Principal, in *importResourcesInput) (*importResourcesOutput, error) {
	t, err := a.Tenants.Tenant(ctx, p.Tenant)
	if err != nil {
		return nil, err
	}
	rows, err := resourceimport.Read(in.RawBody, t)
	if err != nil {
		return nil, err
	}
	out := &importResourcesOutput{}
	out.Body.Items = make([]ImportedResource, 0, len(rows))
	for _, row := range rows {
		x := ImportedResource{Line: row.Line, Email: row.Resource.Email, Name: row.Resource.Name, Type: row.Resource.Type}
		if x.Result, err = a.importRow(ctx, t, row, in); err != nil {
			x.Result, x.Reason = "refused", err.Error()
			var f *fault.Error
			if errors.As(err, &f) {
				x.Reason = said(ctx, f.Text)
			}
		}
		switch x.Result {
		case "created":
			out.Body.Created++
		case "changed":
			out.Body.Changed++
		case "known":
			out.Body.Known++
		default:
			out.Body.Refused++
		}
		out.Body.Items = append(out.Body.Items, x)
	}
	note(ctx, "created", fmt.Sprint(out.Body.Created), "changed", fmt.Sprint(out.Body.Changed), "dryRun", fmt.Sprint(in.DryRun))
	return out, nil
}

// importRow makes or changes the resource of a row.
func (a *API) importRow(ctx context.Context, t tenant.Tenant, row resourceimport.Row, in *importResourcesInput) (string, error) {
	if len(row.Problems) > 0 {
		said := make([]string, len(row.Problems))
		for i, p := range row.Problems {
			said[i] = wording.In(requestLanguage(ctx), p)
		}
		return "", fault.New(fault.Invalid, "%s", strings.Join(said, "; "))
	}
	r := row.Resource
	old, err := a.Resources(t.ID).Resource(ctx, r.Email)
	switch {
	case err == nil && !in.Update:
		return "known", nil
	case err == nil:
		if in.DryRun {
			return "changed", nil
		}
		r = row.Onto(old)
		r.UpdatedAt = a.Now()
		return "changed", a.Resources(t.ID).SaveResource(ctx, &r)
	case fault.CodeOf(err) != fault.NotFound:
		return "", err
	case in.DryRun:
		return "created", nil
	}
	r.UpdatedAt = a.Now()
	err = a.Provision.Create(ctx, t, &r, t.Settings.Limits.Resources)
	if errors.Is(err, ErrTooMany) {
		err = fault.Wrap(err, fault.Invalid, "the organisation may have %d resources, and has them", t.Settings.Limits.Resources)
	}
	return "created", err
}
