package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"rmp/communigate/cli"
	"rmp/communigate/dataformat"
	"rmp/internal/api"
	"rmp/internal/config"
	"rmp/internal/console"
	"rmp/internal/directory"
	"rmp/internal/doctor"
	"rmp/internal/fault"
	"rmp/internal/groupware"
	"rmp/internal/secret"
	"rmp/internal/tenant"
)

// doctors lends the doctor to the API.
type doctors struct{ *doctor.Doctor }

func (d doctors) Report(ctx context.Context, t tenant.Tenant, checks []string) (api.DoctorReport, error) {
	r, err := d.Run(ctx, t, doctor.Options{Checks: checks})
	out := api.DoctorReport{At: r.At, Passed: r.Passed, Warnings: r.Warnings, Failed: r.Failed, Findings: []api.DoctorFinding{}}
	for _, f := range worstFirst(r.Findings) {
		x := api.DoctorFinding{Check: f.Check, Subject: f.Subject, Status: string(f.Status), Title: f.Title, Cause: f.Cause, Cure: f.Cure}
		for _, e := range f.Evidence {
			x.Evidence = append(x.Evidence, api.DoctorEvidence(e))
		}
		for _, s := range f.Steps {
			x.Steps = append(x.Steps, s.String())
		}
		out.Findings = append(out.Findings, x)
	}
	return out, err
}

// worstFirst puts what failed before the warnings, and those before what
// passed.
func worstFirst(list []doctor.Finding) []doctor.Finding {
	rank := map[doctor.Status]int{doctor.Fail: 0, doctor.Warn: 1, doctor.Pass: 2}
	out := slices.Clone(list)
	slices.SortStableFunc(out, func(a, b doctor.Finding) int { return rank[a.Status] - rank[b.Status] })
	return out
}

func stepsOf(run string, list []doctor.Done) api.DoctorRun {
	out := api.DoctorRun{Run: run, Steps: []api.DoctorStep{}}
	for _, s := range list {
		out.Steps = append(out.Steps, api.DoctorStep{Number: s.Number, Check: s.Check, Subject: s.Subject, Step: s.Step.String(), CanUndo: s.Undo != nil, Undone: s.Undone, Error: s.Error})
	}
	return out
}

func (d doctors) Fix(ctx context.Context, t tenant.Tenant, checks []string) (api.DoctorRun, error) {
	run, done, err := d.Doctor.Fix(ctx, t, doctor.Options{Checks: checks}, nil)
	if len(done) > 0 { // the step that failed says why
		err = nil
	}
	return stepsOf(run, done), err
}

func (d doctors) Undo(ctx context.Context, t tenant.Tenant, run string) (api.DoctorRun, error) {
	done, err := d.Doctor.Undo(ctx, t, run)
	if errors.Is(err, doctor.ErrNoRun) {
		return api.DoctorRun{}, fault.Wrap(err, fault.NotFound, "there is no such run of repairs")
	}
	return stepsOf(run, done), err
}

func (d doctors) Domains(ctx context.Context, t tenant.Tenant) ([]api.Domain, error) {
	out := []api.Domain{{Domain: t.Domain}}
	for _, k := range directory.TypesOf(t) {
		out = append(out, api.Domain{Domain: k.Domain(t.Domain), Type: k.Name})
	}
	err := d.Groupware.Admin(ctx, t, func(c *cli.Conn) error {
		names, err := c.ListDomains(ctx)
		if err != nil {
			return err
		}
		for i := range out {
			x := &out[i]
			x.Services = []string{}
			x.There = slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, x.Domain) })
			if !x.There {
				continue
			}
			accounts, err := c.ListAccounts(ctx, x.Domain)
			if err != nil {
				return err
			}
			settings, err := c.DomainEffectiveSettings(ctx, x.Domain)
			if err != nil {
				return err
			}
			x.Accounts = len(accounts)
			switch modes := settings["DomainAccessModes"].(type) {
			case dataformat.Array:
				x.Services = modes.Strings()
			case string:
				x.Services = []string{modes}
			}
		}
		return nil
	})
	return out, serverFault(err)
}

func (d doctors) DomainSettings(ctx context.Context, t tenant.Tenant, domain string) (map[string]string, error) {
	out := map[string]string{}
	err := d.Groupware.Admin(ctx, t, func(c *cli.Conn) error {
		settings, err := c.DomainEffectiveSettings(ctx, domain)
		for k, v := range settings {
			if text, err := dataformat.Text(v); err == nil && !strings.Contains(strings.ToLower(k), "password") {
				out[k] = text
			}
		}
		return err
	})
	if errors.Is(err, cli.ErrNotFound) {
		return nil, fault.Wrap(err, fault.NotFound, "the server has no domain %q", domain)
	}
	return out, serverFault(err)
}

