// Command images builds the operator's and the validator's image without Docker, and writes them as archives or pushes them.
// They hold what the Dockerfile's hold, on an empty base: static binaries, a numeric user, a PATH, a /tmp and no shell. Built twice
// in the same folder, they have the same digests.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

const usage = `Usage: go run -C hack/images . COMMAND [FLAGS]

  build  build the images and write them as archives, which "docker load" and "ctr images import" read
  push   build the images and push them, with the credentials of "docker login"

`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "images:", err)
		os.Exit(1)
	}
}

// options are what the command line says.
type options struct {
	root, out           string
	registry, tag, arch string
	operator, validator string
	further             []further
}

// further is one more image of checks.
type further struct{ title, folder string }

func (o *options) addFurther(value string) error {
	title, folder, found := strings.Cut(value, "=")
	if !found || title == "" || folder == "" {
		return errors.New("want NAME=FOLDER, such as mine=./checks")
	}
	o.further = append(o.further, further{title, filepath.Clean(folder)})
	return nil
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	if len(args) == 0 || (args[0] != "build" && args[0] != "push") {
		fmt.Fprint(os.Stderr, usage)
		return fmt.Errorf("a command is needed: build or push")
	}
	command := args[0]
	var o options
	flags := flag.NewFlagSet(command, flag.ContinueOnError)
	flags.StringVar(&o.root, "root", filepath.Join("..", ".."), "the repository's `folder`")
	flags.StringVar(&o.out, "out", filepath.Join("bin", "images"), "the `folder` for the archives; relative to the repository")
	flags.StringVar(&o.registry, "registry", "validation-operator.local", "the registry, with a path where it needs one")
	flags.StringVar(&o.tag, "tag", "dev", "the tag of the images")
	flags.StringVar(&o.operator, "operator", "", "the operator image's whole `reference`, instead of REGISTRY/operator:TAG")
	flags.StringVar(&o.validator, "validator", "", "the validator image's whole `reference`, instead of REGISTRY/validator:TAG")
	flags.StringVar(&o.arch, "arch", runtime.GOARCH, "the processor `architecture` that the images are for")
	flags.Func("checks", "`NAME=FOLDER`: a further image, REGISTRY/NAME:TAG, of the test packages in a folder of the repository; "+
		"may be repeated", o.addFurther)
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}

	images, err := o.images()
	if err != nil {
		return err
	}
	for _, image := range images {
		built, err := image.build(ctx)
		if err != nil {
			return fmt.Errorf("building %s: %w", image.ref, err)
		}
		digest, err := built.Digest()
		if err != nil {
			return fmt.Errorf("digesting %s: %w", image.ref, err)
		}
		if command == "push" {
			err = push(ctx, image.ref, built)
		} else {
			err = archive(o.archivePath(image.title), image.ref, built)
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(stdout, "%s@%s\n", image.ref, digest)
	}
	return nil
}

// images are the images that the options describe.
func (o options) images() ([]image, error) {
	root, err := filepath.Abs(o.root)
	if err != nil {
		return nil, fmt.Errorf("finding the repository: %w", err)
	}
	operator := image{title: "operator", source: root, arch: o.arch, programs: operatorPrograms, entrypoint: "operator"}
	validator := image{title: "validator", source: root, arch: o.arch, programs: validatorPrograms}
	if operator.ref, err = o.reference(o.operator, operator.title); err != nil {
		return nil, err
	}
	if validator.ref, err = o.reference(o.validator, validator.title); err != nil {
		return nil, err
	}
	images := []image{operator, validator}
	for _, f := range o.further {
		i := image{title: f.title, source: root, arch: o.arch}
		if i.programs, err = checksIn(root, f.folder); err != nil {
			return nil, err
		}
		if i.ref, err = o.reference("", f.title); err != nil {
			return nil, err
		}
		images = append(images, i)
	}
	return images, nil
}

func (o options) reference(whole, title string) (name.Tag, error) {
	if whole == "" {
		whole = fmt.Sprintf("%s/%s:%s", o.registry, title, o.tag)
	}
	ref, err := name.NewTag(whole, name.StrictValidation)
	if err != nil {
		return name.Tag{}, fmt.Errorf("reading the reference of the %s image: %w", title, err)
	}
	return ref, nil
}

func (o options) archivePath(title string) string {
	out := o.out
	if !filepath.IsAbs(out) {
		out = filepath.Join(o.root, out)
	}
	return filepath.Join(out, title+".tar")
}

// archive writes the image with its name, and leaves no half an archive behind.
func archive(path string, ref name.Tag, built v1.Image) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("making the folder of the archive: %w", err)
	}
	part := path + ".part"
	if err := tarball.WriteToFile(part, ref, built); err != nil {
		_ = os.Remove(part)
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return os.Rename(part, path)
}

func push(ctx context.Context, ref name.Tag, built v1.Image) error {
	err := remote.Write(ref, built, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain))
	if err != nil {
		return fmt.Errorf("pushing %s: %w", ref, err)
	}
	return nil
}
