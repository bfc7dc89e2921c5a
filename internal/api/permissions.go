package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"rmp/internal/audit"
	"rmp/internal/fault"
	"rmp/internal/tenant"
	"rmp/internal/webauth"
)

// permission is who may call an operation.
type permission struct {
	role  tenant.Role  // at least; empty: anybody, signed in or not
	scope tenant.Scope // that a script's token must have; empty: a token cannot call it
	any   bool         // any token can
	audit bool         // it is written into the audit log
}

// permissions is the one table of who may do what. What belongs to somebody
// (a booking, a resource of a manager) is checked beyond it where it is read.
var permissions = map[string]permission{
	"login":        {},
	"simple-login": {},
	"refresh":      {},
	"me":           {role: tenant.User, any: true},
	"check-admin":  {role: tenant.User, any: true},
	"logout":       {role: tenant.User, audit: true},
	"list-tokens":  {role: tenant.User},
	"create-token": {role: tenant.User, audit: true},
	"delete-token": {role: tenant.User, audit: true},

	"list-resources":      {role: tenant.User, scope: tenant.ResourcesRead},
	"get-resource":        {role: tenant.User, scope: tenant.ResourcesRead},
	"list-resource-types": {role: tenant.User, scope: tenant.ResourcesRead},
	"get-type-policy":     {role: tenant.User, scope: tenant.ResourcesRead},
	"resource-calendar":   {role: tenant.User, scope: tenant.ResourcesRead},
	"change-resource":     {role: tenant.Manager, scope: tenant.AdminScope, audit: true}, // a manager: those they run
	"set-type-policy":     {role: tenant.Admin, scope: tenant.AdminScope, audit: true},

	"list-favourites":  {role: tenant.User, scope: tenant.ResourcesRead},
	"set-favourite":    {role: tenant.User, scope: tenant.PeopleWrite},
	"remove-favourite": {role: tenant.User, scope: tenant.PeopleWrite},
	"get-photo":        {role: tenant.User, scope: tenant.ResourcesRead},
	"set-photo":        {role: tenant.Manager, scope: tenant.AdminScope, audit: true}, // a manager: of those they run
	"remove-photo":     {role: tenant.Manager, scope: tenant.AdminScope, audit: true},

	"freebusy":           {role: tenant.User, scope: tenant.BookingsRead},
	"check-availability": {role: tenant.User, scope: tenant.BookingsRead},
	"find-slots":         {role: tenant.User, scope: tenant.BookingsRead},

	"list-bookings":   {role: tenant.User, scope: tenant.BookingsRead},
	"get-booking":     {role: tenant.User, scope: tenant.BookingsRead},
	"preview-booking": {role: tenant.User, scope: tenant.BookingsRead},
	"booking-history": {role: tenant.User, scope: tenant.BookingsRead}, // of those one may change
	"create-booking":  {role: tenant.User, scope: tenant.BookingsWrite},
	"change-booking":  {role: tenant.User, scope: tenant.BookingsWrite},
	"cancel-booking":  {role: tenant.User, scope: tenant.BookingsWrite},
	"restore-booking": {role: tenant.User, scope: tenant.BookingsWrite},
	"create-hold":     {role: tenant.User, scope: tenant.BookingsWrite},
	"release-hold":    {role: tenant.User, scope: tenant.BookingsWrite},
	"events":          {role: tenant.User, scope: tenant.BookingsRead},

	"list-failed-writes":   {role: tenant.Manager, scope: tenant.AdminScope}, // a manager: of the resources they run
	"retry-failed-writes":  {role: tenant.Manager, scope: tenant.AdminScope, audit: true},
	"list-conflicts":       {role: tenant.Manager, scope: tenant.AdminScope},
	"list-calendar-checks": {role: tenant.Manager, scope: tenant.AdminScope},

	"list-users":    {role: tenant.Admin, scope: tenant.AdminScope},
	"get-user":      {role: tenant.Admin, scope: tenant.AdminScope},
	"create-user":   {role: tenant.Admin, scope: tenant.AdminScope, audit: true},
	"change-user":   {role: tenant.Admin, scope: tenant.AdminScope, audit: true},
	"delete-user":   {role: tenant.Admin, scope: tenant.AdminScope, audit: true},
	"list-tenants":  {role: tenant.SuperAdmin, scope: tenant.AdminScope},
	"get-tenant":    {role: tenant.SuperAdmin, scope: tenant.AdminScope},
	"create-tenant": {role: tenant.SuperAdmin, scope: tenant.AdminScope, audit: true},
	"change-tenant": {role: tenant.SuperAdmin, scope: tenant.AdminScope, audit: true},
	"get-settings":  {role: tenant.Admin, scope: tenant.AdminScope},
	"set-settings":  {role: tenant.Admin, scope: tenant.AdminScope, audit: true},
	"audit-log":     {role: tenant.Admin, scope: tenant.AdminScope},

	"doctor":          {role: tenant.Admin, scope: tenant.AdminScope},
	"doctor-fix":      {role: tenant.Admin, scope: tenant.AdminScope, audit: true},
	"doctor-undo":     {role: tenant.Admin, scope: tenant.AdminScope, audit: true},
	"list-domains":    {role: tenant.Admin, scope: tenant.AdminScope},
	"domain-settings": {role: tenant.Admin, scope: tenant.AdminScope},

	"ask-server":       {role: tenant.Admin, scope: tenant.AdminScope, audit: true},
	"import-resources": {role: tenant.Admin, scope: tenant.AdminScope, audit: true},
	"create-resource":  {role: tenant.Admin, scope: tenant.AdminScope, audit: true},
	"delete-resource":  {role: tenant.Admin, scope: tenant.AdminScope, audit: true},
	"adopt-resources":  {role: tenant.Admin, scope: tenant.AdminScope, audit: true},

	// Others' calendars: as the server's rights have it, or as an
	// administrator, which is written into the audit log.
	"list-calendars":     {role: tenant.User, scope: tenant.PeopleRead},
	"list-events":        {role: tenant.User, scope: tenant.PeopleRead},
	"get-event":          {role: tenant.User, scope: tenant.PeopleRead},
	"create-event":       {role: tenant.User, scope: tenant.PeopleWrite},
	"change-event":       {role: tenant.User, scope: tenant.PeopleWrite},
	"delete-event":       {role: tenant.User, scope: tenant.PeopleWrite},
	"import-calendar":    {role: tenant.User, scope: tenant.PeopleWrite},
	"export-calendar":    {role: tenant.User, scope: tenant.PeopleRead},
	"list-delegates":     {role: tenant.User, scope: tenant.PeopleRead},
	"set-delegate":       {role: tenant.User, scope: tenant.PeopleWrite, audit: true},
	"remove-delegate":    {role: tenant.User, scope: tenant.PeopleWrite, audit: true},
	"list-invitations":   {role: tenant.User, scope: tenant.PeopleRead},
	"answer-invitation":  {role: tenant.User, scope: tenant.PeopleWrite},
	"list-folders":       {role: tenant.User, scope: tenant.PeopleRead},
	"create-folder":      {role: tenant.User, scope: tenant.PeopleWrite},
	"delete-folder":      {role: tenant.User, scope: tenant.PeopleWrite},
	"list-contacts":      {role: tenant.User, scope: tenant.PeopleRead},
	"get-contact":        {role: tenant.User, scope: tenant.PeopleRead},
	"create-contact":     {role: tenant.User, scope: tenant.PeopleWrite},
	"change-contact":     {role: tenant.User, scope: tenant.PeopleWrite},
	"delete-contact":     {role: tenant.User, scope: tenant.PeopleWrite},
	"list-groups":        {role: tenant.User, scope: tenant.PeopleRead},
	"get-group":          {role: tenant.User, scope: tenant.PeopleRead},
	"create-group":       {role: tenant.User, scope: tenant.PeopleWrite},
	"change-group":       {role: tenant.User, scope: tenant.PeopleWrite},
	"delete-group":       {role: tenant.User, scope: tenant.PeopleWrite},
	"search-people":      {role: tenant.User, scope: tenant.PeopleRead},
	"list-feeds":         {role: tenant.User, scope: tenant.PeopleRead},
	"read-feed":          {}, // the address is the secret
	"read-resource-feed": {},
	"create-feed":        {role: tenant.User, audit: true}, // a secret: not by a script
	"delete-feed":        {role: tenant.User, audit: true},
}

