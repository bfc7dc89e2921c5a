package main

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"rmp/internal/telemetry"
)

// metrics has the program do a little of everything, and reads what it says
// of it.
func metrics(t *testing.T, s *program) {
	var made struct{ ID string }
	s.call(t, http.MethodPost, "/api/v2/bookings", http.StatusCreated, booking(4), &made)
	s.call(t, http.MethodPost, "/api/v2/bookings", http.StatusConflict, booking(4), nil)
	hold := booking(5)
	hold["seconds"] = 60
	delete(hold, "title")
	delete(hold, "attendees")
	s.call(t, http.MethodPost, "/api/v2/holds", http.StatusCreated, hold, nil)
	s.call(t, http.MethodDelete, "/api/v2/bookings/"+made.ID, http.StatusOK, map[string]any{"reason": "over"}, nil)
	s.call(t, http.MethodPost, "/api/v2/auth/login", http.StatusUnauthorized, map[string]any{"email": "anna@example.test", "password": "wrong"}, nil)
	s.call(t, http.MethodGet, "/api/v2/bookings?mine=true", http.StatusOK, nil, nil)
	s.call(t, http.MethodGet, "/readyz", http.StatusOK, nil, nil)
	var text string
	s.call(t, http.MethodGet, "/metrics", http.StatusOK, nil, &text)

	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}

	var shown []string
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (rmp_\S+) `).FindAllStringSubmatch(text, -1) {
		shown = append(shown, m[1])
	}
	const onlyWithTLS = "rmp_certificate_expiry_timestamp_seconds"
	for _, m := range telemetry.Catalogue {
		if i := slices.Index(shown, m.Name); i >= 0 {
			shown = slices.Delete(shown, i, i+1)
		} else if m.Name != onlyWithTLS {
			t.Errorf("%s is in the catalogue and not in the answer", m.Name)
		}
		if want := "# TYPE " + m.Name + " " + m.Kind + "\n"; m.Name != onlyWithTLS && !strings.Contains(text, want) {
			t.Errorf("want %s", want)
		}
	}
	if len(shown) > 0 {
		t.Errorf("%v are shown and not in the catalogue", shown)
	}

	for _, want := range []string{
		`rmp_build_info\{goversion="go[^"]+",version="v1.2.3"\} 1`,
		`rmp_http_request_duration_seconds_count\{operation="POST /api/v2/bookings",status="201"\} [1-9]`,
		`rmp_booking_operations_total\{operation="create",outcome="conflict"\} [1-9]`,
		`rmp_booking_operations_total\{operation="hold",outcome="done"\} 1`,
		`rmp_booking_operations_total\{operation="cancel",outcome="done"\} 1`,
		`rmp_booking_operations_total\{operation="change",outcome="policy"\} 0`,
		`rmp_sign_ins_total\{result="ok",way="login"\} 1`,
		`rmp_sign_ins_total\{result="refused",way="login"\} [12]`,
		`rmp_cgp_commands_total\{command="login",protocol="ximss",result="ok"\} [1-9]`,
		`rmp_cgp_commands_total\{command="calendarPublish",protocol="ximss",result="ok"\} [1-9]`,
		`rmp_cgp_commands_total\{command="login",protocol="cli",result="ok"\} [1-9]`,
		`rmp_cgp_round_trips_total\{protocol="ximss",result="ok",server="main"\} [1-9]`,
		`rmp_cgp_command_duration_seconds_count\{command="findEvents",protocol="ximss"\} [1-9]`,
		`rmp_ximss_sessions_limit\{pool="service",server="main"\} 3`,
		`rmp_cli_connections\{server="main",state="idle"\} [12]`,
		`rmp_database_connections\{pool="write",state="(idle|busy)"\} 1`,
		`rmp_database_up 1`,
		`rmp_calendar_cache_hits_total\{kind="calendars"\} [0-9]+`,
		`rmp_outbox_jobs\{state="failed"\} 0`,
		`rmp_jobs_total\{result="ok",task="purge"\} 1`,
		`rmp_event_streams 0`,
		`rmp_flight_recordings_total\{result="written"\} 1`,
		`rmp_trace_spans_total\{result="sent"\} [1-9]`,
	} {
		if !regexp.MustCompile(`(?m)^` + want).MatchString(text) {
			t.Errorf("no line %s", want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
	for _, personal := range []string{"anna", "ben@", "geneva", "Quarterly"} {
		if strings.Contains(text, personal) {
			t.Errorf("%q is in the metrics", personal)
		}
	}
}
