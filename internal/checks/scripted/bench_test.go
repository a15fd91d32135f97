package scripted

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/internal/checks/probe"
	"github.com/validation-operator/validation-operator/test/podlet"
)

type check = func(context.Context, *cluster.Bench) *finding.Finding

// install creates the objects of manifests.
func install(ctx context.Context, config *rest.Config, manifests ...string) error {
	c, err := client.New(config, client.Options{})
	if err != nil {
		return err
	}
	for _, manifest := range manifests {
		data, err := os.ReadFile(filepath.Clean(manifest))
		if err != nil {
			return err
		}
		documents := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(data), 4096)
		for {
			object := &unstructured.Unstructured{}
			if err := documents.Decode(object); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return fmt.Errorf("reading %s: %w", manifest, err)
			}
			// The rights in namespaces of components are for those who have these namespaces.
			if namespace := object.GetNamespace(); namespace != "" && namespace != runNamespace {
				continue
			}
			if err := c.Create(ctx, object); err != nil {
				return fmt.Errorf("creating %s %s: %w", object.GetKind(), object.GetName(), err)
			}
		}
	}
	return nil
}

// disk has what probes have written to volumes, by claim and path.
type disk struct {
	mu      sync.Mutex
	content map[string]string
}

func newDisk() *disk { return &disk{content: map[string]string{}} }

// probes is what the validator's image does in pods that checks start.
func probes(d *disk) podlet.Step {
	return func(p *podlet.Process) {
		paths := filepath.SplitList(p.Env(probe.PathsVariable))
		switch p.Env(probe.Variable) {
		case probe.None:
		case probe.Write:
			d.mu.Lock()
			defer d.mu.Unlock()
			for _, path := range paths {
				d.content[claimOf(p.Pod)+path] = p.Env(probe.TextVariable)
			}
		case probe.Read:
			contents := map[string]string{}
			for _, path := range paths {
				if content, err := p.ReadFile(path); err == nil {
					contents[path] = string(content)
					continue
				}
				d.mu.Lock()
				contents[path] = d.content[claimOf(p.Pod)+path]
				d.mu.Unlock()
			}
			message, err := json.Marshal(contents)
			if err != nil {
				p.Exit(1)
			}
			podlet.TerminationMessage(string(message))(p)
		default:
			podlet.Hang()(p)
		}
	}
}

func claimOf(pod *corev1.Pod) string {
	for _, volume := range pod.Spec.Volumes {
		if volume.PersistentVolumeClaim != nil {
			return volume.PersistentVolumeClaim.ClaimName
		}
	}
	return ""
}

