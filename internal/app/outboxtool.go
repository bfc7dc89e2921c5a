package app

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"rmp/internal/config"
)

// OutboxList runs `rmp outbox list`.
func OutboxList(ctx context.Context, c config.OutboxList, out io.Writer) error {
	return withTools(ctx, c.Database, out, func(t *tools) error {
		list, err := t.tenants(ctx, c.Tenant)
		if err != nil {
			return err
		}
		type write struct {
			Booking  string    `json:"booking"`
			Start    time.Time `json:"start"`
			Calendar string    `json:"calendar"`
			Attempts int       `json:"attempts"`
			Error    string    `json:"error"`
		}
		type backlog struct {
			Domain  string     `json:"domain"`
			Pending int        `json:"pending"`
			Oldest  *time.Time `json:"oldest,omitempty"`
			Failed  int        `json:"failed"`
			GivenUp []write    `json:"givenUp"`
		}
		answer := []backlog{}
		for _, of := range list {
			pending, failed, oldest, err := t.db.For(of.ID).Backlog(ctx)
			if err != nil {
				return err
			}
			age := ""
			if !oldest.IsZero() {
				age = fmt.Sprintf(", the oldest waits for %s", time.Since(oldest).Round(time.Second))
			}
			letters, err := t.db.For(of.ID).DeadLetters(ctx, 1000)
			if err != nil {
				return err
			}
			if c.JSON {
				b := backlog{Domain: of.Domain, Pending: pending, Failed: failed, GivenUp: []write{}}
				if !oldest.IsZero() {
					b.Oldest = &oldest
				}
				for _, l := range letters {
					b.GivenUp = append(b.GivenUp, write{l.Booking.ID, l.Booking.Start.UTC(), l.Sync.Calendar, l.Sync.Attempts, l.Sync.LastError})
				}
				answer = append(answer, b)
				continue
			}
			t.say("%s: %d pending%s; %d given up", of.Domain, pending, age, failed)
			w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
			for _, l := range letters {
				_, _ = fmt.Fprintf(w, "  %s\t%s\t%s\t%d tries\t%s\n", l.Booking.ID, l.Booking.Start.UTC().Format(time.RFC3339), l.Sync.Calendar, l.Sync.Attempts, printable(l.Sync.LastError))
			}
			if err := w.Flush(); err != nil {
				return err
			}
		}
		if c.JSON {
			return printJSON(out, answer)
		}
		return nil
	})
}

// OutboxRetry runs `rmp outbox retry`.
func OutboxRetry(ctx context.Context, c config.OutboxRetry, out io.Writer) error {
	return withTools(ctx, c.Database, out, func(t *tools) error {
		of, err := t.tenant(ctx, c.Tenant)
		if err != nil {
			return err
		}
		n, err := t.db.For(of.ID).RetryDeadLetters(ctx, c.Booking, time.Now())
		if err != nil {
			return err
		}
		if n == 0 && c.Booking != "" {
			return fmt.Errorf("nothing of a booking %q was given up; rmp outbox list shows what was", printable(c.Booking))
		}
		t.say("%d calendar writes are tried again.", n)
		return t.audit(ctx, of.ID, "retry-failed-writes", c.Booking, map[string]string{"writes": fmt.Sprint(n)})
	})
}

// OutboxDrop runs `rmp outbox drop`.
func OutboxDrop(ctx context.Context, c config.OutboxDrop, out io.Writer) error {
	return withTools(ctx, c.Database, out, func(t *tools) error {
		of, err := t.tenant(ctx, c.Tenant)
		if err != nil {
			return err
		}
		what := "the given-up writes of booking " + c.Booking
		if c.Booking == "" {
			what = "ALL given-up writes of " + of.Domain
		}
		if err := confirm(ctx, out, c.Yes, "Drop "+what+"? The bookings stay, and will not be in those calendars."); err != nil {
			return err
		}
		letters, err := t.db.For(of.ID).DeadLetters(ctx, 1000)
		if err != nil {
			return err
		}
		n, err := t.db.For(of.ID).DropDeadLetters(ctx, c.Booking, atTerminal(), time.Now())
		if err != nil {
			return err
		}
		for _, l := range letters {
			if c.Booking == "" || l.Booking.ID == c.Booking {
				t.say("dropped: %s in %s (%s)", l.Booking.ID, l.Sync.Calendar, printable(l.Sync.LastError))
			}
		}
		t.say("%d calendar writes were dropped.", n)
		return t.audit(ctx, of.ID, "drop-failed-writes", c.Booking, map[string]string{"writes": fmt.Sprint(n)})
	})
}
