package latency

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/rest"
	clienttesting "k8s.io/client-go/testing"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/constraint"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
)

const registryID = "registry.example.com/validator@sha256:0123"

// world is a cluster whose kubelet takes time, in a bubble in which that costs none.
type world struct {
	client *fake.Clientset
	self   *corev1.Pod
	pods   int
	// kubelet says what comes of the n-th pod, by events of which each takes its time.
	kubelet func(n int) []news
}

// news is an event that a kubelet sends after a while, of the pod's own container or of another.
type news struct {
	after           time.Duration
	reason, message string
	of              string
}

func newWorld(imageID string) *world {
	self := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "validator", Namespace: "ns", UID: "self", ResourceVersion: "1"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "validator", Image: "registry.example.com/validator:v1"}}},
		Status:     corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{Name: "validator", ImageID: imageID}}},
	}
	w := &world{client: fake.NewClientset(self), self: self, kubelet: func(int) []news { return nil }}
	w.client.PrependReactor("create", "pods", func(action clienttesting.Action) (bool, runtime.Object, error) {
		w.pods++
		pod := action.(clienttesting.CreateAction).GetObject().(*corev1.Pod)
		if pod.Spec.Containers[0].ImagePullPolicy != corev1.PullAlways {
			return true, nil, errors.New("a pod that need not pull")
		}
		pod.UID, pod.ResourceVersion, pod.Spec.NodeName = types.UID(fmt.Sprint("pod-", w.pods)), "1", "a"
		all := w.kubelet(w.pods)
		uid := pod.UID
		go func() {
			for i, n := range all {
				time.Sleep(n.after)
				_ = w.client.Tracker().Add(&corev1.Event{
					ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("%s-%d", uid, i), Namespace: "ns", ResourceVersion: "2"}, Reason: n.reason, Message: n.message,
					InvolvedObject: corev1.ObjectReference{UID: uid, FieldPath: cmp.Or(n.of, "spec.containers{"+pod.Spec.Containers[0].Name+"}")},
				})
			}
		}()
		return false, nil, nil
	})
	// A list of events has to have a version to watch from.
	w.client.PrependReactor("list", "events", func(action clienttesting.Action) (bool, runtime.Object, error) {
		return true, &corev1.EventList{ListMeta: metav1.ListMeta{ResourceVersion: "1"}}, nil
	})
	return w
}

func (w *world) forbid(verb, resource string) *world {
	w.client.PrependReactor(verb, resource, func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, noRule(resource)
	})
	return w
}

func noRule(resource string) error {
	return apierrors.NewForbidden(schema.GroupResource{Resource: resource}, "", errors.New("no rule"))
}

func limit(value string) constraint.Constraint {
	return constraint.Constraint{Name: "x.p99", Value: value, Severity: constraint.Error, Line: 1}
}

// try runs a check, sees that it leaves nothing behind, and compares what it says.
func (w *world) try(t *testing.T, check func(context.Context, *cluster.Bench) *finding.Finding, skip finding.Skip, words ...string) {
	t.Helper()
	bench := cluster.At(w.client, nil, w.self).Bench("TestLatency")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	f := check(ctx, bench)
	bench.Clear(t.Errorf)
	configMaps, err := w.client.CoreV1().ConfigMaps("ns").List(context.WithoutCancel(t.Context()), metav1.ListOptions{})
	if !apierrors.IsForbidden(err) && (err != nil || len(configMaps.Items) > 0) {
		t.Errorf("%d ConfigMaps are left, %v", len(configMaps.Items), err)
	}
	if pods, err := w.client.CoreV1().Pods("ns").List(t.Context(), metav1.ListOptions{}); err != nil || len(pods.Items) > 1 {
		t.Errorf("%d pods are left beside the validator's, %v", len(pods.Items)-1, err)
	}
	text := f.Why
	for _, problem := range f.Problems {
		text += "\n" + problem.String()
	}
	for _, o := range f.Constraints {
		text += fmt.Sprintf("\n%s %t %s", o.Actual, o.Holds, o.Mend)
	}
	if f.Skip != skip {
		t.Errorf("skip = %q, want %q", f.Skip, skip)
	}
	if wantFailure := skip == "" && len(words) > 0; f.Failed() != wantFailure {
		t.Errorf("failed = %t, want %t: %s", f.Failed(), wantFailure, text)
	}
	if skip == "" && len(f.Problems) == 0 && len(f.Constraints) != 1 {
		t.Errorf("%d constraints are evaluated, want one", len(f.Constraints))
	}
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("says %q, want %q in it", text, word)
		}
	}
}

