package gatekeeper

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"time"

	"rmp/internal/fault"
)

// Place is where tries are counted: an account, or an address of the network.
type Place struct {
	Name string // a hash
	Free int    // tries before it slows down
}

// How many wrong tries are free, and how it slows down after them: 1 s, 2 s,
// 4 s and so on until the next try, up to MostWait. A place that was left
// alone for TriesKept starts anew.
const (
	freeByAccount = 10
	freeByAddress = 100
	MostWait      = 15 * time.Minute
	TriesKept     = time.Hour
)

// Wait is how long a place is closed after so many tries.
func (p Place) Wait(tries int) time.Duration {
	over := tries - p.Free
	switch {
	case over <= 0:
		return 0
	case over > 10:
		return MostWait
	}
	return min(time.Second<<(over-1), MostWait)
}

func place(kind, what string, free int) Place {
	sum := sha256.Sum256([]byte(kind + "\x00" + what))
	return Place{hex.EncodeToString(sum[:16]), free}
}

// placesOf are where a try counts. Of an IPv6 address only the network
// counts: a host has 2^64 of them.
func placesOf(email string, address netip.Addr) []Place {
	places := []Place{place("account", email, freeByAccount)}
	if address.IsValid() {
		network := address.Unmap().String()
		if address.Unmap().Is6() {
			if p, err := address.WithZone("").Prefix(64); err == nil {
				network = p.String()
			}
		}
		places = append(places, place("address", network, freeByAddress))
	}
	return places
}

// take counts a try, or refuses it.
func (g *Gatekeeper) take(ctx context.Context, places []Place) error {
	now := g.now()
	until, err := g.store.TakeTry(ctx, places, now)
	if err != nil {
		return fmt.Errorf("login: %w", err)
	}
	if now.Before(until) {
		return &fault.Error{Code: fault.TooMany, Text: "too many wrong tries; wait before the next one", RetryAfter: until.Sub(now)}
	}
	return nil
}

// forgive takes back what a right login counted: all of the account's tries,
// but only its own of the address's, from where others may be guessing.
func (g *Gatekeeper) forgive(ctx context.Context, places []Place) error {
	for i, p := range places {
		if err := g.store.ForgiveTry(ctx, p.Name, i == 0); err != nil {
			return fmt.Errorf("login: %w", err)
		}
	}
	return nil
}
