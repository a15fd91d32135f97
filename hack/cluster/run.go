package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/validation-operator/validation-operator/hack/cluster/internal/local"
)

func runRun(ctx context.Context, m local.Machine, args []string) (err error) {
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	name := nameFlag(flags)
	ephemeral := flags.Bool("ephemeral", false, "take the cluster down afterwards whatever happens, even if it was up before")
	existing := flags.Bool("existing", false, "use the current kubeconfig's cluster")
	if err := parse(flags, args, "Brings a cluster up, runs a command with KUBECONFIG set, and ends with its exit code."); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return errors.New("run: name a command after --")
	}
	if *existing {
		if err := m.Existing(ctx, ""); err != nil {
			return err
		}
		return runCommand(ctx, os.Environ(), flags.Args())
	}
	if *ephemeral {
		defer func() {
			// After a signal, too: this is what the flag promises.
			downErr := m.Down(context.WithoutCancel(ctx), *name)
			if downErr != nil {
				fmt.Fprintf(os.Stderr, "cluster: %v\n", downErr)
			}
			if err == nil && downErr != nil {
				err = exitCode(1)
			}
		}()
	}
	c, err := m.Up(ctx, *name, "")
	if err != nil {
		return err
	}
	env, err := kubeconfigOf(m, c)
	if err != nil {
		return err
	}
	return runCommand(ctx, append(os.Environ(), env...), flags.Args())
}

// runCommand runs a command to its end, passes signals on to it and returns its exit code. A signal from a terminal reaches the
// command by itself.
func runCommand(ctx context.Context, env, argv []string) error {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("run: %w", err)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			_ = cmd.Process.Signal(s) // that it has just ended is no error
		case err := <-ended:
			return commandResult(err)
		}
	}
}

// commandResult follows the shell's convention for a command that a signal ended.
func commandResult(err error) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return exitCode(128 + int(status.Signal()))
	}
	return exitCode(exit.ExitCode())
}
