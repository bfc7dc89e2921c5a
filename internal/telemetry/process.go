package telemetry

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"

	"rmp/internal/trail"
)

// NewLog makes the logger: text or JSON lines, at a level that can be changed
// while it is in use.
func NewLog(out io.Writer, format string, level slog.Leveler) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	var h slog.Handler = slog.NewTextHandler(out, options)
	if format == "json" {
		h = slog.NewJSONHandler(out, options)
	}
	return slog.New(trail.Handler{Handler: h})
}

// memoryShare of what the control group allows is left to Go's heap.
const memoryShare = 0.9

// LimitMemory has the garbage collector keep to what the control group of the
// process allows, unless GOMEMLIMIT says something. root is / but in tests.
// It answers the limit in bytes; 0: there is none.
func LimitMemory(root string) int64 {
	if os.Getenv("GOMEMLIMIT") != "" {
		return 0
	}
	limit := cgroupLimit(root)
	if limit <= 0 {
		return 0
	}
	limit = int64(float64(limit) * memoryShare)
	debug.SetMemoryLimit(limit)
	return limit
}

// cgroupLimit is the least limit of the process's control group and those
// above it (version 2), or of the group (version 1).
func cgroupLimit(root string) int64 {
	least := int64(0)
	take := func(file string) {
		text, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			return
		}
		n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64) // "max" is none
		if err == nil && n > 0 && n < 1<<60 && (least == 0 || n < least) {
			least = n
		}
	}
	own, _ := os.ReadFile(filepath.Join(root, "proc/self/cgroup"))
	for line := range strings.Lines(string(own)) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			for dir := path; ; dir = filepath.Dir(dir) {
				take(filepath.Join("sys/fs/cgroup", dir, "memory.max"))
				if dir == "/" || dir == "." {
					break
				}
			}
		}
	}
	take("sys/fs/cgroup/memory/memory.limit_in_bytes")
	return least
}

// Bytes writes a size for people.
func Bytes(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }
