// Command cluster makes real, local Kubernetes clusters for demos and tests, on machines that can reach a Go module proxy and
// Debian's packages but no container registry. `go run . --help` says how to use it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/validation-operator/validation-operator/hack/cluster/internal/build"
	"github.com/validation-operator/validation-operator/hack/cluster/internal/local"
	"github.com/validation-operator/validation-operator/hack/cluster/internal/state"
	"github.com/validation-operator/validation-operator/hack/cluster/internal/step"
)

const usage = `Real, local Kubernetes clusters for demos and tests.

Usage: go run -C hack/cluster . COMMAND [flags]

  build    build Kubernetes and etcd, unless the cache holds them
  assets   build where needed and print the folder for KUBEBUILDER_ASSETS
  up       bring a cluster up, or mend it, or find it up
  run      run a command against a cluster: run [flags] -- COMMAND [args]
  load     import image archives (docker or OCI) into a cluster: load [flags] ARCHIVE.tar...
  env      print the shell's settings to use a cluster: eval "$(… env)"
  status   show the clusters; fails where one is not ready
  down     take a cluster down; nothing of it is left

COMMAND --help shows a command's flags. Relative paths, and the command that run runs, start in the project's root folder.
`

// exitCode ends the program with a code and without a message.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

func main() {
	err := run(os.Args[1:])
	var code exitCode
	switch {
	case err == nil:
	case errors.As(err, &code):
		os.Exit(int(code))
	default:
		fmt.Fprintf(os.Stderr, "cluster: %v\n", err)
		os.Exit(1)
	}
}

var commands = map[string]func(context.Context, local.Machine, []string) error{
	"build": runBuild, "assets": runAssets, "up": runUp, "run": runRun, "load": runLoad, "env": runEnv, "status": runStatus,
	"down": runDown,
}

func run(args []string) error {
	if len(args) == 0 {
		fmt.Fprint(os.Stderr, usage)
		return exitCode(2)
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		fmt.Print(usage)
		return nil
	}
	command, ok := commands[args[0]]
	if !ok {
		fmt.Fprintf(os.Stderr, "cluster: there is no command %q\n\n%s", args[0], usage)
		return exitCode(2)
	}
	m, err := machine(os.Stderr)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	return command(ctx, m, args[1:])
}

// machine finds the project and moves to its root where `go run -C` has moved to this folder: a caller cannot mean paths that
// start here.
func machine(out io.Writer) (local.Machine, error) {
	here, err := os.Getwd()
	if err != nil {
		return local.Machine{}, fmt.Errorf("finding the current folder: %w", err)
	}
	root, err := build.FindRoot(here)
	if err != nil {
		return local.Machine{}, err
	}
	if here == filepath.Join(root, "hack", "cluster") {
		if err := os.Chdir(root); err != nil {
			return local.Machine{}, fmt.Errorf("moving to the project's root: %w", err)
		}
	}
	cache, err := state.Cache()
	if err != nil {
		return local.Machine{}, err
	}
	return local.Machine{Root: root, Cache: cache, Log: step.New(out, time.Now), Now: time.Now}, nil
}
