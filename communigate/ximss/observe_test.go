package ximss_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rmp/communigate/ximss"
)

// told is an observer that keeps what it is told. It keeps a batch back whose
// context says so.
type told struct {
	mu     sync.Mutex
	lines  []string
	waited int
}

// back keeps a batch back.
type back struct{ begun, release chan struct{} }

type backKey struct{}

func (o *told) Begin(ctx context.Context, commands ...string) (context.Context, func([]error, error)) {
	if b, ok := ctx.Value(backKey{}).(back); ok && commands[0] == "freeBusyRead" {
		close(b.begun)
		<-b.release
	}
	return ctx, func(errs []error, failure error) {
		o.mu.Lock()
		defer o.mu.Unlock()
		line := strings.Join(commands, " ")
		for i, err := range errs {
			if err != nil {
				line += fmt.Sprintf(", %d refused", i)
			}
		}
		if failure != nil {
			line += ", failed"
		}
		o.lines = append(o.lines, line)
	}
}

func (o *told) Waited(time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.waited++
}

func TestObserver(t *testing.T) {
	_, cfg := start(t, 0, nil)
	o := &told{}
	cfg.Observer = o
	p := ximss.NewPool(cfg, ximss.Client(cfg), 1)
	if _, err := p.Do(t.Context(), ximss.OpenCalendar("c", "Calendar"), ximss.OpenCalendar("d", "~nobody@corp.example/Calendar")); err != nil {
		t.Fatal(err)
	}
	wrong := cfg
	wrong.Password = "wrong"
	if _, err := ximss.Login(t.Context(), ximss.Client(wrong), wrong); !errors.Is(err, ximss.ErrBadLogin) {
		t.Fatal(err)
	}
	if s := p.Stats(); s != (ximss.PoolStats{Size: 1, Idle: 1}) {
		t.Errorf("%+v", s)
	}
	p.Close(t.Context())
	want := []string{"login", "prefsRead", "calendarOpen calendarOpen, 1 refused", "calendarClose", "login, failed", "bye"}
	if !slices.Equal(o.lines, want) {
		t.Errorf("told %q, want %q", o.lines, want)
	}
}

func TestWhoWaitsForASessionIsSeen(t *testing.T) {
	_, cfg := start(t, 0, nil)
	o := &told{}
	cfg.Observer = o
	p := ximss.NewPool(cfg, ximss.Client(cfg), 1)
	defer p.Close(t.Context())
	b := back{make(chan struct{}), make(chan struct{})}
	ends := make(chan error, 2)
	ask := func(ctx context.Context) {
		_, err := p.Do(ctx, ximss.FreeBusy("ann", nine, weeks))
		ends <- err
	}
	go ask(context.WithValue(t.Context(), backKey{}, b))
	<-b.begun
	go ask(t.Context())
	for p.Stats().Waiting == 0 {
		runtime.Gosched()
	}
	if s := p.Stats(); s != (ximss.PoolStats{Size: 1, Busy: 1, Waiting: 1}) {
		t.Errorf("%+v", s)
	}
	close(b.release)
	for range 2 {
		if err := <-ends; err != nil {
			t.Error(err)
		}
	}
	if s := p.Stats(); s != (ximss.PoolStats{Size: 1, Idle: 1}) || o.waited != 1 {
		t.Errorf("%+v, waited %d", s, o.waited)
	}
}
