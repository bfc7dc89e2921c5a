package cliserver

import (
	"strings"

	"rmp/communigate/dataformat"
	"rmp/communigate/standin/backend"
)

var accountCommands = []command{
	{"CREATEACCOUNT", true, func(x *execution) (answer, error) {
		address := x.address()
		x.accountType()
		if x.keyword("PATH") {
			x.str()
		}
		x.keyword("LEGACY")
		settings := x.optionalDict()
		_, domain, _ := strings.Cut(address, "@")
		if err := or(x.end(), x.may(domain, "CanCreateAccounts")); err != nil {
			return nil, err
		}
		return nil, x.tx.CreateAccount(address, settings)
	}},
	{"DELETEACCOUNT", true, func(x *execution) (answer, error) {
		a, err := x.account(false, "CanCreateAccounts")
		if err := or(err, x.end()); err != nil {
			return nil, err
		}
		x.server.opts.KillSessions(a.Address())
		return nil, x.tx.DeleteAccount(a.Address())
	}},
	{"RENAMEACCOUNT", true, func(x *execution) (answer, error) {
		a, err := x.account(false, "CanCreateAccounts")
		if err != nil {
			return nil, err
		}
		x.need("INTO")
		into := x.address()
		if x.keyword("PATH") {
			x.str()
		}
		_, domain, _ := strings.Cut(into, "@")
		if err := or(x.end(), x.may(domain, "CanCreateAccounts")); err != nil {
			return nil, err
		}
		x.server.opts.KillSessions(a.Address())
		return nil, x.tx.RenameAccount(a, into)
	}},
	{"SETACCOUNTTYPE", true, func(x *execution) (answer, error) {
		_, err := x.account(false, "CanCreateSpecialAccounts")
		if err != nil {
			return nil, err
		}
		if !x.accountType() && x.err == nil {
			return nil, &backend.Error{Num: 501, Text: "illegal account type"}
		}
		return nil, x.end()
	}},
	{"GETACCOUNTSETTINGS", false, func(x *execution) (answer, error) {
		a, err := x.account(true, "BasicSettings")
		return a.Settings, or(err, x.end())
	}},
	{"GETACCOUNTEFFECTIVESETTINGS", false, func(x *execution) (answer, error) {
		a, err := x.account(true, "BasicSettings")
		if err := or(err, x.end()); err != nil {
			return nil, err
		}
		return x.tx.EffectiveSettings(a)
	}},
	{"UPDATEACCOUNTSETTINGS", true, func(x *execution) (answer, error) { return nil, x.changeAccount(false) }},
	{"SETACCOUNTSETTINGS", true, func(x *execution) (answer, error) { return nil, x.changeAccount(true) }},
	{"SETACCOUNTPASSWORD", true, func(x *execution) (answer, error) {
		a, err := x.account(true, "BasicSettings")
		if err != nil {
			return nil, err
		}
		if !x.keyword("TO") {
			x.need("PASSWORD")
		}
		password, method := x.str(), ""
		if x.keyword("METHOD") {
			method = x.str()
		}
		x.keyword("CHECK")
		if err := x.end(); err != nil {
			return nil, err
		}
		switch strings.ToUpper(method) {
		case "":
			return nil, x.tx.SetPassword(a.Address(), password)
		case "SIP", "RADIUS":
			return nil, x.tx.SetProperty(a.Scope(), "password "+strings.ToUpper(method), password)
		}
		return nil, &backend.Error{Num: 501, Text: "illegal method"}
	}},
	{"VERIFYACCOUNTPASSWORD", false, func(x *execution) (answer, error) {
		a, err := x.account(true, "BasicSettings")
		if err != nil {
			return nil, err
		}
		x.need("PASSWORD")
		password := x.str()
		if err := x.end(); err != nil {
			return nil, err
		}
		_, err = x.tx.CheckPassword(a.Address(), password)
		return nil, err
	}},
	{"GETACCOUNTPLAINPASSWORD", false, func(x *execution) (answer, error) {
		a, err := x.account(false, "Master")
		return a.Password, or(err, x.end())
	}},
	{"GETACCOUNTALIASES", false, func(x *execution) (answer, error) {
		a, err := x.account(true, "BasicSettings")
		if err := or(err, x.end()); err != nil {
			return nil, err
		}
		list, err := x.tx.Aliases(a)
		return strs(list), err
	}},
	{"SETACCOUNTALIASES", true, func(x *execution) (answer, error) {
		a, err := x.account(false, "CanCreateAliases")
		if err != nil {
			return nil, err
		}
		list := x.array()
		if err := x.end(); err != nil {
			return nil, err
		}
		return nil, x.tx.SetAliases(a, list.Strings())
	}},
	{"GETACCOUNTRIGHTS", false, (*execution).accountRights},
	{"SETACCOUNTRIGHTS", true, func(x *execution) (answer, error) {
		a, err := x.account(false, "Master")
		if err != nil {
			return nil, err
		}
		rights := x.array()
		if err := x.end(); err != nil {
			return nil, err
		}
		return nil, x.tx.SetRights(a.Address(), rights.Strings())
	}},
	{"GETACCOUNTINFO", false, (*execution).accountInfo},
	{"GETACCOUNTLOCATION", false, func(x *execution) (answer, error) {
		a, err := x.account(false, "BasicSettings")
		return a.Name + "." + extension, or(err, x.end())
	}},
	{"GETACCOUNTPRESENCE", false, func(x *execution) (answer, error) {
		_, err := x.account(true, "BasicSettings")
		return dataformat.Null{}, or(err, x.end())
	}},
	{"GETACCOUNTPREFS", false, func(x *execution) (answer, error) {
		a, err := x.account(true, "WebUserSettings")
		return a.Prefs, or(err, x.end())
	}},
	{"GETACCOUNTEFFECTIVEPREFS", false, func(x *execution) (answer, error) {
		a, err := x.account(true, "WebUserSettings")
		out := dataformat.Dict{"Language": "english", "TimeZone": "HostOS", "CalendarBox": "Calendar", "ContactsBox": "Contacts", "TasksBox": "Tasks"}
		for k, v := range a.Prefs {
			out[k] = v
		}
		return out, or(err, x.end())
	}},
	{"UPDATEACCOUNTPREFS", true, func(x *execution) (answer, error) { return nil, x.changePrefs(false) }},
	{"SETACCOUNTPREFS", true, func(x *execution) (answer, error) { return nil, x.changePrefs(true) }},
	{"GETACCOUNTMAILRULES", false, func(x *execution) (answer, error) {
		a, err := x.account(true, "RulesAllowed")
		if a.Rules == nil {
			a.Rules = dataformat.Array{}
		}
		return a.Rules, or(err, x.end())
	}},
	{"SETACCOUNTMAILRULES", true, func(x *execution) (answer, error) {
		a, err := x.account(true, "RulesAllowed")
		if err != nil {
			return nil, err
		}
		rules := x.array()
		if err := x.end(); err != nil {
			return nil, err
		}
		return nil, x.tx.SetRules(a.Address(), rules)
	}},
	{"UPDATEACCOUNTMAILRULE", true, func(x *execution) (answer, error) {
		a, err := x.account(true, "RulesAllowed")
		if err != nil {
			return nil, err
		}
		rules, err := x.changeRule(a.Rules)
		if err != nil {
			return nil, err
		}
		return nil, x.tx.SetRules(a.Address(), rules)
	}},
	{"UPDATEACCOUNTSIGNALRULE", true, func(x *execution) (answer, error) {
		a, err := x.account(true, "SignalRulesAllowed")
		if err != nil {
			return nil, err
		}
		old, err := x.tx.Property(a.Scope(), "signal rules")
		if err != nil {
			return nil, err
		}
		list, _ := old.(dataformat.Array)
		rules, err := x.changeRule(list)
		if err != nil {
			return nil, err
		}
		return nil, x.tx.SetProperty(a.Scope(), "signal rules", rules)
	}},
	{"MODIFYACCOUNTTELNUMS", true, (*execution).modifyTelnums},
}

