package backend

import (
	"crypto/rand"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"rmp/calendar/ical"
	"rmp/calendar/recurrence"
	"rmp/calendar/zone"
	"rmp/xmlnode"
)

const itemsSchema = `
CREATE TABLE IF NOT EXISTS items (
	mailbox INTEGER NOT NULL REFERENCES mailboxes(id) ON DELETE CASCADE, uid INTEGER NOT NULL, item_uid TEXT NOT NULL,
	first INTEGER NOT NULL, last INTEGER NOT NULL, data TEXT NOT NULL, PRIMARY KEY (mailbox, uid)) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS items_by_uid ON items (mailbox, item_uid);
CREATE INDEX IF NOT EXISTS items_by_span ON items (mailbox, last, first);
`

// Item is one calendar item.
type Item struct {
	UID   int64 // of the message in the mailbox
	Event *ical.Event
}

// far stands for the end of an endless series: beyond any window.
const far = int64(1) << 62

// resolve finds zones for the items; HostOS is the server's own.
func (tx *Tx) resolve(name string) (*time.Location, error) { return tx.b.zones.Load(name) }

// Publish stores an event, or replaces the one of the same iCalendar UID. An
// event with a RECURRENCE-ID becomes an exception of its master. What a
// client left out is supplied. Double bookings are not refused: CommuniGate
// Pro does not refuse them either.
func (tx *Tx) Publish(m Mailbox, e *ical.Event, now time.Time) error {
	if e.UID == "" {
		e.UID = rand.Text() + "@" + m.Owner.Domain
	}
	stamp := ical.At(now)
	if e.Stamp.IsZero() {
		e.Stamp = stamp
	}
	if e.End.IsZero() && e.Duration == 0 && e.Start.Kind != ical.Date {
		e.Duration = time.Hour
	}
	old, err := tx.ItemByUID(m, e.UID)
	switch {
	case err == nil && !e.RecurrenceID.IsZero():
		master := old.Event
		master.Exceptions = slices.DeleteFunc(master.Exceptions, func(x *ical.Event) bool { return x.RecurrenceID == e.RecurrenceID })
		master.Exceptions = append(master.Exceptions, e)
		e = master
	case err == nil:
		if e.Created.IsZero() {
			e.Created = old.Event.Created
		}
	case err != ErrNoItem: //nolint:errorlint // made by this package, never wrapped
		return err
	}
	if e.Created.IsZero() {
		e.Created = stamp
	}
	e.LastModified = stamp
	return tx.store(m, e, old.UID)
}

// store writes an item under its message UID, or a new one if that is 0.
func (tx *Tx) store(m Mailbox, e *ical.Event, uid int64) error {
	series, err := e.Series(tx.resolve, tx.b.zones.Host)
	if err != nil {
		return &Error{501, "illegal calendar item: " + err.Error()}
	}
	first, last, infinite := series.Bounds()
	lo, hi := first.Unix(), last.Unix()
	if infinite {
		hi = far
	}
	data := e.XML().String()
	if uid != 0 {
		// A changed item is a new message: the mailbox gives it a new UID.
		if _, err := tx.exec(`DELETE FROM items WHERE mailbox=? AND uid=?`, m.ID, uid); err != nil {
			return err
		}
	}
	if _, err := tx.exec(`INSERT INTO items (mailbox, uid, item_uid, first, last, data)
		SELECT id, uid_next, ?, ?, ?, ? FROM mailboxes WHERE id=?`, e.UID, lo, hi, data, m.ID); err != nil {
		return err
	}
	_, err = tx.exec(`UPDATE mailboxes SET uid_next=uid_next+1 WHERE id=?`, m.ID)
	return err
}

func parseItem(uid int64, data string) (Item, error) {
	n, err := xmlnode.Parse([]byte(data), xmlnode.Limits{})
	if err != nil {
		return Item{}, fmt.Errorf("storage: item %d: %w", uid, err)
	}
	c, err := ical.FromXML(n)
	if err != nil || len(c.Events) != 1 {
		return Item{}, fmt.Errorf("storage: item %d is not one event: %w", uid, err)
	}
	return Item{uid, c.Events[0]}, nil
}

