package backend

import (
	"database/sql"
	"slices"
	"strings"
	"time"
)

// Kind says what a message holds. CommuniGate Pro keeps everything as
// messages: an event is a message with iCalendar in it, a contact one with a
// vCard.
type Kind string

// The kinds.
const (
	Mail    Kind = "mail"    // Data is an EMail element
	Event   Kind = "event"   // Data is a vevent element
	Task    Kind = "task"    // Data is a vtodo element
	Contact Kind = "contact" // Data is a vCard element
	Group   Kind = "group"   // Data is a vCardGroup element
)

// Message is one message of a mailbox.
type Message struct {
	UID      int64
	Kind     Kind
	ItemUID  string   // of an event or task: its iCalendar UID
	Flags    []string // in the order of their names
	Received time.Time
	From     string // address
	FromName string
	To       string // addresses as type:address, separated by commas; GROUP for a group
	Subject  string
	Data     string // XML
}

const messagesSchema = `
CREATE TABLE IF NOT EXISTS messages (
	mailbox INTEGER NOT NULL REFERENCES mailboxes(id) ON DELETE CASCADE, uid INTEGER NOT NULL, kind TEXT NOT NULL,
	item_uid TEXT NOT NULL DEFAULT '', first INTEGER NOT NULL DEFAULT 0, last INTEGER NOT NULL DEFAULT 0,
	flags TEXT NOT NULL DEFAULT '', received INTEGER NOT NULL DEFAULT 0, sender TEXT NOT NULL DEFAULT '', sender_name TEXT NOT NULL DEFAULT '',
	recipients TEXT NOT NULL DEFAULT '', subject TEXT NOT NULL DEFAULT '', data TEXT NOT NULL, PRIMARY KEY (mailbox, uid)) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS messages_by_item ON messages (mailbox, item_uid) WHERE item_uid <> '';
CREATE INDEX IF NOT EXISTS messages_by_span ON messages (mailbox, last, first) WHERE item_uid <> '';
`

const messageColumns = `uid, kind, item_uid, flags, received, sender, sender_name, recipients, subject, data`

func scanMessage(scan func(...any) error) (Message, error) {
	var m Message
	var flags string
	var received int64
	err := scan(&m.UID, &m.Kind, &m.ItemUID, &flags, &received, &m.From, &m.FromName, &m.To, &m.Subject, &m.Data)
	if flags != "" {
		m.Flags = strings.Split(flags, ",")
	}
	m.Received = time.Unix(received, 0).UTC()
	return m, err
}

// Append puts a message into a mailbox and answers its UID. A message of the
// same item UID is replaced.
func (tx *Tx) Append(box Mailbox, m Message) (int64, error) { return tx.append(box, m, 0, 0) }

func (tx *Tx) append(box Mailbox, m Message, first, last int64) (int64, error) {
	if m.ItemUID != "" {
		// A changed item is a new message: the mailbox gives it a new UID. The
		// index by item has no messages without one, and is used only where
		// the statement says that it looks for none.
		if _, err := tx.exec(`DELETE FROM messages WHERE item_uid<>'' AND mailbox=? AND item_uid=?`, box.ID, m.ItemUID); err != nil {
			return 0, err
		}
	}
	var uid int64
	if _, err := tx.row(`UPDATE mailboxes SET uid_next=uid_next+1 WHERE id=? RETURNING uid_next-1`, []any{box.ID}, &uid); err != nil {
		return 0, err
	}
	slices.Sort(m.Flags)
	_, err := tx.exec(`INSERT INTO messages (mailbox, uid, kind, item_uid, first, last, flags, received, sender, sender_name, recipients, subject, data)
		VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)`, box.ID, uid, m.Kind, m.ItemUID, first, last, strings.Join(m.Flags, ","), m.Received.Unix(),
		m.From, m.FromName, m.To, m.Subject, m.Data)
	tx.changed(box)
	return uid, err
}

// Message finds a message by its UID.
func (tx *Tx) Message(box Mailbox, uid int64) (Message, error) {
	row := tx.q.QueryRowContext(tx.ctx, `SELECT `+messageColumns+` FROM messages WHERE mailbox=? AND uid=?`, box.ID, uid)
	m, err := scanMessage(row.Scan)
	if err == sql.ErrNoRows { //nolint:errorlint // database/sql does not wrap it
		return m, ErrNoMessage
	}
	return m, err
}

