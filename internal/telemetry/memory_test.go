package telemetry

import (
	"math"
	"runtime/debug"
	"testing"
	"testing/fstest"
)

func TestCgroupMemory(t *testing.T) {
	files := func(pairs ...string) fstest.MapFS {
		out := fstest.MapFS{}
		for i := 0; i < len(pairs); i += 2 {
			out[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
		}
		return out
	}
	const groups = "proc/self/cgroup"
	for _, c := range []struct {
		name  string
		files fstest.MapFS
		limit int64
		file  string
	}{
		{"no control groups", files(), 0, ""},
		{"version 2 without a limit", files(groups, "0::/a\n", "sys/fs/cgroup/a/memory.max", "max\n"), 0, ""},
		{"version 2", files(groups, "0::/system.slice/rmp.service\n", "sys/fs/cgroup/system.slice/rmp.service/memory.max", "536870912\n"), 512 << 20, "/sys/fs/cgroup/system.slice/rmp.service/memory.max"},
		{"version 2, a smaller one around it", files(groups, "0::/s/r\n", "sys/fs/cgroup/s/r/memory.max", "536870912\n", "sys/fs/cgroup/s/memory.max", "268435456\n"), 256 << 20, "/sys/fs/cgroup/s/memory.max"},
		{"version 2 in a container with a name space", files(groups, "0::/\n", "sys/fs/cgroup/memory.max", "100000000\n"), 100_000_000, "/sys/fs/cgroup/memory.max"},
		{"version 2 in a container with the host's path", files(groups, "0::/docker/abc\n", "sys/fs/cgroup/memory.max", "100000000\n"), 100_000_000, "/sys/fs/cgroup/memory.max"},
		{"version 1", files(groups, "5:cpu,cpuacct:/x\n4:memory:/docker/abc\n", "sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", "1073741824\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"), 1 << 30, "/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes"},
		{"version 1 without a limit", files(groups, "4:memory:/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"), 0, ""},
		{"nonsense", files(groups, "what\n0::/../../etc\n", "sys/fs/cgroup/memory.max", "many\n"), 0, ""},
	} {
		if limit, file := CgroupMemory(c.files); limit != c.limit || file != c.file {
			t.Errorf("%s: %d of %q, want %d of %q", c.name, limit, file, c.limit, c.file)
		}
	}
}

func TestLimitMemory(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	root := fstest.MapFS{"proc/self/cgroup": {Data: []byte("0::/\n")}, "sys/fs/cgroup/memory.max": {Data: []byte("8000000000\n")}}
	t.Setenv("GOMEMLIMIT", "1GiB")
	if set, _ := LimitMemory(root); set != 0 || debug.SetMemoryLimit(-1) != before {
		t.Error("what GOMEMLIMIT says was passed over")
	}
	t.Setenv("GOMEMLIMIT", "")
	debug.SetMemoryLimit(math.MaxInt64)
	if set, _ := LimitMemory(root); set != 7_200_000_000 || debug.SetMemoryLimit(-1) != set {
		t.Errorf("set %d, in force %d", set, debug.SetMemoryLimit(-1))
	}
}
