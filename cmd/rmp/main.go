// Command rmp is the resource management platform: one program for the
// server, the CommuniGate stand-in and the tools around them.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/alecthomas/kong"

	"rmp/internal/api"
	"rmp/internal/app"
	"rmp/internal/config"
)

type commands struct {
	Config kong.ConfigFlag `help:"Configuration in TOML; flags and RMP_* variables come before it." placeholder:"FILE" env:"RMP_CONFIG"`

	Serve      serveCommand      `cmd:"" help:"Run the server. Without any configuration: SQLite, the CommuniGate stand-in and a demo. Example: rmp serve --listen 127.0.0.1:9000"`
	Standin    standinCommand    `cmd:"" help:"Run the CommuniGate stand-in alone. Example: rmp standin --admin-password pw --fault ximss:calendarPublish:drop:times=1"`
	Doctor     doctorCommand     `cmd:"" help:"Look for what breaks booking, on CommuniGate Pro and in the database, say why and what helps; with --fix, repair it. Ends with 0: all passed, 1: warnings, 2: something failed, 3: it could not look. Example: rmp doctor example.org --check resource --fix"`
	CGP        cgpCommand        `cmd:"" name:"cgp" help:"Look at a CommuniGate Pro server."`
	User       userCommands      `cmd:"" help:"Who may enter: users of the gatekeeper."`
	Tenant     tenantCommands    `cmd:"" help:"The organisations of the installation."`
	Resource   resourceCommands  `cmd:"" help:"The resources of the organisations."`
	Outbox     outboxCommands    `cmd:"" help:"Calendar writes that wait or were given up."`
	Keys       keysCommands      `cmd:"" help:"Keys that sign tokens and seal stored passwords."`
	Configured configCommands    `cmd:"" name:"config" help:"The configuration."`
	Backup     backupCommand     `cmd:"" help:"Save everything as it is at one instant, while the server runs: the database, the key, and the stand-in. Example: rmp backup rmp.tar.gz"`
	Restore    restoreCommand    `cmd:"" help:"Bring a backup into an empty place; one of SQLite into PostgreSQL too, and the other way round. Example: rmp restore rmp.tar.gz --data /var/lib/rmp --db postgres://rmp@db/rmp"`
	Health     healthCommand     `cmd:"" help:"Ask the server on this machine whether it is ready; ends with 0 if it is, with 1 if not. Example: rmp health --alive"`
	OpenAPI    openapiCommand    `cmd:"" name:"openapi" help:"Print the OpenAPI document of the API. Example: rmp openapi"`
	Reference  referenceCommand  `cmd:"" hidden:"" help:"Print the reference of all commands in Markdown. Example: rmp reference"`
	Completion completionCommand `cmd:"" help:"Print a script that completes commands and flags in a shell. Example: source <(rmp completion bash)"`
	Version    versionCommand    `cmd:"" help:"Print the version, the commit and the version of Go. Example: rmp version"`
}

type serveCommand struct{ config.Serve }

func (c *serveCommand) Run(ctx context.Context, out io.Writer, p app.Program) error {
	if c.NoDemo {
		c.Demo = "no"
	}
	return app.Serve(ctx, c.Serve, out, p)
}

type standinCommand struct{ config.Standin }

func (c *standinCommand) Run(ctx context.Context, out io.Writer) error {
	return app.Standin(ctx, c.Standin, out)
}

type cgpCommand struct {
	CLI   consoleCLI   `cmd:"" name:"cli" help:"Send commands of CLI, with the configured administrator, to the server, or to the stand-in of the rmp serve that runs here. What changes something is asked about. Example: rmp cgp cli 'LISTDOMAINOBJECTS example.org FILTER anna 10 ACCOUNTS' --json"`
	XIMSS consoleXIMSS `cmd:"" name:"ximss" help:"Send XIMSS requests as the service account of an organisation. Example: rmp cgp ximss '<mailboxList filter=\"*\" mailboxClass=\"IPF.Appointment\"/>'"`
	Probe probeCommand `cmd:"" help:"Find out how a server speaks where the documentation leaves it open, and compare it with the stand-in. Reads only, unless --write is given. Example: rmp cgp probe --url https://mail.example.org:9100 --user you@example.org --output dialect.toml"`
}

type probeCommand struct{ config.Probe }

func (c *probeCommand) Run(ctx context.Context, out io.Writer) error {
	return app.Probe(ctx, c.Probe, out)
}

type doctorCommand struct{ config.Doctor }

