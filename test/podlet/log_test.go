package podlet

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// runPod runs a Job and returns its running pod.
func runPod(t *testing.T, container Container) *corev1.Pod {
	t.Helper()
	namespace := newNamespace(t)
	runJob(t, namespace, Script{Main: container}, nil)
	return awaitPod(t, namespace, "to run", func(pod *corev1.Pod) bool { return running(pod) || terminated(pod) })
}

func TestFollowFromBeginningToEnd(t *testing.T) {
	t.Parallel()
	const lines = 10_000
	open := make(chan struct{})
	line := func(i int) string { return fmt.Sprintf("line %d of a log that is followed", i) }
	pod := runPod(t, Container{Run: Steps(Print("first\n"), Gate(open), Lines(lines, line))})
	stream, err := client.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, &corev1.PodLogOptions{Follow: true}).Stream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	scanner := bufio.NewScanner(stream)
	if !scanner.Scan() || scanner.Text() != "first" {
		t.Fatalf("the log begins with %q, %v", scanner.Text(), scanner.Err())
	}
	close(open) // A line arrives while the container runs: it was flushed.
	for i := range lines {
		if !scanner.Scan() || scanner.Text() != line(i) {
			t.Fatalf("line %d is %q, %v", i, scanner.Text(), scanner.Err())
		}
	}
	if scanner.Scan() {
		t.Errorf("the log goes on with %q", scanner.Text())
	}
}

func TestLogOptions(t *testing.T) {
	t.Parallel()
	printed := make(chan struct{})
	pod := runPod(t, Container{Run: Steps(Print("one\ntwo\n"), Print("thr"), Print("ee\n"), Signal(printed), Hang())})
	awaitSignal(t, printed)
	for _, test := range []struct {
		name    string
		options corev1.PodLogOptions
		want    string
	}{
		{"all", corev1.PodLogOptions{}, "one\ntwo\nthree\n"},
		{"tail", corev1.PodLogOptions{TailLines: new(int64(2))}, "two\nthree\n"},
		{"tail beyond", corev1.PodLogOptions{TailLines: new(int64(20))}, "one\ntwo\nthree\n"},
		{"tail of nothing", corev1.PodLogOptions{TailLines: new(int64(0))}, ""},
		{"limit within a line", corev1.PodLogOptions{LimitBytes: new(int64(6))}, "one\ntw"},
		{"limit with follow", corev1.PodLogOptions{LimitBytes: new(int64(4)), Follow: true}, "one\n"},
		{"since long ago", corev1.PodLogOptions{SinceSeconds: new(int64(3600))}, "one\ntwo\nthree\n"},
		{"since the pod's future", corev1.PodLogOptions{SinceTime: new(pod.CreationTimestamp)}, "one\ntwo\nthree\n"},
	} {
		if got, err := readLog(t, pod, &test.options); err != nil || got != test.want {
			t.Errorf("%s: %q, %v, want %q", test.name, got, err, test.want)
		}
	}
	stamped, err := readLog(t, pod, &corev1.PodLogOptions{Timestamps: true})
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(stamped) {
		stamp, _, _ := strings.Cut(line, " ")
		if _, err := time.Parse(time.RFC3339Nano, stamp); err != nil || len(stamp) != len("2006-01-02T15:04:05.000000000Z") {
			t.Errorf("stamp %q: %v", stamp, err)
		}
	}
}

func TestLongLinesAreSplitByTheRuntime(t *testing.T) {
	t.Parallel()
	long, printed := strings.Repeat("x", runtimeLineLimit+10), make(chan struct{})
	pod := runPod(t, Container{Run: Steps(Print(long+"\n"), Signal(printed), Hang())})
	awaitSignal(t, printed)
	log, err := readLog(t, pod, &corev1.PodLogOptions{})
	if err != nil || log != long+"\n" {
		t.Errorf("the whole log has %d bytes, %v, want the line of %d", len(log), err, len(long)+1)
	}
	if log, err = readLog(t, pod, &corev1.PodLogOptions{TailLines: new(int64(1))}); err != nil || log != "xxxxxxxxxx\n" {
		t.Errorf("the last line is %.20q, %v, want the runtime's part of the line", log, err)
	}
}

