// Command bundle packs every function that is built for Google Cloud: one zip per function, ready for its builder, and
// one manifest that Terraform reads.
//
//	go run ./scripts/bundle -out DIR
//
// DIR then holds NAME.zip for every function of functions/functions.json; bundles.json, which tells each zip's SHA-256 and
// sizes; and sbom.cdx.json, which lists the modules in them with their licences (CycloneDX). The same source gives the same bytes, on every machine with the same Go. Old bundles in DIR are
// replaced; nothing else in it is touched.
//
// # What is in a bundle
//
// Google's builder takes a function's package only from the root of its source, reads every Go file there, tests too,
// and needs the module's path to have a dot. It does not know that this module has its functions in folders. So a bundle
// has a package of its own at its root, entry.go, which imports the function's package and the framework; beside it the
// files of this module that the function is compiled from and nothing else of it; go.mod and go.sum; and vendor, so that
// no registry is asked when it is built. What the builder would refuse, or what has no business in the cloud, is refused
// here, before it is packed: see [faults].
//
// Functions of one package share their code, so their zips are alike: which of them runs is decided by the entry point
// that it is deployed with, FUNCTION_TARGET.
//
// What others wrote must be under a licence of [allowedLicences]; licences.txt lists them all, and a test holds it to the
// modules' own files. Another test looks for secrets in the whole repository.
//
// # Decisions
//
// Code is chosen by `go list -deps` for linux on amd64, which is what the cloud runs; vendored modules are what
// `go mod vendor` makes of that, whole, so that anybody can check them with it. Times in a zip are fixed and its entries
// sorted. The tests build every bundle as the builder does, without network, start what comes out, and call it:
// RYGGRAD_BUILD_BUNDLES=1 go test ./scripts/bundle, or `bash .ci/run bundle`.
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

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bundle:", err)
		os.Exit(1)
	}
}

// run is the command.
func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("bundle", flag.ContinueOnError)
	flags.SetOutput(out)
	dir := flags.String("out", "", "`directory` for the zips and their manifest")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *dir == "" || flags.NArg() > 0 {
		flags.Usage()
		return errors.New("say where to write with -out DIR")
	}
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	return bundleAll(ctx, root, *dir, out)
}
