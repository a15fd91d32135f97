package podlet

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
)

func TestImageThatIsPushedLater(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	runJob(t, namespace, Runs(), func(job *batchv1.Job) {
		job.Spec.Template.Spec.Containers[0].Image = "registry.test/later-" + namespace
	})
	pod := awaitPod(t, namespace, "to wait for its image", waiting("ImagePullBackOff"))
	if message := pod.Status.ContainerStatuses[0].State.Waiting.Message; !strings.Contains(message, "not found") {
		t.Errorf("message is %q", message)
	}
	pushed := Runs()
	pushed.Digest = "sha256:" + strings.Repeat("5", 64)
	node.Script("registry.test/later-"+namespace, pushed)
	awaitJob(t, namespace, batchv1.JobComplete)
	pod = awaitPod(t, namespace, "to end", terminated)
	if got, want := pod.Status.ContainerStatuses[0].ImageID, "registry.test/later-"+namespace+"@"+pushed.Digest; got != want {
		t.Errorf("image ID is %q, want %q", got, want)
	}
}

func TestUnschedulable(t *testing.T) {
	t.Parallel()
	namespace, room := newNamespace(t), make(chan struct{})
	runJob(t, namespace, Script{Unschedulable: &Unschedulable{Until: room}}, nil)
	awaitPod(t, namespace, "to be unschedulable", func(pod *corev1.Pod) bool {
		return hasCondition(pod, corev1.PodScheduled, corev1.ConditionFalse, corev1.PodReasonUnschedulable)
	})
	close(room)
	awaitJob(t, namespace, batchv1.JobComplete)
}

func TestNodeSelectorThatNoNodeMeets(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	runJob(t, namespace, Runs(), func(job *batchv1.Job) {
		job.Spec.Template.Spec.NodeSelector = map[string]string{"nobody": "has"}
	})
	awaitPod(t, namespace, "to be unschedulable", func(pod *corev1.Pod) bool {
		return hasCondition(pod, corev1.PodScheduled, corev1.ConditionFalse, corev1.PodReasonUnschedulable)
	})
}

func TestEviction(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	runJob(t, namespace, Runs(Print("lost\n"), Evict("memory")), nil)
	awaitJob(t, namespace, batchv1.JobFailed)
	pod := awaitPod(t, namespace, "to end", terminated)
	if pod.Status.Reason != "Evicted" ||
		!hasCondition(pod, corev1.DisruptionTarget, corev1.ConditionTrue, corev1.PodReasonTerminationByKubelet) {
		t.Errorf("status is %+v", pod.Status)
	}
	log, err := readLog(t, pod, &corev1.PodLogOptions{})
	if err != nil || !strings.HasPrefix(log, "unable to retrieve container logs for containerd://") {
		t.Errorf("log is %q, %v, want the runtime's error in place of the log", log, err)
	}
}

func TestPreemption(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	runJob(t, namespace, Runs(Preempt(), Hang()), func(job *batchv1.Job) {
		job.Spec.Template.Finalizers = []string{"test.example/keep"}
	})
	awaitJob(t, namespace, batchv1.JobFailed)
	pod := awaitPod(t, namespace, "to end", terminated)
	if !hasCondition(pod, corev1.DisruptionTarget, corev1.ConditionTrue, "PreemptionByScheduler") {
		t.Errorf("conditions are %+v", pod.Status.Conditions)
	}
}

func TestListAndRun(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	suite := GoTest{Tests: []GoTestCase{{Name: "TestA"}, {Name: "TestB", Outcome: Fail}}}
	runJob(t, namespace, suite.Script(), listAndRun)
	awaitJob(t, namespace, batchv1.JobFailed)
	pod := awaitPod(t, namespace, "to end", terminated)
	for container, want := range map[string]string{
		"list": "TestA\nTestB\n",
		"main": "\x16=== RUN   TestB\n\x16--- FAIL: TestB (0.00s)\n\x16=== NAME  \n\x16FAIL\n",
	} {
		if log, err := readLog(t, pod, &corev1.PodLogOptions{Container: container}); err != nil || log != want {
			t.Errorf("log of %s is %q, %v, want %q", container, log, err, want)
		}
	}
}

