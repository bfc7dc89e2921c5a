//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestSecretsStayInside runs through all that handles secrets, at the
// greatest detail of the log, and looks for each of them in it.
func TestSecretsStayInside(t *testing.T) {
	data, mail := t.TempDir(), t.TempDir()
	web, line := standinOf(t, mail)
	p := start(t, running, withCGP(web, line, "--data", data, "--demo", "yes", "--log-level", "debug")...)
	secrets := map[string]string{"the demo's password": "rmp-demo", "the administrator's password": "secret word", "the key": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}
	status, a := p.call(t, "POST", "/api/v2/auth/login", "", map[string]string{"email": "admin@example.test", "password": "rmp-demo"})
	if status != 200 {
		t.Fatal(status, a)
	}
	token := a["token"].(string)
	secrets["the access token"], secrets["the refresh token"] = token, a["refreshToken"].(string)
	_, b := p.call(t, "POST", "/api/v2/auth/refresh", "", map[string]any{"refreshToken": a["refreshToken"]})
	secrets["the second refresh token"] = b["refreshToken"].(string)
	_, k := p.call(t, "POST", "/api/v2/auth/tokens", token, map[string]any{"name": "x", "scopes": []string{"admin", "bookings:read"}, "expiresAt": time.Now().Add(time.Hour)})
	secrets["a script's token"] = k["token"].(string)
	for i, body := range []map[string]any{
		{"email": "new@example.test", "realName": "New", "password": "pass-of-new", "cgproPassword": "mail-of-new"},
		{"email": "bad\r\n@example.test", "realName": "New", "password": "pass-of-bad", "cgproPassword": "mail-of-bad", "role": "god"},
	} {
		p.call(t, "POST", "/api/v2/admin/users", token, body)
		secrets["password "+strconv.Itoa(i)], secrets["mail password "+strconv.Itoa(i)] = body["password"].(string), body["cgproPassword"].(string)
	}
	p.call(t, "POST", "/api/v2/auth/login", "", map[string]string{"email": "ben@example.test", "password": "wrong-guess", "cgproPassword": "wrong-mail"})
	p.call(t, "POST", "/api/v2/auth/login", "", map[string]string{"email": "new@example.test", "password": "pass-of-new"})
	secrets["a wrong guess"], secrets["a wrong mail password"] = "wrong-guess", "wrong-mail"
	p.call(t, "POST", "/api/v2/admin/tenants", token, map[string]any{"domain": "other.test", "name": "O", "timeZone": "UTC",
		"server": map[string]any{"host": "127.0.0.1", "httpPort": 1, "cliPort": 1, "admin": "boss", "adminPassword": "server-secret"}, "oidc": map[string]any{"issuer": "http://127.0.0.1:1", "clientId": "x", "clientSecret": "client-secret"}})
	secrets["the other server's password"], secrets["the client secret"] = "server-secret", "client-secret"
	p.call(t, "POST", "/api/v2/bookings", token, request(1, room))
	p.call(t, "GET", "/api/v2/bookings", k["token"].(string), nil)
	settled(t, p)
	for _, path := range []string{"/api/v2/admin/users?limit=1000", "/api/v2/admin/users/new@example.test", "/api/v2/admin/tenants", "/api/v2/admin/audit?limit=1000", "/api/v2/auth/tokens", "/api/v2/auth/me"} {
		status, answer := p.call(t, "GET", path, token, nil)
		text := fmt.Sprint(answer)
		for name, s := range secrets {
			if strings.Contains(text, s) {
				t.Errorf("%s: %d shows %s", path, status, name)
			}
		}
	}
	log := p.log.String()
	if !strings.Contains(log, "level=DEBUG") {
		t.Log("there is no line of DEBUG in the log")
	}
	for name, s := range secrets {
		if strings.Contains(log, s) {
			t.Errorf("the log shows %s", name)
		}
	}
	// Stored, they are sealed or hashed.
	for _, dir := range []string{data} {
		files, err := filepath.Glob(filepath.Join(dir, "rmp.db*"))
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for name, s := range secrets {
				if bytes.Contains(b, []byte(s)) {
					t.Errorf("%s holds %s", filepath.Base(f), name)
				}
			}
		}
	}
}
