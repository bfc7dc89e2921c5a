package outbox

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	mrand "math/rand/v2"
	"sync"
	"time"

	"rmp/internal/booking"
	"rmp/internal/tenant"
	"rmp/internal/trail"
)

// Times of the worker.
const (
	leaseTime  = 15 * time.Second // longer than any single try
	tryTime    = 10 * time.Second // one batch of writes
	idlePoll   = time.Second      // looking for work when nothing wakes the worker
	batch      = 64               // jobs leased at once
	firstPause = time.Second      // after the first failure; doubles
	longest    = 5 * time.Minute  // pause between two tries
	maxRefused = 8                // refusals until a person must look
)

// ErrRefused is wrapped by the error of a write that CommuniGate refused: to
// try again may help (a right was granted meanwhile), but not forever. Any
// other error is one of the way there and is retried without end.
var ErrRefused = errors.New("CommuniGate Pro refused the write")

// Calendars writes bookings into calendars.
type Calendars interface {
	// Write makes the calendars of the jobs, all of one tenant, hold or not
	// hold their bookings, and answers an error or nil for each.
	Write(ctx context.Context, t tenant.ID, jobs []Job) []error
}

// Outcome counts what became of writes, for the metrics.
type Outcome func(result string, n int)

// Worker makes calendars hold what the store says they should.
type Worker struct {
	store     Store
	calendars Calendars
	log       *slog.Logger
	now       func() time.Time
	outcome   Outcome
	name      string
	wake      chan struct{}

	// Wait is how long a request waits for its own writes. With none they are
	// the background's.
	Wait time.Duration
}

// defaultWait is how long a request waits for its own writes.
const defaultWait = 2 * time.Second

// New makes a worker; Run lets it work. outcome may be nil.
func New(store Store, calendars Calendars, log *slog.Logger, now func() time.Time, outcome Outcome) *Worker {
	if outcome == nil {
		outcome = func(string, int) {}
	}
	return &Worker{store: store, calendars: calendars, log: log, now: now, outcome: outcome,
		name: rand.Text(), wake: make(chan struct{}, 1), Wait: defaultWait}
}

// Lease implements booking.Writer. Each request is a leaseholder of its own,
// so that neither another request nor the background takes what it works on.
func (w *Worker) Lease() (string, time.Time) {
	if w.Wait <= 0 {
		return "", time.Time{}
	}
	return rand.Text(), w.now().Add(leaseTime)
}

// WriteNow implements booking.Writer: it works on the booking's jobs within
// a short budget, whether or not the request is still wanted. What fails is
// retried in the background.
func (w *Worker) WriteNow(ctx context.Context, t tenant.ID, b booking.Booking, owner string, fresh []booking.Sync) []booking.Sync {
	if w.Wait <= 0 {
		w.Wake()
		return fresh
	}
	ctx = context.WithoutCancel(ctx)
	done := make(chan []booking.Sync, 1)
	go func() { // outlives the budget, not tryTime
		ctx, cancel := context.WithTimeout(ctx, tryTime)
		defer cancel()
		ctx = trail.Begin(ctx, trail.Booking, b.ID) // what is logged is of this booking, whatever the request does next
		jobs := make([]Job, len(fresh))
		for i, s := range fresh {
			jobs[i] = Job{Tenant: t, Booking: b, Calendar: s.Calendar, Kind: s.Kind, Remove: s.Remove, Wanted: 1}
		}
		if len(fresh) == 0 {
			var err error
			now := w.now()
			if jobs, err = w.store.LeaseBooking(ctx, t, b.ID, owner, now, now.Add(leaseTime)); err != nil {
				w.log.ErrorContext(ctx, "lease the calendar writes of a booking", "booking", b.ID, "err", err)
				done <- nil
				return
			}
		}
		tries := w.write(ctx, t, owner, jobs)
		if len(fresh) == 0 {
			done <- nil
			return
		}
		out := make([]booking.Sync, len(tries))
		for i, x := range tries {
			out[i] = fresh[i]
			out[i].State, out[i].Attempts, out[i].LastError, out[i].UpdatedAt = booking.Synced, 1, x.Reason, w.now()
			if x.Reason != "" {
				out[i].State = booking.Pending
			}
		}
		done <- out
	}()
	budget := time.NewTimer(w.Wait)
	defer budget.Stop()
	select {
	case out := <-done:
		return out
	case <-budget.C:
		return nil
	}
}

