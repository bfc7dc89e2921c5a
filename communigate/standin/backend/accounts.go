package backend

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"rmp/communigate/dataformat"
)

const accountsSchema = `
CREATE TABLE IF NOT EXISTS domains (
	name TEXT PRIMARY KEY, main INTEGER NOT NULL, settings TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS accounts (
	id INTEGER PRIMARY KEY, domain TEXT NOT NULL REFERENCES domains(name), name TEXT NOT NULL, password TEXT NOT NULL,
	settings TEXT NOT NULL, prefs TEXT NOT NULL, rules TEXT NOT NULL, rights TEXT NOT NULL, UNIQUE (domain, name));
`

// Account is one account.
type Account struct {
	ID       int64
	Name     string // without the domain
	Domain   string
	Password string
	Settings dataformat.Dict
	Prefs    dataformat.Dict
	Rules    dataformat.Array
	Rights   []string
	Groups   []string // the addresses of the groups it is in
}

// Address is name@domain.
func (a Account) Address() string { return a.Name + "@" + a.Domain }

// Can reports whether the account has a right over the server.
func (a Account) Can(right string) bool {
	return slices.Contains(a.Rights, "Master") || slices.Contains(a.Rights, right)
}

// CanIn reports whether the account has a right over a domain: over all of
// them, or over its own.
func (a Account) CanIn(domain, right string) bool {
	return a.Can("All Domains") || a.Can("Domains") || strings.EqualFold(domain, a.Domain) && slices.Contains(a.Rights, right)
}

// RealName is the name for people.
func (a Account) RealName() string { return a.Settings.String("RealName") }

func (tx *Tx) firstStart(o Options) error {
	if _, err := tx.exec(`INSERT INTO domains (name, main, settings) VALUES (?, 1, '{}') ON CONFLICT DO NOTHING`, tx.b.main); err != nil {
		return err
	}
	name := o.Admin + "@" + tx.b.main
	a, err := tx.Account(name)
	if err == nil {
		if a.Password != o.AdminPassword {
			return tx.SetPassword(name, o.AdminPassword)
		}
		return nil
	}
	if err := tx.CreateAccount(name, dataformat.Dict{"Password": o.AdminPassword, "RealName": "Administrator"}); err != nil {
		return err
	}
	return tx.SetRights(name, []string{"Master"})
}

// Domains answers the names of all domains, the main one first.
func (tx *Tx) Domains() ([]string, error) {
	var out []string
	err := tx.rows(func(r *sql.Rows) error {
		var n string
		err := r.Scan(&n)
		out = append(out, n)
		return err
	}, `SELECT name FROM domains ORDER BY main DESC, name`)
	return out, err
}

// validName refuses what could not be a name of a domain or an account.
func validName(s string) bool {
	return s != "" && len(s) <= 255 && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`"\/<>(){}[],;:=@|*`, r)
	})
}

// CreateDomain makes a secondary domain.
func (tx *Tx) CreateDomain(name string, settings dataformat.Dict) error {
	name = strings.ToLower(name)
	if !validName(name) {
		return &Error{501, "illegal domain name"}
	}
	text, err := dataformat.Text(orEmpty(settings))
	if err != nil {
		return &Error{501, "illegal settings: " + err.Error()}
	}
	n, err := tx.exec(`INSERT INTO domains (name, main, settings) VALUES (?, 0, ?) ON CONFLICT DO NOTHING`, name, text)
	if err == nil && n == 0 {
		return ErrDomainExists
	}
	return err
}

// DeleteDomain removes a domain; with force also one that has accounts.
func (tx *Tx) DeleteDomain(name string, force bool) error {
	name = strings.ToLower(name)
	if name == tx.b.main {
		return ErrNotAllowed
	}
	var accounts int
	if _, err := tx.row(`SELECT COUNT(*) FROM accounts WHERE domain=?`, []any{name}, &accounts); err != nil {
		return err
	}
	if accounts > 0 && !force {
		return ErrDomainNotEmpty
	}
	if _, err := tx.exec(`DELETE FROM accounts WHERE domain=?`, name); err != nil {
		return err
	}
	n, err := tx.exec(`DELETE FROM domains WHERE name=?`, name)
	if err == nil && n == 0 {
		return ErrNoDomain
	}
	return err
}

// DomainSettings answers what is set explicitly for a domain.
func (tx *Tx) DomainSettings(name string) (dataformat.Dict, error) {
	var text string
	name, err := tx.domain(name)
	if err != nil {
		return nil, err
	}
	if _, err := tx.row(`SELECT settings FROM domains WHERE name=?`, []any{name}, &text); err != nil {
		return nil, err
	}
	return parseDict(text)
}

// UpdateDomainSettings changes the named settings; "default" removes one.
// replace removes all that are not named.
func (tx *Tx) UpdateDomainSettings(name string, change dataformat.Dict, replace bool) error {
	old, err := tx.DomainSettings(name)
	if err != nil {
		return err
	}
	text, err := merged(old, change, replace)
	if err != nil {
		return err
	}
	if name, err = tx.domain(name); err != nil {
		return err
	}
	_, err = tx.exec(`UPDATE domains SET settings=? WHERE name=?`, text, name)
	return err
}