// listAndRun gives the Job an init container that lists the tests, and runs one of them.
func listAndRun(job *batchv1.Job) {
	pod := &job.Spec.Template.Spec
	list := pod.Containers[0]
	list.Name, list.Command = "list", []string{"/suite.test", "-test.list", "."}
	pod.InitContainers = []corev1.Container{list}
	pod.Containers[0].Command = []string{"/suite.test", "-test.v=test2json", "-test.run", "^TestB$"}
}

func TestInitContainerThatFails(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	runJob(t, namespace, Script{Init: Container{Run: Exit(1)}, Main: Container{Run: Hang()}}, listAndRun)
	awaitJob(t, namespace, batchv1.JobFailed)
	pod := awaitPod(t, namespace, "to end", terminated)
	if state := pod.Status.ContainerStatuses[0].State; state.Waiting == nil || state.Waiting.Reason != "PodInitializing" {
		t.Errorf("the main container's state is %+v, want that it never started", state)
	}
}

func TestSidecarDoesNotKeepThePod(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	image := "registry.test/sidecar-" + namespace
	node.Script(image, Script{Init: Container{Run: Hang()}})
	runJob(t, namespace, Runs(), func(job *batchv1.Job) {
		always := corev1.ContainerRestartPolicyAlways
		job.Spec.Template.Spec.InitContainers = []corev1.Container{{Name: "proxy", Image: image, RestartPolicy: &always}}
	})
	awaitJob(t, namespace, batchv1.JobComplete)
}

func TestRestartsUnderOnFailure(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	runs := 0 // The second run begins after the first has ended.
	runJob(t, namespace, Runs(func(p *Process) {
		if runs++; runs == 1 {
			p.Print("first\n")
			p.Exit(1)
		}
		p.Print("second\n")
		p.Wait(nil)
	}), func(job *batchv1.Job) {
		job.Spec.BackoffLimit = nil
		job.Spec.Template.Spec.RestartPolicy = corev1.RestartPolicyOnFailure
	})
	pod := awaitPod(t, namespace, "to run again", func(pod *corev1.Pod) bool {
		return running(pod) && pod.Status.ContainerStatuses[0].RestartCount == 1 && pod.Status.ContainerStatuses[0].State.Running != nil
	})
	if log, err := readLog(t, pod, &corev1.PodLogOptions{Previous: true}); err != nil || log != "first\n" {
		t.Errorf("previous log is %q, %v", log, err)
	}
}

func TestEnvironmentAndFiles(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	create(t, &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "recipe"}, Data: map[string]string{"recipe.yaml": "a: b"},
	})
	runJob(t, namespace, Runs(func(p *Process) {
		content, err := p.ReadFile("/data/recipe/recipe.yaml")
		p.Printf("%s %v %s %s", content, err, p.Env("PLAIN"), p.Env("NAMESPACE"))
	}), func(job *batchv1.Job) {
		pod := &job.Spec.Template.Spec
		pod.Volumes = []corev1.Volume{{Name: "recipe", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
			LocalObjectReference: corev1.LocalObjectReference{Name: "recipe"},
		}}}}
		pod.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "recipe", MountPath: "/data/recipe"}}
		pod.Containers[0].Env = []corev1.EnvVar{
			{Name: "PLAIN", Value: "value"},
			{Name: "NAMESPACE", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.namespace"}}},
		}
	})
	awaitJob(t, namespace, batchv1.JobComplete)
	pod := awaitPod(t, namespace, "to end", terminated)
	if log, err := readLog(t, pod, &corev1.PodLogOptions{}); err != nil || log != "a: b <nil> value "+namespace {
		t.Errorf("log is %q, %v", log, err)
	}
}

