package benchmark

import (
	"context"
	"flag"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/test/podlet"
)

var (
	streams     = flag.Int("streams", 50, "how many validators print at once in TestStreams")
	streamBytes = flag.Int("stream-bytes", 256<<10, "how much each of them prints")
	streamTime  = flag.Duration("stream-time", 3*time.Second, "for how long they print")
)

const (
	// streamsPerNode are fewer than the operator follows at one node, and than most nodes have pods.
	streamsPerNode = 50
	// streamTests is how many tests a stream is of; in every streamFails-th stream the last one fails.
	streamTests, streamFails = 6, 10
	// streamBeats is in how many bursts a test prints.
	streamBeats = 10
	// goroutineBound is how many more goroutines the operator may have afterwards: those of two connections, perhaps. Two logs that are still
	// followed would be too many: each takes 3.3.
	goroutineBound = 4
	// heapBound is how much larger the operator's heap may be afterwards for each run: client-go remembers events for 6 to 12 minutes, and
	// maps keep the size that they once had. A log that is followed takes twenty times as much.
	heapBound = 16 << 10
	// unused is how long the operator may take to close connections that it has no use for any more.
	unused = 3 * time.Minute
)

// TestStreams has many validators print at once, and follows each through the API server: all verdicts are right, and the operator is
// afterwards what it was before.
//
//	go test -run Streams -timeout 0 -v ./test/benchmark -streams=500 -stream-bytes=4000000 -stream-time=1m
func TestStreams(t *testing.T) {
	c := start(t)
	nodes := c.streamNodes(t, (*streams+streamsPerNode-1)/streamsPerNode)
	o := startProcess(t, c)
	c.streamRound(t, &streamLoad{nodes: nodes, runs: min(*streams, 10), bytes: 64 << 10}) // what is made once is made
	before := o.footprint(t)
	var during footprint
	took := c.streamRound(t, &streamLoad{nodes: nodes, runs: *streams, bytes: *streamBytes, lasts: *streamTime, halfway: func() {
		during = o.footprint(t)
	}})
	over := time.Now()
	after := o.settle(t, before)
	t.Logf("%d streams of %d bytes, each through %s, all judged after %s", *streams, *streamBytes, *streamTime, took.Round(time.Second))
	t.Logf("before: %s", before)
	t.Logf("during: %s", during)
	t.Logf("after %s: %s", time.Since(over).Round(time.Second), after)
	if after.idle(before) {
		return
	}
	t.Errorf("the operator has more goroutines than before, or more in its heap than %d bytes for each run:\n%s",
		heapBound, o.get(t, "/debug/pprof/goroutine?debug=1"))
}

// idle says whether an operator is what it was before.
func (f footprint) idle(before footprint) bool {
	return f.goroutines <= before.goroutines+goroutineBound && f.heap <= before.heap+int64(*streams)*heapBound
}

// settle measures until the operator is what it was before, or has had the time to be.
func (p *process) settle(t *testing.T, before footprint) (after footprint) {
	t.Helper()
	_ = wait.PollUntilContextTimeout(t.Context(), 2*time.Second, unused, true, func(context.Context) (bool, error) { // the caller compares
		after = p.footprint(t)
		return after.idle(before), nil
	})
	return after
}

// streamNodes starts nodes that take the pods which ask for them.
func (c *cluster) streamNodes(t *testing.T, n int) (nodes []*podlet.Node) {
	t.Helper()
	for i := range n {
		name := fmt.Sprintf("streams-%d", i)
		node, err := podlet.Start(&c.plane.Connection, podlet.Options{
			Name: name, Schedules: func(pod *corev1.Pod) bool { return pod.Spec.NodeSelector[corev1.LabelHostname] == name },
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := node.Stop(); err != nil {
				t.Error(err)
			}
		})
		nodes = append(nodes, node)
	}
	return nodes
}

// streamLoad is a round of runs whose validators print at once.
type streamLoad struct {
	nodes       []*podlet.Node
	runs, bytes int
	lasts       time.Duration
	halfway     func() // what to do while they print

	mu    sync.Mutex
	begun int
	all   chan struct{}
	beats []chan struct{}
}

// streamRound does a round, and returns how long after the first byte the last run was judged.
func (c *cluster) streamRound(t *testing.T, load *streamLoad) (took time.Duration) {
	t.Helper()
	load.all = make(chan struct{})
	for range streamTests * streamBeats {
		load.beats = append(load.beats, make(chan struct{}))
	}
	for _, node := range load.nodes {
		node.Script("registry.test/stream", load.script(podlet.Pass))
		node.Script("registry.test/stream-fails", load.script(podlet.Fail))
	}
	c.inNamespace(t, func(namespace string) {
		ends := c.watch(t, namespace, &v1alpha1.ValidationRun{}, load.runs, judged)
		if err := c.create(t.Context(), load.runs, func(i int) client.Object { return load.run(namespace, i) }); err != nil {
			t.Fatal(err)
		}
		c.awaitStreams(t, load)
		begin := time.Now()
		load.play(t)
		took = ends.wait(t).Sub(begin)
	})
	return took
}

