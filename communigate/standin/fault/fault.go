// Package fault makes a stand-in fail on purpose, for tests and demonstrations
// of what a client does then.
//
// A Fault says on which protocol and command it strikes, how often, and what
// happens. The servers ask a Plan before they run a command. Faults are kept
// in the order in which they were added; the first that fits strikes.
package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Kind says what goes wrong.
type Kind string

// The kinds.
const (
	Latency Kind = "latency" // the answer comes later, by Delay
	Refuse  Kind = "refuse"  // the command is refused, and not run
	Drop    Kind = "drop"    // the connection breaks after the first After bytes of the answer; the command has run
	Lose    Kind = "lose"    // the connection breaks before the command runs
	Garbage Kind = "garbage" // the answer is not one of the protocol; the command has run
	Expire  Kind = "expire"  // the session is gone
	Limit   Kind = "limit"   // refused as one too many in a time
)

var kinds = []Kind{Latency, Refuse, Drop, Lose, Garbage, Expire, Limit}

// Fault is one thing that goes wrong.
type Fault struct {
	ID       int           `json:"id"`
	Protocol string        `json:"protocol"` // cli, ximss, or * for both
	Command  string        `json:"command"`  // of any case, login for signing in, or * for all
	Kind     Kind          `json:"kind"`
	Delay    time.Duration `json:"delay,omitempty"`
	After    int           `json:"after,omitempty"`  // bytes
	Times    int           `json:"times,omitempty"`  // how often it strikes; 0: always
	Chance   float64       `json:"chance,omitempty"` // from 0 to 1; 0: always
}

// String is the fault as Parse reads it.
func (f Fault) String() string {
	s := f.Protocol + ":" + f.Command + ":" + string(f.Kind)
	var more []string
	if f.Delay != 0 {
		more = append(more, "delay="+f.Delay.String())
	}
	if f.After != 0 {
		more = append(more, "after="+strconv.Itoa(f.After))
	}
	if f.Times != 0 {
		more = append(more, "times="+strconv.Itoa(f.Times))
	}
	if f.Chance != 0 {
		more = append(more, "chance="+strconv.FormatFloat(f.Chance, 'g', -1, 64))
	}
	if len(more) > 0 {
		s += ":" + strings.Join(more, ",")
	}
	return s
}

// Parse reads protocol:command:kind or protocol:command:kind:name=value,…, such
// as ximss:calendarPublish:drop:after=20,times=1.
func Parse(s string) (Fault, error) {
	parts := strings.SplitN(s, ":", 4)
	if len(parts) < 3 {
		return Fault{}, fmt.Errorf("fault %q is not protocol:command:kind", s)
	}
	f := Fault{Protocol: strings.ToLower(parts[0]), Command: parts[1], Kind: Kind(strings.ToLower(parts[2]))}
	if f.Protocol != "cli" && f.Protocol != "ximss" && f.Protocol != "*" {
		return f, fmt.Errorf("fault %q: the protocol is cli, ximss or *", s)
	}
	if f.Command == "" {
		return f, fmt.Errorf("fault %q: there is no command; * is for all", s)
	}
	if !slices.Contains(kinds, f.Kind) {
		return f, fmt.Errorf("fault %q: %q is not one of %v", s, parts[2], kinds)
	}
	if len(parts) == 4 {
		for p := range strings.SplitSeq(parts[3], ",") {
			name, value, _ := strings.Cut(p, "=")
			var err error
			switch name {
			case "delay":
				f.Delay, err = time.ParseDuration(value)
			case "after":
				f.After, err = strconv.Atoi(value)
			case "times":
				f.Times, err = strconv.Atoi(value)
			case "chance":
				f.Chance, err = strconv.ParseFloat(value, 64)
			default:
				err = fmt.Errorf("is not delay, after, times or chance")
			}
			if err != nil {
				return f, fmt.Errorf("fault %q: %s: %w", s, name, err)
			}
		}
	}
	if f.Delay < 0 || f.After < 0 || f.Times < 0 || f.Chance < 0 || f.Chance > 1 || f.Kind == Latency && f.Delay == 0 {
		return f, fmt.Errorf("fault %q: a value is out of range, or latency has no delay", s)
	}
	return f, nil
}

// Plan holds the faults of a stand-in. The zero Plan is ready; a nil one has
// no faults.
type Plan struct {
	mu     sync.Mutex
	next   int
	faults []Fault
}

// Add adds a fault and answers its number.
func (p *Plan) Add(f Fault) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next++
	f.ID = p.next
	p.faults = append(p.faults, f)
	return f.ID
}

// Remove takes a fault out.
func (p *Plan) Remove(id int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = slices.DeleteFunc(p.faults, func(f Fault) bool { return f.ID == id })
}

// List answers the faults that are left.
func (p *Plan) List() []Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.faults)
}

// Strike answers the fault that a command meets, if any, and counts it.
func (p *Plan) Strike(protocol, command string) (Fault, bool) {
	if p == nil {
		return Fault{}, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, f := range p.faults {
		if f.Protocol != "*" && f.Protocol != protocol || f.Command != "*" && !strings.EqualFold(f.Command, command) {
			continue
		}
		if f.Chance > 0 && rand.Float64() >= f.Chance {
			continue
		}
		if f.Times == 1 {
			p.faults = slices.Delete(p.faults, i, i+1)
		} else if f.Times > 1 {
			p.faults[i].Times--
		}
		return f, true
	}
	return Fault{}, false
}

// Wait waits as long as the fault delays.
func (f Fault) Wait(ctx context.Context) {
	if f.Delay <= 0 {
		return
	}
	t := time.NewTimer(f.Delay)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// Nonsense is what a server never answers.
var Nonsense = []byte("\x16\x03\x01<<<not a reply>>>\x01\xff\xfe\r\n")
