package podlet

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What a kubelet keeps of a termination message, at most.
const (
	messageFileLimit = 4 << 10
	messageLogBytes  = 2 << 10
	messageLogLines  = 80
)

// crashBackoff is the time before a container's second restart; the first is at once, and the time doubles with each.
const crashBackoff = 10 * time.Second

// container is one container of a pod. What its status is made of is guarded by the pod's mutex.
type container struct {
	pod         *pod
	spec        *corev1.Container
	initialises bool // an init container that must succeed before the next
	sidecar     bool // an init container that runs beside the regular ones

	state, last corev1.ContainerState
	id          string
	imageID     string // of what was pulled
	restarts    int32

	once  sync.Once
	quit  chan struct{} // closed to end a sidecar
	ended chan struct{} // closed when the container will not run any more

	logMu         sync.Mutex
	log, previous *logFile
	faults        []LogFault
	message       string // the termination message file
	gone          bool   // the runtime has removed the container and its log
}

func newContainer(p *pod, spec *corev1.Container, waiting string) *container {
	return &container{
		pod:   p,
		spec:  spec,
		state: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: waiting}},
		quit:  make(chan struct{}),
		ended: make(chan struct{}),
	}
}

// run runs the container, again for as long as its restart policy says so, and returns when it has ended for good. It
// closes started, if there is one, when the container first runs.
func (c *container) run(started chan<- struct{}) {
	defer close(c.ended)
	for c.runOnce(started) && c.restart() {
		started = nil
	}
}

// runOnce returns false if the container never ran.
func (c *container) runOnce(started chan<- struct{}) bool {
	behaviour, ok := c.prepare()
	if !ok {
		return false
	}
	c.create(behaviour.Logs)
	if behaviour.StartError != "" {
		c.terminated(corev1.ContainerStateTerminated{
			ExitCode:  128,
			Reason:    "StartError",
			Message:   behaviour.StartError,
			StartedAt: metav1.Unix(0, 0),
		})
		return true
	}
	begin := metav1.NewTime(c.pod.node.options.Now())
	c.setState(corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: begin}})
	c.pod.publish()
	if started != nil {
		close(started)
	}
	process := newProcess(c)
	c.pod.node.running.Go(func() { process.run(behaviour.Run) })
	end := c.supervise(process)
	end.StartedAt = begin
	end.Message = c.terminationMessage(end)
	c.terminated(end)
	return true
}

// supervise returns when the process has ended: by itself, or by the signals that end a pod.
func (c *container) supervise(process *Process) corev1.ContainerStateTerminated {
	killed := false
	select {
	case <-process.done:
	case <-c.pod.stopping:
		killed = c.signal(process, c.pod.ending.grace)
	case <-c.quit:
		killed = c.signal(process, c.pod.gracePeriod())
	case <-c.pod.ctx.Done():
		killed = c.signal(process, 0)
	}
	process.closeOutput() // The goroutine of a killed process ends only when it next looks up.
	c.currentLog().end()
	end := corev1.ContainerStateTerminated{ExitCode: exitKilled, Reason: "Error"}
	if killed {
		return end
	}
	end.ExitCode = int32(process.code)
	switch {
	case process.reason != "":
		end.Reason = process.reason
	case process.code == 0:
		end.Reason = "Completed"
	}
	return end
}

// signal sends SIGTERM and, after the grace period, SIGKILL. It says whether it came to that.
func (c *container) signal(process *Process, grace time.Duration) (killed bool) {
	if grace > 0 {
		close(process.term)
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-process.done:
			return false
		case <-timer.C:
		case <-c.pod.ctx.Done():
		}
	}
	close(process.kill)
	return true
}

// stop ends a sidecar.
func (c *container) stop() {
	c.once.Do(func() { close(c.quit) })
	c.pod.mu.Lock()
	begun := c.id != ""
	c.pod.mu.Unlock()
	if begun {
		<-c.ended
	}
}