// Messages answers a mailbox's messages in the order of their UIDs, without
// their data.
func (tx *Tx) Messages(box Mailbox) ([]Message, error) {
	var out []Message
	err := tx.rows(func(r *sql.Rows) error {
		m, err := scanMessage(r.Scan)
		out = append(out, m)
		return err
	}, `SELECT uid, kind, item_uid, flags, received, sender, sender_name, recipients, subject, '' FROM messages WHERE mailbox=? ORDER BY uid`, box.ID)
	return out, err
}

// Remove removes messages; those that are not there are passed over.
func (tx *Tx) Remove(box Mailbox, uids ...int64) error {
	for _, uid := range uids {
		n, err := tx.exec(`DELETE FROM messages WHERE mailbox=? AND uid=?`, box.ID, uid)
		if err != nil {
			return err
		}
		if n > 0 {
			tx.changed(box)
		}
	}
	return nil
}

// SetFlags changes the flags of messages: a name sets, Un and a name resets.
func (tx *Tx) SetFlags(box Mailbox, uids []int64, names []string) error {
	for _, uid := range uids {
		m, err := tx.Message(box, uid)
		if err != nil {
			return err
		}
		for _, name := range names {
			name, unset := flagName(name)
			m.Flags = slices.DeleteFunc(m.Flags, func(f string) bool { return f == name })
			if !unset && name != "" {
				m.Flags = append(m.Flags, name)
			}
		}
		slices.Sort(m.Flags)
		if _, err := tx.exec(`UPDATE messages SET flags=? WHERE mailbox=? AND uid=?`, strings.Join(m.Flags, ","), box.ID, uid); err != nil {
			return err
		}
		tx.changed(box)
	}
	return nil
}

var flagNames = []string{"Answered", "Deleted", "Draft", "Flagged", "Hidden", "Media", "Recent", "Redirected", "Seen", "Service"}

// flagName brings a flag into its usual form; unset is that of a name with Un.
func flagName(s string) (name string, unset bool) {
	s = strings.TrimSpace(s)
	if len(s) > 2 && strings.EqualFold(s[:2], "Un") {
		name, _ = flagName(s[2:])
		return name, true
	}
	if strings.EqualFold(s, "Read") {
		return "Seen", false
	}
	for _, f := range flagNames {
		if strings.EqualFold(f, s) {
			return f, false
		}
	}
	return "", false
}

// Expunge removes the messages that are flagged Deleted.
func (tx *Tx) Expunge(box Mailbox) error {
	n, err := tx.exec(`DELETE FROM messages WHERE mailbox=? AND ','||flags||',' LIKE '%,Deleted,%'`, box.ID)
	if n > 0 {
		tx.changed(box)
	}
	return err
}

// Copy puts copies of messages into another mailbox and answers their UIDs.
func (tx *Tx) Copy(from, to Mailbox, uids []int64) ([]int64, error) {
	var out []int64
	for _, uid := range uids {
		m, err := tx.Message(from, uid)
		if err != nil {
			return nil, err
		}
		var first, last int64
		if _, err := tx.row(`SELECT first, last FROM messages WHERE mailbox=? AND uid=?`, []any{from.ID, uid}, &first, &last); err != nil {
			return nil, err
		}
		n, err := tx.append(to, m, first, last)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, nil
}

// takeOver moves the events of a storage from before there were messages of
// other kinds.
func (tx *Tx) takeOver() error {
	var n int
	if _, err := tx.row(`SELECT COUNT(*) FROM sqlite_master WHERE name='items'`, nil, &n); err != nil || n == 0 {
		return err
	}
	_, err := tx.exec(`INSERT INTO messages (mailbox, uid, kind, item_uid, first, last, data) SELECT mailbox, uid, 'event', item_uid, first, last, data FROM items`)
	if err != nil {
		return err
	}
	_, err = tx.exec(`DROP TABLE items`)
	return err
}

// Totals answers how many messages a mailbox has, how many are unseen, and the
// bytes of all. It reads them all.
func (tx *Tx) Totals(box Mailbox) (messages, unseen, size int64, err error) {
	_, err = tx.row(`SELECT COUNT(*), COUNT(*) FILTER (WHERE ','||flags||',' NOT LIKE '%,Seen,%'), COALESCE(SUM(LENGTH(data)), 0) FROM messages WHERE mailbox=?`,
		[]any{box.ID}, &messages, &unseen, &size)
	return messages, unseen, size, err
}
