package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rmp/internal/events"
	"rmp/internal/tenant"
)

// Events gives what happens in a tenant.
type Events interface {
	Listen(ctx context.Context, t tenant.ID, from *events.Place, give func(events.Event) error, idle func() error) error
}

const eventsPath = "/api/v2/events"

// streamTime is how long one stream lasts; a browser comes back by itself and
// goes on where it was.
const streamTime = 10 * time.Minute

type eventsInput struct {
	LastEventID string `header:"Last-Event-ID" doc:"Where to go on: the id of the last event that was received."`
}

func (a *API) registerEvents() {
	operation(a, huma.Operation{OperationID: "events", Method: http.MethodGet, Path: eventsPath, Tags: []string{"Events"},
		Summary: "What happens, as it happens",
		Description: "Server-sent events: booking.created, booking.changed, booking.cancelled, booking.restored, booking.split, booking.extended, booking.conflict, booking.solved, " +
			"booking.replied, and booking.sync when calendars have been written. The data are id, resources, start, end, status; what it is about is to be read from the booking. " +
			"The stream ends after ten minutes; reconnecting with Last-Event-ID misses nothing for a day.",
		Responses: map[string]*huma.Response{"200": {Description: "A stream.", Content: map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}}}}}},
		a.events)
}

func (a *API) events(ctx context.Context, p tenant.Principal, in *eventsInput) (*huma.StreamResponse, error) {
	var from *events.Place
	if place, ok := events.ParsePlace(in.LastEventID); ok {
		from = &place
	}
	release, err := a.limits.stream(ctx, p)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer release()
		ctx, cancel := context.WithTimeout(hc.Context(), streamTime)
		defer cancel()
		hc.SetHeader("Content-Type", "text/event-stream")
		hc.SetHeader("Cache-Control", "no-store")
		hc.SetHeader("X-Accel-Buffering", "no")
		w := hc.BodyWriter()
		rw, _ := w.(http.ResponseWriter)
		control := http.NewResponseController(rw)
		send := func(text string) error {
			if err := control.SetWriteDeadline(time.Now().Add(10 * time.Second)); err != nil {
				return err
			}
			if _, err := fmt.Fprint(w, text); err != nil {
				return err
			}
			return control.Flush()
		}
		if err := send("retry: 2000\n\n"); err != nil {
			return
		}
		_ = a.Events.Listen(ctx, p.Tenant, from, func(e events.Event) error { // the client is gone, or comes again
			if e.Kind == events.Hold {
				return nil
			}
			j, err := json.Marshal(map[string]any{"id": e.BookingID, "at": e.At.UTC(), "resources": e.Data.Resources, "start": e.Data.Start, "end": e.Data.End, "status": e.Data.Status})
			if err != nil {
				return err
			}
			return send(fmt.Sprintf("id: %s\nevent: %s\ndata: %s\n\n", e.Place, e.Kind, j))
		}, func() error { return send(": still here\n\n") })
	}}, nil
}
