package api

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestAdmission: as many as may work wait for room, for half a second; more
// are sent away at once; who leaves makes room for who waits.
func TestAdmission(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newLimiter(Limits{InFlight: 2}, nil, time.Now)
		enter := func(ctx context.Context) (answer chan error) {
			answer = make(chan error, 1)
			go func() { answer <- m.enter(ctx) }()
			synctest.Wait()
			return answer
		}
		for range 2 {
			if err := <-enter(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		began := time.Now()
		first := enter(t.Context())
		gone, leave := context.WithCancel(t.Context())
		second := enter(gone)
		if err := <-enter(t.Context()); !errors.Is(err, errBusy) || time.Since(began) != 0 {
			t.Fatalf("the fifth: %v after %v", err, time.Since(began))
		}
		leave()
		if err := <-second; !errors.Is(err, context.Canceled) {
			t.Error("who does not wait any more:", err)
		}
		third := enter(t.Context()) // in the place of the second
		<-m.room
		if err := <-first; err != nil || time.Since(began) != 0 {
			t.Errorf("who waited, when there is room: %v after %v", err, time.Since(began))
		}
		if err := <-third; !errors.Is(err, errBusy) || time.Since(began) != inFlightWait {
			t.Errorf("who waited in vain: %v after %v", err, time.Since(began))
		}
		if n := m.noRoom.Load(); n != 2 {
			t.Errorf("%d sent away, want 2", n)
		}
	})
}