// serverFault tells a refusal of the server from one that is away.
func serverFault(err error) error {
	var refused *cli.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		return fault.Wrap(err, fault.BadGateway, "CommuniGate Pro refused: %s", refused.Text)
	}
	return fault.Wrap(err, fault.Unavailable, "CommuniGate Pro cannot be reached; try again soon")
}

// addresses is the file in which rmp serve says where its stand-in is, for
// the tools on the same data directory.
const addresses = "addresses.json"

type standinAt struct {
	URL string `json:"url"`
	CLI string `json:"cli"`
}

func writeAddresses(dir, url, line string) error {
	j, err := json.Marshal(standinAt{url, line})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, addresses), j, 0o600)
}

// reach answers how a tool reaches the server: the one that is configured, or
// the stand-in of the rmp serve that runs on the same data directory.
func reach(ctx context.Context, data string, c config.CGP, out io.Writer, log *slog.Logger) (groupware.Config, func() error, error) {
	if c.Host != "" {
		return communiGate(ctx, &config.Serve{CGP: c}, out, log)
	}
	dir := filepath.Join(data, "standin")
	g := groupware.Config{Admin: standinAdmin, Sessions: c.Sessions, Persons: c.Persons, Timeout: c.Timeout}
	text, err := os.ReadFile(filepath.Join(dir, addresses))
	if err != nil {
		return g, nil, errors.New("--cgp.host: the CommuniGate Pro server is needed; without it, start rmp serve first, whose stand-in is then used")
	}
	var at standinAt
	if err := json.Unmarshal(text, &at); err != nil {
		return g, nil, fmt.Errorf("%s: %w", filepath.Join(dir, addresses), err)
	}
	password, err := secretFile(filepath.Join(dir, "admin.password"))
	g.URL, g.CLIAddr, g.AdminPassword = at.URL, at.CLI, secret.Text(strings.TrimSpace(password))
	return g, func() error { return nil }, err
}

// CouldNotLook is the status of `rmp doctor` when nothing was looked at.
const CouldNotLook = 3

// Said is what to tell who typed a command of an error.
func Said(err error) string { return fault.Said(err) }

// ExitError ends the program with a status of its own.
type ExitError struct {
	Code int
	Text string
}

func (e *ExitError) Error() string { return e.Text }

// Doctor runs `rmp doctor`.
func Doctor(ctx context.Context, c config.Doctor, out io.Writer) error {
	err := withTools(ctx, c.Database, out, func(t *tools) error {
		list, err := t.tenants(ctx, c.Tenant)
		if err != nil {
			return err
		}
		g, closeServer, err := reach(ctx, c.Data, c.CGP, out, logger("warn"))
		if err != nil {
			return err
		}
		defer func() { _ = closeServer() }()
		g.Sessions = 1 // it looks at one thing after the other, and leaves room for others
		gw := groupware.New(g, t.db, logger("error"))
		defer gw.Close(ctx)
		d := doctor.New(doctor.Deps{DB: t.db, Groupware: gw, Now: time.Now, Log: logger("warn"), Certificate: c.TLSCert, People: c.People})
		if c.Tenant == "" { // one that is switched off is looked at where it is named
			list = slices.DeleteFunc(list, func(x tenant.Tenant) bool { return !x.Active })
		}
		if len(list) == 0 {
			return errors.New("there is no organisation yet, so there is nothing to look at; rmp tenant add makes one")
		}
		if c.Undo != "" {
			return takeBack(ctx, t, d, list, c, out)
		}
		worst, found := 0, 0
		var reports []doctor.Report
		for _, of := range list {
			status, r, err := consult(ctx, t, d, of, c, out)
			if err != nil {
				return err
			}
			worst, found = max(worst, status), found+len(r.Findings)
			reports = append(reports, r)
		}
		if found == 0 {
			return fmt.Errorf("--check: nothing is called %s; rmp doctor --verbose names the checks", strings.Join(c.Check, ", "))
		}
		if c.JSON {
			if err := printJSON(out, reports); err != nil {
				return err
			}
		}
		if worst > 0 {
			return &ExitError{worst, ""}
		}
		return nil
	})
	var status *ExitError
	if err != nil && !errors.As(err, &status) {
		return &ExitError{CouldNotLook, Said(err)}
	}
	return err
}

// takeBack undoes a run in the organisation that it was of.
func takeBack(ctx context.Context, t *tools, d *doctor.Doctor, list []tenant.Tenant, c config.Doctor, out io.Writer) error {
	if err := confirm(ctx, out, c.Yes, "Take back the repair "+c.Undo+"? What it made is removed again, where nothing is in it."); err != nil {
		return err
	}
	for _, of := range list {
		done, err := d.Undo(ctx, of, c.Undo)
		if errors.Is(err, doctor.ErrNoRun) {
			continue
		}
		kept := 0
		if c.JSON {
			err = errors.Join(err, printJSON(out, append([]doctor.Done{}, done...)))
		}
		for _, s := range done {
			if s.Error != "" {
				kept++
			}
			if c.JSON {
				continue
			}
			if s.Error != "" {
				t.say("NOT taken back: %s: %s", s.Step, s.Error)
				continue
			}
			t.say("taken back: %s", s.Step)
		}
		if len(done) == 0 && err == nil && !c.JSON {
			t.say("Nothing of it is left to take back.")
		}
		err = errors.Join(err, t.audit(ctx, of.ID, "doctor-undo", c.Undo, nil))
		if err == nil && kept > 0 {
			err = &ExitError{1, ""}
		}
		return err
	}
	return doctor.ErrNoRun
}

