package main

import (
	"encoding/hex"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
)

// receiver takes traces by OTLP over HTTP.
type receiver struct {
	t    *testing.T
	mu   sync.Mutex
	all  []*collector.ExportTraceServiceRequest
	more chan struct{}
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	x := &collector.ExportTraceServiceRequest{}
	if err == nil {
		err = proto.Unmarshal(body, x)
	}
	if err != nil || req.URL.Path != "/v1/traces" || req.Header.Get("Content-Type") != "application/x-protobuf" {
		r.t.Errorf("%s of %s: %v", req.URL.Path, req.Header.Get("Content-Type"), err)
	}
	r.mu.Lock()
	r.all = append(r.all, x)
	r.mu.Unlock()
	select {
	case r.more <- struct{}{}:
	default:
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// trace waits for a trace whose root span has ended.
func (r *receiver) trace(t *testing.T, id, root string) []*tracepb.Span {
	t.Helper()
	late := time.After(30 * time.Second)
	for {
		var out []*tracepb.Span
		done := false
		r.mu.Lock()
		for _, x := range r.all {
			for _, rs := range x.ResourceSpans {
				for _, ss := range rs.ScopeSpans {
					for _, s := range ss.Spans {
						if hex.EncodeToString(s.TraceId) == id {
							out = append(out, s)
							done = done || s.Name == root
						}
					}
				}
			}
		}
		r.mu.Unlock()
		if done {
			return out
		}
		select {
		case <-r.more:
		case <-late:
			t.Fatalf("no trace %s with a span %q", id, root)
		}
	}
}

// traces follows a booking from the request to the commands that CommuniGate
// Pro was sent.
func traces(t *testing.T, s *program, in *receiver) {
	const id, caller = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	var made struct{ ID string }
	requestID := s.call(t, http.MethodPost, "/api/v2/bookings", http.StatusCreated, booking(2), &made, "traceparent", "00-"+id+"-"+caller+"-01").Get("X-Request-Id")
	const operation = "POST /api/v2/bookings"
	spans := in.trace(t, id, operation)

	byID := map[string]*tracepb.Span{}
	for _, x := range spans {
		byID[string(x.SpanId)] = x
	}
	var paths []string
	for _, x := range spans {
		path := x.Name
		for p := byID[string(x.ParentSpanId)]; p != nil; p = byID[string(p.ParentSpanId)] {
			path = p.Name + " > " + path
		}
		paths = append(paths, path)
	}
	for _, want := range []string{
		operation,
		operation + " > booking create",
		operation + " > booking create > ximss batch > ximss findEvents",
		operation + " > booking create > store transaction",
		operation + " > booking create > outbox write > ximss batch > ximss calendarPublish",
	} {
		if !slices.Contains(paths, want) {
			t.Errorf("no span %s in\n%s", want, strings.Join(paths, "\n"))
		}
	}
	for _, x := range spans {
		if x.Name != operation {
			continue
		}
		if hex.EncodeToString(x.ParentSpanId) != caller || x.Kind != tracepb.Span_SPAN_KIND_SERVER {
			t.Errorf("the request's span is below %x, a %s", x.ParentSpanId, x.Kind)
		}
		for k, want := range map[string]string{"rmp.booking": made.ID, "rmp.request_id": requestID, "http.route": operation, "http.request.method": "POST"} {
			if got := attribute(x, k); got != want {
				t.Errorf("%s is %q, want %q", k, got, want)
			}
		}
	}
	if line := s.log.find(t, requestID); !strings.Contains(line, `"traceId":"`+id+`"`) {
		t.Errorf("the log does not name the trace: %s", line)
	}
	s.call(t, http.MethodPost, "/api/v2/bookings", http.StatusConflict, booking(2), nil)

	in.mu.Lock()
	defer in.mu.Unlock()
	for _, x := range in.all {
		text := prototext.Format(x)
		for _, personal := range []string{"anna", "ben@", "geneva", "Quarterly", "example.test", s.token} {
			if strings.Contains(text, personal) {
				t.Errorf("%q is in a trace", personal)
			}
		}
		if !strings.Contains(text, `"v1.2.3"`) {
			t.Error("a trace does not say the version")
		}
	}
}

func attribute(s *tracepb.Span, key string) string {
	for _, a := range s.Attributes {
		if a.Key == key {
			return a.Value.GetStringValue()
		}
	}
	return ""
}
