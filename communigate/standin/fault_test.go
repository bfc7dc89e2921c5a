package standin_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rmp/communigate/cli"
	"rmp/communigate/standin"
	"rmp/communigate/standin/fault"
	"rmp/communigate/ximss"
	"rmp/xmlnode"
)

func plan(t *testing.T, faults ...string) *fault.Plan {
	t.Helper()
	p := &fault.Plan{}
	for _, text := range faults {
		f, err := fault.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		p.Add(f)
	}
	return p
}

// TestFaults: what the clients say to each way of failing. Each fault strikes
// once, so that the retry of a client shows in the outcome.
func TestFaults(t *testing.T) {
	p := plan(t)
	s := start(t, func(c *standin.Config) { c.Faults = p })
	web, _, line := s.Addrs()
	add := func(text string) {
		t.Helper()
		f, err := fault.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		p.Add(f)
	}
	for _, c := range []struct {
		fault string
		want  error
	}{
		{"ximss:noop:latency:delay=1ms,times=1", nil},
		{"ximss:noop:drop:after=10,times=1", nil}, // sent again under the same number, and answered
		{"ximss:noop:drop:after=10", ximss.ErrUnreachable},
		{"ximss:noop:lose:times=1", nil},
		{"ximss:noop:lose", ximss.ErrUnreachable},
		{"ximss:noop:garbage:times=1", ximss.ErrProtocol},
		{"ximss:noop:expire:times=1", ximss.ErrSessionLost},
		{"ximss:noop:latency:delay=5s", ximss.ErrSlow},
		{"ximss:login:lose", ximss.ErrUnreachable},
		{"ximss:login:garbage", ximss.ErrProtocol},
		{"ximss:login:limit", &ximss.Error{}},
	} {
		add(c.fault)
		cfg := ximss.Config{URL: "http://" + web, User: "ann@corp.example", Password: password, Timeout: 300 * time.Millisecond}
		client := ximss.Client(cfg)
		sess, err := ximss.Login(t.Context(), client, cfg)
		if err == nil {
			_, err = sess.Do(t.Context(), noop())
		}
		var refused *ximss.Error
		if c.want == nil && err != nil || c.want != nil && !errors.Is(err, c.want) && !errors.As(err, &refused) {
			t.Errorf("%s: %v", c.fault, err)
		}
		if err != nil && strings.Contains(err.Error(), password) {
			t.Errorf("%s: the password is in the error: %v", c.fault, err)
		}
		for _, f := range p.List() {
			p.Remove(f.ID)
		}
		client.CloseIdleConnections()
	}
	for _, c := range []struct {
		fault string
	}{{"cli:LISTDOMAINS:refuse:times=1"}, {"cli:LISTDOMAINS:drop:after=3,times=1"}, {"cli:LISTDOMAINS:lose:times=1"}, {"cli:LISTDOMAINS:garbage:times=1"}, {"cli:LISTDOMAINS:latency:delay=5s,times=1"}} {
		conn, err := cli.Dial(t.Context(), cli.Config{Addr: line, User: "postmaster", Password: password, Timeout: 300 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		add(c.fault)
		began := time.Now()
		if _, err := conn.ListDomains(t.Context()); err == nil || time.Since(began) > 3*time.Second {
			t.Errorf("%s: %v after %s", c.fault, err, time.Since(began))
		}
		_ = conn.Close()
	}
	if left := p.List(); len(left) > 0 {
		t.Errorf("%v did not strike", left)
	}
}

func noop() *ximss.Request { return ximss.NewRequest(xmlnode.New("noop")) }

func TestFaultsAreRead(t *testing.T) {
	for _, text := range []string{"ximss:calendarPublish:drop:after=20,times=1", "*:*:latency:delay=2s,chance=0.5", "cli:login:refuse"} {
		f, err := fault.Parse(text)
		if err != nil || f.String() != text {
			t.Errorf("%s is read as %s, %v", text, f, err)
		}
	}
	for _, text := range []string{"", "cli", "smtp:*:drop", "cli::drop", "cli:*:explode", "cli:*:latency", "cli:*:drop:after=-1", "cli:*:drop:when=now", "cli:*:drop:chance=2"} {
		if f, err := fault.Parse(text); err == nil {
			t.Errorf("%q is read as %s", text, f)
		}
	}
}

// TestTLS: the same over TLS, for a client that trusts the stand-in's
// certificate, and only for such a one.
func TestTLS(t *testing.T) {
	var dir string
	s := start(t, func(c *standin.Config) { c.HTTPSAddr, dir = "127.0.0.1:0", c.Dir })
	pem, err := os.ReadFile(filepath.Join(dir, standin.CertificateFile))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	cfg := ximss.Config{URL: "https://" + s.HTTPSAddr(), User: "ann@corp.example", Password: password, TLS: &tls.Config{RootCAs: roots}}
	sess, err := ximss.Login(t.Context(), ximss.Client(cfg), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := sess.Close(t.Context()); err != nil {
		t.Error(err)
	}
	cfg.TLS = nil
	if _, err := ximss.Login(t.Context(), ximss.Client(cfg), cfg); err == nil {
		t.Error("a certificate that nobody signed is trusted")
	}
}

// TestAdminPage: it shows what is there and the last traffic without secrets,
// and lets nobody else in.
func TestAdminPage(t *testing.T) {
	s := start(t, nil)
	s.session("ann").last(openCalendar, `<passwordModify oldPassword="`+password+`" newPassword="hush-hush"/>`)
	web, _, _ := s.Addrs()
	page := func(user, pw, method, path string, form url.Values) (int, string) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, method, "http://"+web+path, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.SetBasicAuth(user, pw)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close() //nolint:errcheck // read to its end
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(b)
	}
	if code, _ := page("ann@corp.example", "hush-hush", http.MethodGet, "/admin/", nil); code != http.StatusUnauthorized {
		t.Errorf("anybody sees the page: %d", code)
	}
	code, body := page("postmaster", password, http.MethodPost, "/admin/faults", url.Values{"fault": {"ximss:noop:refuse:times=3"}})
	if code != http.StatusOK || !strings.Contains(body, "ximss:noop:refuse:times=3") || !strings.Contains(body, "room-1") || !strings.Contains(body, "calendarOpen") {
		t.Errorf("%d %s", code, body)
	}
	if strings.Contains(body, "hush-hush") || strings.Contains(body, `Password=pw`) {
		t.Errorf("a password is shown: %s", body)
	}
	if code, _ := page("postmaster", password, http.MethodPost, "/admin/faults", url.Values{"fault": {"nonsense"}}); code != http.StatusBadRequest {
		t.Errorf("nonsense is a fault: %d", code)
	}
}

// TestSTLS: the upgrade of a CLI connection, and that nothing sent ahead of
// it in the clear is taken for a command.
func TestSTLS(t *testing.T) {
	var dir string
	s := start(t, func(c *standin.Config) { dir = c.Dir })
	pem, err := os.ReadFile(filepath.Join(dir, standin.CertificateFile))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	_, _, addr := s.Addrs()
	for _, auth := range []string{"", "PLAIN", "CRAM-MD5"} { // the certificate is checked against the address
		c, err := cli.Dial(t.Context(), cli.Config{Addr: addr, User: "postmaster", Password: password, Auth: auth, StartTLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}})
		if err != nil {
			t.Fatalf("%q: %v", auth, err)
		}
		if domains, err := c.ListDomains(t.Context()); err != nil || len(domains) != 1 {
			t.Errorf("%q: %v, %v", auth, domains, err)
		}
		_ = c.Close()
	}
}

// TestFixedIP: a session of an account that asks for it is good for the
// address that signed in only, unless the client has asked not to.
func TestFixedIP(t *testing.T) {
	s := start(t, nil)
	s.session("ann").last(`<prefsStore><FixedIP>YES</FixedIP></prefsStore>`)
	tied := s.session("ann")
	tied.last(`<noop/>`)
	web, _, _ := s.Addrs()
	_, port, _ := strings.Cut(web, ":")
	from := &http.Client{Transport: &http.Transport{DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}).DialContext}}
	defer from.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1:"+port+strings.TrimPrefix(tied.base, "http://"+web)+"sync", strings.NewReader(`<XIMSS><noop id="1"/></XIMSS>`))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := from.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("another address is answered %d", resp.StatusCode)
	}
}
