package telemetry

// Kinds of metrics.
const (
	counter   = "counter"
	gauge     = "gauge"
	histogram = "histogram"
)

// Metric is one that /metrics shows.
type Metric struct {
	Name, Kind, Help string
	Labels           []string
}

// Catalogue are all metrics of RMP's own, in the order of docs/metrics.md.
// Those of the process (process_…) and of the Go runtime (go_…) come besides.
var Catalogue = []Metric{
	{"rmp_build_info", gauge, "Always 1; the labels say what is running.", []string{"version", "goversion"}},
	{"rmp_http_request_duration_seconds", histogram, "Time to answer a request of the API, by operation and status.", []string{"operation", "status"}},
	{"rmp_http_in_flight_requests", gauge, "Requests of the API at work, event streams left out; not counted where limits.in-flight is 0.", nil},
	{"rmp_http_in_flight_limit", gauge, "Most requests at work at once (limits.in-flight); 0: no limit.", nil},
	{"rmp_http_refused_requests_total", counter, "Requests sent away, by reason: rate (429, too many of somebody), in-flight (503, too many at work).", []string{"reason"}},
	{"rmp_http_slow_requests_total", counter, "Requests that took longer than slow-request.", nil},
	{"rmp_event_streams", gauge, "Event streams that are open.", nil},
	{"rmp_event_streams_limit", gauge, "Most event streams at once (limits.streams); 0: no limit.", nil},
	{"rmp_event_listeners", gauge, "Listeners of the event hub.", nil},
	{"rmp_event_listeners_behind_total", counter, "How often a listener was too slow and had to read on from the database.", nil},
	{"rmp_sign_ins_total", counter, "Tries to sign in, by way (login, single-sign-on) and result: ok, refused, throttled, failed (something needed was away).", []string{"way", "result"}},

	{"rmp_booking_operations_total", counter, "Operations on bookings, by operation (create, change, cancel, restore, hold, release) and outcome: done, conflict (the time is taken), policy (a rule is against it), unknown (a calendar could not be read), or another code of the API's problems.", []string{"operation", "outcome"}},
	{"rmp_booking_operation_duration_seconds", histogram, "Time of an operation on a booking, its first try to write the calendars included.", []string{"operation"}},

	{"rmp_calendar_writes_total", counter, "Writes into CommuniGate Pro calendars, by outcome: synced, retried, given-up.", []string{"outcome"}},
	{"rmp_outbox_jobs", gauge, "Calendar writes that are pending or given up (failed).", []string{"state"}},
	{"rmp_outbox_oldest_seconds", gauge, "Age of the oldest pending calendar write.", nil},
	{"rmp_calendar_drift_total", counter, "Differences between calendars and the database, by kind: deleted, moved, ghost (ours), foreign (new events of others), overlap.", []string{"kind"}},
	{"rmp_reconcile_checks_total", counter, "Comparisons of a calendar with the database, by result: ok, failed (it could not be read).", []string{"result"}},
	{"rmp_reconcile_due_checks", gauge, "Calendars that are due for comparison now.", nil},
	{"rmp_reconcile_lag_seconds", gauge, "For how long the calendar that waits the longest is due.", nil},
	{"rmp_jobs_total", counter, "Runs of background jobs, by task (extend, holds, answers, purge) and result: ok, failed.", []string{"task", "result"}},

	{"rmp_calendar_cache_hits_total", counter, "Calendars that were asked for and were kept, by kind of reading: calendars, people (free/busy), bookings (RMP's own).", []string{"kind"}},
	{"rmp_calendar_cache_misses_total", counter, "Calendars that were asked for and had to be read.", []string{"kind"}},
	{"rmp_calendar_cache_entries", gauge, "Calendars that are kept.", []string{"kind"}},

	{"rmp_cgp_commands_total", counter, "Commands to CommuniGate Pro, by protocol (ximss, cli), command and result: ok; a refusal (not-found, exists, no-account, denied, bad-login, locked, session-cap, unknown-command, refused); or a failure of the way there (unreachable, slow, session-lost, protocol).", []string{"protocol", "command", "result"}},
	{"rmp_cgp_command_duration_seconds", histogram, "Time of the round trip that a command went with. One round trip carries many commands; each kind in it counts once.", []string{"protocol", "command"}},
	{"rmp_cgp_round_trips_total", counter, "Round trips, by server (main, or the host of a tenant's own), protocol and result: ok (the server answered, if with refusals), unreachable, slow, session-lost, protocol, session-cap, bad-login, refused.", []string{"server", "protocol", "result"}},
	{"rmp_cgp_wait_seconds", histogram, "How long somebody waited for a session or connection to become free; who did not have to wait is not counted.", []string{"protocol"}},
	{"rmp_ximss_sessions", gauge, "XIMSS sessions, by server, pool (service: of the service accounts of its tenants, persons) and state: idle, busy (signing in included).", []string{"server", "pool", "state"}},
	{"rmp_ximss_sessions_limit", gauge, "Most XIMSS sessions of a pool: cgp.sessions for each tenant, or cgp.persons.", []string{"server", "pool"}},
	{"rmp_ximss_waiting", gauge, "Requests that wait for an XIMSS session of a pool.", []string{"server", "pool"}},
	{"rmp_ximss_watching", gauge, "XIMSS sessions that are held open for notice of changes.", []string{"server"}},
	{"rmp_ximss_refused_sessions_total", counter, "Sessions that the server refused because there are too many.", []string{"server"}},
	{"rmp_cli_connections", gauge, "CLI connections, by server and state: idle, busy.", []string{"server", "state"}},
	{"rmp_cli_connections_limit", gauge, "Most CLI connections.", []string{"server"}},
	{"rmp_cli_waiting", gauge, "Commands that wait for a CLI connection.", []string{"server"}},

	{"rmp_database_up", gauge, "1 if the database answers.", nil},
	{"rmp_database_connections", gauge, "Database connections, by pool (all; with SQLite write and read) and state: idle, busy.", []string{"pool", "state"}},
	{"rmp_database_connections_limit", gauge, "Most database connections of a pool.", []string{"pool"}},
	{"rmp_database_waiting", gauge, "Transactions that wait for the one writer of SQLite.", []string{"pool"}},
	{"rmp_database_waits_total", counter, "How often somebody waited for a database connection.", []string{"pool"}},
	{"rmp_database_wait_seconds_total", counter, "How long they waited, together.", []string{"pool"}},
	{"rmp_database_write_duration_seconds", histogram, "Time of a transaction that writes, the wait for its turn included.", nil},

	{"rmp_certificate_expiry_timestamp_seconds", gauge, "When the certificate of the web interface ends; only where tls-cert is set.", nil},
	{"rmp_flight_recordings_total", counter, "Slow requests and the recordings of them, by result: written, left-out (too soon after another), failed.", []string{"result"}},
	{"rmp_trace_spans_total", counter, "Spans for the collector of traces, by result: sent, failed.", []string{"result"}},
	{"rmp_log_lines_total", counter, "Lines of the log that were written, by level.", []string{"level"}},
}

func describe(name string) Metric {
	for _, m := range Catalogue {
		if m.Name == name {
			return m
		}
	}
	panic("telemetry: " + name + " is not in the catalogue")
}
