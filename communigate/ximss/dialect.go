package ximss

import (
	"fmt"
	"strings"
	"time"
)

// Dialect says which forms a server takes and gives where the protocol is
// known only at second hand. The zero Dialect is what is likeliest, and safe.
// It can be kept as TOML or JSON.
type Dialect struct {
	Login        string `toml:"login" json:"login"`                // form (the default) or query
	DurationUnit string `toml:"duration_unit" json:"durationUnit"` // of an event: seconds (the default) or minutes
	PeerAttr     string `toml:"peer_attr" json:"peerAttr"`         // of freeBusyRead: peer (the default) or userName
	SendAll      string `toml:"send_all" json:"sendAll"`           // sendRequests to all: all (the default) or yes
	RootCase     string `toml:"root_case" json:"rootCase"`         // of calendar data: mixed (the default) or lower
}

// Validate names the field that has a value it cannot have.
func (d Dialect) Validate() error {
	for _, f := range []struct{ name, value, allowed string }{
		{"login", d.Login, "form query"}, {"duration_unit", d.DurationUnit, "seconds minutes"}, {"peer_attr", d.PeerAttr, "peer userName"},
		{"send_all", d.SendAll, "all yes"}, {"root_case", d.RootCase, "mixed lower"}} {
		ok := f.value == ""
		for a := range strings.FieldsSeq(f.allowed) {
			ok = ok || a == f.value
		}
		if !ok {
			return fmt.Errorf("dialect: %s: %q is not one of %s", f.name, f.value, f.allowed)
		}
	}
	return nil
}

func (d Dialect) unit() time.Duration {
	if d.DurationUnit == "minutes" {
		return time.Minute
	}
	return time.Second
}

func (d Dialect) peerAttr() string {
	if d.PeerAttr == "" {
		return "peer"
	}
	return d.PeerAttr
}

func (d Dialect) sendAll() string {
	if d.SendAll == "" {
		return "all"
	}
	return d.SendAll
}
