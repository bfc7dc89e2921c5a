package standin

import (
	"regexp"
	"slices"
	"sync"
	"time"
)

// Exchange is a command or request with its answer, as it was on the wire.
// Secrets are left out.
type Exchange struct {
	At       time.Time
	Protocol string // cli or ximss
	Account  string
	Request  string
	Reply    string
	Took     time.Duration
}

const (
	keptExchanges = 200
	keptBytes     = 4 << 10 // of each side
)

// wire keeps the last exchanges.
type wire struct {
	mu   sync.Mutex
	ring []Exchange
	next int
}

var (
	secretAttr = regexp.MustCompile(`(?i)\b(password|oldPassword|newPassword|authData|urlID|nonce)="[^"]*"`)
	secretLine = regexp.MustCompile(`(?i)^((?:PASS|NEWPASS|APOP|AUTH)\b).*`)
	secretWord = regexp.MustCompile(`(?i)\b(PASSWORD\s*=?\s*|TO\s+)("(?:[^"\\]|\\.)*"|[^\s;}"]+)`)
)

func clean(s string) string {
	if len(s) > keptBytes {
		s = s[:keptBytes] + " …"
	}
	s = secretAttr.ReplaceAllString(s, `$1="***"`)
	return secretWord.ReplaceAllString(secretLine.ReplaceAllString(s, "$1 ***"), "$1***")
}

func (w *wire) add(e Exchange) {
	e.Request, e.Reply = clean(e.Request), clean(e.Reply)
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.ring) < keptExchanges {
		w.ring = append(w.ring, e)
		return
	}
	w.ring[w.next] = e
	w.next = (w.next + 1) % keptExchanges
}

// last answers the exchanges, the newest first.
func (w *wire) last() []Exchange {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := append(slices.Clone(w.ring[w.next:]), w.ring[:w.next]...)
	slices.Reverse(out)
	return out
}
