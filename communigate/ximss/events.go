package ximss

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"rmp/xmlnode"
)

// pollWait is how long the server may hold a long poll.
const pollWait = 15 * time.Second

// pauses are those after a number of failures in a row, as the vendor's
// clients have them.
func pause(failures int) time.Duration {
	switch {
	case failures >= 20:
		return 30 * time.Second
	case failures >= 10:
		return 5 * time.Second
	case failures >= 5:
		return 2 * time.Second
	}
	return 200 * time.Millisecond
}

// Events gives what the server tells the session on its own accord, such as
// <calendarReport calendar="c1" mode="notify"/>, until the context ends or
// the session does, which is the error of the last step. What has been given
// is acknowledged with the next poll: who does not ask for more holds the
// server back, and loses nothing.
func (s *Session) Events(ctx context.Context) iter.Seq2[*xmlnode.Node, error] {
	return func(yield func(*xmlnode.Node, error) bool) {
		ack, failures := 0, 0
		for ctx.Err() == nil {
			doc, err := s.poll(ctx, ack)
			switch {
			case ctx.Err() != nil:
				return
			case errors.Is(err, ErrSessionLost):
				yield(nil, err)
				return
			case err != nil:
				failures++
				t := time.NewTimer(pause(failures))
				select {
				case <-t.C:
				case <-ctx.Done():
					t.Stop()
				}
				continue
			}
			failures = 0
			for _, n := range doc.Children {
				if n.Is("bye") {
					yield(nil, ErrSessionLost)
					return
				}
				if !yield(n, nil) {
					return
				}
			}
			if seq, err := strconv.Atoi(doc.Attr("respSeq")); err == nil {
				ack = seq
			}
		}
	}
}

// poll is one long poll. It runs beside the session's batches.
func (s *Session) poll(ctx context.Context, ack int) (*xmlnode.Node, error) {
	q := url.Values{"ackSeq": {strconv.Itoa(ack)}, "maxWait": {strconv.Itoa(int(pollWait.Seconds()))}}
	ctx, cancel := context.WithTimeout(ctx, pollWait+2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+"?"+q.Encode(), nil)
	if err != nil {
		return nil, ErrUnreachable
	}
	body, err := s.roundTrip(ctx, req)
	if err != nil {
		return nil, err
	}
	return xmlnode.Parse(body, xmlnode.Limits{})
}