// name is how the OpenAPI document shows it.
func (n permission) name() string {
	if n.role == "" {
		return "public"
	}
	return string(n.role)
}

func (n permission) scopeName() string {
	switch {
	case n.role == "":
		return ""
	case n.any:
		return "any"
	case n.scope == "":
		return "none"
	}
	return string(n.scope)
}

// allows says why a principal may not.
func (n permission) allows(p tenant.Principal, known bool) error {
	switch {
	case n.role == "":
		return nil
	case !known:
		return fault.New(fault.Unauthenticated, "not signed in, or the sign-in has ended")
	case !p.Role.AtLeast(n.role):
		return fault.New(fault.Forbidden, "this needs the role %s", n.role)
	case p.Token == "" || n.any:
		return nil
	case n.scope == "":
		return fault.New(fault.Forbidden, "a script's token cannot do this; sign in for it")
	case !p.May(n.scope):
		return fault.New(fault.Forbidden, "the token does not have the scope %s", n.scope)
	}
	return nil
}

// operation registers a handler with what all operations have in common. Its
// permission comes from the table; without one there it does not start.
func operation[I, O any](a *API, op huma.Operation, h func(ctx context.Context, p tenant.Principal, in *I) (*O, error)) {
	need, ok := permissions[op.OperationID]
	if !ok {
		panic(fmt.Sprintf("api: the operation %s is not in the table of permissions", op.OperationID))
	}
	if op.MaxBodyBytes == 0 {
		op.MaxBodyBytes = maxBody
	}
	op.Extensions = map[string]any{"x-permission": need.name()}
	if need.role != "" {
		op.Extensions["x-scope"] = need.scopeName()
		op.Security = []map[string][]string{{"bearer": {}}}
		op.Errors = append(op.Errors, http.StatusUnauthorized, http.StatusForbidden)
	}
	op.Errors = append(op.Errors, http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusTooManyRequests)
	// Before the input is looked at: who may not learns nothing from it.
	op.Middlewares = append(op.Middlewares, func(hc huma.Context, next func(huma.Context)) {
		p, known := webauth.Principal(hc.Context())
		err := need.allows(p, known)
		if err == nil {
			next(hc)
			return
		}
		if need.audit && known {
			a.record(hc.Context(), p, op.OperationID, err)
		}
		r, w := humago.Unwrap(hc)
		a.writeProblem(w, r, err)
	})
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		p, _ := webauth.Principal(ctx)
		out, err := h(ctx, p, in)
		if need.audit {
			a.record(ctx, p, op.OperationID, err)
		}
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		return out, nil
	})
}

// record writes what was done, or refused, into the audit log.
func (a *API) record(ctx context.Context, p tenant.Principal, action string, err error) {
	e := audit.Entry{Tenant: p.Tenant, Actor: p.Email, Action: action, Target: requestPath(ctx), Outcome: audit.Done, Detail: noted(ctx)}
	if p.Token != "" {
		e.Actor += " (token " + p.Token + ")"
	}
	switch {
	case err == nil:
	case a.translate(ctx, err).Status < 500:
		e.Outcome = audit.Refused
	default:
		e.Outcome = audit.Failed
	}
	a.append(ctx, e)
}

// append completes an entry and stores it, even if the client is gone.
func (a *API) append(ctx context.Context, e audit.Entry) {
	e.At, e.RequestID = a.Now(), requestID(ctx)
	if from := requestAddress(ctx); from.IsValid() {
		e.Address = from.String()
	}
	if err := a.Audit.Append(context.WithoutCancel(ctx), e); err != nil {
		a.log.ErrorContext(ctx, "the audit log could not be written", "err", err, "action", e.Action, "actor", e.Actor, "outcome", e.Outcome)
	}
}