// consult looks at one tenant, or repairs it, and answers the exit status.
func consult(ctx context.Context, t *tools, d *doctor.Doctor, of tenant.Tenant, c config.Doctor, out io.Writer) (status int, r doctor.Report, err error) {
	progress := func(what string, done, all int) {
		_, _ = fmt.Fprintf(os.Stderr, "\r%s: %s %d/%d        \r", of.Domain, what, done, all)
	}
	if c.JSON || !term.IsTerminal(int(os.Stderr.Fd())) {
		progress = nil
	}
	tell := func(format string, args ...any) { // JSON is alone on the output
		w := out
		if c.JSON {
			w = os.Stderr
		}
		_, _ = fmt.Fprintf(w, format+"\n", args...)
	}
	opts := doctor.Options{Checks: c.Check, Progress: progress}
	if c.Fix {
		run, done, err := d.Fix(ctx, of, opts, func(s doctor.Done) {
			tell("%d. %s (%s, %s)%s", s.Number, s.Step, s.Check, s.Subject, map[bool]string{true: ": " + s.Error}[s.Error != ""])
		})
		if len(done) > 0 {
			tell("%d steps; take them back with: rmp doctor %s --undo %s", len(done), of.Domain, run)
			if err := t.audit(ctx, of.ID, "doctor-fix", run, map[string]string{"steps": fmt.Sprint(len(done))}); err != nil {
				return CouldNotLook, r, err
			}
		}
		if err != nil {
			tell("Not everything could be repaired: %v", err)
		}
	}
	if r, err = d.Run(ctx, of, opts); err != nil {
		return CouldNotLook, r, err
	}
	if r.Warnings > 0 {
		status = 1
	}
	if r.Failed > 0 {
		status = 2
	}
	if !c.JSON {
		printReport(out, r, c.Verbose)
	}
	return status, r, nil
}

// printReport prints what was found; of many findings of one kind, the first
// in full and the others by name.
func printReport(out io.Writer, r doctor.Report, all bool) {
	list := worstFirst(r.Findings)
	seen := map[string]int{}
	for _, f := range list {
		seen[f.Check+f.Title]++
	}
	shown := map[string]int{}
	for _, f := range list {
		kind := f.Check + f.Title
		shown[kind]++
		switch {
		case f.Status == doctor.Pass:
			if all {
				_, _ = fmt.Fprintf(out, "PASS  %-20s %s\n", f.Check, printable(f.Subject))
			}
		case shown[kind] == 1 || all:
			printFinding(out, f)
			if rest := seen[kind] - 1; rest > 0 && !all {
				_, _ = fmt.Fprintf(out, "      So too for %d more; --verbose shows each.\n", rest)
			}
		}
	}
	_, _ = fmt.Fprintf(out, "%s: %d passed, %d warnings, %d failed\n", r.Domain, r.Passed, r.Warnings, r.Failed)
}

func printFinding(out io.Writer, f doctor.Finding) {
	_, _ = fmt.Fprintf(out, "%s  %-20s %s\n      %s\n      Cause: %s\n", strings.ToUpper(string(f.Status)), f.Check, printable(f.Subject), f.Title, printable(f.Cause))
	for _, e := range f.Evidence {
		_, _ = fmt.Fprintf(out, "      > %s\n      < %s\n", printable(e.Command), printable(e.Answer))
	}
	_, _ = fmt.Fprintf(out, "      Cure: %s\n", f.Cure)
	for _, s := range f.Steps {
		_, _ = fmt.Fprintf(out, "      --fix would: %s\n", printable(s.String()))
	}
}

// consoles lends the mail server's console to the API.
type consoles struct{ gw *groupware.Groupware }

func (c consoles) Ask(ctx context.Context, t tenant.Tenant, line string) (any, error) {
	command, err := console.Parse(line)
	if err != nil {
		return nil, fault.InvalidField("/command", "%s", err.Error())
	}
	about := command.About()
	if _, resource := directory.TypeOf(t, "x@"+about); about == "" || about != t.Domain && !resource {
		return nil, fault.New(fault.Forbidden, "only commands that read, about an account or a domain of the organisation, are allowed here")
	}
	var answer dataformat.Value
	err = c.gw.Admin(ctx, t, func(conn *cli.Conn) error {
		answer, err = conn.Raw(ctx, command.Name, command.Arguments...)
		return err
	})
	if err != nil {
		return nil, serverFault(err)
	}
	return console.Plain(answer), nil
}
