package backend

import "database/sql"

// AccountSummary is an account at a glance.
type AccountSummary struct {
	Name                string
	Mailboxes, Messages int64
}

// Summaries answers the first accounts of a domain by name, and how many
// there are.
func (tx *Tx) Summaries(domain string, most int) (list []AccountSummary, total int, err error) {
	if _, err := tx.row(`SELECT COUNT(*) FROM accounts WHERE domain=?`, []any{domain}, &total); err != nil {
		return nil, 0, err
	}
	err = tx.rows(func(r *sql.Rows) error {
		var s AccountSummary
		err := r.Scan(&s.Name, &s.Mailboxes, &s.Messages)
		list = append(list, s)
		return err
	}, `SELECT name, (SELECT COUNT(*) FROM mailboxes WHERE account=a.id),
		(SELECT COUNT(*) FROM messages WHERE mailbox IN (SELECT id FROM mailboxes WHERE account=a.id))
		FROM accounts a WHERE domain=? ORDER BY name LIMIT ?`, domain, most)
	return list, total, err
}