func TestRotationHidesWhatWasWritten(t *testing.T) {
	t.Parallel()
	pod := runPod(t, Container{Run: Steps(Print("old\n"), Rotate(), Print("new\n"))})
	awaitPod(t, pod.Namespace, "to end", terminated)
	if log, err := readLog(t, pod, &corev1.PodLogOptions{}); err != nil || log != "new\n" {
		t.Errorf("log is %q, %v, want only what came after the rotation", log, err)
	}
}

func TestLogFaults(t *testing.T) {
	t.Parallel()
	stall := make(chan struct{})
	close(stall)
	quote := func(line []byte) []byte { return append([]byte("> "), line...) }
	tests := []struct {
		name    string
		fault   LogFault
		want    string
		wantErr func(error) bool
	}{
		{name: "server error", fault: LogFault{Times: 1, Status: 500, Body: "boom"}, wantErr: apierrors.IsInternalError},
		{name: "not found", fault: LogFault{Times: 1, Status: 404, Body: "gone"}, wantErr: apierrors.IsNotFound},
		{name: "error text", fault: LogFault{Times: 1, Status: 200, Body: "failed to open log file"}, want: "failed to open log file"},
		{name: "empty", fault: LogFault{Times: 1, Status: 200}},
		{name: "glued", fault: LogFault{Times: 1, Prefix: "too many open files"}, want: "too many open filesone\ntwo\n"},
		{name: "cut", fault: LogFault{Times: 2, CutAfter: 5}, want: "one\nt"},
		{name: "still cut", want: "one\nt"},
		{name: "torn", fault: LogFault{Times: 1, CutAfter: 6, Abort: true}, want: "one\ntw"},
		{name: "slow", fault: LogFault{Times: 1, LineInterval: time.Millisecond}, want: "one\ntwo\n"},
		{name: "stalled", fault: LogFault{Times: 1, StallAfter: 2, Until: stall}, want: "one\ntwo\n"},
		{name: "edited", fault: LogFault{Times: 1, Edit: quote}, want: "> one\n> two\n"},
		{name: "none", want: "one\ntwo\n"},
	}
	var faults []LogFault
	for _, test := range tests {
		if test.fault.Times > 0 {
			faults = append(faults, test.fault)
		}
	}
	pod := runPod(t, Container{Run: Print("one\ntwo\n"), Logs: faults})
	awaitPod(t, pod.Namespace, "to end", terminated)
	for _, test := range tests {
		got, err := readLog(t, pod, &corev1.PodLogOptions{})
		if test.wantErr != nil {
			if !test.wantErr(err) {
				t.Errorf("%s: unexpected error %v", test.name, err)
			}
			continue
		}
		if got != test.want {
			t.Errorf("%s: %q, %v, want %q", test.name, got, err, test.want)
		}
	}
}

func TestLogOfAContainerThatWaits(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	runJob(t, namespace, Script{Main: Container{Waiting: &Waiting{Reason: "CreateContainerError", Message: "no"}}}, nil)
	pod := awaitPod(t, namespace, "to wait", waiting("CreateContainerError"))
	_, err := readLog(t, pod, &corev1.PodLogOptions{})
	want := fmt.Sprintf(`container "main" in pod %q is waiting to start: CreateContainerError`, pod.Name)
	if !apierrors.IsBadRequest(err) || !strings.Contains(err.Error(), want) {
		t.Errorf("reading the log: %v, want a bad request: %s", err, want)
	}
}

func TestEndpointTrustsTheAPIServerAlone(t *testing.T) {
	t.Parallel()
	pod := runPod(t, Container{Run: Print("secret\n")})
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer transport.CloseIdleConnections()
	url := fmt.Sprintf("https://127.0.0.1:%d/containerLogs/%s/%s/main", node.port, pod.Namespace, pod.Name)
	response, err := (&http.Client{Transport: transport}).Get(url)
	if err == nil {
		_ = response.Body.Close()
		t.Errorf("a client without a certificate was answered with %s", response.Status)
	}
}