// ItemByUID finds an item by its iCalendar UID.
func (tx *Tx) ItemByUID(m Mailbox, itemUID string) (Item, error) {
	return tx.item(`item_uid=?`, m, itemUID)
}

// Item finds an item by the UID of its message.
func (tx *Tx) Item(m Mailbox, uid int64) (Item, error) { return tx.item(`uid=?`, m, uid) }

func (tx *Tx) item(where string, m Mailbox, key any) (Item, error) {
	var uid int64
	var data string
	ok, err := tx.row(`SELECT uid, data FROM items WHERE mailbox=? AND `+where, []any{m.ID, key}, &uid, &data)
	switch {
	case err != nil:
		return Item{}, err
	case !ok:
		return Item{}, ErrNoItem
	}
	return parseItem(uid, data)
}

// Cancel removes an item, or one of its occurrences.
func (tx *Tx) Cancel(m Mailbox, it Item, recurrenceID ical.Time) error {
	if recurrenceID.IsZero() {
		_, err := tx.exec(`DELETE FROM items WHERE mailbox=? AND uid=?`, m.ID, it.UID)
		return err
	}
	e := it.Event
	same := func(t ical.Time) bool {
		a, err1 := t.Instant(tx.resolve, tx.b.zones.Host)
		b, err2 := recurrenceID.Instant(tx.resolve, tx.b.zones.Host)
		return err1 == nil && err2 == nil && a.Equal(b)
	}
	e.Exceptions = slices.DeleteFunc(e.Exceptions, func(x *ical.Event) bool { return same(x.RecurrenceID) })
	at := recurrenceID
	if e.Start.Kind == ical.Zoned && at.Kind == ical.UTC {
		// Keep the exception in the master's own wall time.
		if loc, err := tx.resolve(e.Start.Zone); err == nil {
			at = ical.Time{Kind: ical.Zoned, Wall: zone.WallOf(at.Wall.In(time.UTC), loc), Zone: e.Start.Zone}
		}
	}
	e.ExDates = append(e.ExDates, at)
	return tx.store(m, e, it.UID)
}

// Occurrence is one time of an item in a window.
type Occurrence struct {
	recurrence.Occurrence
	UID    int64
	Master *ical.Event
	Event  *ical.Event // the master, or the exception that took its place
}

// Find answers the occurrences of a calendar that overlap [from, till), in
// the order of their starts.
func (tx *Tx) Find(m Mailbox, from, till time.Time, local *time.Location) ([]Occurrence, error) {
	var items []Item
	err := tx.rows(func(r *sql.Rows) error {
		var uid int64
		var data string
		if err := r.Scan(&uid, &data); err != nil {
			return err
		}
		it, err := parseItem(uid, data)
		items = append(items, it)
		return err
	}, `SELECT uid, data FROM items WHERE mailbox=? AND last>=? AND first<?`, m.ID, from.Add(-26*time.Hour).Unix(), till.Add(26*time.Hour).Unix())
	if err != nil {
		return nil, err
	}
	var out []Occurrence
	for _, it := range items {
		series, err := it.Event.Series(tx.resolve, local)
		if err != nil {
			return nil, err
		}
		found, err := series.Between(from, till)
		if err != nil {
			return nil, &Error{501, "illegal calendar item: " + err.Error()}
		}
		for _, o := range found {
			e := it.Event
			if o.Override >= 0 {
				e = it.Event.Exceptions[o.Override]
			}
			out = append(out, Occurrence{o, it.UID, it.Event, e})
		}
	}
	slices.SortFunc(out, func(a, b Occurrence) int {
		if c := a.Start.Compare(b.Start); c != 0 {
			return c
		}
		return strings.Compare(a.Master.UID, b.Master.UID)
	})
	return out, nil
}
