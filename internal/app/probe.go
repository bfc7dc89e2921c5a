package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/BurntSushi/toml"

	"rmp/communigate/cli"
	"rmp/communigate/dataformat"
	"rmp/communigate/probe"
	"rmp/communigate/standin"
	"rmp/communigate/ximss"
	"rmp/internal/config"
)

// readDialect reads what Probe has written.
func readDialect(file string) (ximss.Dialect, error) {
	var d ximss.Dialect
	meta, err := toml.DecodeFile(file, &d)
	if err != nil {
		return d, err
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		return d, fmt.Errorf("%s: %s is not a field of a dialect", file, unknown[0])
	}
	return d, d.Validate()
}

// Probe runs `rmp cgp probe`: it asks a server how it speaks, and a stand-in
// of its own the same, and prints what differs.
func Probe(ctx context.Context, c config.Probe, out io.Writer) error {
	cfg := ximss.Config{URL: c.URL, User: c.User, Password: c.Password.Reveal()}
	cfg.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CAFile != "" {
		var err error
		if cfg.TLS.RootCAs, err = readCAs(c.CAFile); err != nil {
			return err
		}
	}
	ask := probe.Options{Config: cfg, Write: c.Write, Domain: c.Domain}
	who := c.User
	switch {
	case c.CLI != "" && c.Write:
		ask.Admin = &cli.Config{Addr: c.CLI, User: c.Admin, Password: c.AdminPassword.Reveal()}
		who = "an account made for it"
	case c.CLI != "":
		return errors.New("--cli: accounts are made with --write only")
	case c.User == "":
		return errors.New("--user: an account that asks is needed, or --write with --cli and an administrator")
	}
	for _, x := range []struct {
		user, variable string
		password       *string
	}{{cfg.User, "RMP_PROBE_PASSWORD", &ask.Config.Password}, {c.Admin, "RMP_PROBE_ADMIN_PASSWORD", adminPassword(ask)}} {
		if x.user == "" || x.password == nil || *x.password != "" {
			continue
		}
		if !asks() {
			return fmt.Errorf("the password of %s is missing: %s gives it", x.user, x.variable)
		}
		p, err := typedPassword(ctx, " of "+x.user)
		if err != nil {
			return err
		}
		*x.password = p.Reveal()
	}
	_, _ = fmt.Fprintf(out, "asking %s as %s …\n", c.URL, who)
	server, err := probe.Run(ctx, ask)
	if err != nil {
		return err
	}
	usual, err := probeStandin(ctx, ask)
	if err != nil {
		return fmt.Errorf("the stand-in to compare with: %w", err)
	}
	differs := map[string]probe.Difference{}
	for _, d := range probe.Compare(server, usual) {
		differs[d.Name] = d
	}
	for _, a := range server.Answers {
		mark, value := "same   ", a.Value
		switch d, ok := differs[a.Name]; {
		case a.Value == "":
			mark, value = "open   ", "not found out"
		case ok && d.Standin == "":
			mark = "new    "
		case ok:
			mark, value = "differs", fmt.Sprintf("%s, where the stand-in has %s", a.Value, d.Standin)
		}
		_, _ = fmt.Fprintf(out, "%s  %-20s  %s (%s)\n", mark, a.Name, value, a.Note)
		if c.Wire && a.Wire != "" {
			_, _ = fmt.Fprintf(out, "%s\n", a.Wire)
		}
	}
	if c.Output == "" {
		return nil
	}
	f, err := os.Create(c.Output)
	if err != nil {
		return err
	}
	if err := toml.NewEncoder(f).Encode(server.Dialect); err != nil {
		_ = f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, "the dialect is in %s: start rmp serve with --cgp.dialect-file=%s\n", c.Output, c.Output)
	return nil
}

func adminPassword(o probe.Options) *string {
	if o.Admin == nil {
		return nil
	}
	return &o.Admin.Password
}

// probeStandin asks a stand-in that lives as long as the questions.
func probeStandin(ctx context.Context, ask probe.Options) (probe.Report, error) {
	dir, err := os.MkdirTemp("", "rmp-probe-")
	if err != nil {
		return probe.Report{}, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // the system cleans up too
	const password = "probe"
	s, err := standin.Open(ctx, standin.Config{Dir: dir, AdminPassword: password})
	if err != nil {
		return probe.Report{}, err
	}
	defer s.Close() //nolint:errcheck // nothing in it is kept
	web, _, line := s.Addrs()
	ask.Domain, ask.Config = "", ximss.Config{URL: "http://" + web}
	if ask.Admin != nil {
		ask.Admin = &cli.Config{Addr: line, User: "postmaster", Password: password}
		return probe.Run(ctx, ask)
	}
	c, err := cli.Dial(ctx, cli.Config{Addr: line, User: "postmaster", Password: password})
	if err != nil {
		return probe.Report{}, err
	}
	defer c.Close() //nolint:errcheck // the server goes with it
	const account = "probe@standin.test"
	if err := c.CreateAccount(ctx, account, dataformat.Dict{"Password": password}); err != nil {
		return probe.Report{}, err
	}
	if err := c.CreateMailbox(ctx, account, "Calendar"); err != nil {
		return probe.Report{}, err
	}
	if err := c.SetMailboxClass(ctx, account, "Calendar", "IPF.Appointment"); err != nil {
		return probe.Report{}, err
	}
	ask.Config.User, ask.Config.Password = account, password
	return probe.Run(ctx, ask)
}
