package main

import (
	"bytes"
	"runtime/debug"
	"testing"

	"rmp/internal/app"
)

func TestVersionSaysWhatItWasBuiltFrom(t *testing.T) {
	noted := &debug.BuildInfo{Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.modified", Value: "true"}}}
	for _, c := range []struct {
		released string
		info     *debug.BuildInfo
		want     string
	}{
		{"123", noted, "123"},
		{"", noted, "abc, with changes"},
		{"", &debug.BuildInfo{Settings: noted.Settings[:1]}, "abc"},
		{"", nil, "unknown"},
	} {
		if got := revision(c.released, c.info); got != c.want {
			t.Errorf("revision is %q, want %q", got, c.want)
		}
	}
	var out bytes.Buffer
	if err := run(t.Context(), []string{"version"}, &out, app.Program{}); err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(out.Bytes(), []byte("\n")); n != 3 || !bytes.Contains(out.Bytes(), []byte("go1.")) {
		t.Errorf("rmp version prints %q", out.String())
	}
}
