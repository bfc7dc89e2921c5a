//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"rmp/internal/store/pgtest"
)

// TestConsole: what an operator does with the tools beside a running server.
func TestConsole(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	p := start(t, running, "serve", "--data", data, "--listen", "127.0.0.1:0")
	must := func(want string, args ...string) string {
		t.Helper()
		out, err := tool(t, oldKey, append(args, "--data", data)...)
		if err != nil || !strings.Contains(out, want) {
			t.Fatalf("rmp %v: %v\n%s\nwanted %q", args, err, out, want)
		}
		return out
	}
	refused := func(want string, args ...string) {
		t.Helper()
		out, err := tool(t, oldKey, append(args, "--data", data)...)
		if err == nil || !strings.Contains(out, want) {
			t.Fatalf("rmp %v: %v\n%s\nwanted the refusal %q", args, err, out, want)
		}
	}
	must("confroom.resources.example.test", "cgp", "cli", "LISTDOMAINS")
	if out := must(`"RealName": "Anna Berg"`, "cgp", "cli", "getaccountsettings anna@example.test", "--json"); strings.Contains(out, "rmp-demo") {
		t.Error("a password is shown:", out)
	}
	must("> LISTDOMAINS", "cgp", "cli", "LISTDOMAINS", "--wire")
	refused("changes something", "cgp", "cli", "CREATEDOMAIN new.test")
	refused("cannot be taken back", "cgp", "cli", "DELETEDOMAIN example.test")
	refused("one line", "cgp", "cli", "LISTDOMAINS\nSHUTDOWN")
	must("OK", "cgp", "cli", "CREATEDOMAIN new.test", "--yes")
	must("new.test", "cgp", "cli", "LISTDOMAINS")
	must(`class="IPF.Appointment"`, "cgp", "ximss", `<mailboxList filter="*" mailboxClass="IPF.Appointment"/>`)
	refused("is not one XML element", "cgp", "ximss", `<a/><b/>`)

	must("oslo@confroom.resources.example.test can be booked", "resource", "create", "oslo@confroom.resources.example.test", "--name", "Oslo", "--capacity", "8")
	refused("capacity:", "resource", "create", "bad@confroom.resources.example.test", "--name", "Bad", "--capacity=-3")
	refused("name: is missing", "resource", "create", "bad@confroom.resources.example.test", "--name", "")
	refused("is a resource already", "resource", "create", "oslo@confroom.resources.example.test", "--name", "Oslo")
	csv := filepath.Join(dir, "rooms.csv")
	if err := os.WriteFile(csv, []byte("name,type,capacity\nBergen,conference-room,4\nBad,boat,1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused("nothing was changed", "resource", "import", "example.test", csv, "--dry-run")
	refused("1 created, 0 known already, 1 refused", "resource", "import", "example.test", csv)
	must("Bergen", "resource", "list")
	refused("--yes says yes", "resource", "remove", "bergen@confroom.resources.example.test")
	must("was removed", "resource", "remove", "bergen@confroom.resources.example.test", "--yes", "--account")
	must("example.test: 0 pending", "outbox", "list")
	must(`"givenUp": []`, "outbox", "list", "--json")
	refused("was given up", "outbox", "retry", "example.test", "--booking", "nope")
	must("0 calendar writes are tried again", "outbox", "retry", "example.test")
	must("0 calendar writes were dropped", "outbox", "drop", "example.test", "--yes")

	// The doctor: sound, then broken, and its exit status says so.
	must("0 warnings, 0 failed", "doctor")
	must("OK", "cgp", "cli", "DELETEMAILBOX oslo@confroom.resources.example.test MAILBOX Calendar", "--yes")
	status := func(args ...string) (int, string) {
		t.Helper()
		out, err := tool(t, oldKey, append(args, "--data", data)...)
		if err == nil {
			return 0, out
		}
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			t.Fatal(err, out)
		}
		return exit.ExitCode(), out
	}
	if code, out := status("doctor", "--json"); code != 2 || !strings.Contains(out, `"check": "resource.calendar"`) {
		t.Error(code, out)
	}
	code, out := status("doctor", "--fix")
	if code != 0 || !strings.Contains(out, "take them back with: rmp doctor example.test --undo ") {
		t.Error(code, out)
	}
	_, rest, _ := strings.Cut(out, "--undo ")
	run, _, _ := strings.Cut(rest, "\n")
	must("taken back: create the mailbox Calendar", "doctor", "--undo", run, "--yes")
	if code, out := status("doctor"); code != 2 {
		t.Error(code, out)
	}
	must("3 steps", "doctor", "--fix")
	if code, out := status("doctor", "--cgp.host", "127.0.0.1", "--cgp.cli-port", "1"); code != 2 || !strings.Contains(out, "server.reach") {
		t.Error(code, out)
	}
	for _, bad := range [][]string{{"doctor", "--bogus"}, {"doctor", "--config", filepath.Join(dir, "none.toml")}} { // it could not look
		if code, out := status(bad...); code != 3 {
			t.Error(bad, code, out)
		}
	}

	// Another organisation on the stand-in that runs, with its first person.
	must("The organisation second.test is there", "tenant", "add", "second.test")
	password := filepath.Join(dir, "password")
	if err := os.WriteFile(password, []byte("not so public\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	must("OK", "cgp", "cli", `CREATEACCOUNT rita@second.test {Password="not so public";}`, "--yes")
	must("may enter second.test as admin", "user", "add", "rita@second.test", "--role", "admin", "--password-file", password)
	if status, a := p.call(t, "POST", "/api/v2/auth/login", "", map[string]string{"email": "rita@second.test", "password": "not so public"}); status != 200 {
		t.Error(status, a)
	}
	if err := os.WriteFile(password, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	refused("the password is empty", "user", "set", "rita@second.test", "--password-file", password)
	var reports []map[string]any
	if _, out := status("doctor", "--json"); json.Unmarshal([]byte(out), &reports) != nil || len(reports) != 2 {
		t.Error(out)
	}

	// What is there stays as it is where a file does not say otherwise.
	people := filepath.Join(dir, "people.csv")
	if err := os.WriteFile(people, []byte("email,name\nrita@second.test,Rita R\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	must("name rita → Rita R", "user", "import", people, "--update", "--dry-run")
	must("0 added, 1 changed, 0 refused", "user", "import", people, "--update")
	must("1 as they were", "user", "import", people, "--update")
	must(`"role": "admin"`, "user", "list", "rita", "--json")
}

// TestBackup: a backup that is made while others book is whole, and goes into
// SQLite and into PostgreSQL.
func TestBackup(t *testing.T) {
	dir := t.TempDir()
	data, file := filepath.Join(dir, "data"), filepath.Join(dir, "rmp.tar.gz")
	p := start(t, running, "serve", "--data", data, "--listen", "127.0.0.1:0", "--cgp.write-wait", "0s")
	token := p.login(t, "anna@example.test")
	stop := make(chan struct{})
	var writers sync.WaitGroup
	book := func(w, i int) int {
		at := time.Date(2027, 3, 1, 6, 0, 0, 0, time.UTC).Add(time.Duration(i) * time.Hour)
		room := []string{"berlin", "cork", "dresden", "essen"}[w]
		status, _, _ := p.try("POST", "/api/v2/bookings", token, map[string]any{"title": fmt.Sprintf("W%d-%d", w, i), "start": at, "end": at.Add(time.Hour), "resources": []string{room + "@confroom.resources.example.test"}})
		return status
	}
	made := [4]int{}
	for w := range made {
		writers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if book(w, i) == http.StatusCreated {
					made[w]++
				}
			}
		})
	}
	eventuallyMade := time.After(300 * time.Millisecond)
	<-eventuallyMade
	if out, err := tool(t, oldKey, "backup", file, "--data", data); err != nil {
		t.Fatal(err, out)
	}
	close(stop)
	writers.Wait()
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Error("the backup can be read by others:", info, err)
	}
	total := made[0] + made[1] + made[2] + made[3]
	for name, db := range map[string]string{"sqlite": "", "postgres": pgtest.URL(t)} {
		t.Run(name, func(t *testing.T) {
			into := filepath.Join(t.TempDir(), "data")
			args := []string{"--data", into}
			if db != "" {
				args = append(args, "--db", db)
			}
			if out, err := tool(t, oldKey, append([]string{"restore", file}, args...)...); err != nil {
				t.Fatal(err, out)
			}
			if out, err := tool(t, oldKey, append([]string{"restore", file}, args...)...); err == nil || !strings.Contains(out, "holds an organisation already") {
				t.Error("restored over what is there:", out)
			}
			q := start(t, running, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
			token := q.login(t, "anna@example.test")
			status, answer := q.call(t, "GET", "/api/v2/bookings?from=2027-03-01T00:00:00Z&till=2027-12-01T00:00:00Z&limit=1000", token, nil)
			if status != 200 {
				t.Fatal(status, answer)
			}
			list := answer["items"].([]any)
			if len(list) == 0 || len(list) > total {
				t.Errorf("%d bookings of %d", len(list), total)
			}
			for _, x := range list { // each is whole: its resource, its calendars, its place
				b := x.(map[string]any)
				if len(b["resources"].([]any)) != 1 || len(b["sync"].([]any)) == 0 {
					t.Errorf("half a booking: %v", b)
				}
				again := map[string]any{"title": "Again", "start": b["start"], "end": b["end"], "resources": []any{b["resources"].([]any)[0].(map[string]any)["email"]}}
				if status, answer := q.call(t, "POST", "/api/v2/bookings", token, again); status != 409 {
					t.Fatalf("what was booked is free after the restore: %d %v", status, answer)
				}
			}
		})
	}
	broken, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	broken[len(broken)/2] ^= 0xff
	if err := os.WriteFile(file, broken, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := tool(t, oldKey, "restore", file, "--data", filepath.Join(dir, "other")); err == nil {
		t.Error("a damaged backup was restored:", out)
	}
}
