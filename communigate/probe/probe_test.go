package probe_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"rmp/communigate/cli"
	"rmp/communigate/dataformat"
	"rmp/communigate/probe"
	"rmp/communigate/standin"
	"rmp/communigate/standin/backend"
	"rmp/communigate/standin/ximssserver"
	"rmp/communigate/ximss"
)

func run(t *testing.T, write bool, change func(*standin.Config)) probe.Report {
	t.Helper()
	cfg := standin.Config{Dir: t.TempDir(), MainDomain: "corp.example", AdminPassword: "pw"}
	if change != nil {
		change(&cfg)
	}
	s, err := standin.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	web, _, line := s.Addrs()
	c, err := cli.Dial(t.Context(), cli.Config{Addr: line, User: "postmaster", Password: "pw"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // the test is over
	if err := c.CreateAccount(t.Context(), "ann@corp.example", dataformat.Dict{"Password": "secret-word", "RealName": "Ann Lee"}); err != nil {
		t.Fatal(err)
	}
	for _, box := range []string{"Calendar"} {
		if err := c.CreateMailbox(t.Context(), "ann@corp.example", box); err != nil {
			t.Fatal(err)
		}
		if err := c.SetMailboxClass(t.Context(), "ann@corp.example", box, "IPF.Appointment"); err != nil {
			t.Fatal(err)
		}
	}
	before, err := c.ListMailboxes(t.Context(), "ann@corp.example", "*")
	if err != nil {
		t.Fatal(err)
	}
	report, err := probe.Run(t.Context(), probe.Options{Config: ximss.Config{URL: "http://" + web, User: "ann@corp.example", Password: "secret-word"}, Write: write})
	if err != nil {
		t.Fatal(err)
	}
	after, err := c.ListMailboxes(t.Context(), "ann@corp.example", "*")
	if err != nil || len(after) != len(before) {
		t.Errorf("the probe left something behind: %v, %v", after, err)
	}
	for _, a := range report.Answers {
		if strings.Contains(a.Wire, "secret-word") || strings.Contains(a.Wire, "ann@corp") || strings.Contains(a.Wire, "Ann Lee") {
			t.Errorf("%s is not redacted: %s", a.Name, a.Wire)
		}
	}
	return report
}

// TestModes: in each of its modes the stand-in speaks the usual dialect.
func TestModes(t *testing.T) {
	want := ximss.Dialect{Login: "form", PeerAttr: "peer", DurationUnit: "seconds", SendAll: "all", RootCase: "mixed"}
	for _, mode := range []backend.Mode{backend.Strict, backend.Seed, backend.Lenient} {
		t.Run(mode.String(), func(t *testing.T) {
			if got := run(t, true, func(c *standin.Config) { c.Mode = mode }).Dialect; got != want {
				t.Errorf("%+v", got)
			}
		})
	}
}

// TestDifferences: a stand-in that is made different is found out.
func TestDifferences(t *testing.T) {
	usual := run(t, true, nil)
	odd := run(t, true, func(c *standin.Config) {
		c.Quirks = ximssserver.Quirks{DurationInMinutes: true, RuleElements: true, LowerCaseParams: true, MailboxesOfAll: true, FreeBusyAsCalendar: true}
	})
	want := []probe.Difference{{Name: "mailbox list", Server: "all classes", Standin: "mail only"}, {Name: "free/busy form", Server: "vfreebusy element", Standin: ""},
		{Name: "event duration", Server: "minutes", Standin: "seconds"}, {Name: "recurrence rule", Server: "elements", Standin: "text"}, {Name: "parameters", Server: "lower case", Standin: "upper case"}}
	if got := probe.Compare(odd, usual); !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
	if odd.Dialect.DurationUnit != "minutes" || odd.Dialect.Validate() != nil {
		t.Errorf("%+v", odd.Dialect)
	}
	if got := probe.Compare(usual, usual); len(got) != 0 {
		t.Errorf("a server differs from itself: %+v", got)
	}
}

// TestScratchAccounts: with an administrator the questions are asked in
// accounts that are gone afterwards.
func TestScratchAccounts(t *testing.T) {
	s, err := standin.Open(t.Context(), standin.Config{Dir: t.TempDir(), MainDomain: "corp.example", AdminPassword: "pw"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	web, _, line := s.Addrs()
	admin := &cli.Config{Addr: line, User: "postmaster", Password: "pw"}
	report, err := probe.Run(t.Context(), probe.Options{Config: ximss.Config{URL: "http://" + web}, Write: true, Admin: admin})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, a := range report.Answers {
		if _, twice := got[a.Name]; twice {
			t.Errorf("%s is answered twice", a.Name)
		}
		got[a.Name] = a.Value
		if strings.Contains(a.Wire, "rmp-probe-") && strings.Contains(a.Wire, "@corp.example") {
			t.Errorf("%s is not redacted: %s", a.Name, a.Wire)
		}
	}
	for name, want := range map[string]string{"invitation": "delivered", "free/busy at once": "yes", "free/busy form": "periods", "accounts removed": "yes", "event duration": "seconds", "cleaned up": "yes"} {
		if got[name] != want {
			t.Errorf("%s: %q, want %q", name, got[name], want)
		}
	}
	c, err := cli.Dial(t.Context(), *admin)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // the test is over
	if accounts, err := c.ListAccounts(t.Context(), "corp.example"); err != nil || len(accounts) != 1 {
		t.Errorf("left behind: %v, %v", accounts, err)
	}
}

func TestReadOnly(t *testing.T) {
	report := run(t, false, nil)
	for _, a := range report.Answers {
		if a.Name == "event duration" && a.Value != "" {
			t.Errorf("found out without writing: %+v", a)
		}
	}
	_, err := probe.Run(t.Context(), probe.Options{Config: ximss.Config{URL: "http://127.0.0.1:1", User: "a", Password: "b"}})
	if !errors.Is(err, ximss.ErrUnreachable) {
		t.Errorf("%v", err)
	}
}
