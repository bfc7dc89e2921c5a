package app

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rmp/internal/api"
	"rmp/internal/audit"
	"rmp/internal/booking"
	"rmp/internal/directory"
	"rmp/internal/gatekeeper"
	"rmp/internal/store/pgtest"
	"rmp/internal/tenant"
)

// callable is an operation of the OpenAPI document.
type callable struct {
	id, method, path, permission, scope string
}

func operations(t *testing.T) []callable {
	t.Helper()
	var out []callable
	for path, item := range api.New(api.Deps{}).OpenAPI().Paths {
		for method, op := range map[string]*huma.Operation{"GET": item.Get, "POST": item.Post, "PUT": item.Put, "DELETE": item.Delete, "PATCH": item.Patch} {
			if op == nil {
				continue
			}
			permission, _ := op.Extensions["x-permission"].(string)
			scope, _ := op.Extensions["x-scope"].(string)
			if permission == "" || permission != "public" && scope == "" {
				t.Errorf("%s does not declare who may call it", op.OperationID)
			}
			out = append(out, callable{op.OperationID, method, path, permission, scope})
		}
	}
	slices.SortFunc(out, func(a, b callable) int { return strings.Compare(a.id, b.id) })
	return out
}

func (s *served) send(t testing.TB, method, path, token string, body any) (int, string) {
	t.Helper()
	var in io.Reader
	if body != nil {
		j, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		in = bytes.NewReader(j)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, s.url+path, in)
	if err != nil {
		t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // read to the end
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		return res.StatusCode, ""
	}
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// person makes a user with an account and signs them in.
func (s *served) person(t testing.TB, of tenant.Tenant, email string, role tenant.Role) string {
	t.Helper()
	if err := s.gw.EnsurePerson(t.Context(), of, email, email, "pw"); err != nil {
		t.Fatal(err)
	}
	hash, err := gatekeeper.HashPassword(password)
	if err != nil {
		t.Fatal(err)
	}
	u := gatekeeper.User{Tenant: of.ID, Email: email, Name: email, Role: role, CGPDomain: of.Domain, PasswordHash: hash, CGPPassword: "pw", Active: true}
	if err := s.db.SaveUser(t.Context(), &u, 0); err != nil {
		t.Fatal(err)
	}
	status, text := s.send(t, "POST", "/api/v2/auth/login", "", map[string]string{"email": email, "password": password})
	var answer struct{ Token string }
	if err := json.Unmarshal([]byte(text), &answer); err != nil || status != 200 {
		t.Fatal(status, text)
	}
	return answer.Token
}

// TestPermissions: every operation refuses who is not signed in, whose role
// is too low, and a script's token without the scope, before it looks at the
// input.
func TestPermissions(t *testing.T) {
	s := serve(t)
	tokens := map[string]string{"user": s.token}
	for _, role := range []tenant.Role{tenant.Manager, tenant.Admin, tenant.SuperAdmin} {
		tokens[string(role)] = s.person(t, s.tenant, string(role)+"@a.test", role)
	}
	status, text := s.send(t, "POST", "/api/v2/auth/tokens", tokens["super_admin"], map[string]any{"name": "nothing much", "scopes": []string{"people:read"}, "expiresAt": time.Now().Add(time.Hour)})
	var made struct{ Token string }
	if err := json.Unmarshal([]byte(text), &made); err != nil || status != 201 {
		t.Fatal(status, text)
	}
	ranks := []string{"user", "manager", "admin", "super_admin"}
	for _, op := range operations(t) {
		if op.permission == "public" {
			if !strings.HasPrefix(op.path, "/api/v2/auth/") && op.id != "read-feed" && op.id != "read-resource-feed" {
				t.Errorf("%s is public", op.id)
			}
			continue
		}
		path := strings.NewReplacer("{", "", "}", "").Replace(op.path)
		if status, text := s.send(t, op.method, path, "", "garbage"); status != 401 {
			t.Errorf("%s without a sign-in: %d %s", op.id, status, text)
		}
		for _, role := range ranks[:slices.Index(ranks, op.permission)] {
			if status, text := s.send(t, op.method, path, tokens[role], "garbage"); status != 403 {
				t.Errorf("%s as %s: %d %s", op.id, role, status, text)
			}
		}
		if op.scope != "any" && op.scope != "people:read" {
			if status, text := s.send(t, op.method, path, made.Token, "garbage"); status != 403 {
				t.Errorf("%s with a token for something else: %d %s", op.id, status, text)
			}
		}
	}
	entries, err := s.db.Entries(t.Context(), "a", audit.Filter{Action: "create-user", Limit: 100})
	if err != nil || len(entries) != 3 || entries[0].Outcome != audit.Refused { // user, manager, token
		t.Errorf("%d entries of the refused tries, %v", len(entries), err)
	}
}

const mark = "B-SECRET"

// TestTenantsAreWalls: with a token of one tenant and everything of another,
// every operation of the document finds nothing.
func TestTenantsAreWalls(t *testing.T) {
	for name, target := range engineTargets(t) {
		t.Run(name, func(t *testing.T) { testWalls(t, serveOn(t, target)) })
	}
}

func testWalls(t *testing.T, s *served) {
	ctx := t.Context()
	b := tenant.Tenant{ID: "tenant-b", Domain: "b.test", Name: mark, TimeZone: "UTC", Mode: "direct", Active: true, ServicePassword: "pw"}
	if err := s.db.SaveTenant(ctx, &b); err != nil {
		t.Fatal(err)
	}
	if err := s.gw.EnsureTenant(ctx, b, true); err != nil {
		t.Fatal(err)
	}
	theirs := directory.Resource{Email: "room@confroom.resources.b.test", Type: "conference-room", Name: mark, TimeZone: "UTC", Active: true}
	if err := s.gw.EnsureResource(ctx, b, theirs); err != nil {
		t.Fatal(err)
	}
	if err := s.db.For(b.ID).SaveResource(ctx, &theirs); err != nil {
		t.Fatal(err)
	}
	bob := s.person(t, b, "bob@b.test", tenant.Admin)
	must := func(want int, method, path string, body any) map[string]any {
		t.Helper()
		status, text := s.send(t, method, path, bob, body)
		out := map[string]any{}
		if text != "" {
			if err := json.Unmarshal([]byte(text), &out); err != nil {
				t.Fatal(err, text)
			}
		}
		if status != want {
			t.Fatalf("%s %s: %d %s", method, path, status, text)
		}
		return out
	}
	from, till := at(1, 9), at(1, 10)
	made := must(201, "POST", "/api/v2/bookings", map[string]any{"title": mark, "start": from, "end": till, "resources": []string{theirs.Email}})
	held := must(201, "POST", "/api/v2/holds", map[string]any{"start": from.Add(4 * time.Hour), "end": till.Add(4 * time.Hour), "resources": []string{theirs.Email}})
	token := must(201, "POST", "/api/v2/auth/tokens", map[string]any{"name": mark, "scopes": []string{"admin"}, "expiresAt": time.Now().Add(time.Hour)})
	feed := must(201, "POST", "/api/v2/feeds", map[string]any{"resource": theirs.Email})
	event := must(201, "POST", "/api/v2/calendars/bob@b.test/events", map[string]any{"title": mark, "start": from, "end": till})
	must(201, "POST", "/api/v2/contact-folders", map[string]any{"name": "Theirs"})
	contact := must(201, "POST", "/api/v2/contacts", map[string]any{"name": mark, "folder": "Theirs"})
	group := must(201, "POST", "/api/v2/contact-groups", map[string]any{"name": mark, "folder": "Theirs", "members": []any{}})
	before := snapshot(t, s, b.ID)

	id := map[string]string{"{id}": made["id"].(string), "{email}": theirs.Email, "{account}": "bob@b.test", "{uid}": event["uid"].(string), "{delegate}": "anna@a.test", "{name}": "Theirs", "{token}": "guess", "{domain}": "confroom.resources.b.test"}
	special := map[string]string{ // what the parameter means where it is not a booking or a resource
		"release-hold": held["id"].(string), "delete-token": token["id"].(string), "get-tenant": string(b.ID), "change-tenant": string(b.ID),
		"delete-feed": feed["id"].(string), "get-contact": contact["id"].(string), "change-contact": contact["id"].(string), "delete-contact": contact["id"].(string),
		"get-group": group["id"].(string), "change-group": group["id"].(string), "delete-group": group["id"].(string), "answer-invitation": "1",
		"get-user": "bob@b.test", "change-user": "bob@b.test", "delete-user": "bob@b.test",
	}
	period := map[string]any{"from": from.Add(-time.Hour), "till": till.Add(24 * time.Hour)}
	with := func(more map[string]any) map[string]any {
		out := maps.Clone(period)
		maps.Copy(out, more)
		return out
	}
	book := map[string]any{"title": "T", "start": from, "end": till, "resources": []string{theirs.Email}, "attendees": []string{"bob@b.test"}}
	bodies := map[string]any{
		"create-booking": book, "change-booking": book, "preview-booking": book, "create-hold": book,
		"cancel-booking": map[string]any{"reason": "mine now"}, "restore-booking": map[string]any{}, "refresh": map[string]any{"refreshToken": "x.y"},
		"freebusy":           with(map[string]any{"emails": []string{theirs.Email, "bob@b.test"}}),
		"check-availability": map[string]any{"users": []string{"bob@b.test"}, "resources": []string{theirs.Email}, "start": from, "end": till},
		"find-slots":         with(map[string]any{"users": []string{"bob@b.test"}, "resources": []string{theirs.Email}, "duration": 60}),
		"change-resource":    map[string]any{"name": "mine", "timeZone": "UTC"}, "set-type-policy": map[string]any{},
		"retry-failed-writes": map[string]any{"booking": made["id"]}, "create-token": map[string]any{"name": "x", "scopes": []string{"admin"}, "expiresAt": time.Now().Add(time.Hour)},
		"create-event": map[string]any{"title": "T", "start": from, "end": till}, "change-event": map[string]any{"title": "T", "start": from, "end": till}, "import-calendar": "BEGIN:VCALENDAR",
		"set-delegate": map[string]any{"level": "manage"}, "answer-invitation": map[string]any{"answer": "accepted"}, "set-favourite": map[string]any{}, "set-photo": map[string]any{}, "ask-server": map[string]any{"command": "GETACCOUNTEFFECTIVESETTINGS bob@b.test"}, "import-resources": "name\nx\n", "doctor-fix": map[string]any{"checks": []string{"none"}}, "doctor-undo": map[string]any{"run": "theirs"}, "create-folder": map[string]any{"name": "F"}, "create-contact": map[string]any{"name": "C"}, "change-contact": map[string]any{"name": "C"},
		"create-group": map[string]any{"name": "G", "members": []any{}}, "change-group": map[string]any{"name": "G", "members": []any{}}, "create-feed": map[string]any{"resource": theirs.Email},
		"create-resource": map[string]any{"email": "new@confroom.resources.b.test", "name": "N", "timeZone": "UTC"}, "adopt-resources": map[string]any{},
		"create-user": map[string]any{"email": "eve@b.test", "realName": "Eve", "password": "long enough"}, "change-user": map[string]any{"realName": "Eve"},
		"create-tenant": map[string]any{"domain": "c.test", "name": "C", "timeZone": "UTC"}, "change-tenant": map[string]any{"name": "mine", "timeZone": "UTC"},
		"set-settings": map[string]any{"name": "A", "timeZone": "Europe/Berlin", "mode": "direct"}, "login": map[string]any{"email": "bob@b.test", "password": "x"}, "simple-login": map[string]any{"email": "bob@b.test", "password": "x"},
	}
	queries := map[string]string{
		"list-bookings":  "?from=" + from.Add(-time.Hour).Format(time.RFC3339) + "&till=" + till.Add(time.Hour).Format(time.RFC3339) + "&resource=" + theirs.Email + "&organizer=bob@b.test",
		"list-resources": "?q=" + mark, "list-users": "?q=bob", "resource-calendar": "?from=" + from.Format(time.RFC3339) + "&till=" + till.Format(time.RFC3339),
		"audit-log": "?actor=bob@b.test", "list-events": span(from, till), "export-calendar": "?from=" + from.Format(time.RFC3339) + "&till=" + till.Format(time.RFC3339), "search-people": "?q=bob", "read-resource-feed": "?token=guess",
	}
	admin := s.person(t, s.tenant, "root@a.test", tenant.Admin)
	for _, op := range operations(t) {
		path := op.path
		for from, to := range id {
			if other := special[op.id]; other != "" {
				to = other
			}
			path = strings.ReplaceAll(path, from, to)
		}
		own := strings.Contains(path, "{")
		path = strings.ReplaceAll(path, "{type}", "conference-room")
		if strings.Contains(path, "{") {
			t.Errorf("%s: say in this test what %s is of the other tenant", op.id, path)
			continue
		}
		body, known := bodies[op.id]
		if (op.method == "POST" || op.method == "PUT") && !known && op.id != "logout" {
			t.Errorf("%s: say in this test what its body is", op.id)
			continue
		}
		if op.id == "logout" {
			continue // it ends one's own session
		}
		status, text := s.send(t, op.method, path+queries[op.id], admin, body)
		switch {
		case op.permission == "super_admin":
			if status != 403 {
				t.Errorf("%s: %d %s", op.id, status, text)
			}
		case path != op.path && !own:
			if status != 404 && !(op.method == "DELETE" && status == 204 && op.id == "release-hold") {
				t.Errorf("%s %s: %d %s", op.id, path, status, text)
			}
		}
		if strings.Contains(text, mark) || status >= 500 {
			t.Errorf("%s: %d %s", op.id, status, text)
		}
	}
	if after := snapshot(t, s, b.ID); after != before {
		t.Errorf("the other tenant has changed:\n%s\n%s", before, after)
	}
	// A super admin of one tenant works in it; others are reached as tenants
	// only.
	root := s.person(t, s.tenant, "super@a.test", tenant.SuperAdmin)
	if status, text := s.send(t, "GET", "/api/v2/bookings/"+made["id"].(string), root, nil); status != 404 {
		t.Errorf("a super admin: %d %s", status, text)
	}
	if status, text := s.send(t, "GET", "/api/v2/admin/tenants/"+string(b.ID), root, nil); status != 200 || strings.Contains(text, "pw") {
		t.Errorf("a super admin: %d %s", status, text)
	}
}

// snapshot is all that the tenant has, as text.
func snapshot(t *testing.T, s *served, id tenant.ID) string {
	t.Helper()
	ctx := t.Context()
	bookings, err1 := s.db.For(id).Bookings(ctx, booking.Filter{From: at(-30, 0), Till: at(30, 0)})
	for i := range bookings {
		bookings[i].Sync, bookings[i].UpdatedAt = nil, time.Time{} // they go on by themselves
	}
	resources, err2 := s.db.For(id).Resources(ctx, directory.Filter{})
	users, err3 := s.db.Users(ctx, id, gatekeeper.UserFilter{})
	of, err4 := s.db.Tenant(ctx, id)
	var tokens []gatekeeper.APIToken
	for i := range users {
		list, err := s.db.APITokens(ctx, users[i].ID)
		if err != nil {
			t.Fatal(err)
		}
		tokens = append(tokens, list...)
		users[i].LastLogin = time.Time{}
	}
	j, err5 := json.Marshal([]any{bookings, resources, users, of, tokens})
	for _, err := range []error{err1, err2, err3, err4, err5} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return string(j)
}

// TestManagersRunTheirResources: a manager changes what is booked of the
// resources they run, and no others.
func TestManagersRunTheirResources(t *testing.T) {
	s := serve(t)
	admin := s.person(t, s.tenant, "root@a.test", tenant.Admin)
	manager := s.person(t, s.tenant, "manager@a.test", tenant.Manager)
	resource := func(more map[string]any) map[string]any {
		out := map[string]any{"name": "Room", "timeZone": "Europe/Berlin", "capacity": 4}
		maps.Copy(out, more)
		return out
	}
	if status, text := s.send(t, "PUT", "/api/v2/resources/"+room, admin, resource(map[string]any{"managers": []string{"manager@a.test"}})); status != 200 || !strings.Contains(text, "manager@a.test") {
		t.Fatal(status, text)
	}
	made := map[string]string{}
	for i, r := range []string{room, hall} {
		status, text := s.send(t, "POST", "/api/v2/bookings", s.token, map[string]any{"title": "Private thing", "private": true, "start": at(2, 9+i), "end": at(2, 10+i), "resources": []string{r}})
		var b struct{ ID string }
		if err := json.Unmarshal([]byte(text), &b); err != nil || status != 201 {
			t.Fatal(status, text)
		}
		made[r] = b.ID
	}
	for _, x := range []struct {
		method, path string
		body         any
		want         int
	}{
		{"PUT", "/api/v2/resources/" + room, resource(map[string]any{"description": "by its manager"}), 200},
		{"PUT", "/api/v2/resources/" + room, resource(map[string]any{"managers": []string{}}), 403},
		{"PUT", "/api/v2/resources/" + hall, resource(nil), 403},
		{"GET", "/api/v2/bookings/" + made[room] + "/history", nil, 200},
		{"GET", "/api/v2/bookings/" + made[hall] + "/history", nil, 403},
		{"POST", "/api/v2/admin/failed-writes/retry", map[string]any{}, 403},
		{"POST", "/api/v2/admin/failed-writes/retry", map[string]any{"booking": made[hall]}, 403},
		{"POST", "/api/v2/admin/failed-writes/retry", map[string]any{"booking": made[room]}, 200},
		{"DELETE", "/api/v2/bookings/" + made[hall], nil, 403},
		{"DELETE", "/api/v2/bookings/" + made[room], nil, 200},
	} {
		if status, text := s.send(t, x.method, x.path, manager, x.body); status != x.want {
			t.Errorf("%s %s: %d %s", x.method, x.path, status, text)
		}
	}
	if _, text := s.send(t, "GET", "/api/v2/bookings/"+made[room], manager, nil); !strings.Contains(text, "Private thing") {
		t.Errorf("of the manager's room: %s", text)
	}
	if _, text := s.send(t, "GET", "/api/v2/bookings/"+made[hall], manager, nil); strings.Contains(text, "Private thing") {
		t.Errorf("of another room: %s", text)
	}
}

func engineTargets(t *testing.T) map[string]string {
	return map[string]string{"sqlite": filepath.Join(t.TempDir(), "rmp.db"), "postgres": pgtest.URL(t)}
}
