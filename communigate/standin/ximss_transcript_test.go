package standin_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"rmp/communigate/standin/ximssserver"
)

// changingXML are the parts of a reply that are different each time.
var changingXML = regexp.MustCompile(`\d{8}T\d{6}Z?<|localTime="\d{8}T\d{6}"|UIDValidity="\d+"|(urlID|random|nonce)="[^"]*"|<nonce>[^<]*<|estimatedSize="\d+"|<SIZE>\d+<|Size="\d+"|timeModified="[^"]*"`)

// TestXIMSSTranscripts plays the client's side of each transcript: a line is
// a batch with one request. Those before the login go to the login address.
func TestXIMSSTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/ximss/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	used := map[string]bool{"login": true, "auth": true} // of TCP, which the client's own tests have
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s := start(t, nil)
		web, _, _ := s.Addrs()
		changed := false
		sessions := map[string]*session{}
		for i, section := range archive.Files {
			account, _, _ := strings.Cut(section.Name, " ")
			address := "http://" + web + "/XIMSSLogin/?errorAsXML=1"
			if account != "login" {
				if sessions[account] == nil {
					sessions[account] = s.session(account)
				}
				address = sessions[account].base + "sync"
			}
			var out strings.Builder
			for line := range strings.SplitSeq(strings.TrimSuffix(string(section.Data), "\n"), "\n") {
				request, ok := strings.CutPrefix(line, "C: ")
				if !ok {
					continue
				}
				used[request[1:strings.IndexAny(request, " />")]] = true
				doc := exchange(t, http.MethodPost, address, "<XIMSS>"+request+"</XIMSS>")
				fmt.Fprintln(&out, line)
				for _, n := range doc.Children {
					text := changingXML.ReplaceAllStringFunc(n.String(), func(s string) string {
						if name, _, ok := strings.Cut(s, "="); ok {
							return name + `="…"`
						}
						return s[:strings.IndexByte(s, '>')+1] + "…<"
					})
					fmt.Fprintf(&out, "S: %s\n", strings.ReplaceAll(text, "\n", "&#10;"))
				}
			}
			if got := out.String(); got != string(section.Data) {
				if !*record {
					t.Errorf("%s: %s:\n%s", file, section.Name, firstDifference(string(section.Data), got))
				}
				archive.Files[i].Data, changed = []byte(got), true
			}
		}
		if *record && changed {
			if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, name := range ximssserver.Operations() {
		if !used[name] {
			t.Errorf("no transcript has the operation %s", name)
		}
	}
}
