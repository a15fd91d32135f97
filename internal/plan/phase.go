package plan

import (
	"fmt"
	"slices"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/report"
	"github.com/validation-operator/validation-operator/internal/verdict"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// proceed takes the unit, which is due, one step further.
func (u *unit) proceed() {
	spec, status, item := u.phase, u.status, u.item()
	job := u.latest()
	if job != nil && spec.GoTest != nil && spec.GoTest.ExpectedTests != nil && u.unlistable(job) {
		status.Jobs = addName(status.Jobs, job.Name)
		item.Unlisted = true
		job = nil
	}
	if trouble, over := u.runTimeout(); over {
		if status.Reason != "" && (job == nil || len(job.Pods) == 0 || job.first().Validator.Started.IsZero()) {
			trouble.Message += fmt.Sprintf("; it was waiting: %s: %s", status.Reason, status.Message)
		}
		if !u.unread(job) {
			u.end(u.judge(job, u.unlessEnded(job, trouble)))
		}
		return
	}
	if u.stage.invalid != "" && job == nil {
		u.refuse(v1alpha1.ReasonInvalidSpec, u.stage.invalid)
		return
	}
	if u.evaluates() {
		u.evaluate()
		return
	}
	if !u.equipped() {
		return
	}
	if job == nil {
		if block := u.unfit(); block != nil {
			u.wait(*block)
			return
		}
		if left := u.abandoned(); left > 0 {
			u.wait(Block{Reason: v1alpha1.ReasonStopping, Message: fmt.Sprintf("stopping an earlier Job of the phase (%d left)", left)})
			return
		}
		if u.othersLeft() {
			return
		}
		u.create = &item
		u.refused(u.seen.RefusedJobs[item])
		return
	}
	status.Jobs = addName(status.Jobs, job.Name)
	u.stopLister(job)
	u.watch(job)
}

// refused takes into account that the API server did not take what this step asks for.
func (u *unit) refused(block *Block) {
	if block == nil {
		block = &Block{Reason: v1alpha1.ReasonStarting, Message: "creating the Job"}
		if last := u.status; last.Reason != "" {
			// What it has waited for until now is why it comes too late, if it does.
			block = &Block{Reason: last.Reason, Message: last.Message}
		}
		u.wait(*block)
		return
	}
	u.unask()
	u.wait(*block)
}

// unask takes back what the unit asks for. What other phases have asked for their nodes stays.
func (u *unit) unask() {
	u.Freeze, u.Setup, u.Capture, u.create = false, false, false, nil
	if u.FreezeNodes != nil && u.FreezeNodes.Phase == u.stage.Name {
		u.FreezeNodes = nil
	}
}

// wait leaves the phase where it is, for a reason, until its startTimeout.
func (u *unit) wait(block Block) {
	spec, status := u.phase, u.status
	left := status.StartTime.Add(spec.StartTimeout.Duration).Sub(u.now)
	if !block.Final && left > 0 {
		status.Reason, status.Message = block.Reason, report.Clip(block.Message, report.MessageBytes)
		u.waiting = &block
		u.lookIn(left)
		u.lookIn(min(max(u.now.Sub(status.StartTime.Time)/4, lookSoon), lookLate))
		return
	}
	trouble := &verdict.Trouble{Reason: block.Reason, Message: block.Message}
	if !block.Final {
		if block.Reason == v1alpha1.ReasonStarting || block.Reason == v1alpha1.ReasonStopping {
			trouble.Reason = v1alpha1.ReasonStartTimeout
		}
		trouble.Message = fmt.Sprintf("the validator did not start within startTimeout of %s: %s", spec.StartTimeout.Duration, block.Message)
	}
	u.unask()
	u.waiting = nil
	job := u.latest()
	u.end(u.judge(job, trouble))
}

// watch takes the phase's Job from its creation to its judgement.
func (u *unit) watch(job *Job) {
	left := u.left()
	switch {
	case len(job.Pods) > 1 && u.unread(job):
	case len(job.Pods) > 1:
		u.end(u.judge(job, &verdict.Trouble{
			Reason: v1alpha1.ReasonPodReplaced, Message: fmt.Sprintf("Job %s has %d pods", job.Name, len(job.Pods)),
		}))
	case len(job.Pods) == 1:
		u.pod(job, &job.Pods[0])
	case left != nil:
		u.end(u.judge(job, left)) // there is no other node for it
	case job.Gone || job.Deleting:
		u.end(u.judge(job, jobDeleted(job)))
	case job.Finished:
		u.end(u.judge(job, &verdict.Trouble{
			Reason: v1alpha1.ReasonPodDeleted, Message: fmt.Sprintf("Job %s ended without a pod: it was deleted", job.Name),
		}))
	case job.Blocked != nil:
		u.wait(*job.Blocked)
	default:
		u.wait(Block{Reason: v1alpha1.ReasonStarting, Message: "waiting for the pod"})
	}
}

func jobDeleted(job *Job) *verdict.Trouble {
	return &verdict.Trouble{Reason: v1alpha1.ReasonJobDeleted, Message: fmt.Sprintf("Job %s was deleted", job.Name)}
}

// pod takes the one pod of the phase's Job to its judgement.
func (u *unit) pod(job *Job, pod *Pod) {
	spec := u.phase
	if spec.GoTest != nil && (pod.Validator.Running() || pod.Validator.Exit != nil) {
		u.follow = pod.UID
	}
	trouble := pod.Trouble
	if left := u.left(); left != nil && pod.Validator.Exit == nil {
		if !u.unread(job) {
			u.end(u.judge(job, left))
		}
		return
	}
	switch {
	case trouble != nil && trouble.Reason == v1alpha1.ReasonPodDeleted && (job.Gone || job.Deleting):
		trouble = jobDeleted(job)
	case trouble != nil || pod.Validator.Exit != nil:
	case job.Gone || job.Deleting:
		trouble = jobDeleted(job)
	case pod.Gone:
		trouble = &verdict.Trouble{Reason: v1alpha1.ReasonPodDeleted, Message: fmt.Sprintf("pod %s is gone, and nobody saw how it ended", pod.Name)}
	}
	switch {
	case pod.Validator.Exit != nil, pod.Gone, pod.Ended && trouble != nil:
		u.harvest(job, pod, trouble)
	case pod.Validator.Running():
		u.running(job, pod, trouble)
	case trouble != nil:
		u.end(u.judge(job, trouble))
	case u.unlistable(job):
		u.end(u.judge(job, &verdict.Trouble{Reason: v1alpha1.ReasonListFailed, Message: whyUnlistable(spec, pod)}))
	case pod.List.Running():
		u.wait(Block{Reason: v1alpha1.ReasonStarting, Message: "listing the tests"})
		u.lookIn(u.ownTime(pod, pod.List.Started).Add(listTimeout(spec)).Sub(u.now))
	case pod.Blocked != nil:
		u.wait(*pod.Blocked)
	default:
		u.wait(Block{Reason: v1alpha1.ReasonStarting, Message: "starting pod " + pod.Name})
	}
}

// running shows the progress of a running validator, and minds its deadline.
func (u *unit) running(job *Job, pod *Pod, trouble *verdict.Trouble) {
	spec, status := u.phase, u.status
	status.Reason, status.Message = "", ""
	u.progress(pod)
	deadline := workload.RunningDeadline(spec, pod.Validator.Started.Sub(pod.Started))
	if pod.Deadline == 0 || pod.Deadline > deadline {
		u.shorten = &Shorten{Pod: pod.Name, UID: pod.UID, Seconds: deadline}
	}
	left := u.ownTime(pod, pod.Validator.Started).Add(workload.Deadline(spec) + overdue).Sub(u.now)
	if left > 0 {
		u.lookIn(left)
		return
	}
	if u.unread(job) {
		return
	}
	if trouble == nil {
		trouble = &verdict.Trouble{
			Reason:  v1alpha1.ReasonDeadlineExceeded,
			Message: fmt.Sprintf("the validator did not end within its timeout of %s, and nobody said how it ended", spec.Timeout.Duration),
		}
	}
	u.end(u.judge(job, trouble))
}

// progress counts what the stream says so far.
func (u *unit) progress(pod *Pod) {
	spec, status := u.phase, u.status
	if spec.GoTest == nil || u.ask() != nil {
		return
	}
	p := pod.Log.Progress
	total := p.Ended
	if names, err := selected(spec.GoTest, pod.Listing); err == nil && names != nil {
		total = len(names)
	} else if spec.GoTest.ExpectedTests != nil {
		total = int(*spec.GoTest.ExpectedTests)
	}
	status.Summary = v1alpha1.Summary{
		Total: int32(max(total, p.Ended)), Passed: int32(max(p.Ended-p.Failed-p.Skipped, 0)), Failed: int32(p.Failed), Skipped: int32(p.Skipped),
	}
	status.Running = report.Clip(p.Running, report.NameBytes)
}

// harvest judges a validator that has ended, once its log is read.
func (u *unit) harvest(job *Job, pod *Pod, trouble *verdict.Trouble) {
	spec := u.phase
	started := !pod.Validator.Started.IsZero() && !pod.Validator.StartFailed
	read := pod.Log.Ended && pod.listed(workload.Lists(spec, job.Item))
	if spec.GoTest != nil && started && !read && !pod.Gone {
		u.progress(pod)
		u.waiting = &Block{Reason: v1alpha1.ReasonRunning, Message: "reading the log to its end"}
		u.lookIn(overdue)
		return
	}
	u.end(u.judge(job, trouble))
}

// job is the Job of an item, nil where there is none yet.
func (s *step) job(item workload.Item) *Job {
	for j := range s.seen.Jobs {
		if s.seen.Jobs[j].Item == item {
			return &s.seen.Jobs[j]
		}
	}
	return nil
}

// latest is the Job that counts for the unit in this attempt, nil where there is none yet.
func (u *unit) latest() *Job {
	item := u.item()
	listed := u.job(item)
	item.Unlisted = true
	if job := u.job(item); job != nil {
		return job
	}
	return listed
}

func addName(names []string, name string) []string {
	if slices.Contains(names, name) {
		return names
	}
	names = append(names, name)
	return names[max(0, len(names)-maxJobs):]
}

// maxJobs is how many Jobs of a phase status names.
const maxJobs = 16
