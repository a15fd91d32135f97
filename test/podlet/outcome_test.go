package podlet

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestOutcomes(t *testing.T) {
	fallback := func(job *batchv1.Job) {
		job.Spec.Template.Spec.Containers[0].TerminationMessagePolicy = corev1.TerminationMessageFallbackToLogsOnError
	}
	const noSuchFile = `exec: "/check": no such file or directory`
	tests := []struct {
		name      string
		script    Script
		change    func(*batchv1.Job)
		wantJob   batchv1.JobConditionType
		wantPhase corev1.PodPhase
		want      corev1.ContainerStateTerminated
		wantLog   string
	}{
		{
			name:      "pass",
			script:    Runs(Print("fine\n")),
			wantJob:   batchv1.JobComplete,
			wantPhase: corev1.PodSucceeded,
			want:      corev1.ContainerStateTerminated{Reason: "Completed"},
			wantLog:   "fine\n",
		},
		{
			name:      "exit 1 with a message",
			script:    Runs(PrintStderr("bad\n"), TerminationMessage("it is bad"), Exit(1), Print("never\n")),
			change:    fallback,
			wantJob:   batchv1.JobFailed,
			wantPhase: corev1.PodFailed,
			want:      corev1.ContainerStateTerminated{ExitCode: 1, Reason: "Error", Message: "it is bad"},
			wantLog:   "bad\n",
		},
		{
			name:      "message from the log",
			script:    Runs(Print(strings.Repeat("x", 3000)+"\nlast"), Exit(3)),
			change:    fallback,
			wantJob:   batchv1.JobFailed,
			wantPhase: corev1.PodFailed,
			want:      corev1.ContainerStateTerminated{ExitCode: 3, Reason: "Error", Message: strings.Repeat("x", 2043) + "\nlast"},
			wantLog:   strings.Repeat("x", 3000) + "\nlast",
		},
		{
			name:      "OOM",
			script:    Runs(Print("growing"), OOMKill()),
			wantJob:   batchv1.JobFailed,
			wantPhase: corev1.PodFailed,
			want:      corev1.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled"},
			wantLog:   "growing",
		},
		{
			name:      "missing binary",
			script:    Script{Main: Container{StartError: noSuchFile}},
			wantJob:   batchv1.JobFailed,
			wantPhase: corev1.PodFailed,
			want:      corev1.ContainerStateTerminated{ExitCode: 128, Reason: "StartError", Message: noSuchFile},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			namespace := newNamespace(t)
			runJob(t, namespace, test.script, test.change)
			awaitJob(t, namespace, test.wantJob)
			pod := awaitPod(t, namespace, "to end", terminated)
			status := pod.Status.ContainerStatuses[0]
			ignore := cmpopts.IgnoreFields(corev1.ContainerStateTerminated{}, "StartedAt", "FinishedAt", "ContainerID")
			if diff := cmp.Diff(&test.want, status.State.Terminated, ignore); diff != "" {
				t.Errorf("terminated state (-want +got):\n%s", diff)
			}
			if pod.Status.Phase != test.wantPhase {
				t.Errorf("phase is %s, want %s", pod.Status.Phase, test.wantPhase)
			}
			if !strings.HasPrefix(status.ContainerID, "containerd://") || !strings.Contains(status.ImageID, "@sha256:") {
				t.Errorf("container %q of image %q", status.ContainerID, status.ImageID)
			}
			log, err := readLog(t, pod, &corev1.PodLogOptions{})
			if err != nil || log != test.wantLog {
				t.Errorf("log is %q, %v, want %q", log, err, test.wantLog)
			}
		})
	}
}

