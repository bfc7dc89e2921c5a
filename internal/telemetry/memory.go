package telemetry

import (
	"io/fs"
	"math"
	"os"
	"path"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
)

// unlimited is where version 1 of control groups ends: what is above counts as
// no limit there.
const unlimited = math.MaxInt64 / 2

// CgroupMemory answers what the control group of the process (version 2 or 1)
// and those around it allow it, in bytes, and which file says so; 0 where
// nothing does. root is the top of the file system.
func CgroupMemory(root fs.FS) (limit int64, file string) {
	groups, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return 0, ""
	}
	for line := range strings.Lines(string(groups)) {
		// hierarchy:controllers:path; version 2 is 0::path
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) != 3 {
			continue
		}
		var top, name string
		switch {
		case f[0] == "0" && f[1] == "":
			top, name = "sys/fs/cgroup", "memory.max"
		case slices.Contains(strings.Split(f[1], ","), "memory"):
			top, name = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		default:
			continue
		}
		// In a container the path may be one of the host: then only the top is
		// there, which is the container's own.
		for at := path.Join("/", f[2]); ; at = path.Dir(at) {
			in := path.Join(top, at, name)
			if n := readLimit(root, in); n > 0 && (limit == 0 || n < limit) {
				limit, file = n, "/"+in
			}
			if at == "/" {
				break
			}
		}
	}
	return limit, file
}

func readLimit(root fs.FS, file string) int64 {
	b, err := fs.ReadFile(root, file)
	if err != nil {
		return 0
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64) // or "max"
	if err != nil || n >= unlimited {
		return 0
	}
	return n
}

// LimitMemory has Go keep to nine tenths of what the control group allows, so
// that it collects garbage rather than being killed. The environment variable
// GOMEMLIMIT comes before it. It answers the limit that was set, 0 for none,
// and the file that says so.
func LimitMemory(root fs.FS) (set int64, file string) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return 0, ""
	}
	limit, file := CgroupMemory(root)
	if limit == 0 {
		return 0, ""
	}
	set = limit / 10 * 9
	debug.SetMemoryLimit(set)
	return set, file
}
