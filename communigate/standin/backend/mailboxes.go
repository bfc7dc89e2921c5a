package backend

import (
	"database/sql"
	"slices"
	"strings"
	"time"
	"unicode"

	"rmp/communigate/dataformat"
)

const mailboxesSchema = `
CREATE TABLE IF NOT EXISTS mailboxes (
	id INTEGER PRIMARY KEY, account INTEGER NOT NULL REFERENCES accounts(id) ON DELETE CASCADE, name TEXT NOT NULL,
	class TEXT NOT NULL, uid_validity INTEGER NOT NULL, uid_next INTEGER NOT NULL, acl TEXT NOT NULL, UNIQUE (account, name));
`

// Mailbox is one mailbox of an account.
type Mailbox struct {
	ID          int64
	Owner       Account
	Name        string
	Class       string
	UIDValidity int64
	UIDNext     int64
	ACL         dataformat.Dict
}

// AllRights are the letters of every right, in the canonical order.
const AllRights = "lrswipkxtea"

// Locate finds the account and the mailbox name that a path names for a
// session of the account self: "Calendar" is one's own, "~bob/Calendar" that
// of bob in one's own domain, "~bob@other.example/Calendar" that of anybody.
// One's own address without the tilde is taken too, as some clients write it.
func (tx *Tx) Locate(self Account, path string) (Account, string, error) {
	if rest, ok := strings.CutPrefix(path, "~"); ok {
		owner, name, _ := strings.Cut(rest, "/")
		if !strings.Contains(owner, "@") {
			owner += "@" + self.Domain
		}
		a, err := tx.Account(owner)
		return a, name, err
	}
	if owner, name, ok := strings.Cut(path, "/"); ok && strings.EqualFold(owner, self.Address()) {
		if _, err := tx.Mailbox(self, path); err == ErrNoMailbox { //nolint:errorlint // made by this package, never wrapped
			return self, name, nil
		}
	}
	return self, path, nil
}

// Mailbox finds a mailbox of an account.
func (tx *Tx) Mailbox(owner Account, name string) (Mailbox, error) {
	if strings.EqualFold(name, "INBOX") {
		name = "INBOX"
	}
	m := Mailbox{Owner: owner, Name: name}
	var acl string
	ok, err := tx.row(`SELECT id, class, uid_validity, uid_next, acl FROM mailboxes WHERE account=? AND name=?`, []any{owner.ID, name}, &m.ID, &m.Class, &m.UIDValidity, &m.UIDNext, &acl)
	switch {
	case err != nil:
		return m, err
	case !ok:
		return m, ErrNoMailbox
	}
	m.ACL, err = parseDict(acl)
	return m, err
}