func (c *doctorCommand) Run(ctx context.Context, out io.Writer) error {
	return app.Doctor(ctx, c.Doctor, out)
}

type openapiCommand struct{}

func (openapiCommand) Run(out io.Writer) error {
	b, err := api.New(api.Deps{}).OpenAPI().YAML()
	if err != nil {
		return err
	}
	_, err = out.Write(b)
	return err
}

func main() {
	// What it writes is its user's alone, also where a directory was made by
	// hand; and a reader that goes away (rmp … | head) is an error of the write,
	// after which sessions are ended as after any other.
	syscall.Umask(0o077)
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // who asks a second time does not want to wait for the end
	if err := run(ctx, os.Args[1:], os.Stdout, app.Program{Version: version, Exporter: exporter}); err != nil {
		code := 1
		var status *app.ExitError
		if errors.As(err, &status) {
			code = status.Code
		}
		if err.Error() != "" {
			fmt.Fprintln(os.Stderr, "rmp:", app.Said(err))
		}
		os.Exit(code)
	}
}

func run(ctx context.Context, args []string, out io.Writer, p app.Program) error {
	p.Reload = func() (config.Serve, error) {
		var again commands
		k, err := parser(&again)
		if err == nil {
			_, err = k.Parse(args)
		}
		return again.Serve.Serve, err
	}
	var c commands
	k, err := parser(&c, kong.BindTo(ctx, (*context.Context)(nil)), kong.BindTo(out, (*io.Writer)(nil)), kong.Bind(p), kong.UsageOnError())
	if err != nil {
		return err
	}
	parsed, err := k.Parse(args)
	if err != nil {
		if slices.Contains(args, "doctor") { // it could not look: no warning that it found
			return &app.ExitError{Code: app.CouldNotLook, Text: err.Error()}
		}
		return err
	}
	for _, name := range unknownVariables(k.Model.Node, os.Environ()) {
		fmt.Fprintf(os.Stderr, "rmp: warning: the variable %s means nothing; rmp config show names those that do\n", name)
	}
	return parsed.Run()
}

// parser reads the command line, the environment and the configuration file.
func parser(c *commands, more ...kong.Option) (*kong.Kong, error) {
	return kong.New(c, append([]kong.Option{kong.Name("rmp"), kong.Description("Book rooms, parking spaces, vehicles, equipment and catering over CommuniGate Pro."),
		kong.Configuration(tomlFile), kong.Resolvers(variableFiles{})}, more...)...)
}

// tomlFile reads the flags of a command from a file: the key listen, or the
// key host in the table [cgp] for --cgp.host.
func tomlFile(r io.Reader) (kong.Resolver, error) {
	values := map[string]any{}
	if _, err := toml.NewDecoder(r).Decode(&values); err != nil {
		return nil, fmt.Errorf("configuration file: %w", err)
	}
	return tomlValues(values), nil
}

type tomlValues map[string]any

// Validate implements kong.Resolver: a key that no command has is a mistake.
func (v tomlValues) Validate(program *kong.Application) error {
	known := map[string]bool{}
	var visit func(n *kong.Node)
	visit = func(n *kong.Node) {
		for _, f := range n.Flags {
			known[f.Name] = true
		}
		for _, c := range n.Children {
			visit(c)
		}
	}
	visit(program.Node)
	for _, key := range keysOf(v, "") {
		if !known[key] {
			return fmt.Errorf("configuration file: there is no key %s; rmp config show names them all", key)
		}
	}
	return nil
}

// keysOf are the keys in a table and in those within it, with dots.
func keysOf(table map[string]any, prefix string) (out []string) {
	for _, k := range slices.Sorted(maps.Keys(table)) {
		if inner, ok := table[k].(map[string]any); ok {
			out = append(out, keysOf(inner, prefix+k+".")...)
		} else {
			out = append(out, prefix+k)
		}
	}
	return out
}

// Resolve implements kong.Resolver.
func (v tomlValues) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if inEnvironment(flag) {
		return nil, nil
	}
	var at any = map[string]any(v)
	for part := range strings.SplitSeq(flag.Name, ".") {
		table, ok := at.(map[string]any)
		if !ok {
			return nil, nil
		}
		at = table[part]
	}
	switch at.(type) {
	case map[string]any:
		return nil, nil
	case int64, float64:
		if flag.Target.Type() == reflect.TypeFor[time.Duration]() {
			return nil, fmt.Errorf("configuration file: %s: %v has no unit; write it as \"%vs\", in seconds", flag.Name, at, at)
		}
		return fmt.Sprint(at), nil
	}
	return at, nil
}
