// Package dataformat reads and writes the textual objects of CommuniGate Pro:
// the format of CLI parameters and replies and of its settings files
// (CommuniGate Pro Guide, "Formal Syntax Rules", Data.html).
//
// A value is one of the Go types below. The reader is tolerant: besides the
// strict atoms (letters and digits) it takes the wider set of characters that
// the vendor's own client libraries leave unquoted. The writer is strict: it
// quotes everything but letters and digits, writes control bytes as three
// decimal digits, and never writes two adjacent strings or blocks, which the
// vendor's readers mishandle.
//
// Invariants: what Append writes, Parse reads back equal; no text in a string
// can end the string, the object or the line it stands in; a reader never
// goes deeper or takes more than its limits.
package dataformat

import (
	"net/netip"
	"time"
)

// Value is one of: string, int64, Timestamp, IP, Datablock, Array, Dict, Null,
// XML, Opaque.
type Value any

// Array is an ordered list: (a,b,c).
type Array []Value

// Dict maps strings to values: {a=1;b=2;}.
type Dict map[string]Value

// Datablock is binary data: [base64].
type Datablock []byte

// Null is the null object: #NULL#.
type Null struct{}

// XML is an embedded XML object, kept as its text.
type XML string

// Opaque is an object that has no text form of its own, kept as its text:
// #(class:…).
type Opaque string

// Timestamp is a time in whole seconds of UTC, or one of the two sentinels.
type Timestamp struct {
	Time   time.Time
	Past   bool // #TPAST: before every time
	Future bool // #TFUTURE: after every time
}

// IP is an address with an optional port (0: none).
type IP struct {
	Addr netip.Addr
	Port uint16
}

// String answers the string under the key; a number is given as its digits.
func (d Dict) String(key string) string {
	switch v := d[key].(type) {
	case string:
		return v
	case int64:
		return formatInt(v)
	}
	return ""
}

// Int answers the number under the key, written as a number or as a string
// of digits.
func (d Dict) Int(key string) (int64, bool) { return asInt(d[key]) }

// Dict answers the dictionary under the key, or nil.
func (d Dict) Dict(key string) Dict {
	v, _ := d[key].(Dict)
	return v
}

// Array answers the array under the key, or nil.
func (d Dict) Array(key string) Array {
	v, _ := d[key].(Array)
	return v
}

// Strings answers the array's strings; elements of other kinds are left out.
func (a Array) Strings() []string {
	out := make([]string, 0, len(a))
	for _, v := range a {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}
