package app

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/mattn/go-isatty"

	"rmp/internal/config"
)

// confirm asks on the terminal; without one, only --yes says yes.
func confirm(out io.Writer, yes bool, question string) error {
	if yes {
		return nil
	}
	if !isatty.IsTerminal(os.Stdin.Fd()) {
		return fmt.Errorf("%s Nobody can be asked here; --yes says yes", question)
	}
	_, _ = fmt.Fprintf(out, "%s [y/N] ", question)
	answer, _ := bufio.NewReader(os.Stdin).ReadString('\n')
	if a := strings.ToLower(strings.TrimSpace(answer)); a != "y" && a != "yes" {
		return fmt.Errorf("not done")
	}
	return nil
}

// OutboxList runs `rmp outbox list`.
func OutboxList(ctx context.Context, c config.OutboxList, out io.Writer) error {
	return withTools(ctx, c.Database, out, func(t *tools) error {
		list, err := t.tenants(ctx, c.Tenant)
		if err != nil {
			return err
		}
		for _, of := range list {
			pending, failed, oldest, err := t.db.For(of.ID).Backlog(ctx)
			if err != nil {
				return err
			}
			age := ""
			if !oldest.IsZero() {
				age = fmt.Sprintf(", the oldest waits for %s", time.Since(oldest).Round(time.Second))
			}
			t.say("%s: %d pending%s; %d given up", of.Domain, pending, age, failed)
			letters, err := t.db.For(of.ID).DeadLetters(ctx, 1000)
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
			for _, l := range letters {
				_, _ = fmt.Fprintf(w, "  %s\t%s\t%s\t%d tries\t%s\n", l.Booking.ID, l.Booking.Start.UTC().Format(time.RFC3339), l.Sync.Calendar, l.Sync.Attempts, printable(l.Sync.LastError))
			}
			if err := w.Flush(); err != nil {
				return err
			}
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
		if err := confirm(out, c.Yes, "Drop "+what+"? The bookings stay, and will not be in those calendars."); err != nil {
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
