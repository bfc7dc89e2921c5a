package userimport

import (
	"strings"
	"testing"

	"rmp/internal/gatekeeper"
	"rmp/internal/tenant"
)

const hash = `$2y$10$abcdefghijklmnopqrstuuWJ8gXH0qyQHqVd5nB8Z1gkq3lR8XQFa`

func TestCSV(t *testing.T) {
	for name, text := range map[string]string{
		"commas":     "email,real_name,role,password_hash,cgpro_password,active,shoe_size\nanna@a.test,\"Berg, Anna\",admin," + hash + ",geheim,1,39\nbo@a.test,,,,,no,\n",
		"semicolons": "\ufeffEMAIL;name;Role;hash;cgp_password;enabled;shoe_size\r\nanna@a.test;Berg, Anna;ADMIN;" + hash + ";geheim;t;39\r\nbo@a.test;;;;;0;\r\n",
	} {
		got, err := CSV(strings.NewReader(text))
		if err != nil {
			t.Fatal(name, err)
		}
		check(t, name, got)
	}
	for name, text := range map[string]string{"empty": "", "no address": "name,role\nx,user\n", "active": "email,active\na@a.test,maybe\n", "ragged": "email,name\na@a.test\n"} {
		if _, err := CSV(strings.NewReader(text)); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestSQL(t *testing.T) {
	for name, text := range map[string]string{
		"MySQL": "/*!40101 SET NAMES utf8 */;\nCREATE TABLE `gatekeeper_users` (`id` int);\nINSERT INTO `other` VALUES (1,'x');\n" +
			"INSERT INTO `gatekeeper_users` (`id`, `email`, `name`, `role`, `password`, `cgpro_password`, `is_active`) VALUES\n(1,'anna@a.test','Berg, Anna','admin','" + hash + "','geheim',1),\n(2,'bo@a.test',NULL,NULL,NULL,NULL,0);\n",
		"PostgreSQL": "-- dump; INSERT INTO gatekeeper_users\nINSERT INTO public.gatekeeper_users (id, email, name, role, password_hash, cgp_password, active) VALUES (-1, 'anna@a.test', E'Berg, Anna', 'admin', '" + hash + "', 'geheim', true);\n" +
			"INSERT INTO public.gatekeeper_users (id, email, name, role, password_hash, cgp_password, active) VALUES (2, 'bo@a.test', '', NULL, NULL, NULL, false);",
	} {
		got, err := SQL(strings.NewReader(text))
		if err != nil {
			t.Fatal(name, err)
		}
		check(t, name, got)
	}
	got, err := SQL(strings.NewReader(`INSERT INTO gatekeeper_users (email, name) VALUES ('o''neil\'s@a.test', 'a; DROP TABLE x; --')`))
	if err != nil || got.Rows[0].Person.Email != "o'neil's@a.test" || got.Rows[0].Person.Name != "a; DROP TABLE x; --" {
		t.Errorf("%+v %v", got, err)
	}
	for name, text := range map[string]string{"nothing": "SELECT 1;", "no columns": "INSERT INTO gatekeeper_users VALUES ('a@a.test')", "open": "INSERT INTO gatekeeper_users (email) VALUES ('a",
		"count": "INSERT INTO gatekeeper_users (email, name) VALUES ('a@a.test')", "call": "INSERT INTO gatekeeper_users (email) VALUES (lower('A@a.test'))"} {
		if _, err := SQL(strings.NewReader(text)); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func check(t *testing.T, name string, got Result) {
	t.Helper()
	if len(got.Rows) != 2 || len(got.Ignored) != 1 {
		t.Fatalf("%s: %+v", name, got)
	}
	a, b := got.Rows[0].Person, got.Rows[1].Person
	if a.Email != "anna@a.test" || a.Name != "Berg, Anna" || a.Role != tenant.Admin || a.Hash != hash || a.CGPPassword.Reveal() != "geheim" || !a.Active {
		t.Errorf("%s: %+v", name, a)
	}
	if b.Email != "bo@a.test" || b.Name != "bo" || b.Role != tenant.User || b.Hash != "" || b.CGPPassword != nil || b.Active {
		t.Errorf("%s: %+v", name, b)
	}
}

func FuzzCSV(f *testing.F) {
	f.Add("email,active\na@a.test,1\n")
	f.Fuzz(func(t *testing.T, s string) {
		r, err := CSV(strings.NewReader(s))
		if err == nil && len(r.Rows) > strings.Count(s, "\n")+strings.Count(s, "\r")+1 {
			t.Errorf("%d rows of %q", len(r.Rows), s)
		}
	})
}

func FuzzSQL(f *testing.F) {
	f.Add("INSERT INTO `gatekeeper_users` (email) VALUES ('a@a.test'), ('b''@b.test');")
	f.Add("/* x */ -- y\nINSERT IGNORE INTO s.gatekeeper_users (\"email\", name) VALUES (E'\\'', NULL)")
	f.Fuzz(func(t *testing.T, s string) {
		r, err := SQL(strings.NewReader(s))
		if err == nil && len(r.Rows) == 0 {
			t.Error("nothing, and no error")
		}
		for _, row := range r.Rows {
			if row.Line < 1 || row.Line > strings.Count(s, "\n")+1 {
				t.Errorf("line %d of %q", row.Line, s)
			}
		}
	})
}

// TestOnto: of somebody who is there already, what the file does not say stays.
func TestOnto(t *testing.T) {
	there := gatekeeper.User{Email: "ben@a.test", Name: "Ben", Role: tenant.Admin, CGPDomain: "mail.a.test", Active: false}
	for text, want := range map[string]gatekeeper.Person{
		"email,name\nben@a.test,Benjamin\n":           {Email: "ben@a.test", Name: "Benjamin", Role: tenant.Admin, CGPDomain: "mail.a.test"},
		"email,name,role,active\nben@a.test,,,\n":     {Email: "ben@a.test", Name: "Ben", Role: tenant.Admin, CGPDomain: "mail.a.test"},
		"email,role,active\nben@a.test,user,1\n":      {Email: "ben@a.test", Name: "Ben", Role: tenant.User, CGPDomain: "mail.a.test", Active: true},
		"email,domain,enabled\nben@a.test,a.test,0\n": {Email: "ben@a.test", Name: "Ben", Role: tenant.Admin, CGPDomain: "a.test"},
	} {
		got, err := CSV(strings.NewReader(text))
		if err != nil || len(got.Rows) != 1 {
			t.Fatal(err)
		}
		if n := got.Rows[0].Onto(there); n != want {
			t.Errorf("%q: %+v", text, n)
		}
	}
}
