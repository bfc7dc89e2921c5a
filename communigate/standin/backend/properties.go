package backend

import (
	"strconv"
	"strings"

	"rmp/communigate/dataformat"
)

// Properties are values that the server keeps for its administrators and
// clients without acting on them, or hardly: telephone numbers, polling of
// other servers, templates, modules.

const propertiesSchema = `
CREATE TABLE IF NOT EXISTS properties (
	scope TEXT NOT NULL, key TEXT NOT NULL, data TEXT NOT NULL, PRIMARY KEY (scope, key)) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS properties_of_accounts AFTER DELETE ON accounts BEGIN
	DELETE FROM properties WHERE scope='account:'||OLD.id;
	DELETE FROM files WHERE account=OLD.id;
	DELETE FROM names WHERE domain=OLD.domain AND kind='alias' AND data=OLD.name;
END;
CREATE TRIGGER IF NOT EXISTS properties_of_domains AFTER DELETE ON domains BEGIN
	DELETE FROM properties WHERE scope='domain:'||OLD.name;
	DELETE FROM names WHERE domain=OLD.name;
END;
CREATE TABLE IF NOT EXISTS files (
	account INTEGER NOT NULL, name TEXT NOT NULL, data BLOB NOT NULL, modified INTEGER NOT NULL, PRIMARY KEY (account, name)) WITHOUT ROWID;
`

// Scope says whose a property is.
type Scope string

// ServerScope is the server itself.
const ServerScope Scope = "server"

// Scope is the account as the owner of properties.
func (a Account) Scope() Scope { return Scope("account:" + strconv.FormatInt(a.ID, 10)) }

// DomainScope is a domain as the owner of properties.
func (tx *Tx) DomainScope(name string) (Scope, error) {
	d, err := tx.domain(name)
	return Scope("domain:" + d), err
}

// Property answers a value, or nil if it was never set.
func (tx *Tx) Property(s Scope, key string) (dataformat.Value, error) {
	var text string
	ok, err := tx.row(`SELECT data FROM properties WHERE scope=? AND key=?`, []any{s, key}, &text)
	if err != nil || !ok {
		return nil, err
	}
	return dataformat.Parse(text)
}

// Dict answers a value that is a dictionary; it is never nil.
func (tx *Tx) Dict(s Scope, key string) (dataformat.Dict, error) {
	v, err := tx.Property(s, key)
	d, _ := v.(dataformat.Dict)
	return orEmpty(d), err
}

// SetProperty sets a value.
func (tx *Tx) SetProperty(s Scope, key string, v dataformat.Value) error {
	text, err := dataformat.Text(v)
	if err != nil {
		return &Error{501, "illegal value: " + err.Error()}
	}
	_, err = tx.exec(`INSERT INTO properties (scope, key, data) VALUES (?,?,?) ON CONFLICT (scope, key) DO UPDATE SET data=excluded.data`, s, key, text)
	return err
}

// UpdateProperty changes entries of a dictionary; "default" removes one.
func (tx *Tx) UpdateProperty(s Scope, key string, change dataformat.Dict, replace bool) error {
	old, err := tx.Dict(s, key)
	if err != nil {
		return err
	}
	text, err := merged(old, change, replace)
	if err != nil {
		return err
	}
	d, err := parseDict(text)
	if err != nil {
		return err
	}
	return tx.SetProperty(s, key, d)
}

// Keys of properties.
const (
	DomainDefaults  = "domain defaults"
	AccountDefaults = "account defaults"
	AccountTemplate = "account template"
)

// builtinDomain and builtinAccount are what a server has before anybody sets
// anything, as the vendor's sample files have it.
var (
	modes = dataformat.Array{"27", "Mail", "Relay", "Signal", "Mobile", "TLS", "POP", "IMAP", "MAPI", "AirSync", "SIP", "XMPP", "WebMail", "XIMSS", "FTP", "ACAP", "PWD",
		"LDAP", "RADIUS", "S/MIME", "WebCAL", "WebSite", "PBX", "HTTP", "MobilePBX", "XMedia", "YMedia", "MobilePronto"}
	builtinDomain = dataformat.Dict{"AccountsLimit": "-1", "DomainAccessModes": "All", "AUTHMethods": "All", "MailToUnknown": "Rejected",
		"CentralDirectory": "Keep In Sync", "WebSitePrefix": "~"}
	builtinAccount = dataformat.Dict{"AccessModes": modes, "MaxAccountSize": "unlimited", "PasswordEncryption": "clear", "PWDAllowed": "YES",
		"RulesAllowed": "Any", "QuotaAlert": "80", "IMAPSeesNonMail": "NO"}
)

func overlay(layers ...dataformat.Dict) dataformat.Dict {
	out := dataformat.Dict{}
	for _, l := range layers {
		for k, v := range l {
			out[k] = v
		}
	}
	return out
}

// EffectiveDomainSettings are a domain's settings with the server's defaults
// for what is not set.
func (tx *Tx) EffectiveDomainSettings(name string) (dataformat.Dict, error) {
	own, err := tx.DomainSettings(name)
	if err != nil {
		return nil, err
	}
	defaults, err := tx.Dict(ServerScope, DomainDefaults)
	return overlay(builtinDomain, defaults, own), err
}

// EffectiveSettings are an account's settings with those of its service class
// and the defaults of its domain and the server for what is not set.
func (tx *Tx) EffectiveSettings(a Account) (dataformat.Dict, error) {
	server, err := tx.Dict(ServerScope, AccountDefaults)
	if err != nil {
		return nil, err
	}
	scope, err := tx.DomainScope(a.Domain)
	if err != nil {
		return nil, err
	}
	domain, err := tx.Dict(scope, AccountDefaults)
	if err != nil {
		return nil, err
	}
	defaults := overlay(builtinAccount, server, domain)
	var class dataformat.Dict
	name := a.Settings.String("ServiceClass")
	if name == "" {
		name = defaults.String("ServiceClass")
	}
	for k, v := range defaults.Dict("ServiceClasses") {
		if strings.EqualFold(k, name) {
			class, _ = v.(dataformat.Dict)
		}
	}
	delete(defaults, "ServiceClasses")
	return overlay(defaults, class, a.Settings), nil
}