// accountType takes the word for a type of account, if it is next.
func (x *execution) accountType() bool {
	for _, kind := range []string{"MultiMailbox", "TextMailbox", "MailDirMailbox", "SlicedMailbox", "AGrade", "BGrade", "CGrade", "external"} {
		if x.keyword(kind) {
			return true
		}
	}
	return false
}

func (x *execution) accountRights() (answer, error) {
	a, err := x.account(true, "BasicSettings")
	return strs(a.Rights), or(err, x.end())
}

// basicSettings are what the right BasicSettings is for; other settings an
// administrator of a domain changes if their rights name them.
var basicSettings = map[string]bool{"RealName": true, "Password": true, "City": true, "Telephone": true}

// changeAccount changes settings. Those that an administrator of a domain may
// not change are passed over in silence, as the Guide says.
func (x *execution) changeAccount(replace bool) error {
	a, err := x.account(false, "BasicSettings")
	if err != nil {
		return err
	}
	change := x.dict()
	if err := x.end(); err != nil {
		return err
	}
	if !x.who.CanIn("", "") { // of one domain only
		kept := dataformat.Dict{}
		for k, v := range change {
			if basicSettings[k] || x.who.Can(k) {
				kept[k] = v
			}
		}
		change, replace = kept, false
	}
	return x.tx.UpdateSettings(a.Address(), change, replace)
}

