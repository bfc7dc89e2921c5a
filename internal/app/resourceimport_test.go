package app

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"rmp/internal/tenant"
)

// TestImportResources: a preview makes nothing; then each row is made with its
// account, wrong ones are refused with the column, and a repetition finds
// them there.
func TestImportResources(t *testing.T) {
	s := serve(t)
	admin := s.person(t, s.tenant, "root@a.test", tenant.Admin)
	send := func(query, body string, want int) string {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), "POST", s.url+"/api/v2/resources/import"+query, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+admin)
		req.Header.Set("Content-Type", "text/csv")
		res, err := s.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close() //nolint:errcheck // read to the end
		text, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != want {
			t.Fatal(res.StatusCode, string(text), err)
		}
		return string(text)
	}
	csv := "name,type,capacity,features,site\nOslo,Conference room,12,screen; video,North\nSpace 1,parking-space,,,\nWrong,boat,many,,\n"
	has := func(text string, parts ...string) {
		t.Helper()
		for _, p := range parts {
			if !strings.Contains(text, p) {
				t.Errorf("%q is not in %s", p, text)
			}
		}
	}
	has(send("?dryRun=true", csv, 200), `"created":2`, `"refused":1`, `"line":4`, `type: \"boat\" is none of`, `capacity: \"many\"`)
	s.asked(t, 404, "GET", "/api/v2/resources/oslo@confroom.resources.a.test", admin, nil)
	has(send("", csv, 200), `"created":2`, `"refused":1`)
	r := s.asked(t, 200, "GET", "/api/v2/resources/oslo@confroom.resources.a.test", admin, nil)
	if r["capacity"] != 12.0 || r["site"] != "North" {
		t.Error(r)
	}
	if left := ill(examine(t, newDoctor(s), s.tenant, "resource")); len(left) > 0 {
		t.Error("an imported resource is not complete:", left)
	}
	has(send("", csv, 200), `"created":0`, `"known":2`)
	has(send("?update=true", strings.Replace(csv, "12", "14", 1), 200), `"changed":2`)
	if r := s.asked(t, 200, "GET", "/api/v2/resources/oslo@confroom.resources.a.test", admin, nil); r["capacity"] != 14.0 {
		t.Error(r)
	}
	has(send("", "colour\nred\n", 422), "is not a column", "there are email, name")
}