func TestDeadlineKeepsPodAndLog(t *testing.T) {
	t.Parallel()
	namespace, begun := newNamespace(t), make(chan struct{})
	runJob(t, namespace, Runs(OnTERM(Print("terminating\n"), Exit(9)), Print("begun\n"), Signal(begun), Hang()), nil)
	pod := awaitPod(t, namespace, "to run", running)
	awaitSignal(t, begun)
	pod.Spec.ActiveDeadlineSeconds = new(int64(1)) // A deadline may be lowered while the pod runs.
	if _, err := client.CoreV1().Pods(namespace).Update(t.Context(), pod, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	awaitJob(t, namespace, batchv1.JobFailed)
	pod = awaitPod(t, namespace, "to end", terminated)
	if pod.Status.Reason != "DeadlineExceeded" {
		t.Errorf("pod failed with reason %q, want DeadlineExceeded", pod.Status.Reason)
	}
	if got := pod.Status.ContainerStatuses[0].State.Terminated; got.ExitCode != 9 {
		t.Errorf("container ended with %+v, want the exit code of its handler of SIGTERM", got)
	}
	if log, err := readLog(t, pod, &corev1.PodLogOptions{}); err != nil || log != "begun\nterminating\n" {
		t.Errorf("log is %q, %v", log, err)
	}
}

func TestDeletedPodEndsAndGoes(t *testing.T) {
	for _, test := range []struct {
		name  string
		steps []Step
		grace int64
		want  int32
	}{
		{"by SIGTERM", []Step{Hang()}, 30, 143},
		{"by SIGKILL", []Step{IgnoreTERM(), Hang()}, 1, 137},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			namespace := newNamespace(t)
			runJob(t, namespace, Runs(test.steps...), func(job *batchv1.Job) {
				// It keeps the pod, so that its end can be seen.
				job.Spec.Template.Finalizers = []string{"test.example/keep"}
			})
			pod := awaitPod(t, namespace, "to run", running)
			options := metav1.DeleteOptions{GracePeriodSeconds: &test.grace}
			if err := client.CoreV1().Pods(namespace).Delete(t.Context(), pod.Name, options); err != nil {
				t.Fatal(err)
			}
			awaitJob(t, namespace, batchv1.JobFailed)
			pod = awaitPod(t, namespace, "to be removed but for its finalizer", func(pod *corev1.Pod) bool {
				return terminated(pod) && pod.DeletionGracePeriodSeconds != nil && *pod.DeletionGracePeriodSeconds == 0
			})
			if got := pod.Status.ContainerStatuses[0].State.Terminated.ExitCode; got != test.want {
				t.Errorf("exit code is %d, want %d", got, test.want)
			}
		})
	}
}

func TestMissingConfigMapThatAppears(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	runJob(t, namespace, Runs(), func(job *batchv1.Job) {
		pod := &job.Spec.Template.Spec
		pod.Volumes = []corev1.Volume{{Name: "recipe", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
			LocalObjectReference: corev1.LocalObjectReference{Name: "recipe"},
		}}}}
		pod.Containers[0].Env = []corev1.EnvVar{{Name: "MODE", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
			LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}, Key: "mode",
		}}}}
	})
	awaitPod(t, namespace, "to wait for its volume", waiting("ContainerCreating"))
	create(t, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "recipe"}})
	pod := awaitPod(t, namespace, "to wait for its environment", waiting("CreateContainerConfigError"))
	if got, want := pod.Status.ContainerStatuses[0].State.Waiting.Message, `secret "settings" not found`; got != want {
		t.Errorf("message is %q, want %q", got, want)
	}
	create(t, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "settings"}, Data: map[string][]byte{"mode": nil},
	})
	awaitJob(t, namespace, batchv1.JobComplete)
}

func create(t *testing.T, object any) {
	t.Helper()
	var err error
	switch o := object.(type) {
	case *corev1.ConfigMap:
		_, err = client.CoreV1().ConfigMaps(o.Namespace).Create(t.Context(), o, metav1.CreateOptions{})
	case *corev1.Secret:
		_, err = client.CoreV1().Secrets(o.Namespace).Create(t.Context(), o, metav1.CreateOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
}
