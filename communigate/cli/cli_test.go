package cli_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rmp/communigate/cli"
	"rmp/communigate/dataformat"
	"rmp/communigate/standin"
)

const password = "pw"

func dial(t testing.TB) *cli.Conn {
	t.Helper()
	s, err := standin.Open(t.Context(), standin.Config{Dir: t.TempDir(), MainDomain: "corp.example", AdminPassword: password})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	_, _, addr := s.Addrs()
	c, err := cli.Dial(t.Context(), cli.Config{Addr: addr, User: "postmaster", Password: password})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// TestEveryCommandIsUnderstood calls every typed command with some arguments:
// the server may refuse what they ask for, but has to know the command and to
// read all of it.
func TestEveryCommandIsUnderstood(t *testing.T) {
	c := dial(t)
	v := reflect.ValueOf(c)
	called := 0
	for i := range v.NumMethod() {
		name := v.Type().Method(i).Name
		switch name {
		case "Close", "Raw", "Pipeline":
			continue
		case "ModifyOwnPassword": // of the administrator, who is still needed
			if err := c.ModifyOwnPassword(t.Context(), "new "+password); err != nil {
				t.Error(err)
			}
			continue
		}
		f := v.Method(i)
		args := []reflect.Value{reflect.ValueOf(t.Context())}
		for k := 1; k < f.Type().NumIn(); k++ {
			var arg any
			switch f.Type().In(k).String() {
			case "string":
				arg = fmt.Sprintf("x%d", k)
			case "[]string":
				arg = []string{"a", "b c"}
			case "[]uint8":
				arg = []byte("data")
			case "int", "int64":
				arg = 5
			case "bool":
				arg = true
			case "dataformat.Dict":
				arg = dataformat.Dict{"Key": "a value"}
			case "dataformat.Array":
				arg = dataformat.Array{"1", "Name", dataformat.Array{}, dataformat.Array{}}
			case "dataformat.Value":
				args = append(args, reflect.ValueOf("text"))
				continue
			default:
				t.Fatalf("%s wants a %s, which this test cannot make", name, f.Type().In(k))
			}
			args = append(args, reflect.ValueOf(arg).Convert(f.Type().In(k)))
		}
		results := f.Call(args)
		called++
		err, _ := results[len(results)-1].Interface().(error)
		var refused *cli.Error
		if err != nil && !errors.As(err, &refused) {
			t.Errorf("%s: %v", name, err)
		}
		if refused != nil && refused.Code == 500 {
			t.Errorf("%s is not understood: %v", name, err)
		}
		if refused != nil && refused.SafeToRetry() {
			t.Errorf("%s: a refusal is said to be worth a retry", name)
		}
	}
	if called < 100 {
		t.Errorf("only %d commands were called", called)
	}
}

// TestNothingBecomesACommand: whatever a string holds comes back as it was,
// and the next command is answered by its own reply.
func TestNothingBecomesACommand(t *testing.T) {
	c := dial(t)
	text := rapid.StringOf(rapid.OneOf(rapid.SampledFrom([]rune("\"\\\r\n\t%;=(){}[]#<>, \u00e9漢\x01\x7f")), rapid.Rune().Filter(func(r rune) bool { return r != 0 })))
	rapid.Check(t, func(r *rapid.T) {
		s := text.Draw(r, "text")
		if rapid.IntRange(0, 20).Draw(r, "long") == 0 {
			s += strings.Repeat("\r\nDELETEACCOUNT x", 4000)
		}
		got, err := c.Echo(t.Context(), s)
		if err != nil || got != s {
			r.Fatalf("%q came back as %q, %v", s, got, err)
		}
		if got, err := c.Echo(t.Context(), dataformat.Dict{s: dataformat.Array{s}}); err != nil || !reflect.DeepEqual(got, dataformat.Dict{s: dataformat.Array{s}}) {
			r.Fatalf("%q came back as %q, %v", s, got, err)
		}
		if err := c.DeleteMailbox(t.Context(), "postmaster", s); !errors.Is(err, cli.ErrNotFound) && !errors.Is(err, cli.ErrDenied) {
			r.Fatalf("%q: %v", s, err)
		}
	})
	if _, err := c.Echo(t.Context(), "zero \x00 byte"); err == nil {
		t.Error("a zero byte went out")
	}
	for _, v := range []any{dataformat.XML("<a>\r\nQUIT\r\n</a>"), dataformat.Opaque("x\nQUIT"), cli.Word("A\r\nQUIT")} {
		if _, err := c.Raw(t.Context(), "ECHO", v); err == nil {
			t.Errorf("%q went out", v)
		}
	}
	if _, err := c.ListDomains(t.Context()); err != nil {
		t.Errorf("after a refused argument: %v", err)
	}
}

func TestPipeline(t *testing.T) {
	c := dial(t)
	var commands []cli.Command
	for i := range 1000 {
		commands = append(commands, cli.Command{Name: "ECHO", Arguments: []any{strings.Repeat("x", i)}})
	}
	commands[7] = cli.Command{Name: "NOSUCHCOMMAND"}
	results, err := c.Pipeline(t.Context(), commands...)
	if err != nil || len(results) != len(commands) {
		t.Fatal(len(results), err)
	}
	for i, r := range results {
		if i == 7 {
			if !errors.Is(r.Err, cli.ErrUnknownCommand) {
				t.Errorf("%v", r.Err)
			}
		} else if r.Err != nil || r.Data != strings.Repeat("x", i) {
			t.Fatalf("%d: %v, %v", i, r.Data, r.Err)
		}
	}
}

// TestDomainObjects pages through a domain.
func TestDomainObjects(t *testing.T) {
	c := dial(t)
	for i := range 7 {
		if err := c.CreateAccount(t.Context(), fmt.Sprintf("room-%d", i), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.SetAccountAliases(t.Context(), "room-1", []string{"room-alias"}); err != nil {
		t.Fatal(err)
	}
	seen, cookie := map[string]bool{}, ""
	for pages := 0; ; pages++ {
		page, err := c.ListDomainObjects(t.Context(), "corp.example", "room", 3, cookie)
		if err != nil || page.Accounts != 8 || page.Aliases != 1 || len(page.Objects) > 3 {
			t.Fatalf("%+v, %v", page, err)
		}
		for n := range page.Objects {
			seen[n] = true
		}
		if cookie = page.Cookie; cookie == "" {
			if pages != 2 {
				t.Errorf("%d pages", pages+1)
			}
			break
		}
	}
	if len(seen) != 8 {
		t.Errorf("%v", seen)
	}
}

// scripted answers each line it reads with the next of the replies, and then
// closes.
func scripted(t *testing.T, replies ...string) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close() //nolint:errcheck // the script is over
		buf := make([]byte, 64<<10)
		for i, reply := range replies {
			if i > 0 {
				if _, err := conn.Read(buf); err != nil {
					return
				}
			}
			if _, err := conn.Write([]byte(reply)); err != nil {
				return
			}
		}
		if len(replies) > 0 && !strings.HasSuffix(replies[len(replies)-1], "\n") {
			return // half a line, then the end
		}
		_, _ = conn.Read(buf)
	}()
	return l.Addr().String()
}

// TestFailures: each way a server can fail is told apart, within the deadline.
func TestFailures(t *testing.T) {
	hello, ok := "200 x ready\r\n", "200 OK\r\n"
	login := []string{hello, "300 PASS\r\n", ok, ok} // USER, PASS, INLINE
	var protocol *cli.ProtocolError
	var transport *cli.TransportError
	for name, c := range map[string]struct {
		replies []string
		target  any
	}{
		"no greeting":    {[]string{"garbage\r\n"}, &protocol},
		"half a line":    {append(login[:4:4], "201 (a"), &transport},
		"asked for more": {[]string{hello, "300 PASS\r\n", "300 and?\r\n"}, &protocol},
		"not an object":  {append(login[:4:4], "201 (a\r\n"), &protocol},
		"another kind":   {append(login[:4:4], "201 {a=b;}\r\n"), &protocol},
		"asks for more":  {append(login[:4:4], "300 more\r\n"), &protocol},
		"silence":        {append(login[:4:4], ""), &transport},
		"closed at once": {[]string{""}, &transport},
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			conn, err := cli.Dial(t.Context(), cli.Config{Addr: scripted(t, c.replies...), User: "a", Password: "secret-pw", Timeout: 300 * time.Millisecond})
			if err == nil {
				_, err = conn.ListDomains(t.Context())
				if _, again := conn.ListDomains(t.Context()); again == nil {
					t.Error("the connection is used again")
				}
				_ = conn.Close()
			}
			if !errors.As(err, c.target) || time.Since(began) > 5*time.Second {
				t.Errorf("%v after %s", err, time.Since(began))
			}
			if err != nil && strings.Contains(err.Error(), "secret-pw") {
				t.Errorf("the password is in the error: %v", err)
			}
		})
	}
	// Who listens in can put a reply behind that to STLS; it is not taken for
	// one that came over TLS.
	_, err := cli.Dial(t.Context(), cli.Config{Addr: scripted(t, hello, "200 go\r\n200 injected\r\n"), User: "a", Password: "b", StartTLS: &tls.Config{MinVersion: tls.VersionTLS12}, Timeout: time.Second})
	if !errors.As(err, &protocol) || !strings.Contains(err.Error(), "clear text") {
		t.Errorf("injected: %v", err)
	}
	if _, err := cli.Dial(t.Context(), cli.Config{Addr: scripted(t, hello), User: "a", Password: "b", Auth: "PLAIN"}); err == nil || !strings.Contains(err.Error(), "TLS") {
		t.Errorf("PLAIN in the clear: %v", err)
	}
	_, err = cli.Dial(t.Context(), cli.Config{Addr: "127.0.0.1:1", User: "a", Password: "b", Timeout: time.Second})
	if !errors.As(err, &transport) || !transport.SafeToRetry() {
		t.Errorf("refused: %v", err)
	}
}

