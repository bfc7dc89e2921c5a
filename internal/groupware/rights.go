package groupware

import (
	"context"
	"fmt"
	"sync"
	"time"

	"rmp/communigate/cli"
	"rmp/internal/people"
	"rmp/internal/tenant"
)

// rightsKept is how long a right of the service account that was seen is
// relied on.
const rightsKept = 10 * time.Minute

// writingRights are those without which a write is lost.
const writingRights = "lrsit"

// rights remembers where the service account may write.
type rights struct {
	mu   sync.Mutex
	seen map[string]time.Time
}

func rightsKey(t tenant.Tenant, account string) string { return string(t.ID) + "\x00" + account }

func (r *rights) known(key string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Since(r.seen[key]) < rightsKept
}

func (r *rights) note(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.seen) > 100_000 {
		clear(r.seen)
	}
	r.seen[key] = time.Now()
}

// ensureRight makes sure, before something is written into an account's
// calendar, that the service account may: CommuniGate Pro does not always say
// when it may not. A missing right, or calendar, is made where that is
// possible. What cannot be asked is left to the write itself.
func (g *Groupware) ensureRight(ctx context.Context, t tenant.Tenant, account string) error {
	key := rightsKey(t, account)
	if account == t.ServiceAccount() || g.rights.known(key) {
		return nil
	}
	err := g.serverOf(t).cli.With(ctx, func(c *cli.Conn) error {
		letters, err := c.MailboxRights(ctx, account, calendarMailbox, t.ServiceAccount())
		if err == nil && people.Has(letters, writingRights) {
			return nil
		}
		if err := ensureCalendar(ctx, c, t, account); err != nil {
			return fmt.Errorf("%s may not write into it, and the right could not be made: %w", t.ServiceAccount(), err)
		}
		g.log.WarnContext(ctx, "the right to a calendar was missing and was made", "account", account, "tenant", t.ID)
		return nil
	})
	if err != nil {
		return cliFault(err, "there is no such account at CommuniGate Pro")
	}
	g.rights.note(key)
	return nil
}
