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

// Item is one event or task of a calendar.
type Item struct {
	UID   int64 // of the message in the mailbox
	Kind  Kind
	Event *ical.Event
	Zones []*ical.Timezone // definitions that came with it
}

func (it *Item) calendar() *ical.Calendar {
	c := &ical.Calendar{Zones: it.Zones}
	if it.Kind == Task {
		c.Todos = []*ical.Event{it.Event}
	} else {
		c.Events = []*ical.Event{it.Event}
	}
	return c
}

// XML is the item as a vevent or vtodo element.
func (it *Item) XML() *xmlnode.Node {
	n := it.calendar().XML()
	if v := n.Find("vtodo"); v != nil {
		return v
	}
	return n.Find("vevent")
}

// resolver finds the zones of the item: known ones, HostOS, and those that
// came along with it.
func (tx *Tx) resolver(it *Item) ical.Resolve {
	return it.calendar().Resolve(tx.b.zones.Load)
}

// far stands for the end of an endless series: beyond any window.
const far = int64(1) << 62

// Publish stores an event or task, or replaces the one of the same iCalendar
// UID. One with a RECURRENCE-ID becomes an exception of its master. What a
// client left out is supplied. Double bookings are not refused: CommuniGate
// Pro does not refuse them either.
func (tx *Tx) Publish(m Mailbox, it Item, now time.Time) error {
	e := it.Event
	if e.UID == "" {
		e.UID = rand.Text() + "@" + m.Owner.Domain
	}
	stamp := ical.At(now)
	if e.Stamp.IsZero() {
		e.Stamp = stamp
	}
	if it.Kind == Event && e.End.IsZero() && e.Duration == 0 && e.Start.Kind != ical.Date {
		e.Duration = time.Hour
	}
	old, err := tx.ItemByUID(m, e.UID)
	switch {
	case err == nil && !e.RecurrenceID.IsZero() && old.Event.RecurrenceID.IsZero():
		master := old.Event
		same := tx.sameTime(&old, e.RecurrenceID)
		master.Exceptions = slices.DeleteFunc(master.Exceptions, func(x *ical.Event) bool { return same(x.RecurrenceID) })
		master.Exceptions = append(master.Exceptions, e)
		it.Event, it.Zones = master, append(old.Zones, it.Zones...)
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
	return tx.store(m, it, now)
}

// sameTime answers a comparison with a time on the time line.
func (tx *Tx) sameTime(it *Item, t ical.Time) func(ical.Time) bool {
	resolve := tx.resolver(it)
	at, err := t.Instant(resolve, tx.b.zones.Host)
	return func(o ical.Time) bool {
		other, err2 := o.Instant(resolve, tx.b.zones.Host)
		return err == nil && err2 == nil && at.Equal(other)
	}
}

// span is the time that an item may take up, in Unix seconds: when to look at
// it at all.
func (tx *Tx) span(it *Item) (first, last int64, err error) {
	e := it.Event
	if it.Kind == Task && e.Start.IsZero() {
		if e.Due.IsZero() {
			return -far, far, nil // always to be done
		}
		due, err := e.Due.Instant(tx.resolver(it), tx.b.zones.Host)
		return -far, due.Unix(), err
	}
	series, err := e.Series(tx.resolver(it), tx.b.zones.Host)
	if err != nil {
		return 0, 0, err
	}
	lo, hi, infinite := series.Bounds()
	if first, last = lo.Unix(), hi.Unix(); infinite {
		last = far
	}
	return first, last, nil
}

// store writes an item in the place of the one of the same UID.
func (tx *Tx) store(m Mailbox, it Item, now time.Time) error {
	first, last, err := tx.span(&it)
	if err != nil {
		return &Error{501, "illegal calendar item: " + err.Error()}
	}
	data := it.XML()
	if len(it.Zones) > 0 {
		data = it.calendar().XML()
	}
	e := it.Event
	msg := Message{Kind: it.Kind, ItemUID: e.UID, Received: now, Subject: e.Summary, Data: data.String()}
	if e.Organizer != nil {
		msg.From, msg.FromName = e.Organizer.Email, e.Organizer.Name
	}
	_, err = tx.append(m, msg, first, last)
	return err
}

func (m Message) item() (Item, error) {
	n, err := xmlnode.Parse([]byte(m.Data), xmlnode.Limits{})
	if err != nil {
		return Item{}, fmt.Errorf("storage: item %d: %w", m.UID, err)
	}
	c, err := ical.FromXML(n)
	if err != nil {
		return Item{}, fmt.Errorf("storage: item %d: %w", m.UID, err)
	}
	it := Item{UID: m.UID, Kind: m.Kind, Zones: c.Zones}
	switch {
	case len(c.Events) == 1:
		it.Event = c.Events[0]
	case len(c.Todos) == 1:
		it.Event = c.Todos[0]
	default:
		return it, fmt.Errorf("storage: item %d is not one event", m.UID)
	}
	return it, nil
}

// ItemByUID finds an item by its iCalendar UID.
func (tx *Tx) ItemByUID(m Mailbox, itemUID string) (Item, error) {
	if itemUID == "" {
		return Item{}, ErrNoItem
	}
	return tx.item(`item_uid=?`, m, itemUID)
}

// Item finds an item by the UID of its message.
func (tx *Tx) Item(m Mailbox, uid int64) (Item, error) { return tx.item(`uid=?`, m, uid) }

func (tx *Tx) item(where string, box Mailbox, key any) (Item, error) {
	row := tx.q.QueryRowContext(tx.ctx, `SELECT `+messageColumns+` FROM messages WHERE item_uid<>'' AND mailbox=? AND `+where, box.ID, key) //nolint:gosec // where is one of the two above
	m, err := scanMessage(row.Scan)
	switch {
	case err == sql.ErrNoRows: //nolint:errorlint // database/sql does not wrap it
		return Item{}, ErrNoItem
	case err != nil:
		return Item{}, fmt.Errorf("storage: %w", err)
	}
	return m.item()
}

// Cancel removes an item, or one of its occurrences.
func (tx *Tx) Cancel(m Mailbox, it Item, recurrenceID ical.Time, now time.Time) error {
	if recurrenceID.IsZero() {
		return tx.Remove(m, it.UID)
	}
	e := it.Event
	same := tx.sameTime(&it, recurrenceID)
	e.Exceptions = slices.DeleteFunc(e.Exceptions, func(x *ical.Event) bool { return same(x.RecurrenceID) })
	at := recurrenceID
	if e.Start.Kind == ical.Zoned && at.Kind == ical.UTC {
		// Keep the exception in the master's own wall time.
		if loc, err := tx.resolver(&it)(e.Start.Zone); err == nil {
			at = ical.Time{Kind: ical.Zoned, Wall: zone.WallOf(at.Wall.In(time.UTC), loc), Zone: e.Start.Zone}
		}
	}
	e.ExDates = append(e.ExDates, at)
	return tx.store(m, it, now)
}

// Occurrence is one time of an item in a window.
type Occurrence struct {
	recurrence.Occurrence
	UID    int64
	Master *ical.Event
	Event  *ical.Event // the master, or the exception that took its place
}

// items answers the items of a kind that may touch [from, till).
func (tx *Tx) items(box Mailbox, kind Kind, from, till time.Time) ([]Item, error) {
	var items []Item
	err := tx.rows(func(r *sql.Rows) error {
		m, err := scanMessage(r.Scan)
		if err != nil {
			return err
		}
		it, err := m.item()
		items = append(items, it)
		return err
	}, `SELECT `+messageColumns+` FROM messages WHERE item_uid<>'' AND mailbox=? AND last>=? AND first<? AND kind=?`,
		box.ID, from.Add(-26*time.Hour).Unix(), till.Add(26*time.Hour).Unix(), kind)
	return items, err
}

// Find answers the occurrences of a calendar that overlap [from, till), in
// the order of their starts.
func (tx *Tx) Find(m Mailbox, from, till time.Time, local *time.Location) ([]Occurrence, error) {
	items, err := tx.items(m, Event, from, till)
	if err != nil {
		return nil, err
	}
	var out []Occurrence
	for _, it := range items {
		series, err := it.Event.Series(tx.resolver(&it), local)
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

// FindTasks answers the tasks that are to be done between from and till;
// completed ones only if asked for.
func (tx *Tx) FindTasks(m Mailbox, from, till time.Time, completed bool) ([]Item, error) {
	items, err := tx.items(m, Task, from, till)
	if err != nil || completed {
		return items, err
	}
	return slices.DeleteFunc(items, func(it Item) bool {
		return it.Event.PercentComplete >= 100 || strings.EqualFold(it.Event.Status, "COMPLETED")
	}), nil
}

// BusyStatus is the weight of an event: FREE, TENTATIVE, BUSY or OOF. In the
// mode Seed only what is said to be opaque and busy counts.
func (tx *Tx) BusyStatus(e *ical.Event) string {
	switch {
	case e.Free():
		return "FREE"
	case tx.b.mode == Seed && (e.BusyStatus == "" || e.Transp == ""):
		return "FREE"
	case e.BusyStatus != "":
		return e.BusyStatus
	case strings.EqualFold(e.Status, "TENTATIVE"):
		return "TENTATIVE"
	}
	return "BUSY"
}
