package controlplane

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
)

var plane *ControlPlane

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	if plane, err = Start(Options{AuditLog: true}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := plane.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func clientFor(t *testing.T, connection *Connection) kubernetes.Interface {
	t.Helper()
	client, err := kubernetes.NewForConfig(connection.Config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func newNamespace(t *testing.T, labels map[string]string) string {
	t.Helper()
	namespace, err := plane.CreateNamespace(t.Context(), "test-", labels)
	if err != nil {
		t.Fatal(err)
	}
	return namespace
}

func job(name string) *batchv1.Job {
	return &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: batchv1.JobSpec{Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever,
			Containers:    []corev1.Container{{Name: "main", Image: "registry.test/main"}},
		}}},
	}
}

// await watches until an event is the one that is waited for, and returns its object.
func await(t *testing.T, begin func(context.Context) (watch.Interface, error), is func(watch.Event) bool) any {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for ctx.Err() == nil {
		watcher, err := begin(ctx) // It begins with what is there, and may end early if the API server is busy.
		if err != nil {
			t.Fatal(err)
		}
		for event := range watcher.ResultChan() {
			if is(event) {
				watcher.Stop()
				return event.Object
			}
		}
	}
	t.Fatal(ctx.Err())
	return nil
}

// awaitPod returns the namespace's first pod.
func awaitPod(t *testing.T, client kubernetes.Interface, namespace string) *corev1.Pod {
	t.Helper()
	return await(t, func(ctx context.Context) (watch.Interface, error) {
		return client.CoreV1().Pods(namespace).Watch(ctx, metav1.ListOptions{})
	}, func(event watch.Event) bool { return event.Type == watch.Added }).(*corev1.Pod)
}

