// Package config is the configuration of rmp: one struct, read from flags,
// RMP_* environment variables and a TOML file, in that order of precedence.
//
// Every key is documented in docs/configuration.md; a test holds that.
package config

import (
	"time"

	"rmp/internal/secret"
)

// Serve is the configuration of `rmp serve`.
type Serve struct {
	Data      string `help:"Directory for the database, the stand-in and their keys." default:"data" env:"RMP_DATA" placeholder:"DIR"`
	Listen    string `help:"Address of the web interface and the HTTP API." default:"127.0.0.1:8080" env:"RMP_LISTEN" placeholder:"ADDR"`
	DB        string `help:"Database: a postgres:// URL, or a path for SQLite. Default: rmp.db in the data directory." env:"RMP_DB" placeholder:"URL"`
	Demo      string `help:"Create the demo tenant in an empty database: auto (with the stand-in, and an address that only this machine reaches), yes (also on the CommuniGate Pro server that is configured), no." default:"auto" enum:"auto,yes,no" env:"RMP_DEMO"`
	NoDemo    bool   `help:"Start empty; the same as --demo=no." env:"RMP_NO_DEMO"`
	LogLevel  string `help:"debug, info, warn or error." default:"info" enum:"debug,info,warn,error" env:"RMP_LOG_LEVEL"`
	LogFormat string `help:"text or json, a line each." default:"text" enum:"text,json" env:"RMP_LOG_FORMAT"`

	TLSCert    string   `help:"Certificate chain in PEM: with it and tls-key the web interface speaks TLS. Both files are read again when they change." name:"tls-cert" env:"RMP_TLS_CERT" placeholder:"FILE"`
	TLSKey     string   `help:"Its key in PEM." name:"tls-key" env:"RMP_TLS_KEY" placeholder:"FILE"`
	PublicURL  string   `help:"Where people reach the web interface, such as https://rmp.example.org; needed for single sign-on behind a proxy." name:"public-url" env:"RMP_PUBLIC_URL" placeholder:"URL"`
	Proxies    []string `help:"Networks of the proxies in front, whose word on a client's address and on TLS counts, such as 10.0.0.0/8." name:"trusted-proxies" env:"RMP_TRUSTED_PROXIES" placeholder:"CIDR"`
	MetricsFor []string `help:"Networks that may read /metrics." name:"metrics-for" default:"127.0.0.0/8,::1/128" env:"RMP_METRICS_FOR" placeholder:"CIDR"`

	SecretKey    secret.Text   `help:"32 bytes in base64 that sign the tokens and seal stored passwords; the same for all processes on one database. Default: made at the first start and kept in the data directory." env:"RMP_SECRET_KEY" placeholder:"BASE64"`
	SecretKeyOld []secret.Text `help:"Former secret keys, which still open what was sealed with them, until rmp keys reseal has been run." env:"RMP_SECRET_KEY_OLD" placeholder:"BASE64"`

	StandinHTTP  string `help:"Stand-in: address for XIMSS over HTTP. Default: a free loopback port." env:"RMP_STANDIN_HTTP" placeholder:"ADDR"`
	StandinXIMSS string `help:"Stand-in: address for XIMSS over TCP. Default: a free loopback port." env:"RMP_STANDIN_XIMSS" placeholder:"ADDR"`
	StandinCLI   string `help:"Stand-in: address for CLI. Default: a free loopback port." env:"RMP_STANDIN_CLI" placeholder:"ADDR"`

	Keep  time.Duration `help:"How long what was read of a calendar serves display, if nothing says earlier that it has changed. A booking always reads anew." default:"5m" env:"RMP_KEEP"`
	Drain time.Duration `help:"How long to go on serving after the signal to end, while /readyz says no: time for a balancer to look elsewhere." default:"0s" env:"RMP_DRAIN"`

	FlightRecorder string        `help:"Directory: what the program does is recorded in memory, and the last seconds are written there as a Go trace when a request was slow. Empty: off." env:"RMP_FLIGHT_RECORDER" placeholder:"DIR"`
	SlowRequest    time.Duration `help:"What counts as a slow request; 0s: none does." default:"2s" env:"RMP_SLOW_REQUEST"`

	CGP       CGP       `embed:"" prefix:"cgp."`
	Reconcile Reconcile `embed:"" prefix:"reconcile."`
	Limits    Limits    `embed:"" prefix:"limits."`
	Telemetry Telemetry `embed:"" prefix:"telemetry."`
}

// Telemetry says where traces go.
type Telemetry struct {
	OTLPEndpoint string  `help:"Where traces are sent by OTLP over HTTP, such as http://collector.example.org:4318. Empty: what OTEL_EXPORTER_OTLP_ENDPOINT says, or nowhere." name:"otlp-endpoint" env:"RMP_OTLP_ENDPOINT" placeholder:"URL"`
	SampleRatio  float64 `help:"Which part of the requests and background jobs is traced, from 0 to 1. A trusted proxy that sends a traceparent decides by itself." default:"1" env:"RMP_TRACE_SAMPLE_RATIO"`
}

