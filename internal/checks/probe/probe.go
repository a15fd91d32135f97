// Package probe is what a validator's binary does inside the pods that its checks start. They run the validator's own image,
// so that checks need no second image; an environment variable turns the binary from a suite of tests into one of these
// probes. It must import neither a client nor a check.
package probe

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

// Variable is the environment variable that names the probe to run.
const Variable = "AICR_PROBE"

// PathsVariable has the files of Read, separated like the entries of PATH.
const PathsVariable = "AICR_PROBE_PATHS"

// The probes.
const (
	// None ends at once, successfully.
	None = "none"
	// Read leaves the contents of files in the termination message, as a JSON object of contents by path.
	Read = "read"
	// Wait runs until it is told to end.
	Wait = "wait"
)

// terminationLog is where Kubernetes reads a container's termination message from; of more than 4 KiB it keeps the start.
const terminationLog = "/dev/termination-log"

// maxFile bounds what is read of one file, so that the message stays within what Kubernetes keeps.
const maxFile = 1 << 10

// Run runs the named probe and returns the exit code.
func Run(name string) int {
	var err error
	switch name {
	case None:
	case Write:
		err = write(filepath.SplitList(os.Getenv(PathsVariable)), os.Getenv(TextVariable))
	case Read:
		err = read(filepath.SplitList(os.Getenv(PathsVariable)), terminationLog)
	case Wait:
		err = untilToldToEnd(func(ctx context.Context) error {
			<-ctx.Done()
			return nil
		})
	case Serve:
		err = untilToldToEnd(serve)
	case Connect:
		err = untilToldToEnd(func(ctx context.Context) error { return connect(ctx, terminationLog) })
	case Resolve:
		err = untilToldToEnd(func(ctx context.Context) error { return resolve(ctx, terminationLog) })
	default:
		err = fmt.Errorf("%s: there is no probe %q", Variable, name)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// untilToldToEnd runs a probe with a context that ends when the process is told to.
func untilToldToEnd(run func(context.Context) error) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	return run(ctx)
}

func read(paths []string, target string) error {
	contents := map[string]string{}
	for _, path := range paths {
		content, err := readFile(path)
		if err != nil {
			return err
		}
		contents[path] = content
	}
	message, err := json.Marshal(contents)
	if err != nil {
		return fmt.Errorf("encoding the contents: %w", err)
	}
	// The file is there already, made by the container runtime.
	if err := os.WriteFile(target, message, 0o600); err != nil {
		return fmt.Errorf("writing the termination message: %w", err)
	}
	return nil
}

func readFile(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("opening a file to read: %w", err)
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.LimitReader(file, maxFile))
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", path, err)
	}
	return string(content), nil
}
