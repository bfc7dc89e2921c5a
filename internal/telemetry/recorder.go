package telemetry

import (
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/trace"
	"slices"
	"strings"
	"sync"
	"time"
)

// Recorder keeps the last seconds of what the Go runtime did, and writes them
// into a file when a request was slow, for go tool trace.
type Recorder struct {
	dir  string
	slow time.Duration
	log  *slog.Logger
	done func()

	recorder *trace.FlightRecorder
	mu       sync.Mutex
	last     time.Time
}

const (
	recordings    = 20 // files that are kept
	betweenTwo    = 30 * time.Second
	recordedTime  = 10 * time.Second
	recordedBytes = 8 << 20
	recordedName  = "slow-"
)

// NewRecorder begins to record. Requests slower than slow are written into
// the directory; done, if not nil, is called for each that was.
func NewRecorder(dir string, slow time.Duration, log *slog.Logger, done func()) (*Recorder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("flight-recorder: %w", err)
	}
	r := &Recorder{dir: dir, slow: slow, log: log, done: done, recorder: trace.NewFlightRecorder(trace.FlightRecorderConfig{MinAge: recordedTime, MaxBytes: recordedBytes})}
	return r, r.recorder.Start()
}

// Close ends the recording.
func (r *Recorder) Close() { r.recorder.Stop() }

// Request is told of a request that was answered. A slow one is written, if
// none was a moment ago.
func (r *Recorder) Request(id, operation string, took time.Duration, now time.Time) {
	if took < r.slow {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Sub(r.last) < betweenTwo {
		return
	}
	r.last = now
	name := filepath.Join(r.dir, recordedName+now.UTC().Format("20060102T150405Z")+"-"+id+".trace")
	if err := r.write(name); err != nil {
		r.log.Warn("a slow request could not be recorded", "requestId", id, "err", err)
		return
	}
	r.log.Warn("a slow request was recorded; see go tool trace", "requestId", id, "operation", operation, "took", took, "file", name)
	if r.done != nil {
		r.done()
	}
}

func (r *Recorder) write(name string) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = r.recorder.WriteTo(f)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		_ = os.Remove(name)
		return err
	}
	return r.sweep()
}

// sweep removes the oldest beyond those that are kept; the names begin with
// the time.
func (r *Recorder) sweep() error {
	list, err := os.ReadDir(r.dir)
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(e fs.DirEntry) bool { return !strings.HasPrefix(e.Name(), recordedName) })
	for _, e := range list[:max(0, len(list)-recordings)] {
		if err := os.Remove(filepath.Join(r.dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