// RenameDomain gives a domain another name.
func (tx *Tx) RenameDomain(old, into string) error {
	old, into = strings.ToLower(old), strings.ToLower(into)
	if !validName(into) {
		return &Error{501, "illegal domain name"}
	}
	if _, err := tx.DomainSettings(old); err != nil {
		return err
	}
	if old == tx.b.main {
		return ErrNotAllowed
	}
	if _, err := tx.domain(into); err == nil {
		return ErrDomainExists
	}
	for _, q := range []string{
		`INSERT INTO domains (name, main, settings) SELECT ?2, main, settings FROM domains WHERE name=?1`,
		`UPDATE accounts SET domain=?2 WHERE domain=?1`, `UPDATE names SET domain=?2 WHERE domain=?1`, `UPDATE domain_aliases SET domain=?2 WHERE domain=?1`,
		`UPDATE properties SET scope='domain:'||?2 WHERE scope='domain:'||?1`, `DELETE FROM domains WHERE name=?1`} {
		if _, err := tx.exec(q, old, into); err != nil {
			return err
		}
	}
	return nil
}

// RenameAccount gives an account another name, in its own or another domain.
func (tx *Tx) RenameAccount(a Account, into string) error {
	name, domain := tx.split(into)
	if !validName(name) {
		return &Error{501, "illegal account name"}
	}
	domain, err := tx.domain(domain)
	if err != nil {
		return err
	}
	if taken, err := tx.taken(domain, name); err != nil || taken {
		if err == nil {
			err = ErrAccountExists
		}
		return err
	}
	if _, err := tx.exec(`UPDATE names SET domain=?, data=? WHERE domain=? AND kind=? AND data=?`, domain, name, a.Domain, aliasName, a.Name); err != nil {
		return err
	}
	_, err = tx.exec(`UPDATE accounts SET domain=?, name=? WHERE id=?`, domain, name, a.ID)
	return err
}

// split puts a name without a domain into the main one.
func (tx *Tx) split(address string) (name, domain string) {
	name, domain, ok := strings.Cut(strings.ToLower(address), "@")
	if !ok {
		domain = tx.b.main
	}
	return name, domain
}

// Account finds an account by its address.
func (tx *Tx) Account(address string) (Account, error) {
	name, domain := tx.split(address)
	a := Account{Name: name, Domain: domain}
	var settings, prefs, rules, rights string
	ok, err := tx.row(`SELECT id, password, settings, prefs, rules, rights FROM accounts WHERE domain=? AND name=?`, []any{domain, name},
		&a.ID, &a.Password, &settings, &prefs, &rules, &rights)
	if err != nil {
		return a, err
	}
	if !ok {
		known, err := tx.domain(domain)
		if err != nil {
			return a, err
		}
		if known != domain { // an alias of the domain
			return tx.Account(name + "@" + known)
		}
		var owner string
		if ok, err := tx.row(`SELECT data FROM names WHERE domain=? AND name=? AND kind=?`, []any{domain, name, aliasName}, &owner); err != nil || !ok {
			if err == nil {
				err = ErrNoAccount
			}
			return a, err
		}
		return tx.Account(owner + "@" + domain)
	}
	if a.Groups, err = tx.groupsOf(a); err != nil {
		return a, err
	}
	if a.Settings, err = parseDict(settings); err != nil {
		return a, err
	}
	if a.Prefs, err = parseDict(prefs); err != nil {
		return a, err
	}
	if a.Rules, err = parseArray(rules); err != nil {
		return a, err
	}
	list, err := parseArray(rights)
	a.Rights = list.Strings()
	return a, err
}

// CheckPassword finds an account and compares the password.
func (tx *Tx) CheckPassword(address, password string) (Account, error) {
	return tx.Authenticate(address, func(stored string) bool { return stored == password })
}

// Authenticate finds an account whose clear-text password the proof fits, as
// challenge-response methods need it. It does not tell a wrong name from a
// wrong password.
func (tx *Tx) Authenticate(address string, proof func(password string) bool) (Account, error) {
	a, err := tx.Account(address)
	if err != nil {
		if _, refused := err.(*Error); refused { //nolint:errorlint // made by this package, never wrapped
			return a, ErrBadLogin
		}
		return a, err
	}
	if a.Password == "" || !proof(a.Password) {
		return a, ErrBadLogin
	}
	effective, err := tx.EffectiveSettings(a)
	if err == nil && strings.EqualFold(effective.String("AccessModes"), "None") {
		err = ErrLocked
	}
	return a, err
}

// ErrLocked is the refusal for an account that may use no service. CommuniGate
// Pro's own number and text are not known.
var ErrLocked = &Error{516, "this account is disabled"}

// Accounts answers the names of a domain's accounts, without the domain.
func (tx *Tx) Accounts(domain string) ([]string, error) {
	if _, err := tx.DomainSettings(domain); err != nil {
		return nil, err
	}
	var out []string
	err := tx.rows(func(r *sql.Rows) error {
		var n string
		err := r.Scan(&n)
		out = append(out, n)
		return err
	}, `SELECT name FROM accounts WHERE domain=? ORDER BY name`, strings.ToLower(domain))
	return out, err
}