// Wake makes the worker look for work at once.
func (w *Worker) Wake() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Run works until the context ends.
func (w *Worker) Run(ctx context.Context) error {
	for {
		n, err := w.Step(ctx)
		if err != nil && ctx.Err() == nil {
			w.log.ErrorContext(ctx, "outbox", "err", err)
		}
		if n == batch {
			continue
		}
		// Several processes must not look in step.
		pause := time.NewTimer(idlePoll/2 + mrand.N(idlePoll))
		select {
		case <-ctx.Done():
			pause.Stop()
			return nil
		case <-w.wake:
			pause.Stop()
		case <-pause.C:
		}
	}
}

// Step leases one batch of jobs, works on it, and answers how many it were.
func (w *Worker) Step(ctx context.Context) (int, error) {
	now := w.now()
	jobs, err := w.store.Lease(ctx, w.name, now, now.Add(leaseTime), batch)
	if err != nil {
		return 0, fmt.Errorf("lease jobs: %w", err)
	}
	byTenant := map[tenant.ID][]Job{}
	for _, j := range jobs {
		byTenant[j.Tenant] = append(byTenant[j.Tenant], j)
	}
	var wg sync.WaitGroup
	for t, jobs := range byTenant {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(trail.Begin(context.WithoutCancel(ctx), trail.Job, "outbox", trail.Run, rand.Text(), trail.Tenant, string(t)), tryTime)
			defer cancel()
			ctx, span := trail.Root(ctx, "outbox")
			defer span.End(nil)
			w.write(ctx, t, w.name, jobs)
		})
	}
	wg.Wait()
	return len(jobs), nil
}

func (w *Worker) write(ctx context.Context, t tenant.ID, owner string, jobs []Job) []Try {
	if len(jobs) == 0 {
		return nil
	}
	ctx, span := trail.Start(ctx, "outbox write", slog.Int("rmp.jobs", len(jobs)))
	errs := w.calendars.Write(ctx, t, jobs)
	defer func() { span.End(errors.Join(errs...)) }()
	// The outcome is noted even if the time for the writes is over.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tryTime)
	defer cancel()
	tries := make([]Try, len(jobs))
	for i, j := range jobs {
		tries[i] = w.outcomeOf(ctx, j, errs[i])
	}
	again, err := w.store.Note(ctx, owner, w.now(), tries...)
	if err != nil {
		// The lease runs out and the writes, being idempotent, are repeated.
		w.log.ErrorContext(ctx, "note calendar writes", "tenant", t, "jobs", len(jobs), "err", err)
	}
	if again > 0 {
		w.Wake()
	}
	return tries
}

func (w *Worker) outcomeOf(ctx context.Context, j Job, failure error) Try {
	if failure == nil {
		w.outcome("synced", 1)
		return Try{Job: j}
	}
	next := w.now().Add(pauseAfter(j.Attempts))
	result := "retried"
	if errors.Is(failure, ErrRefused) && j.Attempts+1 >= maxRefused {
		next, result = time.Time{}, "given-up"
	}
	w.outcome(result, 1)
	w.log.WarnContext(ctx, "calendar write failed", "tenant", j.Tenant, "booking", j.Booking.ID, "calendar", j.Calendar,
		"attempt", j.Attempts+1, "outcome", result, "err", failure)
	return Try{Job: j, Reason: failure.Error(), Next: next}
}

// pauseAfter doubles with each failed try and varies by a quarter, so that
// many jobs that failed together do not come back together.
func pauseAfter(attempts int) time.Duration {
	p := longest
	if attempts < 9 {
		p = min(longest, firstPause<<attempts)
	}
	return p*3/4 + mrand.N(p/2)
}
