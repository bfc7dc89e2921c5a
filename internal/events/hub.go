// Package events tells listeners what has happened, whichever process it
// happened in: events are rows, stored in the transaction of what they tell
// of, and each process reads on from where it was.
package events

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"rmp/internal/tenant"
)

// Place is a place in the order of all events.
type Place struct{ Tx, ID int64 }

// String is the place as a listener gives it back.
func (p Place) String() string { return fmt.Sprintf("%d-%d", p.Tx, p.ID) }

// ParsePlace reads what String wrote.
func ParsePlace(s string) (Place, bool) {
	tx, id, ok := strings.Cut(s, "-")
	a, err1 := strconv.ParseInt(tx, 10, 64)
	b, err2 := strconv.ParseInt(id, 10, 64)
	return Place{a, b}, ok && err1 == nil && err2 == nil && a >= 0 && b >= 0
}

// Event is one thing that has happened.
type Event struct {
	Place     Place
	Tenant    tenant.ID
	At        time.Time
	Kind      string // booking.created, booking.sync, …
	BookingID string
	Data      Data
}

// Hold is the kind of event that tells of a hold, taken or given back. It is
// for the processes alone; listeners outside are told of bookings.
const Hold = "hold"

// Data is what an event tells of a booking.
type Data struct {
	Resources []string  `json:"resources"`
	Start     time.Time `json:"start"`
	End       time.Time `json:"end"`
	Status    string    `json:"status"`

	// For what processes keep of calendars: those of Accounts are not as they
	// were between From and Till (zero: no end).
	Accounts []string  `json:"accounts,omitempty"`
	From     time.Time `json:"from,omitzero"`
	Till     time.Time `json:"till,omitzero"`
}

// Store keeps the events of all tenants.
type Store interface {
	// EventsAfter answers the next events in their order.
	EventsAfter(ctx context.Context, after Place, limit int) ([]Event, error)
	// LastEvent answers the place of the newest.
	LastEvent(ctx context.Context) (Place, error)
}

// Hub gives events to the listeners of a process.
type Hub struct {
	store Store
	log   *slog.Logger
	poll  time.Duration

	mu        sync.Mutex
	listeners map[*listener]bool
	lost      int64
	wake      chan struct{}
	done      chan struct{}
	closing   sync.Once
}

type listener struct {
	tenant tenant.ID
	events chan Event
	lost   bool // it was too slow, and reads on from the store
}

// batch is how many events are read at once, and how many wait for a listener.
const batch = 256

// NewHub makes a hub; Run lets it work.
func NewHub(store Store, log *slog.Logger, poll time.Duration) *Hub {
	return &Hub{store: store, log: log, poll: poll, listeners: map[*listener]bool{}, wake: make(chan struct{}, 1), done: make(chan struct{})}
}

// Close ends all listening.
func (h *Hub) Close() { h.closing.Do(func() { close(h.done) }) }

// Run reads events until the context ends. While nobody listens it reads
// nothing.
func (h *Hub) Run(ctx context.Context) {
	tick := time.NewTicker(h.poll)
	defer tick.Stop()
	var at Place
	following := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-h.wake:
		}
		h.mu.Lock()
		n := len(h.listeners)
		h.mu.Unlock()
		if n == 0 {
			following = false
			continue
		}
		var err error
		if !following {
			at, err = h.store.LastEvent(ctx)
			following = err == nil
		}
		for err == nil && following {
			var list []Event
			if list, err = h.store.EventsAfter(ctx, at, batch); err == nil && len(list) > 0 {
				at = list[len(list)-1].Place
				h.give(list)
			}
			if len(list) < batch {
				break
			}
		}
		if err != nil && ctx.Err() == nil {
			h.log.WarnContext(ctx, "read events", "err", err)
		}
	}
}

func (h *Hub) give(list []Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for l := range h.listeners {
		for _, e := range list {
			if l.tenant != everybody && e.Tenant != l.tenant {
				continue
			}
			select {
			case l.events <- e:
			default:
				if !l.lost {
					h.lost++
				}
				l.lost = true
			}
		}
	}
}

func (h *Hub) add(t tenant.ID) *listener {
	l := &listener{tenant: t, events: make(chan Event, batch)}
	h.mu.Lock()
	h.listeners[l] = true
	h.mu.Unlock()
	select {
	case h.wake <- struct{}{}:
	default:
	}
	return l
}

func (h *Hub) drop(l *listener) {
	h.mu.Lock()
	delete(h.listeners, l)
	h.mu.Unlock()
}

// Listen gives the events of a tenant, from a place on if there is one, until
// the context ends or give fails. idle is called when nothing has happened for
// a while.
func (h *Hub) Listen(ctx context.Context, t tenant.ID, from *Place, give func(Event) error, idle func() error) error {
	l := h.add(t)
	defer h.drop(l)
	last := Place{}
	if from != nil {
		last = *from
		if err := h.catchUp(ctx, t, &last, give); err != nil {
			return err
		}
	}
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-h.done:
			return nil
		case <-beat.C:
			if err := idle(); err != nil {
				return err
			}
		case e := <-l.events:
			h.mu.Lock()
			lost := l.lost
			l.lost = false
			h.mu.Unlock()
			if e.Place.Tx < last.Tx || e.Place.Tx == last.Tx && e.Place.ID <= last.ID {
				continue // given already
			}
			if err := give(e); err != nil {
				return err
			}
			last = e.Place
			if lost {
				if err := h.catchUp(ctx, t, &last, give); err != nil {
					return err
				}
			}
		}
	}
}

// Stats answers how many listen, those within the process left out, and how
// often one was too slow and had to read on from the store.
func (h *Hub) Stats() (listeners int, lost int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for l := range h.listeners {
		if l.tenant != everybody {
			listeners++
		}
	}
	return listeners, h.lost
}

// everybody is no tenant.
const everybody tenant.ID = "*"

// Follow calls f with the events of all tenants from now on, until the context
// ends. What may have been missed is told by lost.
func (h *Hub) Follow(ctx context.Context, f func(Event), lost func()) {
	l := h.add(everybody)
	defer h.drop(l)
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.done:
			return
		case e := <-l.events:
			f(e)
			h.mu.Lock()
			missed := l.lost
			l.lost = false
			h.mu.Unlock()
			if missed {
				lost()
			}
		}
	}
}

// beatEvery keeps proxies from closing a stream on which nothing happens.
const beatEvery = 15 * time.Second

func (h *Hub) catchUp(ctx context.Context, t tenant.ID, last *Place, give func(Event) error) error {
	for {
		list, err := h.store.EventsAfter(ctx, *last, batch)
		if err != nil {
			return err
		}
		for _, e := range list {
			*last = e.Place
			if e.Tenant != t {
				continue
			}
			if err := give(e); err != nil {
				return err
			}
		}
		if len(list) < batch {
			return nil
		}
	}
}
