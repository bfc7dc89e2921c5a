package cliserver

import (
	"errors"
	"strings"
	"testing"

	"rmp/communigate/dataformat"
	"rmp/communigate/standin/backend"
)

// FuzzCommand: whatever a client sends is answered by data that can be
// written on one line, or by a refusal.
func FuzzCommand(f *testing.F) {
	for _, line := range []string{`CREATEMAILBOX a MAILBOX "b" CLASS IPF.Appointment AUTH c`, `LISTDOMAINOBJECTS d FILTER "x" 3 ACCOUNTS COOKIE ""`,
		`WRITESTORAGEFILE a FILE b OFFSET END DATA [QQ==]`, `SETMAILBOXACL postmaster MAILBOX INBOX {"a"="+b";}`, `MODIFYACCOUNTTELNUMS * {op=pop;}`,
		`UPDATEACCOUNTMAILRULE * (1,a)`, "GETACCOUNTINFO * (a)", "ECHO #T01-02-2025"} {
		f.Add(line)
	}
	b, err := backend.Open(f.Context(), backend.Options{Dir: f.TempDir(), MainDomain: "x.example", Admin: "postmaster", AdminPassword: "pw", Mode: backend.Lenient})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = b.Close() })
	s := New(b, Options{KillSessions: func(string) {}, KillSession: func(string) {}, Sessions: func(string) []string { return nil },
		SessionOwner: func(string) (string, bool) { return "", false }, OpenSession: func(backend.Account) (string, error) { return "1", nil }})
	var who backend.Account
	if err := b.View(f.Context(), func(tx *backend.Tx) error {
		var err error
		who, err = tx.Account("postmaster")
		return err
	}); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, line string) {
		v, err := s.Execute(t.Context(), who, strings.Trim(line, "\r\n"))
		var refused *backend.Error
		switch {
		case errors.As(err, &refused):
		case err != nil:
			t.Fatalf("%q: %v", line, err)
		case v != nil:
			text, err := dataformat.Text(v)
			if err != nil || strings.ContainsAny(text, "\r\n") {
				t.Fatalf("%q is answered by %q: %v", line, text, err)
			}
		}
	})
}
