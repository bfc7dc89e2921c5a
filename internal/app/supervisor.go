package app

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// supervisor is the service manager that started this process, if one wants
// to be told how it is: systemd, for a unit with Type=notify. The protocol is
// in sd_notify(3) and sd_watchdog_enabled(3): datagrams of lines NAME=VALUE
// to the socket in NOTIFY_SOCKET.
type supervisor struct {
	socket   string        // empty: nobody wants to know
	watchdog time.Duration // longest silence; 0: any
	log      *slog.Logger
}

// tellTime is how long a manager that does not listen is waited for.
const tellTime = time.Second

func newSupervisor(getenv func(string) string, log *slog.Logger) *supervisor {
	s := &supervisor{socket: getenv("NOTIFY_SOCKET"), log: log}
	us, err := strconv.ParseInt(getenv("WATCHDOG_USEC"), 10, 64)
	pid := getenv("WATCHDOG_PID")
	if err == nil && us > 0 && s.socket != "" && (pid == "" || pid == strconv.Itoa(os.Getpid())) {
		s.watchdog = time.Duration(us) * time.Microsecond
	}
	return s
}

// tell sends a state. That nobody can be told is logged and no more: serving
// comes first.
func (s *supervisor) tell(state string) {
	if s.socket == "" {
		return
	}
	name := s.socket
	if rest, ok := strings.CutPrefix(name, "@"); ok {
		name = "\x00" + rest // of the abstract name space
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err == nil {
		defer c.Close() //nolint:errcheck // nothing is buffered
		if err = c.SetWriteDeadline(time.Now().Add(tellTime)); err == nil {
			_, err = c.Write([]byte(state)) // waits while the manager does not read
		}
	}
	if err != nil {
		s.log.Warn("the service manager cannot be told", "state", state, "err", err)
	}
}

func (s *supervisor) ready()  { s.tell("READY=1") }
func (s *supervisor) ending() { s.tell("STOPPING=1") }

// watch tells until the context ends that the process still answers requests:
// not whether its database does, which no restart would mend.
func (s *supervisor) watch(ctx context.Context, h http.Handler) {
	if s.watchdog == 0 {
		return
	}
	tick := time.NewTicker(s.watchdog / 3)
	defer tick.Stop()
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "/healthz", nil)
		if err != nil {
			return
		}
		r.RemoteAddr = "127.0.0.1:0"
		h.ServeHTTP(discard{}, r) // even "too much to do" is an answer
		s.tell("WATCHDOG=1")
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// discard is a response that nobody reads.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) WriteHeader(int)             {}
