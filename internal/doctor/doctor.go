// Package doctor finds what breaks the booking of resources on CommuniGate
// Pro, says why and what helps, and repairs it.
//
// A run asks the server, over CLI and XIMSS, and the database, and changes
// nothing. Each thing that is looked at gives a Finding: passed, a warning or
// failed, with its cause, the evidence (the command that was sent and what
// was answered) and the cure. A finding that can be repaired carries the
// steps of it. Fix takes the steps one by one, stores each with the step that
// undoes it before the next is taken, goes on with the next finding where one
// fails, and looks again for what can only be found now; Undo takes back what
// a run did, last step first, but for what would lose something by now.
//
// What it knows of CommuniGate Pro is how RMP itself makes accounts
// (groupware.EnsureTenant, EnsureResource): both must stay the same.
package doctor

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"rmp/internal/directory"
	"rmp/internal/gatekeeper"
	"rmp/internal/groupware"
	"rmp/internal/store"
	"rmp/internal/tenant"
)

// Status is how a check came out.
type Status string

// The outcomes.
const (
	Pass Status = "pass"
	Warn Status = "warn"
	Fail Status = "fail"
)

// Evidence is what was asked and what was answered. Passwords do not appear.
type Evidence struct {
	Command string `json:"command"`
	Answer  string `json:"answer"`
}

// Finding is the outcome of one check of one subject.
type Finding struct {
	Check    string     `json:"check"`   // such as resource.calendar
	Subject  string     `json:"subject"` // the account, domain or server it is about
	Status   Status     `json:"status"`
	Title    string     `json:"title"`
	Cause    string     `json:"cause,omitempty"`
	Evidence []Evidence `json:"evidence,omitempty"`
	Cure     string     `json:"cure,omitempty"`
	Steps    []Step     `json:"steps,omitempty"` // that repair it, in their order
}

// Report is all that a run found.
type Report struct {
	Tenant   tenant.ID `json:"tenant"`
	Domain   string    `json:"domain"`
	At       time.Time `json:"at"`
	Findings []Finding `json:"findings"`
	Passed   int       `json:"passed"`
	Warnings int       `json:"warnings"`
	Failed   int       `json:"failed"`
}

// Done is a step that was taken.
type Done struct {
	Run     string    `json:"run"`
	Number  int       `json:"number"`
	At      time.Time `json:"at"`
	Check   string    `json:"check"`
	Subject string    `json:"subject"`
	Step    Step      `json:"step"`
	Undo    *Step     `json:"undo,omitempty"` // nil: it cannot be taken back
	Undone  bool      `json:"undone,omitempty"`
	Error   string    `json:"error,omitempty"`
}

// Deps are what a doctor works with.
type Deps struct {
	DB        *store.DB
	Groupware *groupware.Groupware
	Now       func() time.Time
	Log       *slog.Logger
	// Certificate is the chain that the web interface shows, in PEM; empty: none.
	Certificate string
	// Wake has the outbox looked at at once; may be nil.
	Wake func()
	// People bounds how many people's accounts are looked at.
	People int
}

// Doctor looks at one installation.
type Doctor struct{ Deps }

// New makes a doctor.
func New(d Deps) *Doctor {
	if d.People == 0 {
		d.People = 500
	}
	if d.Wake == nil {
		d.Wake = func() {}
	}
	return &Doctor{d}
}

// Options of a run.
type Options struct {
	Checks []string // names, or beginnings of names; none: all
	// Progress is told what is being looked at; may be nil.
	Progress func(what string, done, of int)
}

func (o Options) wants(check string) bool {
	return len(o.Checks) == 0 || slices.ContainsFunc(o.Checks, func(c string) bool { return check == c || strings.HasPrefix(check, c+".") })
}

// visit is one run at work.
type visit struct {
	*Doctor
	t         tenant.Tenant
	db        *store.Tenant
	opts      Options
	report    *Report
	resources []directory.Resource
	people    []gatekeeper.User
	synced    map[string]int  // coming bookings that are noted as written, by calendar
	readable  map[string]bool // accounts whose calendars can be read; reading others would repair them
}

// Run looks at everything that concerns a tenant, and changes nothing.
func (d *Doctor) Run(ctx context.Context, t tenant.Tenant, opts Options) (Report, error) {
	v := &visit{Doctor: d, t: t, db: d.DB.For(t.ID), opts: opts, readable: map[string]bool{}, report: &Report{Tenant: t.ID, Domain: t.Domain, At: d.Now().UTC(), Findings: []Finding{}}}
	var err error
	if v.resources, err = v.db.Resources(ctx, directory.Filter{}); err != nil {
		return *v.report, fmt.Errorf("doctor: %w", err)
	}
	if v.people, err = d.DB.Users(ctx, t.ID, gatekeeper.UserFilter{Limit: d.People}); err != nil {
		return *v.report, fmt.Errorf("doctor: %w", err)
	}
	if v.synced, err = v.db.Written(ctx, d.Now()); err != nil {
		return *v.report, fmt.Errorf("doctor: %w", err)
	}
	parts := []struct {
		what string
		look func(context.Context) error
	}{
		{"database", v.database}, {"certificate", v.certificate}, {"server", v.server}, {"domains", v.domains},
		{"resources", v.resourceAccounts}, {"people", v.personAccounts}, {"events", v.events}, {"calendar writes", v.outbox}, {"drift", v.drift},
	}
	for i, p := range parts {
		if opts.Progress != nil {
			opts.Progress(p.what, i, len(parts))
		}
		if err := p.look(ctx); err != nil {
			if ctx.Err() != nil {
				return *v.report, ctx.Err()
			}
			v.add(Finding{Check: "doctor." + strings.ReplaceAll(p.what, " ", "-"), Subject: t.Domain, Status: Fail, Title: "The " + p.what + " could not be looked at",
				Cause: err.Error(), Cure: "See to what the error names, then run the checks again."})
		}
	}
	if opts.Progress != nil {
		opts.Progress("done", len(parts), len(parts))
	}
	return *v.report, nil
}

