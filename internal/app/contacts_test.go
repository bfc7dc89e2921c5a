package app

import (
	"fmt"
	"strings"
	"testing"
)

// TestContacts: folders, contacts and groups, and the refusals.
func TestContacts(t *testing.T) {
	s := serve(t)
	s.asked(t, 204, "DELETE", "/api/v2/contact-folders/Contacts", s.token, nil) // the first contact makes it
	if list := items(s.asked(t, 200, "GET", "/api/v2/contact-folders", s.token, nil)); len(list) != 0 {
		t.Fatalf("%v", list)
	}
	ada := map[string]any{"name": "Ada Byron", "given": "Ada", "family": "Byron", "company": "Engines; Ltd, \"A\"", "emails": []any{map[string]any{"value": "ada@elsewhere.test", "types": []string{"WORK"}}},
		"phones": []any{map[string]any{"value": "+44 1", "types": []string{"CELL"}}}, "addresses": []any{map[string]any{"street": "12 St James\nSquare", "city": "London"}}, "note": "a\nb", "birthday": "1815-12-10"}
	made := s.asked(t, 201, "POST", "/api/v2/contacts", s.token, ada)
	if made["folder"] != "Contacts" {
		t.Errorf("%v", made)
	}
	one := "/api/v2/contacts/" + made["id"].(string)
	got := s.asked(t, 200, "GET", one, s.token, nil)
	for _, field := range []string{"name", "given", "family", "company", "note", "birthday"} {
		if got[field] != ada[field] {
			t.Errorf("%s: %v, not %v", field, got[field], ada[field])
		}
	}
	if fmt.Sprint(got["emails"]) != fmt.Sprint(ada["emails"]) && !strings.Contains(fmt.Sprint(got["emails"]), "ada@elsewhere.test") {
		t.Errorf("%v", got["emails"])
	}
	ada["title"] = "Countess"
	changed := s.asked(t, 200, "PUT", one, s.token, ada)
	if changed["title"] != "Countess" || changed["uid"] != made["uid"] || changed["id"] == made["id"] {
		t.Errorf("%v", changed)
	}
	s.asked(t, 404, "PUT", one, s.token, ada) // the id of the old state
	if list := items(s.asked(t, 200, "GET", "/api/v2/contacts?q=engines", s.token, nil)); len(list) != 1 {
		t.Errorf("%v", list)
	}
	s.asked(t, 201, "POST", "/api/v2/contact-folders", s.token, map[string]any{"name": "Suppliers"})
	ada["folder"] = "Suppliers"
	s.asked(t, 201, "POST", "/api/v2/contacts", s.token, ada)
	if list := items(s.asked(t, 200, "GET", "/api/v2/contacts?folder=Suppliers", s.token, nil)); len(list) != 1 {
		t.Errorf("%v", list)
	}
	if list := items(s.asked(t, 200, "GET", "/api/v2/contact-folders", s.token, nil)); len(list) != 2 {
		t.Errorf("%v", list)
	}
	for path, body := range map[string]map[string]any{
		"/api/v2/contacts":        {"name": " "},
		"/api/v2/contacts?":       {"name": "x", "emails": []any{map[string]any{"value": "no address"}}},
		"/api/v2/contacts??":      {"name": "x\r\ny"},
		"/api/v2/contact-folders": {"name": "INBOX"},
		"/api/v2/contact-groups":  {"name": "", "members": []any{}},
	} {
		s.asked(t, 422, "POST", strings.TrimRight(path, "?"), s.token, body)
	}
	ada["folder"] = "Nowhere"
	s.asked(t, 404, "POST", "/api/v2/contacts", s.token, ada)
	s.asked(t, 404, "GET", "/api/v2/contacts/AAAA", s.token, nil)
	s.asked(t, 404, "DELETE", "/api/v2/contact-folders/INBOX", s.token, nil)
	s.asked(t, 404, "DELETE", "/api/v2/contact-folders/Calendar", s.token, nil)
	s.asked(t, 204, "DELETE", "/api/v2/contacts/"+changed["id"].(string), s.token, nil)
	s.asked(t, 404, "DELETE", "/api/v2/contacts/"+changed["id"].(string), s.token, nil)
	s.asked(t, 204, "DELETE", "/api/v2/contact-folders/Suppliers", s.token, nil)
	if list := items(s.asked(t, 200, "GET", "/api/v2/contacts", s.token, nil)); len(list) != 0 {
		t.Errorf("%v", list)
	}
	// Another person sees none of it.
	s.asked(t, 404, "GET", one, ofBen(t, s), nil)
}

// TestGroupsAreInvited: a group stands for its people wherever attendees are,
// with groups within it, and groups that hold each other.
func TestGroupsAreInvited(t *testing.T) {
	s := serve(t)
	member := func(address string) map[string]any { return map[string]any{"name": "N", "address": address} }
	group := func(name string, members ...any) map[string]any {
		return s.asked(t, 201, "POST", "/api/v2/contact-groups", s.token, map[string]any{"name": name, "members": members})
	}
	inner := group("Inner", member(ben), member("c@other.test"))
	outer := group("Outer", member("d@other.test"), member(strings.ToUpper(ben)), member(inner["uid"].(string)))
	// Inner holds Outer too.
	inner = s.asked(t, 200, "PUT", "/api/v2/contact-groups/"+inner["id"].(string), s.token, map[string]any{"name": "Inner", "members": []any{member(ben), member("c@other.test"), member(outer["uid"].(string))}})
	b := s.asked(t, 201, "POST", "/api/v2/bookings", s.token, map[string]any{"title": "All", "start": rfc(at(1, 9)), "end": rfc(at(1, 10)), "resources": []string{room},
		"attendees": []any{map[string]any{"group": outer["id"], "role": "optional"}, "c@other.test"}})
	got := map[string]string{}
	for _, x := range b["attendees"].([]any) {
		x := x.(map[string]any)
		got[x["email"].(string)] = x["role"].(string)
	}
	want := map[string]string{ben: "optional", "c@other.test": "required", "d@other.test": "optional"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, not %v", got, want)
	}
	if a := s.asked(t, 422, "POST", "/api/v2/bookings", s.token, map[string]any{"title": "All", "start": rfc(at(2, 9)), "end": rfc(at(2, 10)), "resources": []string{room}, "attendees": []any{map[string]any{"group": "nothing"}}}); !strings.Contains(fmt.Sprint(a["errors"]), "/attendees/0/group") {
		t.Errorf("%v", a)
	}
	// The search for a time knows the group too: Ben is busy at nine.
	slots := s.asked(t, 200, "POST", "/api/v2/availability/slots", s.token, map[string]any{"users": []any{map[string]any{"group": outer["id"]}}, "duration": 60, "from": rfc(at(1, 9)), "till": rfc(at(1, 10))})
	if list, _ := slots["slots"].([]any); len(list) != 0 || len(slots["why"].([]any)) == 0 {
		t.Errorf("%v", slots)
	}
	found := items(s.asked(t, 200, "GET", "/api/v2/people?q=out", s.token, nil))
	if len(found) != 1 || found[0]["kind"] != "group" || found[0]["id"] != outer["id"] {
		t.Errorf("%v", found)
	}
	found = items(s.asked(t, 200, "GET", "/api/v2/people?q=roo", s.token, nil))
	if len(found) != 1 || found[0]["kind"] != "resource" {
		t.Errorf("%v", found)
	}
	_ = inner
}