// selfOf makes the validator's pod, of some image, which stands for the one that the checks run in.
func selfOf(t *testing.T, config *rest.Config, image string) *corev1.Pod {
	t.Helper()
	admin, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	pod, err := cluster.Probe{What: "validator", Run: probe.Wait}.Pod(&corev1.Pod{
		Spec: corev1.PodSpec{ServiceAccountName: account, Containers: []corev1.Container{{Image: image}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	pods := admin.CoreV1().Pods(runNamespace)
	self, err := pods.Create(t.Context(), pod, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pods.Delete(context.WithoutCancel(t.Context()), self.Name, metav1.DeleteOptions{GracePeriodSeconds: new(int64(0))}); err != nil {
			t.Log(err)
		}
	})
	return self
}

// at is a bench for a check of some identity, whose pods run some image. It is cleared when the test ends.
func at(t *testing.T, config *rest.Config, self *corev1.Pod) *cluster.Bench {
	t.Helper()
	c, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	bench := cluster.At(c, config, self).Bench(t.Name())
	t.Cleanup(func() { bench.Clear(t.Errorf) })
	return bench
}

// validator is a bench with the rights of the validator.
func validator(t *testing.T, image string) *cluster.Bench {
	t.Helper()
	return at(t, world.plane.ServiceAccountConfig(runNamespace, account), selfOf(t, world.plane.Config, image))
}

// bare is a bench in the cluster that keeps no promise.
func bare(t *testing.T) *cluster.Bench {
	t.Helper()
	return at(t, world.bare, selfOf(t, world.bare, image))
}

// within bounds what must come, and is never waited for to its end, however slow the machine is.
func within(t *testing.T) context.Context { return bounded(t, 3*time.Minute) }

// What must not come is waited for to the end of a limit. It leaves a slow machine the time for what comes before: brief for a few requests,
// ample where a controller has to do something, or a pod to run.
const (
	brief = 8 * time.Second
	ample = 20 * time.Second
)

// Some things there are once for the whole cluster, and a check takes note of all that there is. Of the tests that run side by side, one
// at a time has them to itself; those that do not run so need not ask.
var (
	// volumes are the default storage class and its volumes.
	volumes sync.Mutex
	// devices are what drivers offer, the classes of it, and the claims of it.
	devices sync.Mutex
	// podGroups are the kinds of pod group that a gang scheduler may have.
	podGroups sync.Mutex
	// widgets and policies are the kind and the admission policy that checks make under a name that is always the same. A check waits for
	// its turn to have the name, and its limit goes on meanwhile.
	widgets, policies sync.Mutex
)

// alone has something to itself until the test has ended and cleaned up what it does after this.
func alone(t *testing.T, thing *sync.Mutex) {
	t.Helper()
	thing.Lock()
	t.Cleanup(thing.Unlock)
}

// made selects what checks have made for a test, the tests that it belongs to and all of theirs.
func made(t *testing.T) metav1.ListOptions {
	name, _, _ := strings.Cut(t.Name(), "/")
	return metav1.ListOptions{LabelSelector: cluster.CheckLabel + "=" + name}
}

// scripted is an image of the test's own, with pods that behave as the script says.
func scripted(t *testing.T, script podlet.Script) (image string) {
	t.Helper()
	image = "registry.test/" + t.Name()
	world.node.Script(image, script)
	return image
}

// tried is what a check finds within a limit that begins when its bench is ready.
func tried(t *testing.T, limit time.Duration, check check, bench *cluster.Bench) *finding.Finding {
	t.Helper()
	return check(bounded(t, limit), bench)
}

func bounded(t *testing.T, limit time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}

func wantPass(t *testing.T, f *finding.Finding) {
	t.Helper()
	if !f.Passed() {
		t.Errorf("found %s, want a pass", describe(f))
	}
}

// wantFailure demands a failure that names what was found, and how to mend it.
func wantFailure(t *testing.T, f *finding.Finding, found string) {
	t.Helper()
	for _, p := range f.Problems {
		if strings.Contains(p.String(), found) && p.Mend != "" {
			return
		}
	}
	t.Errorf("found %s, want a failure with %q", describe(f), found)
}

func wantSkip(t *testing.T, f *finding.Finding, skip finding.Skip, why string) {
	t.Helper()
	if f.Failed() || f.Skip != skip || !strings.Contains(f.Why, why) {
		t.Errorf("found %s, want %s with %q", describe(f), skip, why)
	}
}

func describe(f *finding.Finding) string {
	return fmt.Sprintf("%+v %s %q, notes %q", f.Problems, f.Skip, f.Why, f.Notes)
}

// eventually asks until the answer is yes, for what comes about without an event that could be waited for.
func eventually(t *testing.T, is func() bool) {
	t.Helper()
	// A test's clean-up waits as well.
	err := wait.PollUntilContextTimeout(context.WithoutCancel(t.Context()), 50*time.Millisecond, 3*time.Minute, true, func(context.Context) (bool, error) {
		return is(), nil
	})
	if err != nil {
		t.Error(err)
	}
}

func dynamicOf(t *testing.T) dynamic.Interface {
	t.Helper()
	c, err := dynamic.NewForConfig(world.plane.Config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func wantMeasured(t *testing.T, f *finding.Finding, name, value string) {
	t.Helper()
	for _, m := range f.Measured {
		if m.Name == name {
			if m.Value != value {
				t.Errorf("%s = %q, want %q", name, m.Value, value)
			}
			return
		}
	}
	t.Errorf("%s was not measured; found %+v", name, f.Measured)
}

// mayList reports whether the validator may list a custom resource in the whole cluster.
func mayList(t *testing.T, resource string) bool {
	t.Helper()
	return may(t, authorizationv1.ResourceAttributes{Verb: "list", Group: "test.example", Resource: resource})
}

// may reports whether the validator may do something by now.
func may(t *testing.T, attributes authorizationv1.ResourceAttributes) bool {
	t.Helper()
	c, err := kubernetes.NewForConfig(world.plane.ServiceAccountConfig(runNamespace, account))
	if err != nil {
		t.Fatal(err)
	}
	review, err := c.AuthorizationV1().SelfSubjectAccessReviews().Create(t.Context(), &authorizationv1.SelfSubjectAccessReview{
		Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &attributes},
	}, metav1.CreateOptions{})
	return err == nil && review.Status.Allowed
}