// api is a transport that answers as an API server does, after a while: with the object that it was sent, or an empty one.
type api time.Duration

func (a api) RoundTrip(request *http.Request) (*http.Response, error) {
	time.Sleep(time.Duration(a))
	body := []byte(`{"metadata":{"name":"x"}}`)
	if request.Body != nil && request.Method != http.MethodDelete {
		var err error
		if body, err = io.ReadAll(request.Body); err != nil {
			return nil, err
		}
	}
	return &http.Response{StatusCode: http.StatusOK, Request: request, Body: io.NopCloser(bytes.NewReader(body)),
		Header: http.Header{"Content-Type": {"application/json"}}}, nil
}

func TestUnderLoadIsMeasuredAtTheAPI(t *testing.T) {
	tests := map[string]struct {
		slow  time.Duration
		holds bool
	}{
		"fast enough": {100 * time.Millisecond, true},
		"too slow":    {1100 * time.Millisecond, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, err := kubernetes.NewForConfig(&rest.Config{Host: "http://api", QPS: -1, Transport: api(tt.slow),
					ContentConfig: rest.ContentConfig{ContentType: "application/json"}})
				if err != nil {
					t.Fatal(err)
				}
				bench := cluster.At(client, nil, newWorld(registryID).self).Bench("TestLatency")
				f := UnderLoad(limit("<= 1s"))(t.Context(), bench)
				bench.Clear(t.Errorf)
				if len(f.Problems) > 0 || len(f.Constraints) != 1 {
					t.Fatalf("found %+v, want one constraint that is evaluated", f)
				}
				if o := f.Constraints[0]; o.Holds != tt.holds || o.Actual != tt.slow.String() {
					t.Errorf("found %s, which holds: %t; want %s and %t", o.Actual, o.Holds, tt.slow, tt.holds)
				}
				if f.Failed() == tt.holds {
					t.Errorf("failed = %t", f.Failed())
				}
			})
		})
	}
}

func TestUnderLoad(t *testing.T) {
	tests := map[string]struct {
		limit string
		world func(*world)
		skip  finding.Skip
		words []string
	}{
		"with an API server that answers": {limit: "<= 1m"},
		"a limit that is none":            {limit: "fast", skip: finding.CouldNotRun, words: []string{"x.p99", "correct the recipe"}},
		"without the right to create": {limit: "<= 1s", world: func(w *world) { w.forbid("create", "configmaps") },
			skip: finding.CouldNotRun, words: []string{"create configmaps"}},
		"without the right to update": {limit: "<= 1s", world: func(w *world) { w.forbid("update", "configmaps") },
			skip: finding.CouldNotRun, words: []string{"update configmaps"}},
		"with an API server that breaks off": {limit: "<= 1s", world: breakOff, words: []string{"request 1 of 60", "connection reset"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(registryID)
			if tt.world != nil {
				tt.world(w)
			}
			w.try(t, UnderLoad(limit(tt.limit)), tt.skip, tt.words...)
		})
	}
}

func breakOff(w *world) {
	w.client.PrependReactor("get", "pods", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, errors.New("connection reset")
	})
}

func TestLoadIsAllClientsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int32
		start := time.Now()
		samples, err := load{clients: 8, requests: 5}.run(t.Context(), func(context.Context, int, int) error {
			most.Store(max(most.Load(), now.Add(1)))
			time.Sleep(time.Second)
			now.Add(-1)
			return nil
		})
		if err != nil || len(samples) != 40 || samples[0] != time.Second {
			t.Errorf("samples = %v, %v, want 40 of a second each", samples, err)
		}
		if took := time.Since(start); took != 5*time.Second || most.Load() != 8 {
			t.Errorf("%d clients at once, %s in all, want 8 in 5s", most.Load(), took)
		}
	})
}

