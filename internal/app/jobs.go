package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"rmp/internal/config"
	"rmp/internal/directory"
	"rmp/internal/groupware"
	"rmp/internal/notify"
	"rmp/internal/reconcile"
	"rmp/internal/telemetry"
	"rmp/internal/tenant"
	"rmp/internal/trail"
)

// jobs is what a process does besides serving: what one process at a time
// does is leased through the database.
type jobs struct {
	*engine
	rules config.Reconcile
	log   *slog.Logger
	owner string
	m     *telemetry.Metrics
}

const (
	jobTick  = time.Second
	jobLease = 2 * time.Minute
)

func (j *jobs) run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { j.reconcile(ctx) })
	if j.rules.Watch && j.rules.Budget > 0 {
		wg.Go(func() { j.watch(ctx) })
	}
	tasks := []struct {
		name  string
		every time.Duration
		do    func(context.Context) error
	}{
		{"extend", time.Hour, j.extend},
		{"holds", 10 * time.Second, func(ctx context.Context) error { _, err := j.db.PurgeHolds(ctx, j.now()); return err }},
		{"answers", 15 * time.Second, j.answers},
		{"purge", time.Hour, func(ctx context.Context) error { return j.db.Purge(ctx, j.now()) }},
	}
	tick := time.NewTicker(jobTick)
	defer tick.Stop()
	due := make([]time.Time, len(tasks)) // as far as this process knows
	for {
		for i, t := range tasks {
			now := j.now()
			if now.Before(due[i]) {
				continue
			}
			due[i] = now.Add(t.every / 2)
			if err := j.leased(ctx, t.name, t.every, t.do); err != nil && ctx.Err() == nil {
				j.log.WarnContext(ctx, "a background job failed", "job", t.name, "err", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// leased does a job if it is due and no other process is at it.
func (j *jobs) leased(ctx context.Context, name string, every time.Duration, do func(context.Context) error) error {
	now := j.now()
	took, err := j.db.LeaseJob(ctx, name, j.owner, now, now.Add(jobLease), now.Add(every))
	if err != nil || !took {
		return err
	}
	work, cancel := context.WithTimeout(ctx, jobLease)
	defer cancel()
	work = trail.Begin(work, trail.Job, name, trail.Run, rand.Text())
	work, span := trail.Root(work, "job "+name)
	err = do(work)
	span.End(err)
	j.m.Ran(name, err)
	if ended := j.db.EndJob(context.WithoutCancel(ctx), name, j.owner); err == nil {
		err = ended
	}
	return err
}

// each does something for each tenant; a failure of one does not keep it from
// the others.
func (j *jobs) each(ctx context.Context, do func(tenant.ID) error) error {
	list, err := j.db.Tenants(ctx)
	if err != nil {
		return err
	}
	for _, t := range list {
		if !t.Active {
			continue
		}
		if err := do(t.ID); err != nil && ctx.Err() == nil {
			j.log.WarnContext(ctx, "a background job failed for a tenant", "tenant", t.ID, "err", err)
		}
	}
	return ctx.Err()
}

func (j *jobs) extend(ctx context.Context) error {
	return j.each(ctx, func(t tenant.ID) error {
		for {
			n, err := j.service.Extend(ctx, t)
			if err != nil || n == 0 {
				return err
			}
		}
	})
}

// answers brings what attendees answered into the bookings.
func (j *jobs) answers(ctx context.Context) error {
	return j.each(ctx, func(t tenant.ID) error {
		_, err := j.gw.Answers(ctx, t, func(a groupware.Answer) error {
			_, err := j.db.For(t).SetPartStat(ctx, a.UID, a.Email, a.PartStat, j.now())
			return err
		})
		return err
	})
}

func (j *jobs) reconcile(ctx context.Context) {
	if j.rules.Budget <= 0 {
		return
	}
	r := &reconcile.Reconciler{Store: j.db, Calendars: j.gw, Bookings: j.service, Teller: notify.Notifier{Mailer: j.gw},
		Rules:    reconcile.Rules{AdoptDeleted: j.rules.Deleted == "adopt", AdoptMoved: j.rules.Moved == "adopt"},
		Interval: j.rules.Interval, Ahead: time.Duration(j.rules.Days) * 24 * time.Hour, Budget: j.rules.Budget, Now: j.now, Log: j.log,
		Count: func(k reconcile.Drift, n int) { j.m.Drifted(string(k), n) }, Compared: j.m.Compared, Changed: j.availability.Changed}
	tick := time.NewTicker(jobTick)
	defer tick.Stop()
	for {
		n, err := r.Step(ctx)
		if err != nil && ctx.Err() == nil {
			j.log.WarnContext(ctx, "reconcile calendars", "err", err)
		}
		if err == nil && n > 0 && ctx.Err() == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// watch holds a session of each tenant open for notice of changes; of several
// processes, one does.
func (j *jobs) watch(ctx context.Context) {
	const again = 5 * time.Second
	for ctx.Err() == nil {
		list, err := j.db.Tenants(ctx)
		if err != nil {
			j.log.WarnContext(ctx, "watch calendars", "err", err)
		}
		var wg sync.WaitGroup
		for _, t := range list {
			if t.Active {
				wg.Go(func() { j.watchTenant(ctx, t.ID) })
			}
		}
		wg.Wait()
		pause := time.NewTimer(again)
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
		pause.Stop()
	}
}

func (j *jobs) watchTenant(ctx context.Context, t tenant.ID) {
	name := "watch " + string(t)
	ctx, cancel := context.WithCancel(trail.Begin(ctx, trail.Job, "watch", trail.Tenant, string(t)))
	defer cancel()
	lease := func() bool {
		now := j.now()
		took, err := j.db.LeaseJob(ctx, name, j.owner, now, now.Add(jobLease), now)
		return err == nil && took
	}
	if !lease() {
		return
	}
	defer func() { _ = j.db.EndJob(context.WithoutCancel(ctx), name, j.owner) }() // it runs out otherwise
	renew := time.NewTicker(jobLease / 4)
	defer renew.Stop()
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-renew.C:
				if !lease() {
					cancel()
					return
				}
			}
		}
	}()
	if err := j.watchCalendars(ctx, t); err != nil && ctx.Err() == nil {
		j.log.InfoContext(ctx, "notice of changes in calendars ended; they are looked at from time to time", "tenant", t, "err", err)
	}
}

func (j *jobs) watchCalendars(ctx context.Context, t tenant.ID) error {
	resources, err := j.db.For(t).Resources(ctx, directory.Filter{})
	if err != nil {
		return fmt.Errorf("watch: %w", err)
	}
	var accounts []string
	for _, r := range resources {
		if r.Active {
			accounts = append(accounts, r.Email)
		}
	}
	if len(accounts) == 0 {
		return nil
	}
	return j.gw.Watch(ctx, t, accounts, func(account string) {
		now := j.now()
		j.availability.Changed(t, []string{account}, now.Add(-24*time.Hour), now.AddDate(0, 0, j.rules.Days))
		if err := j.db.Due(ctx, t, []string{account}, now.Add(jobTick)); err != nil && ctx.Err() == nil {
			j.log.WarnContext(ctx, "make a calendar check due", "err", err)
		}
	})
}