func TestJobGetsAPodWithAnIdentity(t *testing.T) {
	client, namespace := clientFor(t, &plane.Connection), newNamespace(t, nil)
	if _, err := client.BatchV1().Jobs(namespace).Create(t.Context(), job("one"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	pod := awaitPod(t, client, namespace)
	if pod.Spec.ServiceAccountName != "default" || len(pod.Spec.Volumes) != 1 || pod.Spec.Volumes[0].Projected == nil {
		t.Errorf("pod has ServiceAccount %q and volumes %v, want the default ServiceAccount's token",
			pod.Spec.ServiceAccountName, pod.Spec.Volumes)
	}
}

func TestControllerManagerRestart(t *testing.T) {
	client, namespace := clientFor(t, &plane.Connection), newNamespace(t, nil)
	plane.KillControllerManager()
	if err := plane.StartControllerManager(); err != nil {
		t.Fatal(err)
	}
	if _, err := client.BatchV1().Jobs(namespace).Create(t.Context(), job("after"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	awaitPod(t, client, namespace)
}

func TestControllerManagerAtAPortThatIsTaken(t *testing.T) {
	client, namespace := clientFor(t, &plane.Connection), newNamespace(t, nil)
	healthy := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer healthy.Close()
	plane.manager.kill()
	drawn := 0
	err := plane.startManager(func() (int, error) {
		if drawn++; drawn == 1 {
			return healthy.Listener.Addr().(*net.TCPAddr).Port, nil
		}
		return Port()
	})
	if err != nil || drawn != 2 {
		t.Fatalf("%d ports were drawn: %v, want that the second is taken in place of the first", drawn, err)
	}
	if _, err := client.BatchV1().Jobs(namespace).Create(t.Context(), job("elsewhere"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	awaitPod(t, client, namespace)
}

func TestPodSecurityIsEnforced(t *testing.T) {
	namespace := newNamespace(t, map[string]string{"pod-security.kubernetes.io/enforce": "restricted"})
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "lax"}, Spec: job("").Spec.Template.Spec}
	_, err := clientFor(t, &plane.Connection).CoreV1().Pods(namespace).Create(t.Context(), pod, metav1.CreateOptions{})
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "PodSecurity") {
		t.Errorf("creating a pod that is not restricted: %v, want a refusal by PodSecurity", err)
	}
}

func TestConnectionOfAnotherProcess(t *testing.T) {
	data, err := plane.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	connection, err := Connect(data)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := clientFor(t, connection).CoreV1().Nodes().List(t.Context(), metav1.ListOptions{}); err != nil {
		t.Errorf("listing nodes: %v", err)
	}
	if connection.AuditLogPath != plane.AuditLogPath {
		t.Errorf("audit log is %q, want %q", connection.AuditLogPath, plane.AuditLogPath)
	}
	if _, err := connection.KubeletTLS("node"); err != nil {
		t.Error(err)
	}
}

func TestServiceAccountConfigHasNoRightsOfItsOwn(t *testing.T) {
	namespace := newNamespace(t, nil)
	config := plane.ServiceAccountConfig(namespace, "nobody")
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.CoreV1().Secrets(namespace).List(t.Context(), metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("listing Secrets as a ServiceAccount without a role: %v, want Forbidden", err)
	}
	events, err := ReadAudit(plane.AuditLogPath, namespace)
	if err != nil {
		t.Fatal(err)
	}
	user := "system:serviceaccount:" + namespace + ":nobody"
	want := AuditEvent{Verb: "list", Resource: "secrets", Namespace: namespace, User: user, Code: 403}
	for _, got := range events {
		if got.Namespace != namespace {
			t.Errorf("an event of namespace %q is among those of %q", got.Namespace, namespace)
		}
		if got.Verb == want.Verb && got.Resource == want.Resource && got.User == want.User && got.Code == want.Code {
			return
		}
	}
	t.Errorf("the audit log has no %+v among %d events", want, len(events))
}

// TestAuditLogOfAServerThatWasKilled: of a line that was being written only that line is lost.
func TestAuditLogOfAServerThatWasKilled(t *testing.T) {
	whole := func(name string) string {
		return `{"kind":"Event","apiVersion":"audit.k8s.io/v1","stage":"ResponseComplete","verb":"create","objectRef":{"namespace":"n","name":"` + name + `"}}`
	}
	path := filepath.Join(t.TempDir(), "audit.log")
	if err := os.WriteFile(path, []byte(whole("a")+"\n"+whole("b")[:90]+whole("c")+"\n"+whole("d")+"\n"+whole("e")[:90]), 0o600); err != nil {
		t.Fatal(err)
	}
	events, err := ReadAudit(path, "n")
	var names []string
	for _, e := range events {
		names = append(names, e.Name)
	}
	if err != nil || strings.Join(names, " ") != "a c d" {
		t.Errorf("the events are %v, %v", names, err)
	}
	if err := os.WriteFile(path, []byte("{\"kind\":\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadAudit(path); err == nil {
		t.Error("a line that is no event is taken")
	}
}

func TestNamespaceIsRemoved(t *testing.T) {
	client, namespace := clientFor(t, &plane.Connection), newNamespace(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	namespaces := client.CoreV1().Namespaces()
	before, err := namespaces.Get(ctx, namespace, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := namespaces.Delete(ctx, namespace, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	selector := fields.OneTermEqualSelector(metav1.ObjectNameField, namespace)
	watcher := cache.NewListWatchFromClient(client.CoreV1().RESTClient(), "namespaces", "", selector)
	if _, err := watchtools.Until(ctx, before.ResourceVersion, watcher, func(event watch.Event) (bool, error) {
		return event.Type == watch.Deleted, nil
	}); err != nil {
		t.Errorf("waiting for the namespace to go: %v", err)
	}
}

func TestStartThatFailsLeavesNothing(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	_, err := Start(Options{ControllerManagerArgs: map[string]string{"no-such-flag": "1"}})
	if err == nil || !strings.Contains(err.Error(), "unknown flag: --no-such-flag") {
		t.Errorf("Start: %v, want the end of the controller manager's log", err)
	}
	if left, _ := filepath.Glob(filepath.Join(temporary, "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestStartNeedsAssets(t *testing.T) {
	t.Setenv(assetsVariable, "")
	if _, err := Start(Options{}); err == nil || !strings.Contains(err.Error(), "make test") {
		t.Errorf("Start: %v, want a hint at `make test`", err)
	}
}
