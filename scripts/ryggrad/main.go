// Command ryggrad is the operator's command line: what is done to a hub by hand, and not by its tenants over the API.
//
//	go run ./scripts/ryggrad --help
//	go run ./scripts/ryggrad --local hub.json tenants list     on a hub that scripts/local runs with -credentials hub.json
//	go run ./scripts/ryggrad --as kim tenants create "Group"   on the project that the environment names
//
// It goes to the project's database and keys itself, with the rights of whoever runs it, through the same stores as the
// functions: everything that it changes is in the audit log, under the operator's id. Answers are JSON on the standard
// output, so that scripts can read them; what is logged goes to the standard error.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/gcp"
)

// commands is the whole command line: the flags of all commands, and one field for each area.
type commands struct {
	Local string `help:"Work on the hub that scripts/local runs, by the FILE of its credentials, instead of the project in the environment." placeholder:"FILE"`
	As    string `help:"Your ID in the audit log, unless RYGGRAD_OPERATOR has it: up to 64 of a-z, 0-9, dot, hyphen, underscore; no e-mail address." placeholder:"ID"`

	Tenants   tenantCommands  `cmd:"" help:"Restaurant groups."`
	Bootstrap bootstrap       `cmd:"" help:"Make the first tenant and its owner in an empty project; prints the owner's initial password once."`
	Users     userCommands    `cmd:"" help:"People of a tenant, their passwords, sessions and second factors."`
	Clients   clientCommands  `cmd:"" help:"Integrations of a tenant, their secrets and API keys."`
	Channels  channelCommands `cmd:"" help:"Links of a tenant to delivery platforms."`
	Keys      keyCommands     `cmd:"" help:"The keys that sign access tokens."`
	Audit     auditCommands   `cmd:"" help:"The audit log: show, prove and verify it."`
	Backup    backupCommands  `cmd:"" help:"Backups: list and verify them, and bring them back."`

	Incident incidentCommands `cmd:"" help:"Incidents on the status page, and what people reported."`
	Evidence evidenceCommands `cmd:"" help:"What the trust page shows for what it claims."`
}

func main() {
	gcp.TuneMemory() // as every function does: a restore takes the same memory here
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], terminal{in: os.Stdin, out: os.Stdout, err: os.Stderr, env: gcp.ProcessEnv(), web: http.DefaultClient})
	stop()
	if err != nil && !errors.Is(err, errHelp) {
		fmt.Fprintln(os.Stderr, "ryggrad:", err)
		os.Exit(1)
	}
}

// terminal is where the command runs.
type terminal struct {
	in  io.Reader
	out io.Writer
	err io.Writer
	env gcp.Env
	web *http.Client // to addresses that are no hub's of its own
}

// errHelp says that help was asked for and given.
var errHelp = errors.New("help was given")

// run is the command.
func run(ctx context.Context, args []string, t terminal) error {
	var c commands
	helped := false
	parser, err := kong.New(&c, kong.Name("ryggrad"), kong.Description("What operators do to a hub by hand."),
		kong.Writers(t.out, t.err), kong.Exit(func(int) { helped = true }))
	if err != nil {
		return err
	}
	chosen, err := parser.Parse(args)
	switch {
	case helped:
		return errHelp
	case err != nil:
		return err
	}
	desk := &desk{ctx: ctx, terminal: t, local: c.Local, as: c.As}
	return errors.Join(explained(chosen.Run(desk)), desk.close())
}

// explained adds what a fault says in detail, which the API shows apart from its message.
func explained(err error) error {
	var f *fault.Error
	if errors.As(err, &f) {
		for _, d := range f.Details {
			err = fmt.Errorf("%w\n  %s %s", err, strings.TrimPrefix(d.Location, "body."), d.Message)
		}
	}
	return err
}