// restart says whether the container is to run again, and prepares it.
func (c *container) restart() bool {
	policy := c.pod.object().Spec.RestartPolicy
	if c.sidecar {
		policy = corev1.RestartPolicyAlways
	}
	again := policy != corev1.RestartPolicyNever && !c.succeeded() ||
		policy == corev1.RestartPolicyAlways && !c.initialises
	if !again || c.interrupted() {
		return false
	}
	c.pod.mu.Lock()
	c.last = c.state
	c.state = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}}
	c.restarts++
	restarts := c.restarts
	c.pod.mu.Unlock()
	if restarts == 1 {
		return true
	}
	c.pod.publish()
	timer := time.NewTimer(crashBackoff << min(restarts-2, 5))
	defer timer.Stop()
	return awaitChannel(c, timer.C)
}

// interrupted tells whether the container may not start any more.
func (c *container) interrupted() bool {
	select {
	case <-c.pod.stopping:
	case <-c.quit:
	case <-c.pod.ctx.Done():
	default:
		return false
	}
	return true
}

// create makes the container's identity and its empty log.
func (c *container) create(faults []LogFault) {
	c.logMu.Lock()
	c.previous = c.log
	c.log = newLogFile(c.pod.node.options.Now, c.pod.node.options.RotateLogsAt)
	c.faults = slices.Clone(faults)
	c.message = ""
	c.logMu.Unlock()
	c.pod.mu.Lock()
	defer c.pod.mu.Unlock()
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%s/%d", c.pod.uid, c.spec.Name, c.restarts))
	c.id = fmt.Sprintf("containerd://%x", sum)
}

func (c *container) setState(state corev1.ContainerState) {
	c.pod.mu.Lock()
	defer c.pod.mu.Unlock()
	c.state = state
}

func (c *container) terminated(end corev1.ContainerStateTerminated) {
	c.currentLog().end()
	end.FinishedAt = metav1.NewTime(c.pod.node.options.Now())
	end.ContainerID = c.id
	c.setState(corev1.ContainerState{Terminated: &end})
	c.pod.mu.Lock()
	drop := c.pod.ending != nil && c.pod.ending.dropLogs
	c.pod.mu.Unlock()
	if drop {
		c.logMu.Lock()
		c.gone = true
		c.logMu.Unlock()
	}
}

func (c *container) succeeded() bool {
	c.pod.mu.Lock()
	defer c.pod.mu.Unlock()
	return c.state.Terminated != nil && c.state.Terminated.ExitCode == 0
}

func (c *container) currentLog() *logFile {
	c.logMu.Lock()
	defer c.logMu.Unlock()
	return c.log
}

func (c *container) writeMessage(text string) {
	c.logMu.Lock()
	defer c.logMu.Unlock()
	c.message = text
}

// terminationMessage is the end of the message file or, if the policy says so, of the log.
func (c *container) terminationMessage(end corev1.ContainerStateTerminated) string {
	c.logMu.Lock()
	message := c.message
	c.logMu.Unlock()
	if excess := len(message) - messageFileLimit; excess > 0 {
		message = message[excess:]
	}
	if message == "" && end.ExitCode != 0 && c.spec.TerminationMessagePolicy == corev1.TerminationMessageFallbackToLogsOnError {
		message = c.currentLog().tail(messageLogLines, messageLogBytes)
	}
	return strings.ToValidUTF8(message, "\uFFFD")
}

// pulled has the container run what its image stands for now: tags may move.
func (c *container) pulled(script Script) {
	c.pod.mu.Lock()
	defer c.pod.mu.Unlock()
	c.imageID = imageID(c.spec.Image, script.Digest)
}

// imageID is how the runtime names an image of a digest, which is made of the image's name where none is given.
func imageID(image, digest string) string {
	name := image
	if slash, colon := strings.LastIndexByte(name, '/'), strings.LastIndexByte(name, ':'); colon > slash {
		name = name[:colon]
	}
	name, _, _ = strings.Cut(name, "@")
	if digest == "" {
		digest = fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(image)))
	}
	return name + "@" + digest
}
