package cliserver

import (
	"rmp/communigate/dataformat"
	"rmp/communigate/standin/backend"
)

// Commands that get, set and update a value which the server keeps without
// acting on it are alike; they are made from a table.

// property is a value of a domain, an account or the server.
type property struct {
	noun  string // of GET…, SET… and UPDATE…
	key   string
	scope func(x *execution, write bool) (backend.Scope, error)
	array bool // an array, else a dictionary, which can be updated
}

func ofServer(x *execution, _ bool) (backend.Scope, error) { return backend.ServerScope, x.admin() }

func ofDomain(x *execution, _ bool) (backend.Scope, error) {
	domain := x.optionalDomain()
	if err := or(x.err, x.may(domain, "BasicSettings")); err != nil {
		return "", err
	}
	return x.tx.DomainScope(domain)
}

// ofAccount is for values that everybody may read of their own account, and
// write too where own is set.
func ofAccount(own bool, right string) func(*execution, bool) (backend.Scope, error) {
	return func(x *execution, write bool) (backend.Scope, error) {
		a, err := x.account(own || !write, right)
		return a.Scope(), err
	}
}

var properties = []property{
	{"DOMAINDEFAULTS", backend.DomainDefaults, ofServer, false},
	{"CLUSTERDOMAINDEFAULTS", "cluster domain defaults", ofServer, false},
	{"SERVERACCOUNTDEFAULTS", backend.AccountDefaults, ofServer, false},
	{"CLUSTERACCOUNTDEFAULTS", "cluster account defaults", ofServer, false},
	{"SERVERSETTINGS", "server settings", ofServer, false},
	{"CLUSTERSETTINGS", "cluster settings", ofServer, false},
	{"SESSIONSETTINGS", "session settings", ofServer, false},
	{"ACCOUNTDEFAULTS", backend.AccountDefaults, ofDomain, false},
	{"ACCOUNTTEMPLATE", backend.AccountTemplate, ofDomain, false},
	{"DOMAINMAILRULES", "mail rules", ofDomain, true},
	{"DOMAINSIGNALRULES", "signal rules", ofDomain, true},
	{"ACCOUNTTELNUMS", "telnums", ofAccount(false, "CanCreateTelnums"), true},
	{"ACCOUNTSIGNALRULES", "signal rules", ofAccount(true, "SignalRulesAllowed"), true},
	{"ACCOUNTRPOPS", "rpops", ofAccount(true, "CanModifyRPOP"), false},
	{"ACCOUNTRSIPS", "rsips", ofAccount(true, "CanModifyRSIP"), false},
	{"MAILBOXSUBSCRIPTION", "subscription", ofAccount(true, "BasicSettings"), true},
	{"MAILBOXALIASES", "mailbox aliases", ofAccount(true, "BasicSettings"), false},
}

var propertyCommands = func() []command {
	var out []command
	for _, p := range properties {
		out = append(out,
			command{"GET" + p.noun, false, func(x *execution) (answer, error) {
				scope, err := p.scope(x, false)
				if err := or(err, x.end()); err != nil {
					return nil, err
				}
				if !p.array {
					return x.tx.Dict(scope, p.key)
				}
				v, err := x.tx.Property(scope, p.key)
				if v == nil {
					v = dataformat.Array{}
				}
				return v, err
			}},
			command{"SET" + p.noun, true, func(x *execution) (answer, error) {
				scope, err := p.scope(x, true)
				if err != nil {
					return nil, err
				}
				if p.array {
					list := x.array()
					if err := x.end(); err != nil {
						return nil, err
					}
					return nil, x.tx.SetProperty(scope, p.key, list)
				}
				d := x.dict()
				if err := x.end(); err != nil {
					return nil, err
				}
				return nil, x.tx.UpdateProperty(scope, p.key, d, true)
			}})
		if !p.array {
			out = append(out, command{"UPDATE" + p.noun, true, func(x *execution) (answer, error) {
				scope, err := p.scope(x, true)
				if err != nil {
					return nil, err
				}
				d := x.dict()
				if err := x.end(); err != nil {
					return nil, err
				}
				return nil, x.tx.UpdateProperty(scope, p.key, d, false)
			}})
		}
	}
	return out
}()
