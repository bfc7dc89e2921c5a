package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	rtrace "runtime/trace"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"rmp/internal/trail"
)

// Recorder keeps what the program does in memory (runtime/trace), and writes
// the last seconds to a file when a request was slow: go tool trace shows
// what ran, waited and collected garbage at that moment.
type Recorder struct {
	dir    string
	log    *slog.Logger
	result *prometheus.CounterVec
	flight *rtrace.FlightRecorder

	// Bounds: a file at most so often, so many, and so many bytes of them.
	every time.Duration
	files int
	bytes int64

	mu      sync.Mutex
	last    time.Time
	writing sync.WaitGroup
}

// Bounds of what is recorded.
const (
	recordEvery = time.Minute
	recordFiles = 20
	recordBytes = 400 << 20
	windowBytes = 16 << 20 // in memory, about
	windowTime  = 10 * time.Second
)

// NewRecorder begins recording. A process can have one.
func NewRecorder(dir string, slow time.Duration, m *Metrics, log *slog.Logger) (*Recorder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("flight-recorder: %w", err)
	}
	r := &Recorder{dir: dir, log: log, result: m.recordings, every: recordEvery, files: recordFiles, bytes: recordBytes,
		flight: rtrace.NewFlightRecorder(rtrace.FlightRecorderConfig{MinAge: max(windowTime, 2*slow), MaxBytes: windowBytes})}
	if err := r.flight.Start(); err != nil {
		return nil, fmt.Errorf("flight-recorder: %w", err)
	}
	return r, nil
}

// Close ends the recording, when what is being written is written.
func (r *Recorder) Close() {
	r.writing.Wait()
	r.flight.Stop()
}

// Slow writes what led to now, in the background. Soon after another it does
// not: many requests are slow at once for one reason.
func (r *Recorder) Slow(ctx context.Context, took time.Duration) {
	now := time.Now()
	r.mu.Lock()
	if !r.last.IsZero() && now.Sub(r.last) < r.every {
		r.mu.Unlock()
		r.result.WithLabelValues("left-out").Inc()
		return
	}
	r.last = now
	r.writing.Add(1)
	r.mu.Unlock()
	go func() {
		defer r.writing.Done()
		file, err := r.write(now, trail.Get(ctx, trail.RequestID))
		if err != nil {
			r.result.WithLabelValues("failed").Inc()
			r.log.WarnContext(ctx, "the recording of a slow request could not be written", "err", err)
			return
		}
		r.result.WithLabelValues("written").Inc()
		r.log.WarnContext(ctx, "a slow request was recorded; go tool trace shows it", "file", file, "took", took)
	}()
}

func (r *Recorder) write(at time.Time, id string) (string, error) {
	tmp, err := os.CreateTemp(r.dir, ".slow-*")
	if err != nil {
		return "", err
	}
	_, err = r.flight.WriteTo(tmp)
	if err = errors.Join(err, tmp.Close()); err != nil {
		_ = os.Remove(tmp.Name())
		return "", err
	}
	name := filepath.Join(r.dir, "slow-"+at.UTC().Format("20060102T150405.000000Z")+"-"+id+".trace")
	if err := os.Rename(tmp.Name(), name); err != nil {
		_ = os.Remove(tmp.Name())
		return "", err
	}
	return name, r.prune()
}

// recorded are the names of our files; they sort by time.
var recorded = regexp.MustCompile(`^slow-\d{8}T\d{6}\.\d{6}Z-\w*\.trace$`)

// prune removes the oldest files beyond the bounds, but not the newest.
func (r *Recorder) prune() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	list, err := os.ReadDir(r.dir)
	if err != nil {
		return err
	}
	slices.Reverse(list)
	n, size := 0, int64(0)
	for _, e := range list {
		info, err := e.Info()
		if err != nil || !recorded.MatchString(e.Name()) {
			continue
		}
		n++
		size += info.Size()
		if n > 1 && (n > r.files || size > r.bytes) {
			if err := os.Remove(filepath.Join(r.dir, e.Name())); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// begin marks a request in the recording.
func (r *Recorder) begin(ctx context.Context, t *Tracing) (context.Context, func()) {
	ctx, task := rtrace.NewTask(ctx, "request")
	rtrace.Log(ctx, trail.RequestID, trail.Get(ctx, trail.RequestID))
	return trail.Active(ctx, tasks{t, trail.Traced(ctx)}), task.End
}

// tasks mark the steps of a trail in the recording, and hand them on.
type tasks struct {
	tracing *Tracing
	traced  bool // the work has spans too
}

// Start implements trail.Tracer.
func (x tasks) Start(ctx context.Context, name string, attrs ...slog.Attr) (context.Context, trail.Span) {
	ctx, task := rtrace.NewTask(ctx, name)
	if !x.traced {
		return ctx, marked{task, nil}
	}
	ctx, s := x.tracing.Start(ctx, name, attrs...)
	return trail.Active(ctx, x), marked{task, s}
}

type marked struct {
	task *rtrace.Task
	span trail.Span
}

// End implements trail.Span.
func (m marked) End(err error) {
	if m.span != nil {
		m.span.End(err)
	}
	m.task.End()
}
