// Command load places orders on a running hub, at a bounded rate and for a bounded time, and tells how long the answers
// took. It finds the hub and its access in the file that `scripts/local -credentials` writes.
//
//	go run ./scripts/local -credentials /tmp/hub.json &
//	go run ./scripts/load -credentials /tmp/hub.json -rate 200 -concurrency 32 -duration 20s
//
// With -direct it fills the hub's database instead, as fast as that takes it, with all that orders write. Backups are
// measured with that:
//
//	go run ./scripts/load -credentials /tmp/hub.json -direct -orders 1000000 -rate 0 -duration 1h -mix api=100
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/schollz/progressbar/v3"
)

// options are the command's flags.
type options struct {
	credentials string
	rate        float64
	concurrency int
	duration    time.Duration
	orders      int
	mix         mix
	direct      bool
}

// The bounds of a run: this is a measuring tool, not a weapon.
const (
	maxConcurrency = 1024
	maxDuration    = 2 * time.Hour
	maxOrders      = 5_000_000
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

// run is the command. It fails when any answer was not the expected one.
func run(ctx context.Context, args []string, out io.Writer) error {
	opts, err := parse(args, out)
	if err != nil {
		return err
	}
	target, err := readTarget(opts.credentials)
	if err != nil {
		return err
	}
	bar := progressbar.NewOptions(opts.orders, progressbar.OptionSetWriter(out), progressbar.OptionShowCount(), progressbar.OptionShowIts(),
		progressbar.OptionSetItsString("orders"), progressbar.OptionThrottle(time.Second), progressbar.OptionSetDescription("placing"))
	results, err := drive(ctx, opts, target, func() { _ = bar.Add(1) }) // progress only
	_ = bar.Exit()
	fmt.Fprintln(out)
	if err != nil {
		return err
	}
	return results.report(out)
}

func parse(args []string, out io.Writer) (options, error) {
	o := options{mix: mix{api: 90, replay: 10}}
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&o.credentials, "credentials", "", "`file` that scripts/local -credentials wrote")
	flags.Float64Var(&o.rate, "rate", 100, "orders a second over all workers; 0 sends as fast as answers come")
	flags.IntVar(&o.concurrency, "concurrency", 16, "requests at once")
	flags.DurationVar(&o.duration, "duration", 10*time.Second, "how long to send")
	flags.IntVar(&o.orders, "orders", 100_000, "how many to send at most")
	flags.BoolVar(&o.direct, "direct", false, "place them by the hub's own store, straight into its database, instead of over HTTP")
	flags.Func("mix", "shares of `kinds`, as in api=80,deliverect=10,replay=10", func(text string) (err error) {
		o.mix, err = parseMix(text)
		return err
	})
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	switch {
	case o.credentials == "":
		return o, errors.New("say where the hub is: -credentials FILE, as scripts/local -credentials FILE writes it")
	case o.concurrency < 1 || o.concurrency > maxConcurrency:
		return o, fmt.Errorf("-concurrency goes from 1 to %d", maxConcurrency)
	case o.duration <= 0 || o.duration > maxDuration:
		return o, fmt.Errorf("-duration goes up to %s", maxDuration)
	case o.orders < 1 || o.orders > maxOrders:
		return o, fmt.Errorf("-orders goes from 1 to %d", maxOrders)
	case o.rate < 0:
		return o, errors.New("-rate is not negative")
	case o.direct && o.mix.deliverect > 0:
		return o, errors.New("-direct places our own API's orders only")
	}
	return o, nil
}

// target is what the load needs of the credentials file.
type target struct {
	BaseURL  string `json:"baseUrl"`
	Tenant   string `json:"tenant"`
	Location string `json:"location"`
	Clients  map[string]struct {
		ClientID string `json:"clientId"`
		APIKey   string `json:"apiKey"`
	} `json:"clients"`
	Channels map[string]struct {
		URL    string `json:"url"`
		Secret string `json:"secret"`
	} `json:"channels"`
	Endpoints map[string]string `json:"endpoints"`
}

func readTarget(file string) (target, error) {
	var t target
	text, err := os.ReadFile(file) //nolint:gosec // the operator's own file
	if err != nil {
		return t, err
	}
	if err := json.Unmarshal(text, &t); err != nil {
		return t, fmt.Errorf("read %s: %w", file, err)
	}
	if t.BaseURL == "" || t.Clients["shop"].APIKey == "" {
		return t, fmt.Errorf("%s names no hub or no client \"shop\"; let scripts/local -credentials write it", file)
	}
	return t, nil
}