func (v *visit) add(f Finding) {
	if !v.opts.wants(f.Check) {
		return
	}
	switch f.Status {
	case Pass:
		v.report.Passed++
	case Warn:
		v.report.Warnings++
	case Fail:
		v.report.Failed++
	}
	v.report.Findings = append(v.report.Findings, f)
}

// pass notes that a subject passed a check.
func (v *visit) pass(check, subject, title string, evidence ...Evidence) {
	v.add(Finding{Check: check, Subject: subject, Status: Pass, Title: title, Evidence: evidence})
}

// rounds is how often a repair looks for what could not be found before, such
// as in the calendar of an account that was just made or taken over.
const rounds = 3

// Fix repairs what the findings of the checks can be repaired of, one step
// after the other. Where a step fails, the others of its finding are left out,
// since they may need it. The steps are stored under the run's name, for Undo.
func (d *Doctor) Fix(ctx context.Context, t tenant.Tenant, opts Options, tell func(Done)) (run string, done []Done, err error) {
	run = rand.Text()[:12]
	taken := map[Step]bool{}
	for range rounds {
		report, looked := d.Run(ctx, t, opts)
		if looked != nil {
			return run, done, looked
		}
		before := len(done)
		for _, f := range report.Findings {
			if f.Status == Pass || len(f.Steps) == 0 || taken[f.Steps[0]] {
				continue
			}
			for _, step := range f.Steps {
				taken[step] = true
			}
			var failed error
			if done, failed = d.repair(ctx, t, run, f, done, tell); failed != nil {
				err = errors.Join(err, failed)
			}
		}
		if len(done) == before || ctx.Err() != nil {
			break
		}
	}
	return run, done, err
}

// repair takes the steps of one finding.
func (d *Doctor) repair(ctx context.Context, t tenant.Tenant, run string, f Finding, done []Done, tell func(Done)) ([]Done, error) {
	for _, step := range f.Steps {
		var err error
		s := Done{Run: run, Number: len(done) + 1, At: d.Now().UTC(), Check: f.Check, Subject: f.Subject, Step: step}
		if s.Undo, err = d.apply(ctx, t, step); err != nil {
			s.Error = err.Error()
		}
		if saved := d.save(ctx, t.ID, s); saved != nil && err == nil {
			err = saved
		}
		d.Log.InfoContext(ctx, "doctor: a step was taken", "tenant", t.ID, "run", run, "check", f.Check, "subject", f.Subject, "step", step.String(), "err", s.Error)
		done = append(done, s)
		if tell != nil {
			tell(s)
		}
		if err != nil {
			return done, fmt.Errorf("%s: %w", step, err)
		}
	}
	return done, nil
}

// Undo takes back the steps of a run, the last first. A step that cannot be
// taken back stays, and is among those answered with its error.
func (d *Doctor) Undo(ctx context.Context, t tenant.Tenant, run string) ([]Done, error) {
	steps, err := d.steps(ctx, t.ID, run)
	if err != nil {
		return nil, err
	}
	held, err := d.held(ctx, t, steps)
	if err != nil {
		return nil, fmt.Errorf("undo: %w", err)
	}
	var out []Done
	for _, s := range slices.Backward(steps) {
		if s.Undone || s.Error != "" {
			continue
		}
		if why := held[s.Step.Account]; why != nil && s.Step.Account != "" {
			s.Error = why.Error()
			out = append(out, s)
			continue
		}
		switch s.Step.Op {
		case retryWrites, writeAgain, checkNow: // they changed nothing that was there
			if err := d.DB.For(t.ID).StepUndone(ctx, run, s.Number); err != nil {
				return out, err
			}
			continue
		}
		if s.Undo == nil {
			s.Error = "this step cannot be taken back"
		} else if _, err := d.apply(ctx, t, *s.Undo); errors.Is(err, ErrHolds) {
			s.Error = err.Error()
		} else if err != nil {
			return out, fmt.Errorf("undo %s: %w", s.Step, err)
		} else {
			s.Undone = true
			if err := d.DB.For(t.ID).StepUndone(ctx, run, s.Number); err != nil {
				return out, err
			}
			d.Log.InfoContext(ctx, "doctor: a step was taken back", "tenant", t.ID, "run", run, "step", s.Step.String())
		}
		out = append(out, s)
	}
	return out, nil
}

// dates is how far ahead events are looked at.
const dates = 60 * 24 * time.Hour

// oldWrite is when a calendar write that is still pending is stuck.
const oldWrite = 15 * time.Minute
