package standin_test

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"rmp/communigate/standin/cliserver"
	"rmp/communigate/standin/ximssserver"
)

// TestCoverageIsDocumented holds docs/protocol-coverage.md and the code equal:
// a row for each command and operation that the stand-in serves, and no other.
func TestCoverageIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/protocol-coverage.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| `([A-Za-z]+)` \\| (CLI|XIMSS) \\| (.+) \\| (typed|raw|–) \\|$")
	documented := map[string][]string{}
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		documented[m[2]] = append(documented[m[2]], m[1])
	}
	for protocol, names := range map[string][]string{"CLI": cliserver.Commands(), "XIMSS": ximssserver.Operations()} {
		have := slices.Sorted(slices.Values(documented[protocol]))
		if d := slices.Compact(slices.Clone(have)); len(d) != len(have) {
			t.Errorf("%s: a row stands twice", protocol)
		}
		for _, n := range names {
			if !slices.Contains(have, n) {
				t.Errorf("%s: %s is served, and not in the document", protocol, n)
			}
		}
		for _, n := range have {
			if !slices.Contains(names, n) {
				t.Errorf("%s: %s is in the document, and not served", protocol, n)
			}
		}
	}
}
