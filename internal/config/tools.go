package config

import "time"

// UserAdd is the configuration of `rmp user add`.
type UserAdd struct {
	Database        `embed:""`
	Email           string `arg:"" help:"Address, in the domain of an organisation."`
	Name            string `help:"Name of the person." placeholder:"NAME"`
	Role            string `help:"user, manager, admin or super_admin." default:"user" enum:"user,manager,admin,super_admin"`
	Tenant          string `help:"Main domain of the organisation; default: that of the address." placeholder:"DOMAIN"`
	Domain          string `help:"CommuniGate domain of the account; default: that of the address." placeholder:"DOMAIN"`
	PasswordFile    string `help:"File whose first line is the password; - reads it from standard input. Default: one is made and shown." placeholder:"FILE"`
	NoPassword      bool   `help:"No password opens: the person signs in with OpenID Connect only."`
	CGPPasswordFile string `name:"cgp-password-file" help:"File with the password of the CommuniGate account, when that is another one; stored encrypted." placeholder:"FILE"`
}

// UserSet is the configuration of `rmp user set`.
type UserSet struct {
	Database        `embed:""`
	Email           string `arg:"" help:"Address."`
	Name            string `help:"Another name." placeholder:"NAME"`
	Role            string `help:"Another role: user, manager, admin or super_admin." default:"" enum:",user,manager,admin,super_admin"`
	Activate        bool   `help:"Let the person in."`
	Deactivate      bool   `help:"Keep the person out, and end their sign-ins."`
	Password        bool   `help:"Make another password, and show it."`
	PasswordFile    string `help:"File whose first line is the other password; - reads it from standard input." placeholder:"FILE"`
	CGPPasswordFile string `name:"cgp-password-file" help:"File with the password of the CommuniGate account." placeholder:"FILE"`
}

// UserRemove is the configuration of `rmp user remove`.
type UserRemove struct {
	Database `embed:""`
	Email    string `arg:"" help:"Address."`
	Yes      bool   `help:"Do not ask."`
}

// UserList is the configuration of `rmp user list`.
type UserList struct {
	Database `embed:""`
	Tenant   string `help:"Only of this organisation." placeholder:"DOMAIN"`
	Query    string `arg:"" optional:"" help:"In address or name."`
	JSON     bool   `name:"json" help:"Print it as JSON."`
}

// UserImport is the configuration of `rmp user import`.
type UserImport struct {
	Database `embed:""`
	File     string `arg:"" help:"A .csv with a line of column names, or a .sql with INSERT INTO gatekeeper_users." type:"existingfile"`
	Tenant   string `help:"Main domain of the organisation; default: that of each address." placeholder:"DOMAIN"`
	Update   bool   `help:"Change those that are there already."`
	DryRun   bool   `help:"Only say what would happen."`
}

// TenantList is the configuration of `rmp tenant list`.
type TenantList struct {
	Database `embed:""`
	JSON     bool `name:"json" help:"Print it as JSON."`
}

// TenantAdd is the configuration of `rmp tenant add`.
type TenantAdd struct {
	Database `embed:""`
	Domain   string `arg:"" help:"Main mail domain, which is on the CommuniGate Pro server."`
	Name     string `help:"Name of the organisation." placeholder:"NAME"`
	TimeZone string `help:"Default time zone." default:"UTC" placeholder:"ZONE"`
	Mode     string `help:"How bookings are written: direct or invitation." default:"direct" enum:"direct,invitation"`
	CGP      CGP    `embed:"" prefix:"cgp."`
}

// TenantSet is the configuration of `rmp tenant set`.
type TenantSet struct {
	Database   `embed:""`
	Domain     string `arg:"" help:"Main domain of the organisation."`
	Name       string `help:"Another name." placeholder:"NAME"`
	TimeZone   string `help:"Another default time zone, for what is made from now on." placeholder:"ZONE"`
	Mode       string `help:"How bookings are written from now on: direct or invitation." default:"" enum:",direct,invitation"`
	Activate   bool   `help:"Let its people in again."`
	Deactivate bool   `help:"Keep its people out; what is booked stays."`
}

// KeysRotate is the configuration of `rmp keys rotate`.
type KeysRotate struct {
	Database `embed:""`
}

// KeysReseal is the configuration of `rmp keys reseal`.
type KeysReseal struct {
	Database `embed:""`
}

// ResourceAdopt is the configuration of `rmp resource adopt`.
type ResourceAdopt struct {
	Database `embed:""`
	Tenant   string `arg:"" help:"Main domain of the organisation."`
	DryRun   bool   `help:"Only say what would happen."`
	CGP      CGP    `embed:"" prefix:"cgp."`
}

// ResourceList is the configuration of `rmp resource list`.
type ResourceList struct {
	Database `embed:""`
	Tenant   string `help:"Only of this organisation." placeholder:"DOMAIN"`
	JSON     bool   `name:"json" help:"Print it as JSON."`
}