// Limits bound what this process does for whom.
type Limits struct {
	User          int `help:"Requests a minute of one person or token; a sixth of it may come at once. 0: no limit." default:"1200" env:"RMP_LIMITS_USER"`
	Address       int `help:"Requests a minute of one network address without a sign-in. 0: no limit." default:"300" env:"RMP_LIMITS_ADDRESS"`
	Tenant        int `help:"Requests a minute of a tenant that has no limit of its own. 0: no limit." default:"60000" env:"RMP_LIMITS_TENANT"`
	InFlight      int `help:"Requests at work at once; as many wait up to half a second for room, others are answered 503. 0: no limit." default:"256" env:"RMP_LIMITS_IN_FLIGHT"`
	Streams       int `help:"Event streams open at once. 0: no limit." default:"5000" env:"RMP_LIMITS_STREAMS"`
	UserStreams   int `help:"Event streams of one person open at once. 0: no limit." default:"20" env:"RMP_LIMITS_USER_STREAMS"`
	TenantStreams int `help:"Event streams of a tenant that has no limit of its own. 0: no limit." default:"2000" env:"RMP_LIMITS_TENANT_STREAMS"`
}

// Database says which installation a tool works on: the same keys as those of
// rmp serve.
type Database struct {
	Data         string        `help:"Directory of the database and its keys." default:"data" env:"RMP_DATA" placeholder:"DIR"`
	DB           string        `help:"Database: a postgres:// URL, or a path for SQLite. Default: rmp.db in the data directory." env:"RMP_DB" placeholder:"URL"`
	SecretKey    secret.Text   `help:"The key of the installation. Default: that in the data directory." env:"RMP_SECRET_KEY" placeholder:"BASE64"`
	SecretKeyOld []secret.Text `help:"Former keys." env:"RMP_SECRET_KEY_OLD" placeholder:"BASE64"`
}

// Reconcile says how the calendars of resources are compared with the
// database.
type Reconcile struct {
	Interval time.Duration `help:"Time between two comparisons of one calendar, where no notice of a change comes first." default:"5m" env:"RMP_RECONCILE_INTERVAL"`
	Days     int           `help:"How many days ahead are compared." default:"60" env:"RMP_RECONCILE_DAYS"`
	Budget   int           `help:"Most calendars that this process reads a minute for it; 0: none." default:"600" env:"RMP_RECONCILE_BUDGET"`
	Deleted  string        `help:"When somebody deletes the event of a booking in the resource's calendar: repair (write it again) or adopt (cancel the booking)." default:"repair" enum:"repair,adopt" env:"RMP_RECONCILE_DELETED"`
	Moved    string        `help:"When somebody moves the event of a booking there: repair (move it back) or adopt (move the booking, if that is possible)." default:"repair" enum:"repair,adopt" env:"RMP_RECONCILE_MOVED"`
	Watch    bool          `help:"Hold a session open for notice of changes; one process on a database does." default:"true" negatable:"" env:"RMP_RECONCILE_WATCH"`
}

// CGP says how to reach a CommuniGate Pro server. Without a host, rmp starts
// its own stand-in.
type CGP struct {
	Host          string        `help:"Name or address of the CommuniGate Pro server; empty: start the stand-in." env:"RMP_CGP_HOST" placeholder:"HOST"`
	HTTPPort      int           `help:"Port of XIMSS over HTTP (8100 clear, 9100 TLS)." default:"8100" env:"RMP_CGP_HTTP_PORT"`
	CLIPort       int           `help:"Port of CLI." default:"106" env:"RMP_CGP_CLI_PORT"`
	TLS           bool          `help:"Use TLS for XIMSS." env:"RMP_CGP_TLS"`
	CLITLS        bool          `help:"Upgrade CLI to TLS (STLS)." name:"cli-tls" env:"RMP_CGP_CLI_TLS"`
	CAFile        string        `help:"Certificates that sign the server's, in PEM." env:"RMP_CGP_CA_FILE" placeholder:"FILE"`
	Admin         string        `help:"Account with the rights to create accounts and set mailbox rights." env:"RMP_CGP_ADMIN" placeholder:"NAME"`
	AdminPassword secret.Text   `help:"Its password." env:"RMP_CGP_ADMIN_PASSWORD"`
	Sessions      int           `help:"Most XIMSS sessions per tenant that this process keeps; a server without a licence allows 5 in all." default:"3" env:"RMP_CGP_SESSIONS"`
	Persons       int           `help:"Most XIMSS sessions of people at once, beyond those: for sign-ins and for what is done in their own name (contacts, their calendars). More make that faster where the server allows more sessions." default:"1" env:"RMP_CGP_PERSONS"`
	Timeout       time.Duration `help:"Longest wait for one answer." default:"5s" env:"RMP_CGP_TIMEOUT"`
	WriteWait     time.Duration `help:"How long the answer to a booking waits for its calendars to be written; what is not done by then is done in the background. 0s: it does not wait." default:"2s" env:"RMP_CGP_WRITE_WAIT"`
	DialectFile   string        `help:"How this server speaks where CommuniGate Pro's documentation leaves it open, as rmp cgp probe has written it." env:"RMP_CGP_DIALECT_FILE" placeholder:"FILE"`
}

