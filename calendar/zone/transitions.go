package zone

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Transition is a change of a zone's clock.
type Transition struct {
	At       time.Time
	Offset   int // seconds east of UTC from then on
	Name     string
	Daylight bool
}

const (
	maxTransitions = 4000
	maxZoneTypes   = 200
	maxZoneChars   = 250
	maxOffset      = 24 * 60 * 60
)

// FromTransitions makes a location of its changes, which must be in order.
// The first entry says what holds before the second; its At is not used.
//
// Go makes locations only of the data of zone files, so this writes such
// data: TZif version 2 (RFC 8536).
func FromTransitions(name string, changes []Transition) (*time.Location, error) {
	if len(changes) == 0 {
		return nil, fmt.Errorf("the time zone %q has no offset", name)
	}
	if len(changes) > maxTransitions {
		return nil, fmt.Errorf("the time zone %q changes more than %d times", name, maxTransitions)
	}
	var types, chars []byte
	type kind struct {
		offset   int
		daylight bool
		name     string
	}
	index, names := map[kind]byte{}, map[string]byte{}
	add := func(t Transition) (byte, error) {
		k := kind{t.Offset, t.Daylight, abbreviation(t.Name)}
		if i, ok := index[k]; ok {
			return i, nil
		}
		if t.Offset <= -maxOffset || t.Offset >= maxOffset {
			return 0, fmt.Errorf("the time zone %q has an offset of a day or more", name)
		}
		at, ok := names[k.name]
		if !ok {
			if len(chars)+len(k.name)+1 > maxZoneChars {
				return 0, fmt.Errorf("the time zone %q has too many names for its offsets", name)
			}
			at = byte(len(chars))
			names[k.name] = at
			chars = append(append(chars, k.name...), 0)
		}
		i := len(types) / 6
		if i >= maxZoneTypes {
			return 0, fmt.Errorf("the time zone %q has too many offsets", name)
		}
		types = binary.BigEndian.AppendUint32(types, uint32(int32(t.Offset)))
		types = append(types, boolByte(t.Daylight), at)
		index[k] = byte(i)
		return byte(i), nil
	}
	// The first type is for the time before the first change only: readers
	// take it for that when no change leads to it.
	if _, err := add(changes[0]); err != nil {
		return nil, err
	}
	clear(index)
	var times, which []byte
	for i, t := range changes[1:] {
		if i > 0 && !changes[i].At.Before(t.At) {
			return nil, fmt.Errorf("the changes of the time zone %q are not in order", name)
		}
		k, err := add(t)
		if err != nil {
			return nil, err
		}
		times = binary.BigEndian.AppendUint64(times, uint64(t.At.Unix()))
		which = append(which, k)
	}
	// The block of version 1 has the least that is allowed; readers of
	// version 2 skip it.
	b := tzifHeader(nil, 0, 1, 1)
	b = append(b, make([]byte, 6+1)...)
	b = tzifHeader(b, len(which), len(types)/6, len(chars))
	for _, part := range [][]byte{times, which, types, chars, []byte("\n\n")} {
		b = append(b, part...)
	}
	loc, err := time.LoadLocationFromTZData(name, b)
	if err != nil {
		return nil, fmt.Errorf("the time zone %q: %w", name, err)
	}
	return loc, nil
}

func tzifHeader(b []byte, times, types, chars int) []byte {
	b = append(b, "TZif2"...)
	b = append(b, make([]byte, 15)...)
	for _, n := range []int{0, 0, 0, times, types, chars} {
		b = binary.BigEndian.AppendUint32(b, uint32(n))
	}
	return b
}

func boolByte(v bool) byte {
	if v {
		return 1
	}
	return 0
}

// abbreviation is a name such as a zone file may hold: letters, digits and
// signs, not long.
func abbreviation(s string) string {
	out := make([]byte, 0, 6)
	for _, c := range []byte(s) {
		if c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '+' || c == '-' {
			if out = append(out, c); len(out) == 6 {
				break
			}
		}
	}
	if len(out) == 0 {
		return "-00" // what zone files write for a time without a name
	}
	return string(out)
}

// ErrManyTransitions is the error of Transitions for too long a time.
var ErrManyTransitions = errors.New("the time zone changes too often")

// Transitions is the inverse of FromTransitions: the changes of offset of a
// location in [from, till), preceded by what holds at from. Changes of the
// name alone are left out.
func Transitions(loc *time.Location, from, till time.Time) ([]Transition, error) {
	at := func(t time.Time) Transition {
		t = t.In(loc)
		name, offset := t.Zone()
		return Transition{At: t.UTC(), Offset: offset, Name: name, Daylight: t.IsDST()}
	}
	out := []Transition{at(from)}
	for t := from.In(loc); ; {
		end, ok := periodEnd(t)
		if !ok || !end.Before(till) {
			return out, nil
		}
		if next := at(end); next.Offset != out[len(out)-1].Offset {
			if out = append(out, next); len(out) > maxTransitions {
				return nil, ErrManyTransitions
			}
		}
		t = end
	}
}
