package ximssserver

import (
	"slices"
	"strconv"
	"strings"

	"rmp/communigate/dataformat"
	"rmp/communigate/standin/backend"
	"rmp/xmlnode"
)

var ruleOperations = []operation{
	{"ruleList", false, (*call).ruleList}, {"ruleRead", false, (*call).ruleRead}, {"ruleSet", true, (*call).ruleSet},
	{"ruleRemove", true, (*call).ruleRemove}, {"ruleRename", true, (*call).ruleRename},
}

var errNoRule = &backend.Error{Num: 525, Text: "rule is not found"}

// mailRules are the account's rules; those for signals are not kept here.
func (c *call) mailRules() (dataformat.Array, error) {
	if t := c.in.Attr("type"); t != "" && !strings.EqualFold(t, "mailIn") {
		return nil, illegal("type attribute")
	}
	a, err := c.tx.Account(c.account.Address())
	return a.Rules, err
}

func priority(n int) string {
	switch {
	case n <= 0:
		return "Inactive"
	case n >= 10:
		return "Highest"
	}
	return strconv.Itoa(n)
}

func (c *call) ruleList() error {
	list, err := c.mailRules()
	if err != nil {
		return err
	}
	for _, r := range backend.RulesOf(list) {
		c.data(xmlnode.New("rule", "type", "mailIn", "name", r.Name, "priority", priority(r.Priority)))
	}
	return nil
}

func (c *call) ruleRead() error {
	list, err := c.mailRules()
	if err != nil {
		return err
	}
	for _, r := range backend.RulesOf(list) {
		if r.Name != c.in.Attr("name") {
			continue
		}
		out := xmlnode.New("rule", "type", "mailIn", "name", r.Name, "priority", priority(r.Priority))
		for _, x := range r.Conditions {
			out.Add(xmlnode.New("condition", "opCode", x.Code, "operator", x.Operator).WithText(x.Parameter))
		}
		for _, x := range r.Actions {
			out.Add(xmlnode.New("action", "opCode", x.Code).WithText(x.Parameter))
		}
		if r.Comment != "" {
			out.Add(xmlnode.New("comment").WithText(r.Comment))
		}
		c.data(out)
		return nil
	}
	return errNoRule
}

// at finds a rule in the array in which the account keeps them.
func at(list dataformat.Array, name string) int {
	return slices.IndexFunc(list, func(v dataformat.Value) bool {
		r, _ := v.(dataformat.Array)
		return len(r) > 1 && r[1] == name
	})
}

func (c *call) ruleSet() error {
	list, err := c.mailRules()
	if err != nil {
		return err
	}
	name := c.in.Attr("name")
	if name == "" {
		return illegal("name attribute")
	}
	p := c.in.Attr("priority")
	switch {
	case strings.EqualFold(p, "Highest"):
		p = "10"
	case strings.EqualFold(p, "Inactive"):
		p = "0"
	}
	if n, err := strconv.Atoi(p); err != nil || n < 0 || n > 10 {
		return illegal("priority attribute")
	}
	conditions, actions, comment := dataformat.Array{}, dataformat.Array{}, ""
	for _, n := range c.in.Children {
		switch {
		case n.Is("condition"):
			conditions = append(conditions, dataformat.Array{n.Attr("opCode"), n.Attr("operator"), n.Text})
		case n.Is("action"):
			actions = append(actions, dataformat.Array{n.Attr("opCode"), n.Text})
		case n.Is("comment"):
			comment = n.Text
		}
	}
	rule := dataformat.Array{p, name, conditions, actions, comment}
	if i := at(list, name); i >= 0 {
		list[i] = rule
	} else {
		list = append(list, rule)
	}
	return c.tx.SetRules(c.account.Address(), list)
}

func (c *call) ruleRemove() error {
	list, err := c.mailRules()
	if err != nil {
		return err
	}
	if i := at(list, c.in.Attr("name")); i >= 0 {
		return c.tx.SetRules(c.account.Address(), slices.Delete(list, i, i+1))
	}
	return errNoRule
}

func (c *call) ruleRename() error {
	list, err := c.mailRules()
	if err != nil {
		return err
	}
	i, name := at(list, c.in.Attr("name")), c.in.Attr("newName")
	switch {
	case i < 0:
		return errNoRule
	case name == "" || at(list, name) >= 0:
		return illegal("newName attribute")
	}
	rule := slices.Clone(list[i].(dataformat.Array))
	rule[1] = name
	list[i] = rule
	return c.tx.SetRules(c.account.Address(), list)
}