func TestLostNodeThatComesBack(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	lost, err := Start(&plane.Connection, Options{Name: "node-" + namespace, Schedules: func(*corev1.Pod) bool { return false }})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := lost.Stop(); err != nil {
			t.Error(err)
		}
	}()
	lost.Script("registry.test/"+namespace, Runs(Print("before\n"), LoseNode(), Print("after\n")))
	runJob(t, namespace, Script{}, func(job *batchv1.Job) { job.Spec.Template.Spec.NodeName = lost.Name() })
	await(t, "the node to be unknown", func(ctx context.Context) (watch.Interface, error) {
		selector := fields.OneTermEqualSelector(metav1.ObjectNameField, lost.Name())
		return client.CoreV1().Nodes().Watch(ctx, metav1.ListOptions{FieldSelector: selector.String()})
	}, func(event watch.Event) bool {
		return slices.ContainsFunc(event.Object.(*corev1.Node).Status.Conditions, func(c corev1.NodeCondition) bool {
			return c.Type == corev1.NodeReady && c.Status == corev1.ConditionUnknown
		})
	})
	pod := awaitPod(t, namespace, "to run as far as anybody knows", running)
	if log, err := readLog(t, pod, &corev1.PodLogOptions{}); err == nil {
		t.Errorf("the lost node answered %q", log)
	}
	if err := lost.Recover(); err != nil {
		t.Fatal(err)
	}
	awaitJob(t, namespace, batchv1.JobComplete)
	if log, err := readLog(t, pod, &corev1.PodLogOptions{}); err != nil || log != "before\nafter\n" {
		t.Errorf("log is %q, %v", log, err)
	}
}

func TestClockThatIsBehind(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	behind, err := Start(&plane.Connection, Options{
		Name: "node-" + namespace,
		Now:  func() time.Time { return time.Now().Add(-time.Hour) },
		Schedules: func(pod *corev1.Pod) bool {
			return pod.Namespace == namespace
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := behind.Stop(); err != nil {
			t.Error(err)
		}
	}()
	behind.Script("registry.test/"+namespace, Runs())
	runJob(t, namespace, Runs(), func(job *batchv1.Job) {
		job.Spec.Template.Spec.NodeSelector = map[string]string{corev1.LabelHostname: behind.Name()}
	})
	pod := awaitPod(t, namespace, "to end", terminated)
	for _, c := range pod.Status.Conditions {
		early := c.LastTransitionTime.Before(&pod.CreationTimestamp)
		// The binding wrote PodScheduled, by the API server's clock, and no kubelet writes another time for what stays as it is.
		if want := c.Type != corev1.PodScheduled; early != want {
			t.Errorf("condition %s is of %s, before the pod was made at %s: %t, want %t", c.Type, c.LastTransitionTime, pod.CreationTimestamp, early, want)
		}
	}
}

func hasCondition(pod *corev1.Pod, kind corev1.PodConditionType, status corev1.ConditionStatus, reason string) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == kind && c.Status == status && c.Reason == reason
	})
}

func TestStopEndsWhateverRuns(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	stopped, err := Start(&plane.Connection, Options{Name: "node-" + namespace, Schedules: func(*corev1.Pod) bool { return false }})
	if err != nil {
		t.Fatal(err)
	}
	stopped.Script("registry.test/"+namespace, Script{Main: Container{
		Run:  Steps(IgnoreTERM(), Hang()),
		Logs: []LogFault{{NeverEnd: true}},
	}})
	runJob(t, namespace, Script{}, func(job *batchv1.Job) { job.Spec.Template.Spec.NodeName = stopped.Name() })
	pod := awaitPod(t, namespace, "to run", running)
	stream, err := client.CoreV1().Pods(namespace).GetLogs(pod.Name, &corev1.PodLogOptions{Follow: true}).Stream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	if err := stopped.Stop(); err != nil {
		t.Error(err)
	}
	if _, err := client.CoreV1().Nodes().Get(t.Context(), stopped.Name(), metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("getting the node that was stopped: %v, want that there is none", err)
	}
}
