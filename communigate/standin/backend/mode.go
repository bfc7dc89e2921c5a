package backend

import (
	"fmt"
	"strings"
)

// Mode says whose word about CommuniGate Pro the stand-in follows where its
// sources differ.
type Mode uint8

// The modes.
const (
	// Strict speaks what the vendor's documentation and clients show.
	Strict Mode = iota
	// Seed adds the forms that installations of this kind of product have
	// used: commands with other names and positions, account settings that
	// answer invitations, plain addresses as mailbox names.
	Seed
	// Lenient takes every form that any known client sends.
	Lenient
)

var modeNames = []string{"strict", "seed", "lenient"}

func (m Mode) String() string {
	if int(m) < len(modeNames) {
		return modeNames[m]
	}
	return fmt.Sprintf("mode %d", m)
}

// ParseMode reads the name of a mode.
func ParseMode(s string) (Mode, error) {
	for i, n := range modeNames {
		if strings.EqualFold(s, n) {
			return Mode(i), nil
		}
	}
	return 0, fmt.Errorf("%q is not a mode: strict, seed or lenient", s)
}

// Mode is the backend's mode.
func (b *Backend) Mode() Mode { return b.mode }

// Mode is the backend's mode.
func (tx *Tx) Mode() Mode { return tx.b.mode }
