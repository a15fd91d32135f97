package plan

import (
	"fmt"
	"time"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/gotest"
	"github.com/validation-operator/validation-operator/internal/verdict"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// first is the pod that was there first: where a Job has a second one, the first is what counts.
func (j *Job) first() *Pod {
	first := &j.Pods[0]
	for i := range j.Pods {
		p := &j.Pods[i]
		if !p.Started.IsZero() && (first.Started.IsZero() || p.Started.Before(first.Started)) {
			first = p
		}
	}
	return first
}

// unread has a log read a little longer before a phase is judged by what was read of it: an operator that has just started reads
// it from its beginning, and a failure may be in it.
func (u *unit) unread(job *Job) bool {
	spec := u.phase
	if spec.GoTest == nil || job == nil || len(job.Pods) == 0 {
		return false
	}
	pod := job.first()
	if pod.Gone || pod.Log.Ended || pod.Validator.Started.IsZero() {
		return false
	}
	wait := catchUp
	switch from := pod.Log.Since; {
	case from.IsZero() && !pod.Log.Sought.IsZero():
		wait = u.hopeless(pod.Log.Sought).Sub(u.now)
	case !from.IsZero():
		if pod.Validator.Exit != nil && u.overtime() && from.Before(u.limit()) {
			from = u.limit() // the end of a validator that ended just before the attempt's timeout is still being read
		}
		wait = from.Add(catchUp).Sub(u.now)
	}
	if wait <= 0 {
		return false
	}
	u.follow = pod.UID
	u.waiting = &Block{Reason: v1alpha1.ReasonRunning, Message: "reading the log"}
	u.lookIn(wait)
	return true
}

// hopeless is when a log is given up that this process has tried to read since then and cannot begin to: what is in the way may be mended
// for as long as the attempt goes on, and for a little longer, since a failure may be in what was read of it before.
func (s *step) hopeless(since time.Time) time.Time {
	if limit := s.limit(); s.ending == nil && since.Before(limit) {
		since = limit
	}
	return since.Add(overdue)
}

// GivesUp says whether a run does not wait any longer for what was read of a log, and cannot be had since then.
func GivesUp(run *v1alpha1.ValidationRun, since, now time.Time) bool {
	s := newStep(run, Observed{}, now)
	if run.Spec.Cancel || Renews(run, false) {
		s.ending = &verdict.Trouble{}
	}
	return s.Status.StartTime == nil || !now.Before(s.hopeless(since))
}

// unlessEnded is the trouble that the attempt's timeout is to a phase, which is none if the validator had ended by then and nobody looked.
func (u *unit) unlessEnded(job *Job, timeout *verdict.Trouble) *verdict.Trouble {
	if job == nil || len(job.Pods) == 0 {
		return timeout
	}
	pod := job.first()
	if pod.Validator.Exit != nil && !pod.Validator.Finished.IsZero() && pod.Validator.Finished.Before(u.limit()) {
		return pod.Trouble
	}
	return timeout
}

// listed says whether all is known that will ever be of the list of tests.
func (p *Pod) listed(wanted bool) bool {
	return !wanted || p.Listing.Read || p.Listing.Failed != "" || p.Listing.Lost != "" || p.List.Exit == nil
}

// judge gives the outcome of a phase by what is known of its Job's pod.
func (u *unit) judge(job *Job, trouble *verdict.Trouble) judged {
	spec := u.phase
	var pod Pod
	if job != nil && len(job.Pods) > 0 {
		pod = *job.first()
	}
	e := verdict.Evidence{Exit: pod.Validator.Exit, Trouble: trouble}
	if t := spec.GoTest; t != nil {
		names, err := selected(t, pod.Listing)
		if err != nil && e.Trouble == nil {
			e.Trouble = &verdict.Trouble{Reason: v1alpha1.ReasonInvalidSpec, Message: err.Error()}
		}
		e.GoTest = &verdict.GoTest{
			Stream: pod.Log.Stream, Witness: pod.Log.Witness, LogMissing: pod.Log.Missing,
			Checks: t.Checks, Constraints: u.wanted(), All: pod.Listing.all(),
			Manifest: names, Run: t.Run, Listed: len(pod.Listing.Tests), DenySkips: t.Skips == v1alpha1.SkipsDeny,
		}
		if job != nil && workload.Lists(spec, job.Item) {
			e.GoTest.ListLost = pod.Listing.lost()
		}
		if t.ExpectedTests != nil {
			e.GoTest.ExpectedTests = int(*t.ExpectedTests)
		}
	}
	out := verdict.Judge(e)
	if a := u.ask(); a != nil && trouble == nil {
		out = u.answered(a, &pod)
	}
	if why := u.void(job, &pod, trouble); why != nil && (out.State == v1alpha1.PhasePassed || out.State == v1alpha1.PhaseSkipped) {
		out.State, out.Reason, out.Message = v1alpha1.PhaseError, why.Reason, why.Message
	}
	return judged{Outcome: out, pod: pod, job: job}
}

// void is why not even a stream that is complete proves that the unit passed: it is that of another run than was asked for, or of one of
// two. Nil where it does.
func (u *unit) void(job *Job, pod *Pod, trouble *verdict.Trouble) *verdict.Trouble {
	if u.stage.invalid != "" {
		return &verdict.Trouble{Reason: v1alpha1.ReasonInputMissing, Message: u.stage.invalid} // nobody knows what it had to prove
	}
	if pod.Trouble != nil && pod.Trouble.Reason == v1alpha1.ReasonPodReplaced {
		return pod.Trouble
	}
	if u.ask() != nil && trouble != nil {
		return trouble // it was asked for the names of its tests, and not to run them
	}
	if u.node != "" && pod.Node != "" && pod.Node != u.node {
		return &verdict.Trouble{Reason: v1alpha1.ReasonEvidenceIncomplete, Message: fmt.Sprintf(
			"pod %s ran on node %s, which proves nothing of %s: look for a webhook that changes where pods run", pod.Name, pod.Node, u.node)}
	}
	if job == nil {
		return nil
	}
	for i := range job.Pods {
		if other := &job.Pods[i]; other.UID != pod.UID && (!other.Validator.Started.IsZero() || other.Validator.Exit != nil) {
			return &verdict.Trouble{Reason: v1alpha1.ReasonPodReplaced, Message: fmt.Sprintf(
				"Job %s has %d pods, and the validator ran in %s as well as in %s", job.Name, len(job.Pods), other.Name, pod.Name)}
		}
	}
	return nil
}

// judged is an outcome with what it was judged by.
type judged struct {
	verdict.Outcome
	pod Pod
	job *Job
}

// selected are the listed tests that the phase runs, nil where there is no list.
func selected(t *v1alpha1.GoTest, listing Listing) ([]string, error) {
	names, err := gotest.MatchTopLevel(t.Run, listing.Tests)
	switch {
	case err != nil:
		return nil, fmt.Errorf("run: %w", err)
	case !listing.Read || listing.Failed != "":
		return nil, nil
	}
	return append([]string{}, names...), nil
}

// all are the tests of the list, nil where there is none.
func (l *Listing) all() []string {
	if !l.Read || l.Failed != "" {
		return nil
	}
	return append([]string{}, l.Tests...)
}
