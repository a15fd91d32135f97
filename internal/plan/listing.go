package plan

import (
	"fmt"
	"slices"
	"time"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

// stopLister stops the Job that could not list the tests, once the one that does without the list is there.
func (u *unit) stopLister(job *Job) {
	if !job.Item.Unlisted {
		return
	}
	item := job.Item
	item.Unlisted = false
	lister := u.job(item)
	ended := func(p Pod) bool { return p.Ended }
	if lister != nil && !lister.Gone && !lister.Deleting && !lister.Finished && !slices.ContainsFunc(lister.Pods, ended) {
		u.Stop = append(u.Stop, lister.Name)
	}
}

// unlistable says that the Job's pod cannot say which tests there are.
func (u *unit) unlistable(job *Job) bool {
	spec := u.phase
	if spec.GoTest == nil || len(job.Pods) != 1 || job.Pods[0].Trouble != nil {
		return false
	}
	pod := &job.Pods[0]
	if !pod.Validator.Started.IsZero() || pod.Validator.Exit != nil {
		return false
	}
	return pod.Listing.Failed != "" || pod.List.Running() && !u.now.Before(u.ownTime(pod, pod.List.Started).Add(listTimeout(spec)))
}

func whyUnlistable(spec *v1alpha1.Phase, pod *Pod) string {
	why := pod.Listing.Failed
	if why == "" {
		why = fmt.Sprintf("it did not end within %s", listTimeout(spec))
	}
	mend := "set expectedTests to run it without the list"
	if len(spec.GoTest.Checks) > 0 || len(spec.GoTest.Command) > 0 {
		mend = "checks are looked up in that list, so -test.list has to work"
	}
	return "the test binary cannot list its tests: " + why + "; " + mend
}

// lost is why a list that the binary may have given is not there, empty where it is.
func (l *Listing) lost() string {
	if l.Read || l.Failed != "" || l.Lost != "" {
		return l.Lost
	}
	return "nobody read it in time"
}

func listTimeout(spec *v1alpha1.Phase) time.Duration { return spec.StartTimeout.Duration / listPart }