// Mailboxes answers an account's mailboxes by name.
func (tx *Tx) Mailboxes(owner Account) ([]Mailbox, error) {
	var names []string
	err := tx.rows(func(r *sql.Rows) error {
		var n string
		err := r.Scan(&n)
		names = append(names, n)
		return err
	}, `SELECT name FROM mailboxes WHERE account=? ORDER BY name`, owner.ID)
	if err != nil {
		return nil, err
	}
	out := make([]Mailbox, len(names))
	for i, n := range names {
		if out[i], err = tx.Mailbox(owner, n); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// CreateMailbox makes a mailbox; one below another takes over its rights.
func (tx *Tx) CreateMailbox(owner Account, name, class string) error {
	if !validMailbox(name) {
		return &Error{501, "illegal mailbox name"}
	}
	if _, err := tx.Mailbox(owner, name); err == nil {
		return ErrMailboxExists
	} else if err != ErrNoMailbox { //nolint:errorlint // made by this package, never wrapped
		return err
	}
	acl := "{}"
	if i := strings.LastIndexByte(name, '/'); i > 0 {
		if outer, err := tx.Mailbox(owner, name[:i]); err == nil {
			if acl, err = dataformat.Text(outer.ACL); err != nil {
				return err
			}
		}
	}
	return tx.insertMailbox(owner.ID, name, class, acl)
}

func (tx *Tx) insertMailbox(account int64, name, class, acl string) error {
	_, err := tx.exec(`INSERT INTO mailboxes (account, name, class, uid_validity, uid_next, acl) VALUES (?,?,?,?,1,?)`,
		account, name, class, time.Now().Unix(), acl)
	return err
}

// DeleteMailbox removes a mailbox; INBOX cannot be removed.
func (tx *Tx) DeleteMailbox(m Mailbox) error {
	if m.Name == "INBOX" {
		return ErrNotAllowed
	}
	tx.changed(m)
	_, err := tx.exec(`DELETE FROM mailboxes WHERE id=?`, m.ID)
	return err
}

// Below answers the mailboxes below one, by name.
func (tx *Tx) Below(m Mailbox) ([]Mailbox, error) {
	all, err := tx.Mailboxes(m.Owner)
	return slices.DeleteFunc(all, func(o Mailbox) bool { return !strings.HasPrefix(o.Name, m.Name+"/") }), err
}

// RenameMailbox gives a mailbox another name.
func (tx *Tx) RenameMailbox(m Mailbox, name string) error {
	if _, err := tx.Mailbox(m.Owner, name); err == nil {
		return ErrMailboxExists
	}
	if !validMailbox(name) {
		return &Error{501, "illegal mailbox name"}
	}
	if _, err := tx.exec(`UPDATE mailboxes SET name=? WHERE id=?`, name, m.ID); err != nil {
		return err
	}
	tx.changed(m)
	if m.Name == "INBOX" { // there always is one
		return tx.insertMailbox(m.Owner.ID, "INBOX", "", "{}")
	}
	return nil
}

// validMailbox refuses what could not be a mailbox's name. One that ends in a
// slash has mailboxes below it and holds no messages itself.
func validMailbox(name string) bool {
	return name != "" && len(name) <= 255 && !strings.HasPrefix(name, "~") && !strings.HasPrefix(name, "/") && !strings.Contains(name, "//") &&
		!strings.ContainsFunc(name, unicode.IsControl)
}

// SetClass sets a mailbox's class.
func (tx *Tx) SetClass(m Mailbox, class string) error {
	_, err := tx.exec(`UPDATE mailboxes SET class=? WHERE id=?`, class, m.ID)
	return err
}

// UpdateACL changes the rights of the named identifiers: letters replace,
// with + in front they are added, with - removed. An identifier left without
// a right vanishes.
func (tx *Tx) UpdateACL(m Mailbox, change dataformat.Dict) error {
	acl, err := EditACL(m.ACL, change)
	if err != nil {
		return err
	}
	text, err := dataformat.Text(acl)
	if err != nil {
		return &Error{501, "illegal access rights"}
	}
	_, err = tx.exec(`UPDATE mailboxes SET acl=? WHERE id=?`, text, m.ID)
	return err
}

// EditACL is an access list with the changes that UpdateACL describes.
func EditACL(old, change dataformat.Dict) (dataformat.Dict, error) {
	acl := dataformat.Dict{}
	for k, v := range old {
		acl[k] = v
	}
	for who, v := range change {
		letters, ok := v.(string)
		if _, list := v.(dataformat.Array); !ok && !list {
			return nil, &Error{501, "illegal access rights"}
		}
		had := acl.String(who)
		switch {
		case strings.HasPrefix(letters, "+"):
			letters = canonical(had + letters[1:])
		case strings.HasPrefix(letters, "-"):
			drop := canonical(letters[1:])
			letters = strings.Map(func(r rune) rune {
				if strings.ContainsRune(drop, r) {
					return -1
				}
				return r
			}, had)
		default:
			letters = canonical(letters)
		}
		if letters == "" {
			delete(acl, who)
		} else {
			acl[who] = letters
		}
	}
	return acl, nil
}

// canonical puts letters into the usual order, once each. The older letters
// c and d stand for k and for t, e and x (RFC 4314 section 2.1.1).
func canonical(letters string) string {
	letters = strings.NewReplacer("c", "k", "d", "tex").Replace(letters)
	var known, other []byte
	for i := range len(AllRights) {
		if strings.IndexByte(letters, AllRights[i]) >= 0 {
			known = append(known, AllRights[i])
		}
	}
	for i := range len(letters) {
		if c := letters[i]; strings.IndexByte(AllRights, c) < 0 && !slices.Contains(other, c) {
			other = append(other, c)
		}
	}
	return string(append(known, other...))
}

// Rights answers what an account may do with a mailbox: all with its own,
// else what the matching identifiers of the ACL give, minus those with a - in
// front.
func (m Mailbox) Rights(who Account) string {
	if who.ID == m.Owner.ID {
		return AllRights
	}
	var give, take string
	for id, v := range m.ACL {
		letters, _ := v.(string)
		negative := strings.HasPrefix(id, "-")
		if !m.matches(strings.TrimLeft(id, "+-"), who) {
			continue
		}
		if negative {
			take += letters
		} else {
			give += letters
		}
	}
	give = canonical(give)
	take = canonical(take)
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(take, r) {
			return -1
		}
		return r
	}, give)
}

// matches reports whether an identifier of the ACL means the account.
func (m Mailbox) matches(id string, who Account) bool {
	id = strings.ToLower(id)
	switch {
	case id == "anyone":
		return true
	case id == "anyone@":
		return who.Domain == m.Owner.Domain
	case strings.HasPrefix(id, "anyone@"):
		return who.Domain == id[len("anyone@"):]
	case strings.HasPrefix(id, "@"):
		return who.Domain == id[1:]
	case strings.HasPrefix(id, "#"):
		if id = id[1:]; !strings.Contains(id, "@") {
			id += "@" + m.Owner.Domain
		}
		return slices.Contains(who.Groups, id)
	case !strings.Contains(id, "@"):
		id += "@" + m.Owner.Domain
	}
	return id == who.Address()
}

// Need is ErrDenied unless the account has all the rights.
func (m Mailbox) Need(who Account, letters string) error {
	have := m.Rights(who)
	for _, l := range letters {
		if !strings.ContainsRune(have, l) {
			return ErrDenied
		}
	}
	return nil
}