// play lets the validators print, burst by burst.
func (l *streamLoad) play(t *testing.T) {
	t.Helper()
	ticker := time.NewTicker(max(l.lasts/time.Duration(len(l.beats)), time.Millisecond))
	defer ticker.Stop()
	for i, beat := range l.beats {
		select {
		case <-ticker.C:
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
		close(beat)
		if i == len(l.beats)/2 && l.halfway != nil {
			l.halfway()
		}
	}
}

// script is a suite that begins to print when all others do.
func (l *streamLoad) script(last podlet.Outcome) podlet.Script {
	const line = "    stream_test.go:7: iteration finished, 1024 of 1024 results are as they should be, latency p50 1.25 ms, p99 3.75 ms, no retries needed\n"
	burst := strings.Repeat(line, max(l.bytes/len(l.beats)/len(line), 1))
	suite := podlet.GoTest{}
	for i := range streamTests {
		test := podlet.GoTestCase{Name: fmt.Sprintf("TestStream%d", i), Run: func(p *podlet.Process) {
			if i == 0 {
				l.begin()
			}
			for _, beat := range l.beats[i*streamBeats : (i+1)*streamBeats] {
				p.Wait(beat)
				p.Print(burst)
			}
		}}
		if i == streamTests-1 {
			test.Outcome = last
		}
		suite.Tests = append(suite.Tests, test)
	}
	return suite.Script()
}

func (l *streamLoad) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.begun++; l.begun == l.runs {
		close(l.all)
	}
}

// run is the i-th run.
func (l *streamLoad) run(namespace string, i int) *v1alpha1.ValidationRun {
	image := "registry.test/stream"
	if i%streamFails == streamFails-1 {
		image += "-fails"
	}
	run := &v1alpha1.ValidationRun{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: fmt.Sprintf("stream-%d", i)}}
	run.Spec.Validator.Image = image
	run.Spec.Validator.NodeSelector = map[string]string{corev1.LabelHostname: l.nodes[i%len(l.nodes)].Name()}
	run.Spec.Phases = []v1alpha1.Phase{{Name: "stream", GoTest: &v1alpha1.GoTest{Package: "./checks/stream"}}}
	return run
}

// judged says whether a run of a stream is over, and complains if its verdict is not what its validator printed.
func judged(object client.Object) (bool, error) {
	run := object.(*v1alpha1.ValidationRun)
	if !meta.IsStatusConditionTrue(run.Status.Conditions, v1alpha1.ConditionComplete) {
		return false, nil
	}
	verdict, summary := v1alpha1.VerdictPassed, v1alpha1.Summary{Total: streamTests, Passed: streamTests}
	if strings.HasSuffix(run.Spec.Validator.Image, "-fails") {
		verdict, summary = v1alpha1.VerdictFailed, v1alpha1.Summary{Total: streamTests, Passed: streamTests - 1, Failed: 1}
	}
	if run.Status.Verdict != verdict || run.Status.Summary != summary {
		return true, fmt.Errorf("%s is %s with %+v, want %s with %+v: %s",
			run.Name, run.Status.Verdict, run.Status.Summary, verdict, summary, run.Status.Message)
	}
	return true, nil
}

// awaitStreams returns once all validators run, and the API server passes on the log of each.
func (c *cluster) awaitStreams(t *testing.T, load *streamLoad) {
	t.Helper()
	select {
	case <-load.all:
	case <-time.After(stalled):
		t.Fatalf("%d of %d validators run after %s", load.begun, load.runs, stalled)
	}
	open := 0
	err := wait.PollUntilContextTimeout(t.Context(), time.Second/2, stalled, true, func(ctx context.Context) (done bool, err error) {
		open, err = c.openLogs(ctx)
		return open >= load.runs, err
	})
	if err != nil {
		t.Fatalf("waiting until %d logs are followed, of which %d are: %v", load.runs, open, err)
	}
}

var openLogsLine = regexp.MustCompile(`(?m)^apiserver_longrunning_requests\{.*resource="pods".*subresource="log".*\} (\d+)$`)

// openLogs is how many logs the API server passes on at the moment.
func (c *cluster) openLogs(ctx context.Context) (int, error) {
	clientset, err := kubernetes.NewForConfig(c.config)
	if err != nil {
		return 0, fmt.Errorf("making a client: %w", err)
	}
	text, err := clientset.RESTClient().Get().AbsPath("/metrics").DoRaw(ctx)
	if err != nil {
		return 0, fmt.Errorf("reading the API server's metrics: %w", err)
	}
	return int(number(openLogsLine, string(text))), nil
}
