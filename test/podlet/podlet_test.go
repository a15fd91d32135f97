package podlet

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"

	"github.com/validation-operator/validation-operator/test/controlplane"
)

var (
	plane  *controlplane.ControlPlane
	client kubernetes.Interface
	node   *Node
)

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) (code int) {
	check := func(err error) bool {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		return err == nil
	}
	var err error
	if plane, err = controlplane.Start(controlplane.Options{}); !check(err) {
		return
	}
	defer func() { check(plane.Stop()) }()
	if client, err = kubernetes.NewForConfig(plane.Config); !check(err) {
		return
	}
	if node, err = Start(&plane.Connection, Options{}); !check(err) {
		return
	}
	code = m.Run()
	check(node.Stop())
	check(leaks())
	return code
}

// leaks complains about goroutines of a node that has stopped.
func leaks() error {
	buffer := make([]byte, 16<<20)
	for stack := range strings.SplitSeq(string(buffer[:runtime.Stack(buffer, true)]), "\n\n") {
		if strings.Contains(stack, "podlet.(*") {
			return fmt.Errorf("a goroutine is left of a node that has stopped:\n%s", stack)
		}
	}
	return nil
}

func newNamespace(t *testing.T) string {
	t.Helper()
	namespace, err := plane.CreateNamespace(t.Context(), "test-", nil)
	if err != nil {
		t.Fatal(err)
	}
	return namespace
}

// runJob publishes a script and creates a Job with one container of its image; change may change it.
func runJob(t *testing.T, namespace string, script Script, change func(*batchv1.Job)) {
	t.Helper()
	image := "registry.test/" + namespace
	node.Script(image, script)
	job := &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Name: "job"},
		Spec: batchv1.JobSpec{
			BackoffLimit: new(int32(0)),
			Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
				RestartPolicy: corev1.RestartPolicyNever,
				Containers:    []corev1.Container{{Name: "main", Image: image}},
			}},
		},
	}
	if change != nil {
		change(job)
	}
	if _, err := client.BatchV1().Jobs(namespace).Create(t.Context(), job, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// awaitJob waits until the Job has a condition.
func awaitJob(t *testing.T, namespace string, want batchv1.JobConditionType) {
	t.Helper()
	await(t, fmt.Sprintf("the Job to be %s", want), func(ctx context.Context) (watch.Interface, error) {
		return client.BatchV1().Jobs(namespace).Watch(ctx, metav1.ListOptions{})
	}, func(event watch.Event) bool {
		for _, condition := range event.Object.(*batchv1.Job).Status.Conditions {
			if condition.Type == want && condition.Status == corev1.ConditionTrue {
				return true
			}
		}
		return false
	})
}

// awaitPod waits until the namespace's pod is as it should be, and returns it.
func awaitPod(t *testing.T, namespace, what string, is func(*corev1.Pod) bool) *corev1.Pod {
	t.Helper()
	return await(t, "the pod "+what, func(ctx context.Context) (watch.Interface, error) {
		return client.CoreV1().Pods(namespace).Watch(ctx, metav1.ListOptions{FieldSelector: fields.Everything().String()})
	}, func(event watch.Event) bool {
		return event.Type != watch.Deleted && is(event.Object.(*corev1.Pod))
	}).(*corev1.Pod)
}

func await(t *testing.T, what string, begin func(context.Context) (watch.Interface, error), is func(watch.Event) bool) any {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var last watch.Event
	for ctx.Err() == nil {
		watcher, err := begin(ctx) // It begins with what is there, and may end early if the API server is busy.
		if err != nil {
			t.Fatal(err)
		}
		for event := range watcher.ResultChan() {
			if last = event; event.Type != watch.Error && is(event) {
				watcher.Stop()
				return event.Object
			}
		}
	}
	t.Fatalf("waiting for %s: %v; last seen: %+v", what, ctx.Err(), last.Object)
	return nil
}

// awaitSignal waits until a program has come as far as its Signal: a kubelet says that a container runs before its program does anything.
func awaitSignal(t *testing.T, reached <-chan struct{}) {
	t.Helper()
	select {
	case <-reached:
	case <-time.After(time.Minute):
		t.Fatal("the program has not come as far as its signal within a minute")
	}
}

func terminated(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

func running(pod *corev1.Pod) bool { return pod.Status.Phase == corev1.PodRunning }

// waiting is a condition for awaitPod: the first container, an init container if there is one, waits for a reason.
func waiting(reason string) func(*corev1.Pod) bool {
	return func(pod *corev1.Pod) bool {
		for _, status := range append(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses...) {
			return status.State.Waiting != nil && status.State.Waiting.Reason == reason
		}
		return false
	}
}

// readLog reads a log through the API server, to its end.
func readLog(t *testing.T, pod *corev1.Pod, options *corev1.PodLogOptions) (string, error) {
	t.Helper()
	stream, err := client.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, options).Stream(t.Context())
	if err != nil {
		return "", err
	}
	defer stream.Close()
	data, err := io.ReadAll(stream)
	return string(data), err
}