func (x *execution) changePrefs(replace bool) error {
	a, err := x.account(true, "WebUserSettings")
	if err != nil {
		return err
	}
	change := x.dict()
	if err := x.end(); err != nil {
		return err
	}
	return x.tx.UpdatePrefs(a.Address(), change, replace)
}

// changeRule reads a rule and puts it into a list: one of fewer than four
// elements changes only the priority of the rule of its name; a longer one
// replaces it; name DELETE takes it out.
func (x *execution) changeRule(rules dataformat.Array) (dataformat.Array, error) {
	if x.keyword("DELETE") {
		name := x.str()
		return without(rules, name), x.end()
	}
	v := x.value()
	if name, ok := v.(string); ok && x.keyword("DELETE") {
		return without(rules, name), x.end()
	}
	rule, ok := v.(dataformat.Array)
	if err := x.end(); err != nil {
		return nil, err
	}
	if !ok || len(rule) < 2 {
		return nil, &backend.Error{Num: 501, Text: "illegal rule"}
	}
	name, _ := rule[1].(string)
	for i, r := range rules {
		old, _ := r.(dataformat.Array)
		if len(old) < 2 || old[1] != name {
			continue
		}
		if len(rule) < 4 {
			changed := append(dataformat.Array{rule[0]}, old[1:]...)
			rules[i] = changed
		} else {
			rules[i] = rule
		}
		return rules, nil
	}
	if len(rule) < 4 {
		return nil, &backend.Error{Num: 525, Text: "rule is not found"}
	}
	return append(rules, rule), nil
}

func without(rules dataformat.Array, name string) dataformat.Array {
	out := dataformat.Array{}
	for _, r := range rules {
		if old, _ := r.(dataformat.Array); len(old) < 2 || old[1] != name {
			out = append(out, r)
		}
	}
	return out
}

// accountInfo answers what the server knows of an account: all, one element,
// or those that are named.
func (x *execution) accountInfo() (answer, error) {
	a, err := x.account(true, "BasicSettings")
	if err != nil {
		return nil, err
	}
	boxes, err := x.tx.Mailboxes(a)
	if err != nil {
		return nil, err
	}
	size := int64(0)
	for _, m := range boxes {
		_, _, n, err := x.tx.Totals(m)
		if err != nil {
			return nil, err
		}
		size += n
	}
	info, err := x.tx.Dict(a.Scope(), "info")
	if err != nil {
		return nil, err
	}
	info["StorageUsed"] = size
	x.keyword("Key")
	switch {
	case x.rest == "":
		return info, x.end()
	case strings.HasPrefix(x.rest, "("):
		out := dataformat.Dict{}
		for _, k := range x.array().Strings() {
			if v, ok := info[k]; ok {
				out[k] = v
			}
		}
		return out, x.end()
	}
	v, ok := info[x.str()]
	if !ok {
		v = ""
	}
	return v, x.end()
}

// modifyTelnums adds a number, deletes one, or takes the first.
func (x *execution) modifyTelnums() (answer, error) {
	a, err := x.account(false, "CanCreateTelnums")
	if err != nil {
		return nil, err
	}
	d := x.dict()
	if err := x.end(); err != nil {
		return nil, err
	}
	old, err := x.tx.Property(a.Scope(), "telnums")
	if err != nil {
		return nil, err
	}
	list, _ := old.(dataformat.Array)
	number := d.String("telnum")
	out := dataformat.Dict{}
	switch d.String("op") {
	case "add":
		list = append(list, number)
	case "del":
		kept := dataformat.Array{}
		for _, n := range list {
			if n != number {
				kept = append(kept, n)
			}
		}
		list = kept
	case "pop":
		if len(list) > 0 {
			out["telnum"], list = list[0], list[1:]
		}
	default:
		return nil, &backend.Error{Num: 501, Text: "illegal op"}
	}
	return out, x.tx.SetProperty(a.Scope(), "telnums", list)
}
