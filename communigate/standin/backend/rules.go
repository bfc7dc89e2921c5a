package backend

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"rmp/communigate/dataformat"
)

// Rule is a mail rule: (priority, name, conditions, actions, comment).
type Rule struct {
	Priority   int // 0: inactive, 10: highest
	Name       string
	Conditions []Condition
	Actions    []Action
	Comment    string
}

// Condition is (opCode, operator, parameter).
type Condition struct{ Code, Operator, Parameter string }

// Action is (opCode, parameter).
type Action struct{ Code, Parameter string }

// RulesOf reads the array in which an account keeps its rules. What is not a
// rule is passed over.
func RulesOf(list dataformat.Array) []Rule {
	var out []Rule
	for _, v := range list {
		parts, ok := v.(dataformat.Array)
		if !ok || len(parts) < 2 {
			continue
		}
		text := func(v dataformat.Value) string {
			s, _ := v.(string)
			if n, ok := v.(int64); ok {
				s = strconv.FormatInt(n, 10)
			}
			return s
		}
		r := Rule{Name: text(parts[1])}
		switch p := text(parts[0]); {
		case strings.EqualFold(p, "Highest"):
			r.Priority = 10
		default:
			r.Priority, _ = strconv.Atoi(p)
		}
		lists := func(i int) (out [][]string) {
			if i >= len(parts) {
				return nil
			}
			list, _ := parts[i].(dataformat.Array)
			for _, v := range list {
				fields, _ := v.(dataformat.Array)
				row := make([]string, 3)
				for k, f := range fields {
					if k < len(row) {
						row[k] = text(f)
					}
				}
				out = append(out, row)
			}
			return out
		}
		for _, c := range lists(2) {
			r.Conditions = append(r.Conditions, Condition{c[0], c[1], c[2]})
		}
		for _, a := range lists(3) {
			r.Actions = append(r.Actions, Action{a[0], a[1]})
		}
		if len(parts) > 4 {
			r.Comment = text(parts[4])
		}
		out = append(out, r)
	}
	slices.SortStableFunc(out, func(a, b Rule) int { return b.Priority - a.Priority })
	return out
}

// outcome is what rules decided about a message.
type outcome struct {
	discard bool
	mailbox string
	flags   []string
}

// applyRules lets an account's rules act on a message that comes in.
func (tx *Tx) applyRules(a Account, v Envelope, now time.Time, hops int) (outcome, error) {
	var out outcome
	rules := RulesOf(a.Rules)
	if tx.b.mode != Strict && strings.EqualFold(a.Settings.String("AutoAccept"), "YES") {
		rules = append(rules, Rule{Priority: 1, Name: "AutoAccept", Actions: []Action{{Code: "Accept Request"}}})
	}
	for _, r := range rules {
		if r.Priority <= 0 {
			continue
		}
		matches := true
		for _, c := range r.Conditions {
			ok, err := tx.condition(a, c, v, now)
			if err != nil {
				return out, err
			}
			matches = matches && ok
		}
		if !matches {
			continue
		}
		for _, act := range r.Actions {
			stop, err := tx.act(a, act, v, &out, now, hops)
			if err != nil || stop {
				return out, err
			}
		}
	}
	return out, nil
}

func (tx *Tx) act(a Account, act Action, v Envelope, out *outcome, now time.Time, hops int) (stop bool, err error) {
	param := act.Parameter
	if param == "---" {
		param = ""
	}
	switch strings.ToLower(act.Code) {
	case "accept request":
		if v.Calendar == nil || v.Calendar.Method != "REQUEST" && v.Calendar.Method != "CANCEL" {
			return false, nil
		}
		return false, tx.acceptRequest(a, param, v.Calendar, now, hops)
	case "accept reply":
		if v.Calendar == nil || v.Calendar.Method != "REPLY" {
			return false, nil
		}
		box, err := tx.MainCalendar(a, true)
		if param != "" {
			box, err = tx.calendarBox(a, param, true)
		}
		if err != nil {
			return false, err
		}
		if err := tx.TakeReply(box, v.Calendar, now); err != ErrNoItem { //nolint:errorlint // made by this package, never wrapped
			return false, err
		}
	case "discard":
		out.discard = true
		return true, nil
	case "stop processing":
		return true, nil
	case "store in":
		out.mailbox = param
	case "mark":
		for f := range strings.SplitSeq(param, ",") {
			if name, unset := flagName(f); name != "" && !unset {
				out.flags = append(out.flags, name)
			}
		}
	case "mirror to", "forward to", "redirect to":
		copied := v
		copied.To = param
		return false, tx.send(copied, now, hops+1)
	}
	return false, nil // what a rule asks for beyond this does not concern calendars
}

// condition decides whether a message meets a condition. One that the
// stand-in does not know is not met.
func (tx *Tx) condition(a Account, c Condition, v Envelope, now time.Time) (bool, error) {
	var value string
	switch strings.ToLower(c.Code) {
	case "calendar method":
		if v.Calendar == nil {
			return false, nil
		}
		value = v.Calendar.Method
	case "freebusy":
		if v.Calendar == nil {
			return false, nil
		}
		box, err := tx.MainCalendar(a, false)
		if err == ErrNoMailbox { //nolint:errorlint // made by this package, never wrapped
			value = "Free"
			break
		}
		if err != nil {
			return false, err
		}
		value = "Free"
		for _, e := range v.Calendar.Events {
			busy, err := tx.conflicts(box, &Item{Kind: Event, Event: e, Zones: v.Calendar.Zones}, now)
			if err != nil {
				return false, err
			}
			if busy {
				value = "Busy"
			}
		}
	case "from", "sender", "return-path", "reply-to":
		value = v.From
	case "'from' name":
		value = v.FromName
	case "to", "any to or cc", "each to or cc", "any recipient", "each recipient":
		value = v.To
	case "subject":
		value = v.Subject
	case "human generated":
		return strings.EqualFold(c.Operator, "is not") == (v.Calendar != nil && v.Calendar.Method == "REPLY"), nil
	default:
		return false, nil
	}
	return compare(value, c.Operator, c.Parameter), nil
}

// compare is the comparison of a condition; * stands for anything at either
// end of the parameter.
func compare(value, operator, parameter string) bool {
	one := func(pattern string) bool {
		value, pattern := strings.ToLower(value), strings.ToLower(strings.TrimSpace(pattern))
		head, tail := strings.HasPrefix(pattern, "*"), strings.HasSuffix(pattern, "*")
		switch pattern = strings.Trim(pattern, "*"); {
		case head && tail:
			return strings.Contains(value, pattern)
		case head:
			return strings.HasSuffix(value, pattern)
		case tail:
			return strings.HasPrefix(value, pattern)
		}
		return value == pattern
	}
	any := func() bool { return slices.ContainsFunc(strings.Split(parameter, ","), one) }
	switch strings.ToLower(operator) {
	case "is", "":
		return one(parameter)
	case "is not":
		return !one(parameter)
	case "in":
		return any()
	case "not in":
		return !any()
	}
	return false
}
