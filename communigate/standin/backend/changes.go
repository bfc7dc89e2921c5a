package backend

import "slices"

// changed notes that a mailbox is not what it was; those who watch are told
// after the transaction.
func (tx *Tx) changed(m Mailbox) {
	if !slices.Contains(tx.touched, m.ID) {
		tx.touched = append(tx.touched, m.ID)
	}
}

// Watch calls fn after every transaction that changed mailboxes, with their
// ids. fn must not wait for anything. Watch is called before the backend is
// used.
func (b *Backend) Watch(fn func(mailboxes []int64)) { b.watchers = append(b.watchers, fn) }

func (b *Backend) tell(mailboxes []int64) {
	if len(mailboxes) == 0 {
		return
	}
	for _, fn := range b.watchers {
		fn(mailboxes)
	}
}
