package app

import (
	"bytes"
	"image"
	"image/png"
	"net/http"
	"strings"
	"testing"

	"rmp/internal/tenant"
)

// TestFavouritesAndPhotos: what one person marks is theirs alone; a photo is
// what its content says, has an address of its own, and only who runs the
// resource may set it.
func TestFavouritesAndPhotos(t *testing.T) {
	for name, target := range engineTargets(t) {
		t.Run(name, func(t *testing.T) {
			s := serveOn(t, target)
			bob := s.person(t, s.tenant, "bob@a.test", tenant.User)
			admin := s.person(t, s.tenant, "root@a.test", tenant.Admin)
			s.asked(t, 204, "PUT", "/api/v2/favourites/"+room, s.token, map[string]any{})
			s.asked(t, 204, "PUT", "/api/v2/favourites/"+room, s.token, map[string]any{}) // again
			s.asked(t, 404, "PUT", "/api/v2/favourites/nothing@a.test", s.token, map[string]any{})
			if list := items(s.asked(t, 200, "GET", "/api/v2/resources?favourite=true", s.token, nil)); len(list) != 1 || list[0]["email"] != room {
				t.Error(list)
			}
			if list := items(s.asked(t, 200, "GET", "/api/v2/resources?favourite=true", bob, nil)); len(list) != 0 {
				t.Error("another's:", list)
			}
			s.asked(t, 204, "DELETE", "/api/v2/favourites/"+room, s.token, nil)
			if list := s.asked(t, 200, "GET", "/api/v2/favourites", s.token, nil)["items"].([]any); len(list) != 0 {
				t.Error(list)
			}

			var file bytes.Buffer
			if err := png.Encode(&file, image.NewGray(image.Rect(0, 0, 4, 3))); err != nil {
				t.Fatal(err)
			}
			path := "/api/v2/resources/" + room + "/photo"
			put := func(token, body string, want int) {
				t.Helper()
				req, err := http.NewRequestWithContext(t.Context(), "PUT", s.url+path, strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Authorization", "Bearer "+token)
				req.Header.Set("Content-Type", "image/png")
				res, err := s.client.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				_ = res.Body.Close()
				if res.StatusCode != want {
					t.Errorf("a photo: %d, not %d", res.StatusCode, want)
				}
			}
			s.asked(t, 404, "GET", path, bob, nil)
			put(bob, file.String(), 403)
			put(admin, "<svg onload=alert(1)>", 422)
			put(admin, file.String()+strings.Repeat("x", 1<<20), 413)
			put(admin, file.String(), 204)
			shown := s.asked(t, 200, "GET", "/api/v2/resources/"+room, bob, nil)["photo"].(string)
			if !strings.HasPrefix(shown, path+"?v=") {
				t.Error(shown)
			}
			if status, text := s.send(t, "GET", shown, bob, nil); status != 200 || text != file.String() {
				t.Error(status, len(text))
			}
			s.asked(t, 204, "DELETE", path, admin, nil)
			if r := s.asked(t, 200, "GET", "/api/v2/resources/"+room, bob, nil); r["photo"] != nil {
				t.Error(r["photo"])
			}
		})
	}
}