func TestPull(t *testing.T) {
	after := func(d time.Duration) func(int) []news {
		return func(int) []news { return []news{{reason: "Pulling"}, {after: d, reason: "Pulled"}} }
	}
	tests := map[string]struct {
		imageID string
		kubelet func(n int) []news
		world   func(*world)
		limit   string
		skip    finding.Skip
		words   []string
	}{
		"fast enough": {imageID: registryID, kubelet: after(2 * time.Second), limit: "<= 5s"},
		"fast enough, of a pod that was read before the kubelet had said which image it runs": {imageID: registryID, kubelet: after(2 * time.Second),
			limit: "<= 5s", world: func(w *world) {
				w.self = w.self.DeepCopy()
				w.self.Status = corev1.PodStatus{}
				// A watch from so old a version may be refused.
				w.client.PrependWatchReactor("pods", func(clienttesting.Action) (bool, watch.Interface, error) {
					return true, nil, noRule("pods")
				})
			}},
		"too slow": {imageID: registryID, kubelet: after(20 * time.Second), limit: "<= 5s", words: []string{"20s false", "registry"}},
		"one of three is slow": {imageID: registryID, kubelet: func(n int) []news { return after(time.Duration(n) * 3 * time.Second)(n) },
			limit: "<= 8s", words: []string{"9s false"}},
		"slow, after the image of a container that was put before it": {imageID: registryID, limit: "<= 5s", kubelet: func(int) []news {
			return []news{{time.Second, "Pulled", "", "spec.initContainers{proxy}"}, {time.Second, "Pulled", "", "spec.containers{proxy}"},
				{after: 18 * time.Second, reason: "Pulled"}}
		}, words: []string{"20s false"}},
		"kept waiting by the image of such a container": {imageID: registryID, limit: "<= 5s", kubelet: func(int) []news {
			return []news{{time.Second, "Failed", "Failed to pull image proxy", "spec.initContainers{proxy}"}}
		}, words: []string{"Failed to pull image proxy"}},
		"one that succeeds at the second try": {imageID: registryID, limit: "<= 60s", kubelet: func(int) []news {
			return []news{{time.Second, "Failed", "Failed to pull image: timeout", ""}, {after: 10 * time.Second, reason: "Pulled"}}
		}},
		"refused by the registry": {imageID: registryID, limit: "<= 5s", kubelet: func(int) []news {
			return []news{{time.Second, "Failed", "Failed to pull image: 401 Unauthorized", ""}, {time.Second, "Failed", "Error: ImagePullBackOff", ""}}
		}, words: []string{"node a to pull the image registry.example.com/validator:v1", "401 Unauthorized", "imagePullSecrets"}},
		"for no pod, since no node has room": {imageID: registryID, limit: "<= 5s", skip: finding.CouldNotRun,
			words: []string{"1 Insufficient cpu. To mend: make room"}, world: crowd},
		"never": {imageID: registryID, limit: "<= 5s", words: []string{"that it does not say it has"}},
		"loaded into the node": {imageID: "sha256:0123", limit: "<= 5s", skip: finding.NotApplicable,
			words: []string{"was loaded into the node", "sha256:0123"}},
		"never to be pulled": {imageID: registryID, limit: "<= 5s", skip: finding.NotApplicable, words: []string{"Never"},
			world: func(w *world) { w.self.Spec.Containers[0].ImagePullPolicy = corev1.PullNever }},
		"without the right to create pods": {imageID: registryID, limit: "<= 5s", skip: finding.CouldNotRun, words: []string{"create pods"},
			world: func(w *world) { w.forbid("create", "pods") }},
		"without the right to list events": {imageID: registryID, limit: "<= 5s", skip: finding.CouldNotRun, words: []string{"watch events"},
			world: func(w *world) { w.forbid("list", "events") }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(tt.imageID)
				if tt.kubelet != nil {
					w.kubelet = tt.kubelet
				}
				if tt.world != nil {
					tt.world(w)
				}
				w.try(t, Pull(limit(tt.limit)), tt.skip, tt.words...)
				time.Sleep(time.Minute) // until the kubelet has said all that it has to say
			})
		})
	}
}

func TestFromRegistry(t *testing.T) {
	tests := []struct {
		id, image string
		want      bool
	}{
		{"docker.io/library/validator@sha256:0123", "validator:v1", true},
		{"docker.io/library/validator@sha256:0123", "docker.io/library/validator", true},
		{"registry:5000/team/validator@sha256:0123", "registry:5000/team/validator:v1", true},
		{"registry:5000/team/validator@sha256:0123", "registry:5000/team/validator@sha256:0123", true},
		{"registry:5000/team/validator@sha256:0123", "registry:5000/team/validator:v1@sha256:0123", true},
		{"docker-pullable://team/validator@sha256:0123", "team/validator:v1", true},
		{"sha256:0123", "validator:v1", false},
		{"docker://sha256:0123", "validator:v1", false},
		{"docker.io/library/import-2026-01-01@sha256:0123", "validator:v1", false},
		{"docker.io/library/other-validator@sha256:0123", "validator:v1", false},
	}
	for _, tt := range tests {
		if got := fromRegistry(tt.id, tt.image); got != tt.want {
			t.Errorf("fromRegistry(%s, %s) = %t, want %t", tt.id, tt.image, got, tt.want)
		}
	}
}
