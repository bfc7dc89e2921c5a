package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
)

// version and commit are set at release builds.
var (
	version = "dev"
	commit  = ""
)

type versionCommand struct{}

func (versionCommand) Run(out io.Writer) error {
	info, _ := debug.ReadBuildInfo()
	_, err := fmt.Fprintf(out, "rmp %s\ncommit %s\n%s %s/%s\n", version, revision(commit, info), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// revision is the commit that the program was built from: that of the
// release, or what Go noted at the build.
func revision(released string, info *debug.BuildInfo) string {
	if released != "" {
		return released
	}
	found, changed := "unknown", ""
	if info != nil {
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				found = s.Value
			case s.Key == "vcs.modified" && s.Value == "true":
				changed = ", with changes"
			}
		}
	}
	return found + changed
}
