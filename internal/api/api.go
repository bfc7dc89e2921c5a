// Package api is the HTTP API of RMP, version 2.
//
// The life of a request: it gets an id and a deadline; its body is bounded;
// the token (bearer, or the browser app's cookie) names the principal; a
// replay of a creating request under the same Idempotency-Key gets the first
// answer; huma reads and checks the input against the schema; the handler of
// the operation calls the domain; an error becomes application/problem+json
// (problem.go). Each resource of the API has its own file. Which role an
// operation needs is said where it is registered and listed in the OpenAPI
// document as x-permission.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"rmp/internal/availability"
	"rmp/internal/booking"
	"rmp/internal/directory"
	"rmp/internal/fault"
	"rmp/internal/gatekeeper"
	"rmp/internal/tenant"
	"rmp/internal/webauth"
)

// Version of the API's document.
const Version = "2.0.0"

// Limits of a request.
const (
	maxBody      = 256 << 10
	requestTime  = 30 * time.Second
	maxEmails    = 500
	maxRange     = 366 * 24 * time.Hour
	defaultLimit = 100
	maxLimit     = 1000
)

// Deps is what the API is wired to.
type Deps struct {
	Gatekeeper   *gatekeeper.Gatekeeper
	Bookings     *booking.Service
	Availability *availability.Engine
	Resources    directory.Stores
	Tenants      booking.Tenants
	Idempotency  func(tenant.ID) Idempotency
	Events       Events
	Upkeep       func(tenant.ID) Upkeep
	// Ending reports whether the process is about to end: it is not ready for
	// more, though it still serves.
	Ending func() bool
	// Unavailable reports whether an error means that the database cannot
	// be reached.
	Unavailable func(error) bool
	Checks      []Check
	Metrics     http.Handler
	Observe     func(operation string, status int, took time.Duration)
	Log         *slog.Logger
	Now         func() time.Time
}

// Check is one dependency that readiness names.
type Check struct {
	Name string
	// Required: without it RMP can answer nothing. One that is not required
	// is named, but a balancer goes on sending requests.
	Required bool
	Probe    func(ctx context.Context) error
}

// API serves /api/v2, the health checks and the metrics.
type API struct {
	Deps
	log  *slog.Logger
	huma huma.API
	mux  *http.ServeMux
}

// New registers every operation.
func New(d Deps) *API {
	a := &API{Deps: d, log: d.Log, mux: http.NewServeMux()}
	huma.NewErrorWithContext = humaError
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
		return humaError(nil, status, msg, errs...)
	}
	config := huma.DefaultConfig("RMP", Version)
	config.CreateHooks = nil // no $schema in bodies
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", ""
	config.Info.Description = "Book rooms, parking spaces, vehicles, equipment and catering over CommuniGate Pro. " +
		"Times are RFC 3339 with an offset, or without one together with timeZone; answers are in UTC. Errors are application/problem+json (RFC 9457)."
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer": {Type: "http", Scheme: "bearer", BearerFormat: "JWT"},
	}
	a.huma = humago.New(a.mux, config)
	a.registerAuth()
	a.registerResources()
	a.registerAvailability()
	a.registerSlots()
	a.registerResourceCalendar()
	a.registerBookings()
	a.registerEvents()
	a.registerUpkeep()
	a.registerDocs()
	a.registerHealth()
	a.mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		a.writeProblem(w, r, fault.New(fault.NotFound, "there is no %s %s", r.Method, r.URL.Path))
	})
	return a
}

// OpenAPI is the document that describes the API.
func (a *API) OpenAPI() *huma.OpenAPI { return a.huma.OpenAPI() }

// permission is what an operation needs.
type permission string

// The permissions: anybody, or at least the role.
const (
	public     permission = "public"
	signedIn   permission = permission(tenant.User)
	forManager permission = permission(tenant.Manager)
	forAdmin   permission = permission(tenant.Admin)
)

// operation registers a handler with what all operations have in common.
func operation[I, O any](a *API, need permission, op huma.Operation, h func(ctx context.Context, p tenant.Principal, in *I) (*O, error)) {
	op.MaxBodyBytes = maxBody
	op.Extensions = map[string]any{"x-permission": string(need)}
	if need != public {
		op.Security = []map[string][]string{{"bearer": {}}}
		op.Errors = append(op.Errors, http.StatusUnauthorized, http.StatusForbidden)
	}
	op.Errors = append(op.Errors, http.StatusBadRequest, http.StatusUnprocessableEntity)
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		p, ok := webauth.Principal(ctx)
		if need != public {
			if !ok {
				return nil, a.problem(ctx, fault.New(fault.Unauthenticated, "not signed in, or the sign-in has ended"))
			}
			if !p.Role.AtLeast(tenant.Role(need)) {
				return nil, a.problem(ctx, fault.New(fault.Forbidden, "this needs the role %s", need))
			}
		}
		out, err := h(ctx, p, in)
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		return out, nil
	})
}