// CreateAccount makes an account with its INBOX. The setting Password becomes
// the password.
func (tx *Tx) CreateAccount(address string, settings dataformat.Dict) error {
	name, domain := tx.split(address)
	if !validName(name) {
		return &Error{501, "illegal account name"}
	}
	domain, err := tx.domain(domain)
	if err != nil {
		return err
	}
	if taken, err := tx.taken(domain, name); err != nil || taken {
		if err == nil {
			err = ErrAccountExists
		}
		return err
	}
	scope, err := tx.DomainScope(domain)
	if err != nil {
		return err
	}
	template, err := tx.Dict(scope, AccountTemplate)
	if err != nil {
		return err
	}
	settings = overlay(template, settings)
	password := settings.String("Password")
	kept := dataformat.Dict{}
	for k, v := range settings {
		if k != "Password" {
			kept[k] = v
		}
	}
	text, err := dataformat.Text(kept)
	if err != nil {
		return &Error{501, "illegal settings: " + err.Error()}
	}
	n, err := tx.exec(`INSERT INTO accounts (domain, name, password, settings, prefs, rules, rights) VALUES (?,?,?,?,'{}','()','()') ON CONFLICT DO NOTHING`,
		domain, name, password, text)
	if err != nil {
		return err
	}
	if n == 0 {
		return ErrAccountExists
	}
	a, err := tx.Account(address)
	if err != nil {
		return err
	}
	return tx.insertMailbox(a.ID, "INBOX", "", "{}")
}

// DeleteAccount removes an account with all it holds.
func (tx *Tx) DeleteAccount(address string) error {
	a, err := tx.Account(address)
	if err != nil {
		return err
	}
	_, err = tx.exec(`DELETE FROM accounts WHERE id=?`, a.ID)
	return err
}

// SetPassword replaces the password.
func (tx *Tx) SetPassword(address, password string) error {
	return tx.setAccount(address, "password", password)
}

// SetRights replaces the account's rights over the server.
func (tx *Tx) SetRights(address string, rights []string) error {
	list := dataformat.Array{}
	for _, r := range rights {
		list = append(list, r)
	}
	return tx.setAccountValue(address, "rights", list)
}

// SetRules replaces the account's mail rules.
func (tx *Tx) SetRules(address string, rules dataformat.Array) error {
	return tx.setAccountValue(address, "rules", rules)
}

// UpdateSettings changes the named settings; "default" removes one. The
// setting Password is the password.
func (tx *Tx) UpdateSettings(address string, change dataformat.Dict, replace bool) error {
	a, err := tx.Account(address)
	if err != nil {
		return err
	}
	rest := dataformat.Dict{}
	for k, v := range change {
		if k == "Password" {
			if err := tx.SetPassword(address, change.String(k)); err != nil {
				return err
			}
			continue
		}
		rest[k] = v
	}
	text, err := merged(a.Settings, rest, replace)
	if err != nil {
		return err
	}
	return tx.setAccount(address, "settings", text)
}

// UpdatePrefs changes the named preferences; "default" removes one.
func (tx *Tx) UpdatePrefs(address string, change dataformat.Dict, replace bool) error {
	a, err := tx.Account(address)
	if err != nil {
		return err
	}
	text, err := merged(a.Prefs, change, replace)
	if err != nil {
		return err
	}
	return tx.setAccount(address, "prefs", text)
}

func (tx *Tx) setAccountValue(address, column string, v dataformat.Value) error {
	text, err := dataformat.Text(v)
	if err != nil {
		return &Error{501, "illegal value: " + err.Error()}
	}
	return tx.setAccount(address, column, text)
}

// setAccount changes one of this package's own columns.
func (tx *Tx) setAccount(address, column, value string) error {
	a, err := tx.Account(address)
	if err != nil {
		return err
	}
	_, err = tx.exec(`UPDATE accounts SET `+column+`=? WHERE id=?`, value, a.ID)
	return err
}

func orEmpty(d dataformat.Dict) dataformat.Dict {
	if d == nil {
		return dataformat.Dict{}
	}
	return d
}

func merged(old, change dataformat.Dict, replace bool) (string, error) {
	out := dataformat.Dict{}
	if !replace {
		for k, v := range old {
			out[k] = v
		}
	}
	for k, v := range change {
		if v == "default" {
			delete(out, k)
		} else {
			out[k] = v
		}
	}
	text, err := dataformat.Text(out)
	if err != nil {
		return "", &Error{501, "illegal value: " + err.Error()}
	}
	return text, nil
}

func parseDict(text string) (dataformat.Dict, error) {
	v, err := dataformat.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("storage: %w", err)
	}
	d, _ := v.(dataformat.Dict)
	return orEmpty(d), nil
}

func parseArray(text string) (dataformat.Array, error) {
	v, err := dataformat.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("storage: %w", err)
	}
	a, _ := v.(dataformat.Array)
	return a, nil
}
