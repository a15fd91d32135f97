package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/validation-operator/validation-operator/hack/cluster/internal/local"
	"github.com/validation-operator/validation-operator/hack/cluster/internal/state"
)

const defaultName = "demo"

// parse reads a command's flags; asking for help ends the program.
func parse(flags *flag.FlagSet, args []string, about string) error {
	flags.Usage = func() {
		fmt.Fprintf(flags.Output(), "%s\n\nFlags of %s:\n", about, flags.Name())
		flags.PrintDefaults()
	}
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitCode(0)
	case err != nil:
		return exitCode(2) // the flag package has said what is wrong
	}
	return nil
}

func noArguments(flags *flag.FlagSet) error {
	if flags.NArg() > 0 {
		return fmt.Errorf("%s takes no arguments, got %q", flags.Name(), flags.Args())
	}
	return nil
}

func nameFlag(flags *flag.FlagSet) *string {
	return flags.String("name", defaultName, "`name` of the cluster")
}

func runBuild(ctx context.Context, m local.Machine, args []string) error {
	flags := flag.NewFlagSet("build", flag.ContinueOnError)
	if err := errors.Join(parse(flags, args, "Builds Kubernetes and etcd from Go modules, unless the cache holds them."),
		noArguments(flags)); err != nil {
		return err
	}
	dir, err := m.Assets(ctx)
	if err == nil {
		m.Log.Say("executables are in %s", dir)
	}
	return err
}

func runAssets(ctx context.Context, m local.Machine, args []string) error {
	flags := flag.NewFlagSet("assets", flag.ContinueOnError)
	if err := errors.Join(parse(flags, args, "Prints the folder for KUBEBUILDER_ASSETS, after building what is missing."),
		noArguments(flags)); err != nil {
		return err
	}
	dir, err := m.Assets(ctx)
	if err == nil {
		fmt.Println(dir)
	}
	return err
}

func runUp(ctx context.Context, m local.Machine, args []string) error {
	flags := flag.NewFlagSet("up", flag.ContinueOnError)
	name := nameFlag(flags)
	kubeconfig := flags.String("kubeconfig", "", "`file` to copy the kubeconfig to; with --existing, the one to use")
	existing := flags.Bool("existing", false, "make no cluster: see that the current kubeconfig's one can be used")
	if err := errors.Join(parse(flags, args,
		"Brings a cluster up: with kind where a Docker engine runs, else from executables that it builds."),
		noArguments(flags)); err != nil {
		return err
	}
	if *existing {
		if err := m.Existing(ctx, *kubeconfig); err != nil {
			return err
		}
		fmt.Println("Using the cluster of the current kubeconfig; nothing was started.")
		return nil
	}
	c, err := m.Up(ctx, *name, *kubeconfig)
	if err != nil {
		return err
	}
	env, err := environment(m, c)
	if err != nil {
		return err
	}
	fmt.Printf("\nCluster %q is up (%s). To use it:\n\n%s\nTo take it down:\n\n  go run -C hack/cluster . down --name %s\n",
		c.Name, c.Mode, indent(env), c.Name)
	return nil
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n  ") + "\n"
}

// environment is what a shell evaluates to use a cluster.
func environment(m local.Machine, c state.Cluster) (string, error) {
	p, err := state.For(m.Cache, c.Name)
	if err != nil {
		return "", err
	}
	text := fmt.Sprintf("export KUBECONFIG=%s\n", quote(p.Kubeconfig()))
	if c.Assets != "" {
		text += fmt.Sprintf("export PATH=%s:\"$PATH\"\n", quote(c.Assets))
	}
	return text, nil
}

// quote makes a word of the shell's language.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func runEnv(_ context.Context, m local.Machine, args []string) error {
	flags := flag.NewFlagSet("env", flag.ContinueOnError)
	name := nameFlag(flags)
	if err := errors.Join(parse(flags, args, `Prints the shell's settings to use a cluster, for eval "$(… env)".`),
		noArguments(flags)); err != nil {
		return err
	}
	p, err := state.For(m.Cache, *name)
	if err != nil {
		return err
	}
	c, err := state.Load(p)
	if err != nil {
		return err
	}
	env, err := environment(m, c)
	if err == nil {
		fmt.Print(env)
	}
	return err
}

func runLoad(ctx context.Context, m local.Machine, args []string) error {
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	name := nameFlag(flags)
	if err := parse(flags, args, "Imports image archives and sees that their images have arrived."); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return errors.New("load: name at least one archive")
	}
	return m.Load(ctx, *name, flags.Args())
}

func runStatus(ctx context.Context, m local.Machine, args []string) error {
	flags := flag.NewFlagSet("status", flag.ContinueOnError)
	name := flags.String("name", "", "`name` of a cluster (default: all)")
	if err := errors.Join(parse(flags, args, "Shows the clusters; exit code 1 where there is none or one is not ready."),
		noArguments(flags)); err != nil {
		return err
	}
	var names []string
	if *name != "" {
		names = append(names, *name)
	}
	statuses, err := m.Statuses(ctx, names...)
	if err != nil {
		return err
	}
	if len(statuses) == 0 {
		fmt.Println("There is no cluster.")
		return exitCode(1)
	}
	allReady := true
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tMODE\tREADY\tKUBECONFIG")
	for _, s := range statuses {
		ready := "yes"
		if !s.Ready {
			allReady, ready = false, "no: "+s.Problem
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", s.Name, s.Mode, ready, s.Kubeconfig)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if !allReady {
		return exitCode(1)
	}
	return nil
}

func runDown(ctx context.Context, m local.Machine, args []string) error {
	flags := flag.NewFlagSet("down", flag.ContinueOnError)
	name := nameFlag(flags)
	all := flags.Bool("all", false, "take all clusters down")
	if err := errors.Join(parse(flags, args, "Takes a cluster down. What was built stays in the cache."),
		noArguments(flags)); err != nil {
		return err
	}
	names := []string{*name}
	if *all {
		found, err := m.Names()
		if err != nil {
			return err
		}
		names = found
	}
	var failures []error
	for _, n := range names {
		if err := m.Down(ctx, n); err != nil {
			failures = append(failures, fmt.Errorf("cluster %s: %w", n, err))
		}
	}
	return errors.Join(failures...)
}

// kubeconfigOf is where a cluster's kubeconfig is, and the search path with its kubectl.
func kubeconfigOf(m local.Machine, c state.Cluster) ([]string, error) {
	p, err := state.For(m.Cache, c.Name)
	if err != nil {
		return nil, err
	}
	env := []string{"KUBECONFIG=" + p.Kubeconfig(), "VO_CLUSTER=" + c.Name}
	if c.Assets != "" {
		env = append(env, "PATH="+c.Assets+string(filepath.ListSeparator)+os.Getenv("PATH"))
	}
	return env, nil
}