// TestPoolWaits: one connection for many; who waits too long is told so.
func TestPoolWaits(t *testing.T) {
	s, err := standin.Open(t.Context(), standin.Config{Dir: t.TempDir(), MainDomain: "corp.example", AdminPassword: password})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	_, _, addr := s.Addrs()
	o := &told{}
	p := cli.NewPool(cli.Config{Addr: addr, User: "postmaster", Password: password, Observer: o}, 1)
	defer p.Close()
	err = p.With(t.Context(), func(*cli.Conn) error {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		err := p.With(ctx, func(*cli.Conn) error { return nil })
		var transport *cli.TransportError
		if !errors.As(err, &transport) || !transport.SafeToRetry() || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.With(t.Context(), func(c *cli.Conn) error { return c.Noop(t.Context()) }); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	if s := p.Stats(); s.Dialled != 1 || s.Reused != 1 || s.Waited != 1 || s.Waiting != 0 || s.Idle != 1 || s.Busy != 0 || s.Size != 1 {
		t.Errorf("%+v", s)
	}
	if want := []string{"login: <nil>", "NOOP: <nil>"}; !slices.Equal(o.lines, want) || o.waited != 1 {
		t.Errorf("told %q, want %q; waited %d times", o.lines, want, o.waited)
	}
	// Closing sends away who waits.
	err = p.With(t.Context(), func(c *cli.Conn) error {
		waiting := make(chan error)
		go func() { waiting <- p.With(t.Context(), func(*cli.Conn) error { return nil }) }()
		for p.Stats().Waiting < 1 {
			runtime.Gosched()
		}
		p.Close()
		if err := <-waiting; err == nil || !strings.Contains(err.Error(), "closed") {
			t.Errorf("%v", err)
		}
		return c.Noop(t.Context())
	})
	if err != nil {
		t.Errorf("at work while the pool is closed: %v", err)
	}
}

// told is an observer that keeps what it is told.
type told struct {
	lines  []string
	waited int
}

func (o *told) Begin(ctx context.Context, commands ...string) (context.Context, func([]error, error)) {
	return ctx, func(errs []error, failure error) {
		line := fmt.Sprintf("%s: %v", strings.Join(commands, " "), failure)
		for _, err := range errs {
			line += fmt.Sprintf(", %v", err != nil)
		}
		o.lines = append(o.lines, line)
	}
}

func (o *told) Waited(time.Duration) { o.waited++ }

func TestObserverOfAPipeline(t *testing.T) {
	s, err := standin.Open(t.Context(), standin.Config{Dir: t.TempDir(), MainDomain: "corp.example", AdminPassword: password})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	_, _, addr := s.Addrs()
	o := &told{}
	c, err := cli.Dial(t.Context(), cli.Config{Addr: addr, User: "postmaster", Password: password, Observer: o})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // the test is over
	if _, err := c.Pipeline(t.Context(), cli.Command{Name: "NOOP"}, cli.Command{Name: "NONSENSE", Arguments: []any{"secret"}}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"login: <nil>", "NOOP NONSENSE: <nil>, false, true"}; !slices.Equal(o.lines, want) {
		t.Errorf("told %q, want %q", o.lines, want)
	}
}

func BenchmarkCommands(b *testing.B) {
	c := dial(b)
	const n = 200
	commands := make([]cli.Command, n)
	for i := range commands {
		commands[i] = cli.Command{Name: "ECHO", Arguments: []any{"x"}}
	}
	single := func() {
		for range n {
			if _, err := c.Echo(b.Context(), "x"); err != nil {
				b.Fatal(err)
			}
		}
	}
	pipelined := func() {
		if _, err := c.Pipeline(b.Context(), commands...); err != nil {
			b.Fatal(err)
		}
	}
	for name, f := range map[string]func(){"single": single, "pipelined": pipelined} {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				f()
			}
			b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "commands/s")
		})
	}
	b.Run("ratio", func(b *testing.B) {
		var one, many time.Duration
		for range b.N {
			began := time.Now()
			single()
			middle := time.Now()
			pipelined()
			one, many = one+middle.Sub(began), many+time.Since(middle)
		}
		b.ReportMetric(float64(one)/float64(many), "x-faster")
	})
}

// TestLogins: with and without the password on the wire, and refused alike.
func TestLogins(t *testing.T) {
	s, err := standin.Open(t.Context(), standin.Config{Dir: t.TempDir(), MainDomain: "corp.example", AdminPassword: password})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	_, _, addr := s.Addrs()
	for _, auth := range []string{"", "CRAM-MD5"} {
		c, err := cli.Dial(t.Context(), cli.Config{Addr: addr, User: "postmaster", Password: password, Auth: auth})
		if err != nil {
			t.Fatalf("%q: %v", auth, err)
		}
		if err := c.Noop(t.Context()); err != nil {
			t.Errorf("%q: %v", auth, err)
		}
		_ = c.Close()
		if _, err := cli.Dial(t.Context(), cli.Config{Addr: addr, User: "postmaster", Password: "wrong-word", Auth: auth}); !errors.Is(err, cli.ErrBadLogin) || strings.Contains(err.Error(), "wrong-word") {
			t.Errorf("%q: %v", auth, err)
		}
	}
}
