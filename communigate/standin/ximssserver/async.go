package ximssserver

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"rmp/xmlnode"
)

// What a session is told on its own accord: that an open calendar or folder
// is not what it was, and over HTTP the answers to asynchronous requests. A
// handle is told of once, until the client has looked; so the queue of who
// never asks stays small.

// outbox is a session's queue of asynchronous messages.
type outbox struct {
	mu      sync.Mutex
	pending []*xmlnode.Node
	signal  chan struct{} // closed when something is added, and then replaced
	sent    []*xmlnode.Node
	seq     int // of sent
	waiters int // a new long poll ends the one before it
	watched map[watch]bool
}

// watch is an open handle; the value in the outbox says whether it was told.
type watch struct {
	mailbox int64
	element string // calendarReport or folderReport
	handle  string
}

const maxPending = 10_000 // messages; who asks and never listens is cut off

func newOutbox() *outbox { return &outbox{signal: make(chan struct{}), watched: map[watch]bool{}} }

// put queues messages; false when there are too many.
func (o *outbox) put(nodes ...*xmlnode.Node) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.putLocked(nodes...)
}

func (o *outbox) putLocked(nodes ...*xmlnode.Node) bool {
	if len(nodes) == 0 {
		return true
	}
	if len(o.pending)+len(nodes) > maxPending {
		return false
	}
	o.pending = append(o.pending, nodes...)
	close(o.signal)
	o.signal = make(chan struct{})
	return true
}

// take empties the queue.
func (o *outbox) take() []*xmlnode.Node {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := o.pending
	o.pending = nil
	return out
}

func (o *outbox) changed() <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.signal
}

func (o *outbox) watch(w watch) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.watched[w] = false
}

func (o *outbox) unwatch(w watch) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.watched, w)
}

// looked lets the next change of a handle be told again.
func (o *outbox) looked(w watch) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, ok := o.watched[w]; ok {
		o.watched[w] = false
	}
}

// mailboxChanged tells the handles of a mailbox that have not been told.
func (o *outbox) mailboxChanged(id int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for w, told := range o.watched {
		if w.mailbox != id || told {
			continue
		}
		o.watched[w] = true
		attr := "folder"
		if w.element == "calendarReport" {
			attr = "calendar"
		}
		o.putLocked(xmlnode.New(w.element, attr, w.handle, "mode", "notify"))
	}
}

// mailboxesChanged is told by the backend after each transaction.
func (s *Server) mailboxesChanged(ids []int64) {
	s.mu.Lock()
	sessions := make([]*session, 0, len(s.sessions))
	for _, sess := range s.sessions {
		sessions = append(sessions, sess)
	}
	s.mu.Unlock()
	for _, sess := range sessions {
		for _, id := range ids {
			sess.outbox.mailboxChanged(id)
		}
	}
}

// poll is the long poll: it answers what is queued, at the latest after
// maxWait seconds. What was answered is kept until the client acknowledges it
// with ackSeq, and answered again until then.
func (s *session) poll(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	ack, err := strconv.Atoi(q.Get("ackSeq"))
	if err != nil {
		ack = 0
	}
	seconds, err := strconv.Atoi(q.Get("maxWait"))
	if err != nil || seconds < 0 {
		seconds = 0
	}
	timer := time.NewTimer(min(time.Duration(seconds)*time.Second, maxWait))
	defer timer.Stop()
	o := s.outbox
	o.mu.Lock()
	o.waiters++
	mine := o.waiters
	close(o.signal) // wakes the poll before this one
	o.signal = make(chan struct{})
	o.mu.Unlock()
	for done := false; ; {
		o.mu.Lock()
		if ack >= o.seq {
			o.sent = nil
		}
		if mine == o.waiters && len(o.sent) == 0 && len(o.pending) > 0 {
			o.sent, o.pending = o.pending, nil
			o.seq++
		}
		reply, seq, signal, superseded := o.sent, o.seq, o.signal, mine != o.waiters
		o.mu.Unlock()
		switch {
		case superseded:
			writeXML(w, xmlnode.New("XIMSS"))
			return
		case len(reply) > 0:
			writeXML(w, xmlnode.New("XIMSS", "respSeq", strconv.Itoa(seq)).Add(reply...))
			return
		case done:
			writeXML(w, xmlnode.New("XIMSS"))
			return
		}
		select {
		case <-signal:
		case <-timer.C:
			done = true
		case <-s.done:
			gone(w)
			return
		case <-r.Context().Done():
			return
		}
	}
}
