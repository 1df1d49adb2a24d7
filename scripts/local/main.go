// Command local runs the whole hub in one process, with nothing but Go installed: the embedded cloud, every function
// under one address, the scheduler, a demo tenant and a demo POS.
//
//	go run ./scripts/local          stays up and tells how to use it
//	go run ./scripts/local -demo    plays the life of sample orders and exits 0 only if every stop was verified
//
// It is for development and for looking around, not for serving restaurants: one process, no replicas, and whoever
// reaches the loopback address can read the credentials file.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// options are the command's flags.
type options struct {
	listen      string
	data        string
	credentials string
	emulators   string
	demo        bool
	fast        bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "local:", err)
		os.Exit(1)
	}
}

// run is the command: it returns when the demo has ended or the context has.
func run(ctx context.Context, args []string, out io.Writer) error {
	opts, err := parse(args, out)
	if err != nil {
		return err
	}
	h, err := start(ctx, opts)
	if err != nil {
		return err
	}
	if opts.demo {
		return errors.Join(play(ctx, h, out), h.Close())
	}
	tour(h, out)
	<-ctx.Done()
	fmt.Fprintln(out, "\nStopping.")
	return h.Close()
}

func parse(args []string, out io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("local", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&o.listen, "listen", "127.0.0.1:8080", "`address` to serve the hub on; port 0 takes a free one")
	flags.StringVar(&o.data, "data", "", "`directory` whose state survives a restart and a kill (default: a fresh temporary one)")
	flags.StringVar(&o.credentials, "credentials", "", "`file` to write the demo tenant's credentials to, as JSON, once the hub is ready")
	flags.StringVar(&o.emulators, "emulators", "", "`google` uses Google's Firestore and Pub/Sub emulators at FIRESTORE_EMULATOR_HOST and PUBSUB_EMULATOR_HOST")
	flags.BoolVar(&o.demo, "demo", false, "play the life of sample orders, print what was verified, and exit")
	flags.BoolVar(&o.fast, "fast-schedule", false, "run every schedule every few seconds instead of every few minutes or hours")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	switch {
	case flags.NArg() > 0:
		return o, fmt.Errorf("%q is not a flag; see -help", flags.Arg(0))
	case o.emulators != "" && o.emulators != "google":
		return o, fmt.Errorf("-emulators takes google, not %q", o.emulators)
	}
	return o, nil
}
