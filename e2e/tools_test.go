//go:build e2e

package e2e

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"rmp/communigate/cli"
	"rmp/communigate/dataformat"
)

const (
	oldKey = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	newKey = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
)

// tool runs a command to its end and answers what it printed.
func tool(t *testing.T, key string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary(t), args...)
	cmd.Env = append(os.Environ(), "RMP_SECRET_KEY="+key)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestFirstSteps is the way of an operator on a real server: an organisation,
// people, keys; nothing has a password that others know.
func TestFirstSteps(t *testing.T) {
	web, line := standinOf(t, t.TempDir())
	data := t.TempDir()
	c, err := cli.Dial(t.Context(), cli.Config{Addr: line, User: "boss", Password: "secret word"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // the test is over
	if err := c.CreateDomain(t.Context(), "corp.test", nil); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) string {
		t.Helper()
		out, err := tool(t, oldKey, append(args, "--data", data)...)
		if err != nil {
			t.Fatalf("rmp %v: %v\n%s", args, err, out)
		}
		return out
	}
	refused := func(want string, args ...string) {
		t.Helper()
		out, err := tool(t, oldKey, append(args, "--data", data)...)
		if err == nil || !strings.Contains(out, want) {
			t.Errorf("rmp %v: %v, want %q\n%s", args, err, want, out)
		}
	}
	host, httpPort, _ := net.SplitHostPort(web)
	_, cliPort, _ := net.SplitHostPort(line)
	server := []string{"--cgp.host", host, "--cgp.http-port", httpPort, "--cgp.cli-port", cliPort, "--cgp.admin", "boss", "--cgp.admin-password", "secret word"}
	refused("there is no database in", "user", "add", "root@corp.test")
	refused("the server has no such domain", append([]string{"tenant", "add", "typo.test", "--time-zone", "Europe/Berlin"}, server...)...)
	refused("no organisation has the domain", "user", "add", "root@typo.test")
	refused("is not a time zone", append([]string{"tenant", "add", "corp.test", "--time-zone", "Mars/Olympus"}, server...)...)
	run(append([]string{"tenant", "add", "corp.test", "--name", "Corp", "--time-zone", "Europe/Berlin"}, server...)...)
	refused("is there already", append([]string{"tenant", "add", "corp.test"}, server...)...)
	out := run("user", "add", "root@corp.test", "--name", "Rita Root", "--role", "super_admin")
	found := regexp.MustCompile(`shown this once: (\S+)`).FindStringSubmatch(out)
	if found == nil {
		t.Fatal(out)
	}
	password := found[1]
	if err := c.CreateAccount(t.Context(), "root@corp.test", dataformat.Dict{"Password": password}); err != nil {
		t.Fatal(err)
	}
	refused("already", "user", "add", "root@corp.test")
	refused("not an address", "user", "add", "a b@corp.test", "--tenant", "corp.test")

	p := start(t, running, withCGP(web, line, "--data", data, "--no-demo")...)
	login := func(p *process, email, password string, want int) string {
		t.Helper()
		status, a := p.call(t, "POST", "/api/v2/auth/login", "", map[string]string{"email": email, "password": password})
		if status != want {
			t.Fatalf("login of %s: %d %v", email, status, a)
		}
		token, _ := a["token"].(string)
		return token
	}
	me := func(p *process, token string, want int) {
		t.Helper()
		if status, a := p.call(t, "GET", "/api/v2/auth/me", token, nil); status != want {
			t.Errorf("me: %d %v", status, a)
		}
	}
	first := login(p, "root@corp.test", password, 200)
	me(p, first, 200)

	// A resource that the mail server's administrator has made.
	if err := c.CreateAccount(t.Context(), "old@equipment.resources.corp.test", dataformat.Dict{"Password": "x", "RealName": "Old beamer"}); err != nil {
		t.Fatal(err)
	}
	if out := run(append([]string{"resource", "adopt", "corp.test", "--dry-run"}, server...)...); !strings.Contains(out, "1 adopted, 0 known already, 0 failed (nothing") {
		t.Error(out)
	}
	if out := run(append([]string{"resource", "adopt", "corp.test"}, server...)...); !strings.Contains(out, "Old beamer") {
		t.Error(out)
	}
	if out := run("resource", "list"); !strings.Contains(out, "old@equipment.resources.corp.test") {
		t.Error(out)
	}
	start1, end1 := slot(1)
	if status, a := p.call(t, "POST", "/api/v2/bookings", first, map[string]any{"title": "Show", "start": start1, "end": end1, "resources": []string{"old@equipment.resources.corp.test"}}); status != 201 {
		t.Errorf("booking of the adopted resource: %d %v", status, a)
	}

	file := filepath.Join(t.TempDir(), "users.csv")
	text := "email,name,role,password_hash,active\nanna@corp.test,Anna,user,$2y$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy,1\nevil@elsewhere.test,E,user,,1\nbad@corp.test,B,user,plain,1\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	refused("1 added, 0 changed, 2 refused, of 3 (nothing was changed", "user", "import", file, "--dry-run")
	refused("line 3, evil@elsewhere.test: refused", "user", "import", file)
	if list := run("user", "list"); !strings.Contains(list, "anna@corp.test") || strings.Contains(list, "evil") || !strings.Contains(list, "Rita Root") {
		t.Error(list)
	}

	run("keys", "rotate")
	me(p, first, 200)
	second := login(p, "root@corp.test", password, 200)
	me(p, second, 200)

	refused("nothing to change", "tenant", "set", "corp.test")
	refused("there is no organisation", "tenant", "set", "nobody.test", "--deactivate")
	run("tenant", "set", "corp.test", "--deactivate", "--name", "Corp Ltd")
	me(p, second, 401)
	if list := run("tenant", "list"); !strings.Contains(list, "Corp Ltd") || !strings.Contains(list, "inactive") {
		t.Error(list)
	}
	run("tenant", "set", "corp.test", "--activate")
	second = login(p, "root@corp.test", password, 200)

	run("user", "set", "root@corp.test", "--deactivate")
	me(p, second, 401)
	login(p, "root@corp.test", password, 401)
	run("user", "set", "root@corp.test", "--activate")
	third := login(p, "root@corp.test", password, 200)
	_, log := p.call(t, "GET", "/api/v2/admin/audit", third, nil)
	actions := map[string]bool{}
	for _, e := range log["items"].([]any) {
		e := e.(map[string]any)
		actions[e["action"].(string)+" "+e["outcome"].(string)] = true
		if strings.Contains(e["actor"].(string), "command line") && e["at"] == nil {
			t.Errorf("%v", e)
		}
	}
	for _, want := range []string{"login done", "login refused", "create-user done", "change-user done", "create-tenant done"} {
		if !actions[want] {
			t.Errorf("the audit log has no %q: %v", want, actions)
		}
	}

	// Another secret key: both are known for a while.
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	both := append(withCGP(web, line, "--data", data, "--no-demo"), "--secret-key", newKey, "--secret-key-old", oldKey)
	p = start(t, running, both...)
	me(p, third, 200)
	if out, err := tool(t, newKey, "keys", "reseal", "--data", data, "--secret-key-old", oldKey); err != nil || !strings.Contains(out, "stored secrets were sealed anew") {
		t.Fatalf("%v: %s", err, out)
	}
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	p = start(t, running, append(withCGP(web, line, "--data", data, "--no-demo"), "--secret-key", newKey)...)
	me(p, third, 200)
	login(p, "root@corp.test", password, 200)

	// A second organisation over the API, with a server of its own.
	root := login(p, "root@corp.test", password, 200)
	web2, line2 := standinOf(t, t.TempDir())
	c2, err := cli.Dial(t.Context(), cli.Config{Addr: line2, User: "boss", Password: "secret word"})
	if err != nil {
		t.Fatal(err)
	}
	defer c2.Close() //nolint:errcheck // the test is over
	if err := c2.CreateDomain(t.Context(), "other.test", nil); err != nil {
		t.Fatal(err)
	}
	_, port2, _ := net.SplitHostPort(web2)
	_, cport2, _ := net.SplitHostPort(line2)
	own := func(port string) map[string]any {
		return map[string]any{"domain": "other.test", "name": "Other", "timeZone": "UTC", "server": map[string]any{"host": "127.0.0.1", "httpPort": number(port), "cliPort": number(cport2), "admin": "boss", "adminPassword": "secret word"}}
	}
	status, made := p.call(t, "POST", "/api/v2/admin/tenants", root, own(port2))
	if status != 201 || made["active"] != true {
		t.Fatal(status, made)
	}
	if status, a := p.call(t, "POST", "/api/v2/admin/tenants", root, own(port2)); status != 422 {
		t.Errorf("the same domain again: %d %v", status, a)
	}
	if domains, err := c2.ListDomains(t.Context()); err != nil || len(domains) < 6 {
		t.Errorf("on the other server: %v, %v", domains, err)
	}
	run2 := func(args ...string) {
		t.Helper()
		if out, err := tool(t, newKey, append(args, "--data", data)...); err != nil {
			t.Fatalf("rmp %v: %v\n%s", args, err, out)
		}
	}
	pw := filepath.Join(t.TempDir(), "pw")
	if err := os.WriteFile(pw, []byte("password of olga\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run2("user", "add", "olga@other.test", "--role", "admin", "--password-file", pw)
	if err := c2.CreateAccount(t.Context(), "olga@other.test", dataformat.Dict{"Password": "password of olga"}); err != nil {
		t.Fatal(err)
	}
	me(p, login(p, "olga@other.test", "password of olga", 200), 200)
	// Switched off, its people are out.
	olga := login(p, "olga@other.test", "password of olga", 200)
	if status, a := p.call(t, "PUT", "/api/v2/admin/tenants/"+made["id"].(string), root, map[string]any{"name": "Other", "timeZone": "UTC", "active": false,
		"server": map[string]any{"host": "127.0.0.1", "httpPort": number(port2), "cliPort": number(cport2), "admin": "boss"}}); status != 200 || a["active"] != false {
		t.Fatal(status, a)
	}
	me(p, olga, 401)
}

func number(s string) int {
	n := 0
	for _, c := range s {
		n = 10*n + int(c-'0')
	}
	return n
}

// certificate writes a new self-signed one.
func certificate(t *testing.T, certFile, keyFile, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTLS: the certificate is changed while the server runs, and half a
// change does not hurt.
func TestTLS(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	certificate(t, cert, key, "first.test")
	p := start(t, running, "serve", "--listen", "127.0.0.1:0", "--data", t.TempDir(), "--tls-cert", cert, "--tls-key", key)
	if !strings.HasPrefix(p.url, "https://") {
		t.Fatal(p.url)
	}
	name := func() string {
		t.Helper()
		conn, err := tls.Dial("tcp", strings.TrimPrefix(p.url, "https://"), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		return conn.ConnectionState().PeerCertificates[0].DNSNames[0]
	}
	if name() != "first.test" {
		t.Error(name())
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	resp, err := client.Get(p.url + "/signin")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != 200 || resp.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
	if err := os.WriteFile(cert, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	until(t, "the warning", func() bool { return strings.Contains(p.log.String(), "the former one goes on serving") })
	if name() != "first.test" {
		t.Error(name())
	}
	certificate(t, cert, key, "second.test")
	until(t, "the second certificate", func() bool { return name() == "second.test" })
	resp, err = client.Get(p.url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || !strings.Contains(string(text), "\nrmp_certificate_expiry_timestamp_seconds ") {
		t.Errorf("the metrics do not say when the certificate ends: %v", err)
	}
	// At SIGHUP it is read though its files look as before.
	until(t, "rest", func() bool { return strings.Count(p.log.String(), "the certificate was read again") > 0 })
	at := map[string]time.Time{}
	for _, f := range []string{cert, key} {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		at[f] = info.ModTime()
	}
	aside := t.TempDir()
	certificate(t, filepath.Join(aside, "cert.pem"), filepath.Join(aside, "key.pem"), "third.test")
	for _, f := range []string{cert, key} {
		from := filepath.Join(aside, filepath.Base(f))
		if err := errors.Join(os.Chtimes(from, at[f], at[f]), os.Rename(from, f)); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	until(t, "the third certificate", func() bool { return name() == "third.test" })
	if _, err := tls.Dial("tcp", strings.TrimPrefix(p.url, "https://"), &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11}); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
}

// until waits for something that happens by itself.
func until(t *testing.T, what string, happened func() bool) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for range 300 {
		if happened() {
			return
		}
		<-tick.C
	}
	t.Fatalf("%s did not come", what)
}
