// Package api is the HTTP API of RMP, version 2.
//
// The life of a request: it gets an id and a deadline; its body is bounded;
// the token (bearer, or the browser app's cookie) names the principal; a
// replay of a creating request under the same Idempotency-Key gets the first
// answer; huma reads and checks the input against the schema; the handler of
// the operation calls the domain; an error becomes application/problem+json
// (problem.go). Each resource of the API has its own file. Who may call an
// operation is in one table (permissions.go) and in the OpenAPI document as
// x-permission and x-scope.
package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"rmp/internal/audit"
	"rmp/internal/availability"
	"rmp/internal/booking"
	"rmp/internal/directory"
	"rmp/internal/fault"
	"rmp/internal/gatekeeper"
	"rmp/internal/people"
	"rmp/internal/tenant"
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
	People       *people.Service
	Feeds        func(tenant.ID) Feeds
	Feed         FeedWriter
	FeedOwner    FeedOwner
	Provision    Provision
	Audit        audit.Log
	Installation Installation
	Console      Console
	Doctor       Doctor
	Upkeep       func(tenant.ID) Upkeep
	// Ending reports whether the process is about to end: it is not ready for
	// more, though it still serves.
	Ending func() bool
	// Proxies are those whose word on a client's address and on TLS counts.
	Proxies []netip.Prefix
	Limits  Limits
	// Unavailable reports whether an error means that the database cannot
	// be reached.
	Unavailable func(error) bool
	Checks      []Check
	Metrics     http.Handler
	Observe     func(operation string, status int, took time.Duration)
	// SignedIn is told of each try to sign in: the way (login, single-sign-on)
	// and how it ended (ok, refused, throttled, failed). It may be nil.
	SignedIn func(way, result string)
	Log      *slog.Logger
	Now      func() time.Time
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
	limits *limiter
	log    *slog.Logger
	huma   huma.API
	mux    *http.ServeMux
}

// New registers every operation.
func New(d Deps) *API {
	a := &API{Deps: d, log: d.Log, mux: http.NewServeMux(), limits: newLimiter(d.Limits, d.Tenants, d.Now)}
	huma.NewErrorWithContext = humaError
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
		return humaError(nil, status, msg, errs...)
	}
	config := huma.DefaultConfig("RMP", Version)
	config.CreateHooks = nil // no $schema in bodies
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", ""
	// encoding/json would put replacement characters where a text is not UTF-8.
	json := config.Formats["application/json"]
	read := json.Unmarshal
	json.Unmarshal = func(data []byte, v any) error {
		if !utf8.Valid(data) {
			return errors.New("the body is not UTF-8")
		}
		return read(data, v)
	}
	config.Formats = map[string]huma.Format{"application/json": json, "json": json}
	config.Info.Description = "Book rooms, parking spaces, vehicles, equipment and catering over CommuniGate Pro. " +
		"Texts for people are in English, or in German for a request that wants it (Accept-Language). " +
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
	a.registerTokens()
	a.registerUsers()
	a.registerTenants()
	a.registerAudit()
	a.registerCalendars()
	a.registerDelegates()
	a.registerContacts()
	a.registerFeeds()
	a.registerFavourites()
	a.registerDoctor()
	a.registerConsole()
	a.registerResourceImport()
	a.registerProvision()
	a.registerDocs()
	a.registerHealth()
	a.mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		a.writeProblem(w, r, fault.New(fault.NotFound, "there is no %s %s", r.Method, r.URL.Path))
	})
	return a
}

// OpenAPI is the document that describes the API.
func (a *API) OpenAPI() *huma.OpenAPI { return a.huma.OpenAPI() }