// Probe is the configuration of `rmp cgp probe`.
type Probe struct {
	URL      string      `help:"Where XIMSS over HTTP is, such as https://mail.example.org:9100." name:"url" required:"" env:"RMP_PROBE_URL" placeholder:"URL"`
	User     string      `help:"Account that asks, with its domain. Not needed with an administrator." env:"RMP_PROBE_USER" placeholder:"ADDRESS"`
	Password secret.Text `help:"Its password." env:"RMP_PROBE_PASSWORD" placeholder:"PW"`
	CAFile   string      `help:"Certificates that sign the server's, in PEM." env:"RMP_PROBE_CA_FILE" placeholder:"FILE"`
	Write    bool        `help:"Make a calendar in the account, store an event in it, and remove the calendar again." env:"RMP_PROBE_WRITE"`

	CLI           string      `help:"With --write: where CLI is (host:port), to ask in two accounts that are made for it and removed again." name:"cli" env:"RMP_PROBE_CLI" placeholder:"ADDR"`
	Admin         string      `help:"Administrator who makes and removes those accounts." default:"postmaster" env:"RMP_PROBE_ADMIN" placeholder:"NAME"`
	AdminPassword secret.Text `help:"Its password." env:"RMP_PROBE_ADMIN_PASSWORD" placeholder:"PW"`
	Domain        string      `help:"Domain of those accounts; default: that of the administrator, or the server's main domain." env:"RMP_PROBE_DOMAIN"`

	Output string `help:"File to write the dialect to, for cgp.dialect-file." env:"RMP_PROBE_OUTPUT" placeholder:"FILE"`
	Wire   bool   `help:"Print what went over the wire, without names and addresses." env:"RMP_PROBE_WIRE"`
}

// Standin is the configuration of `rmp standin`.
type Standin struct {
	Data          string      `help:"Directory for its storage." default:"standin-data" env:"RMP_STANDIN_DATA" placeholder:"DIR"`
	HTTP          string      `help:"Address for XIMSS over HTTP." default:"127.0.0.1:8100" env:"RMP_STANDIN_HTTP" placeholder:"ADDR"`
	HTTPS         string      `help:"Address for XIMSS over HTTP with TLS, with a certificate of its own (certificate.pem in the directory); empty: none." name:"https" env:"RMP_STANDIN_HTTPS" placeholder:"ADDR"`
	XIMSS         string      `help:"Address for XIMSS over TCP." default:"127.0.0.1:11024" name:"ximss" env:"RMP_STANDIN_XIMSS" placeholder:"ADDR"`
	CLI           string      `help:"Address for CLI." default:"127.0.0.1:8106" name:"cli" env:"RMP_STANDIN_CLI" placeholder:"ADDR"`
	Admin         string      `help:"Name of the administrator, created at the first start." default:"postmaster" env:"RMP_STANDIN_ADMIN" placeholder:"NAME"`
	AdminPassword secret.Text `help:"Its password." required:"" env:"RMP_STANDIN_ADMIN_PASSWORD" placeholder:"PW"`
	Domain        string      `help:"Main domain of the server, created at the first start." default:"standin.test" env:"RMP_STANDIN_DOMAIN"`
	Sessions      int         `help:"Most concurrent XIMSS sessions; 5 is what CommuniGate Pro allows without a licence." default:"5" env:"RMP_STANDIN_SESSIONS"`
	Mode          string      `help:"Whose forms of the protocol are taken where sources differ: strict (the vendor's), seed (also those that installations of this product have used), lenient (all known ones)." default:"strict" enum:"strict,seed,lenient" env:"RMP_STANDIN_MODE"`
	Faults        []string    `help:"Fail on purpose: protocol:command:kind[:name=value,…], such as ximss:calendarPublish:drop:after=20,times=1. May be given several times." name:"fault" sep:"none" env:"RMP_STANDIN_FAULT" placeholder:"FAULT"`
	LogLevel      string      `help:"debug, info, warn or error." default:"info" enum:"debug,info,warn,error" env:"RMP_LOG_LEVEL"`
}
