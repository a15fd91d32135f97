package podlet

import "fmt"

// Step is a part of a container's program, or the whole of it: any function will do. A step that waits does so with
// Process.Wait, which ends the program when the container is killed.
type Step func(*Process)

// Steps runs steps one after the other.
func Steps(steps ...Step) Step {
	return func(p *Process) {
		for _, step := range steps {
			step(p)
		}
	}
}

// Print writes text to standard output as it is. A line appears in the log once its line break, 16 KiB of it or the end
// of the container has come.
func Print(text string) Step { return func(p *Process) { p.Print(text) } }

// PrintStderr writes text to standard error as it is.
func PrintStderr(text string) Step { return func(p *Process) { p.PrintStderr(text) } }

// Lines prints n lines; line is called with 0 to n-1 and returns each without its line break.
func Lines(n int, line func(i int) string) Step {
	return func(p *Process) {
		for i := range n {
			p.Print(line(i) + "\n")
		}
	}
}

// Gate waits until the channel is closed.
func Gate(open <-chan struct{}) Step { return func(p *Process) { p.Wait(open) } }

// Signal closes the channel: the program has come this far. Its script can serve only one container.
func Signal(reached chan<- struct{}) Step { return func(*Process) { close(reached) } }

// Hang never goes on. SIGTERM ends it, unless there is IgnoreTERM or OnTERM.
func Hang() Step { return Gate(nil) }

// Exit ends the program with an exit code.
func Exit(code int) Step { return func(p *Process) { p.Exit(code) } }

// OOMKill ends the container as the kernel does when its memory limit is exceeded.
func OOMKill() Step { return func(p *Process) { p.exit(exitKilled, "OOMKilled") } }

// TerminationMessage writes the termination message file.
func TerminationMessage(text string) Step { return func(p *Process) { p.container.writeMessage(text) } }

// IgnoreTERM makes the program go on after SIGTERM, until SIGKILL ends it after the grace period.
func IgnoreTERM() Step { return func(p *Process) { p.onTERM = func(*Process) {} } }

// OnTERM makes the program run steps when SIGTERM comes, wherever it then waits. It goes on afterwards unless they exit.
func OnTERM(steps ...Step) Step { return func(p *Process) { p.onTERM = Steps(steps...) } }

// Rotate rotates the container's log: what was written so far cannot be read any more, but by those who already follow.
func Rotate() Step { return func(p *Process) { p.container.currentLog().rotate() } }

// Evict makes the kubelet evict the pod for want of a resource, such as "memory". Its containers are killed, and their
// logs are gone.
func Evict(resource string) Step {
	return func(p *Process) {
		p.container.pod.terminate(&ending{
			reason:    "Evicted",
			message:   fmt.Sprintf("The node was low on resource: %s. ", resource),
			disrupted: true,
			dropLogs:  true,
		})
		p.Wait(nil)
	}
}

// ShutdownNode makes the kubelet end the pod because its node is shut down in order.
func ShutdownNode() Step {
	return func(p *Process) {
		p.container.pod.terminate(&ending{
			reason:    "Terminated",
			message:   "Pod was terminated in response to imminent node shutdown.",
			disrupted: true,
			grace:     p.container.pod.gracePeriod(),
		})
		p.Wait(nil)
	}
}

// DeletePod deletes the pod as somebody with kubectl would, and goes on.
func DeletePod() Step { return func(p *Process) { p.container.pod.deleteBySomebody() } }

// Preempt makes the scheduler preempt the pod, and goes on.
func Preempt() Step {
	return func(p *Process) {
		p.container.pod.disrupt("PreemptionByScheduler", "default-scheduler: preempting to accommodate a higher priority pod")
		p.container.pod.deleteBySomebody()
	}
}

// LoseNode cuts the node off, as Node.Lose does, and goes on.
func LoseNode() Step { return func(p *Process) { p.container.pod.node.Lose() } }
