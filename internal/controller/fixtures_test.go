package controller

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/events"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/podlog"
)

var epoch = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// bench is a Reconciler with everything around it.
type bench struct {
	*Reconciler
	clock  *clocktesting.FakeClock
	events *events.FakeRecorder
	logs   *logs
	// read has something in it when a follower has read something.
	read chan struct{}
}

// newBench gives a Reconciler whose API server holds the objects, and whose calls pass through funcs.
func newBench(t *testing.T, funcs interceptor.Funcs, objects ...client.Object) *bench {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	builder := fake.NewClientBuilder().WithScheme(scheme).WithInterceptorFuncs(funcs).
		WithObjects(objects...).WithStatusSubresource(&v1alpha1.ValidationRun{})
	for _, kind := range []client.Object{&batchv1.Job{}, &corev1.Pod{}} {
		builder.WithIndex(kind, indexRun, runOf)
	}
	for field, value := range map[string]func(*eventsv1.Event) string{
		"regarding.kind": func(e *eventsv1.Event) string { return e.Regarding.Kind },
		"regarding.name": func(e *eventsv1.Event) string { return e.Regarding.Name },
	} {
		builder.WithIndex(&eventsv1.Event{}, field, func(o client.Object) []string { return []string{value(o.(*eventsv1.Event))} })
	}
	c := builder.Build()
	b := &bench{
		clock: clocktesting.NewFakeClock(epoch), events: events.NewFakeRecorder(100),
		logs: &logs{text: map[string]string{}}, read: make(chan struct{}, 1),
	}
	b.Reconciler = &Reconciler{Client: c, Live: c, Logs: b.logs, Events: recording{b.events}, Clock: b.clock}
	b.follows = newFollows(b.logs, func(client.ObjectKey) {
		select {
		case b.read <- struct{}{}:
		default:
		}
	})
	t.Cleanup(b.follows.set.Close)
	return b
}

// recording is an EventRecorder that tests can read.
type recording struct{ *events.FakeRecorder }

// told are the events so far.
func (b *bench) told() (out []string) {
	for {
		select {
		case e := <-b.events.Events:
			out = append(out, e)
		default:
			return out
		}
	}
}

// logs serves the logs of containers by <pod>/<container>, each line stamped with the time of the epoch.
type logs struct{ text map[string]string }

func (l *logs) Open(ctx context.Context, r podlog.Request) (io.ReadCloser, error) {
	var out strings.Builder
	for line := range strings.Lines(l.text[r.Pod+"/"+r.Container]) {
		out.WriteString(epoch.Format(time.RFC3339Nano) + " " + line)
	}
	if !r.Follow {
		return io.NopCloser(strings.NewReader(out.String())), nil
	}
	return &openLog{Reader: strings.NewReader(out.String()), ctx: ctx}, nil
}

// openLog is a log that stays open until its reader goes.
type openLog struct {
	*strings.Reader
	ctx context.Context
}

func (f *openLog) Read(p []byte) (int, error) {
	if f.Len() > 0 {
		return f.Reader.Read(p)
	}
	<-f.ctx.Done()
	return 0, f.ctx.Err()
}

func (f *openLog) Close() error { return nil }

func newRun(changes ...func(*v1alpha1.ValidationRun)) *v1alpha1.ValidationRun {
	run := &v1alpha1.ValidationRun{
		ObjectMeta: metav1.ObjectMeta{Name: "run", Namespace: "ns", UID: "run-uid", Generation: 1},
		Spec: v1alpha1.ValidationRunSpec{
			Validator: v1alpha1.Validator{Image: "example.test/v:1"},
			Phases:    []v1alpha1.Phase{{Name: "a", Container: &v1alpha1.Container{}}, {Name: "b", Container: &v1alpha1.Container{}}},
		},
	}
	run.Spec.SetDefaults()
	for _, change := range changes {
		change(run)
	}
	return run
}

// started is a run whose first attempt runs phase a since the epoch.
func started(run *v1alpha1.ValidationRun) {
	at := metav1.NewTime(epoch)
	run.Finalizers = []string{v1alpha1.Finalizer}
	run.Status = v1alpha1.ValidationRunStatus{
		ObservedGeneration: 1, Attempt: 1, StartTime: &at,
		Phases: []v1alpha1.PhaseStatus{{Name: "a", State: v1alpha1.PhaseRunning, StartTime: &at}, {Name: "b", State: v1alpha1.PhasePending}},
		Inputs: []v1alpha1.Input{{Name: "spec", ConfigMap: "run-spec-1"}},
	}
}

// stored is the run as the API server has it.
func (b *bench) stored(t *testing.T, run *v1alpha1.ValidationRun) *v1alpha1.ValidationRun {
	t.Helper()
	out := &v1alpha1.ValidationRun{}
	if err := b.Live.Get(t.Context(), client.ObjectKeyFromObject(run), out); err != nil {
		t.Fatal(err)
	}
	return out
}
