package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rmp/internal/audit"
	"rmp/internal/fault"
	"rmp/internal/tenant"
)

// AuditEntry is one line of the audit log.
type AuditEntry struct {
	At        time.Time         `json:"at"`
	Actor     string            `json:"actor" example:"admin@example.test"`
	Action    string            `json:"action" doc:"The id of the operation." example:"change-user"`
	Target    string            `json:"target" example:"/api/v2/admin/users/anna@example.test"`
	Outcome   string            `json:"outcome" enum:"done,refused,failed"`
	Address   string            `json:"address,omitempty" doc:"From where."`
	RequestID string            `json:"requestId,omitempty"`
	Detail    map[string]string `json:"detail,omitempty"`
}

type auditInput struct {
	Actor  string `query:"actor" maxLength:"254"`
	Action string `query:"action" maxLength:"64"`
	Target string `query:"target" maxLength:"254" doc:"A part of it."`
	From   string `query:"from" doc:"RFC 3339."`
	Till   string `query:"till" doc:"RFC 3339."`
	Cursor string `query:"cursor" maxLength:"100"`
	LimitInput
}

type auditOutput struct {
	Body struct {
		Items      []AuditEntry `json:"items" doc:"Newest first."`
		NextCursor string       `json:"nextCursor,omitempty"`
	}
}

func (a *API) registerAudit() {
	operation(a, huma.Operation{OperationID: "audit-log", Method: http.MethodGet, Path: "/api/v2/admin/audit", Tags: []string{"Administration"},
		Summary: "Who did what, and from where", Description: "Sign-ins, administration, and what administrators did with what is not theirs. Nothing of it can be changed or removed."}, a.auditLog)
}

func (a *API) auditLog(ctx context.Context, p tenant.Principal, in *auditInput) (*auditOutput, error) {
	var bad fault.Fields
	f := audit.Filter{Actor: in.Actor, Action: in.Action, Target: in.Target, Limit: in.Limit + 1}
	if in.From != "" {
		f.From = parseTime(&bad, "query.from", in.From, "")
	}
	if in.Till != "" {
		f.Till = parseTime(&bad, "query.till", in.Till, "")
	}
	if place, err := decodeCursor(in.Cursor); err != nil {
		return nil, err
	} else if place != "" {
		if f.Before, err = strconv.ParseInt(place, 10, 64); err != nil {
			bad.Add("query.cursor", "is not a cursor of this list")
		}
	}
	if err := bad.Err(); err != nil {
		return nil, err
	}
	list, err := a.Audit.Entries(ctx, p.Tenant, f)
	if err != nil {
		return nil, err
	}
	out := &auditOutput{}
	out.Body.Items = []AuditEntry{}
	for _, e := range list[:min(len(list), in.Limit)] {
		out.Body.Items = append(out.Body.Items, AuditEntry{At: e.At.UTC(), Actor: e.Actor, Action: e.Action, Target: e.Target, Outcome: e.Outcome, Address: e.Address, RequestID: e.RequestID, Detail: e.Detail})
	}
	if len(list) > in.Limit {
		out.Body.NextCursor = encodeCursor(strconv.FormatInt(list[in.Limit-1].ID, 10))
	}
	return out, nil
}