// Doctor is the configuration of `rmp doctor`.
type Doctor struct {
	Database `embed:""`
	Tenant   string   `arg:"" optional:"" help:"Main domain of the organisation; default: all."`
	Check    []string `help:"Only these checks, or those whose names begin so, such as resource or outbox.stuck." placeholder:"NAME"`
	Fix      bool     `help:"Repair what can be repaired, step by step; each step is stored and can be taken back."`
	Undo     string   `help:"Take back what a repair did, by the name it printed; what holds something by now stays." placeholder:"RUN"`
	Yes      bool     `help:"Do not ask before --undo."`
	JSON     bool     `name:"json" help:"Print the reports as JSON, a list with one for each organisation; with --undo the steps."`
	Verbose  bool     `short:"v" help:"Also print what passed."`
	People   int      `help:"Most people whose accounts are looked at." default:"500"`
	TLSCert  string   `help:"The certificate of the web interface, to see when it ends." name:"tls-cert" env:"RMP_TLS_CERT" placeholder:"FILE"`
	CGP      CGP      `embed:"" prefix:"cgp."`
}

// Health is the configuration of `rmp health`: where the server listens, from
// the same keys as those of rmp serve.
type Health struct {
	Listen  string        `help:"Address at which the server listens." default:"127.0.0.1:8080" env:"RMP_LISTEN" placeholder:"ADDR"`
	TLSCert string        `help:"The server's certificate, if it speaks TLS." name:"tls-cert" env:"RMP_TLS_CERT" placeholder:"FILE"`
	Alive   bool          `help:"Ask whether the process answers at all (/healthz), whatever its database says."`
	Timeout time.Duration `help:"Longest wait." default:"5s"`
}

// Backup is the configuration of `rmp backup`.
type Backup struct {
	Database `embed:""`
	File     string `arg:"" help:"Archive to write, such as rmp.tar.gz."`
}

// Restore is the configuration of `rmp restore`.
type Restore struct {
	Database `embed:""`
	File     string `arg:"" help:"Archive that rmp backup has written." type:"existingfile"`
}

// OutboxList is the configuration of `rmp outbox list`.
type OutboxList struct {
	Database `embed:""`
	Tenant   string `arg:"" optional:"" help:"Main domain of the organisation; default: all."`
	JSON     bool   `name:"json" help:"Print it as JSON."`
}

// OutboxRetry is the configuration of `rmp outbox retry`.
type OutboxRetry struct {
	Database `embed:""`
	Tenant   string `arg:"" help:"Main domain of the organisation."`
	Booking  string `help:"Only of this booking." placeholder:"ID"`
}

// OutboxDrop is the configuration of `rmp outbox drop`.
type OutboxDrop struct {
	Database `embed:""`
	Tenant   string `arg:"" help:"Main domain of the organisation."`
	Booking  string `help:"Only of this booking." placeholder:"ID"`
	Yes      bool   `help:"Do not ask."`
}

// ResourceCreate is the configuration of `rmp resource create`.
type ResourceCreate struct {
	Database `embed:""`
	Email    string   `arg:"" help:"Address, in the sub-domain of its type."`
	Name     string   `required:"" help:"What people call it." placeholder:"NAME"`
	Site     string   `help:"Building or campus." placeholder:"SITE"`
	Floor    string   `help:"Floor." placeholder:"FLOOR"`
	Capacity int      `help:"Persons." placeholder:"N"`
	Features []string `help:"What it has." placeholder:"NAME"`
	TimeZone string   `help:"Default: that of the organisation." placeholder:"ZONE"`
	CGP      CGP      `embed:"" prefix:"cgp."`
}

// ResourceImport is the configuration of `rmp resource import`.
type ResourceImport struct {
	Database `embed:""`
	Tenant   string `arg:"" help:"Main domain of the organisation."`
	File     string `arg:"" help:"CSV file; the first row names the columns." type:"existingfile"`
	DryRun   bool   `help:"Only say what would happen."`
	CGP      CGP    `embed:"" prefix:"cgp."`
}

// ResourceRemove is the configuration of `rmp resource remove`.
type ResourceRemove struct {
	Database `embed:""`
	Email    string `arg:"" help:"Address."`
	Account  bool   `help:"Remove its account on CommuniGate Pro too, with its calendar."`
	Yes      bool   `help:"Do not ask."`
	CGP      CGP    `embed:"" prefix:"cgp."`
}

// Console is the configuration of `rmp cgp cli` and `rmp cgp ximss`.
type Console struct {
	Database `embed:""`
	Tenant   string `help:"Main domain of the organisation whose server, and whose service account, is used; default: the first." placeholder:"DOMAIN"`
	Command  string `arg:"" optional:"" help:"What to send; without it, lines are read until the end."`
	JSON     bool   `name:"json" help:"Print answers as JSON."`
	Wire     bool   `help:"Also print what went over the wire."`
	Yes      bool   `help:"Do not ask before what changes something."`
	CGP      CGP    `embed:"" prefix:"cgp."`
}
