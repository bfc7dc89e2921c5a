package groupware

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"rmp/communigate/ximss"
	"rmp/internal/tenant"
)

// watchTime is how long one session watches: then it begins anew, with the
// resources that there are then.
const watchTime = 10 * time.Minute

// mostWatched bounds the calendars that a session holds open.
const mostWatched = 500

// Watch calls changed with the account of a calendar that somebody has
// written into, as soon as the server gives notice. It takes a session of its
// own, and ends with the context, after a while, or when the session does.
func (g *Groupware) Watch(ctx context.Context, id tenant.ID, accounts []string, changed func(account string)) error {
	o, err := g.of(ctx, id)
	if err != nil {
		return err
	}
	s, err := ximss.Login(ctx, o.server.client, g.session(o.server, o.tenant.ServiceAccount(), o.tenant.ServicePassword))
	if err != nil {
		return err
	}
	o.server.watching.Add(1)
	defer o.server.watching.Add(-1)
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), g.cfg.Timeout)
		defer cancel()
		_ = s.Close(ctx) // it ends by itself otherwise
	}()
	accounts = accounts[:min(len(accounts), mostWatched)]
	for i := 0; i < len(accounts); i += maxBatch {
		var requests []*ximss.Request
		for k := range accounts[i:min(i+maxBatch, len(accounts))] {
			requests = append(requests, ximss.OpenCalendar("w"+strconv.Itoa(i+k), calendarPath(accounts[i+k])))
		}
		if _, err := s.Do(ctx, requests...); err != nil {
			return fmt.Errorf("watch calendars: %w", err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, watchTime)
	defer cancel()
	for n, err := range s.Events(ctx) {
		if err != nil {
			return err
		}
		handle, ok := n.LookupAttr("calendar")
		if k, err := strconv.Atoi(handle[min(1, len(handle)):]); ok && err == nil && k >= 0 && k < len(accounts) {
			changed(accounts[k])
			// Notice comes once until somebody has looked.
			now := time.Now()
			if _, err := s.Do(ctx, ximss.FindEvents(handle, now, now.Add(time.Minute))); err != nil {
				return err
			}
		}
	}
	return nil
}
