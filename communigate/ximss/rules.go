package ximss

import "rmp/xmlnode"

// Rule is a mail rule of the session's account.
type Rule struct {
	Name       string
	Priority   string // Inactive, 1 to 9, or Highest
	Conditions []RulePart
	Actions    []RulePart
	Comment    string
}

// RulePart is a condition or an action.
type RulePart struct{ Code, Operator, Parameter string }

// ListRules asks for the names and priorities of the mail rules.
func ListRules() *Request { return NewRequest(xmlnode.New("ruleList", "type", "mailIn")) }

// ReadRule asks for a mail rule.
func ReadRule(name string) *Request {
	return NewRequest(xmlnode.New("ruleRead", "type", "mailIn", "name", name))
}

// SetRule stores a mail rule.
func SetRule(r Rule) *Request {
	n := xmlnode.New("ruleSet", "type", "mailIn", "name", r.Name, "priority", r.Priority)
	for _, c := range r.Conditions {
		n.Add(xmlnode.New("condition", "opCode", c.Code, "operator", c.Operator).WithText(c.Parameter))
	}
	for _, a := range r.Actions {
		n.Add(xmlnode.New("action", "opCode", a.Code).WithText(a.Parameter))
	}
	if r.Comment != "" {
		n.Add(xmlnode.New("comment").WithText(r.Comment))
	}
	return NewRequest(n)
}

// RenameRule gives a mail rule another name.
func RenameRule(name, newName string) *Request {
	return NewRequest(xmlnode.New("ruleRename", "type", "mailIn", "name", name, "newName", newName))
}

// RemoveRule removes a mail rule.
func RemoveRule(name string) *Request {
	return NewRequest(xmlnode.New("ruleRemove", "type", "mailIn", "name", name))
}

// Rules decodes the reply to ListRules and ReadRule.
func (r *Reply) Rules() ([]Rule, error) {
	if r.Err != nil {
		return nil, r.Err
	}
	out := []Rule{}
	for _, n := range r.Data {
		if !n.Is("rule") {
			continue
		}
		rule := Rule{Name: n.Attr("name"), Priority: n.Attr("priority"), Comment: n.ChildText("comment")}
		for _, c := range n.Children {
			part := RulePart{Code: c.Attr("opCode"), Operator: c.Attr("operator"), Parameter: c.Text}
			switch {
			case c.Is("condition"):
				rule.Conditions = append(rule.Conditions, part)
			case c.Is("action"):
				rule.Actions = append(rule.Actions, part)
			}
		}
		out = append(out, rule)
	}
	return out, nil
}
