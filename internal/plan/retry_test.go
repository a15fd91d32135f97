package plan

import (
	"testing"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

func TestRetryable(t *testing.T) {
	limits := func(memory string) *v1alpha1.ResourceRequirements {
		return &v1alpha1.ResourceRequirements{Limits: map[string]v1alpha1.Amount{memory: {}}}
	}
	tests := map[string]struct {
		reasons []string
		limits  *v1alpha1.ResourceRequirements
		want    bool
	}{
		"infrastructure": {reasons: []string{
			v1alpha1.ReasonEvicted, v1alpha1.ReasonPreempted, v1alpha1.ReasonNodeShutdown, v1alpha1.ReasonNodeLost, v1alpha1.ReasonPodDeleted,
			v1alpha1.ReasonPodRejected, v1alpha1.ReasonImagePullFailed, v1alpha1.ReasonUnschedulable, v1alpha1.ReasonPodNotCreated,
			v1alpha1.ReasonContainerNotCreated, v1alpha1.ReasonEvidenceIncomplete,
		}, want: true},
		"what comes to the same again": {reasons: []string{
			v1alpha1.ReasonPanicked, v1alpha1.ReasonTestIncomplete, v1alpha1.ReasonTestMissing, v1alpha1.ReasonNoTests, v1alpha1.ReasonListFailed,
			v1alpha1.ReasonUnexpectedTestCount, v1alpha1.ReasonRequiredCheckSkipped, v1alpha1.ReasonExitCodeMismatch, v1alpha1.ReasonStartFailed,
			v1alpha1.ReasonUnexpectedExitCode, v1alpha1.ReasonDeadlineExceeded, v1alpha1.ReasonRunTimeout, v1alpha1.ReasonStartTimeout,
			v1alpha1.ReasonInvalidSpec, v1alpha1.ReasonInvalidImage, v1alpha1.ReasonForbidden, v1alpha1.ReasonNameConflict,
		}},
		"what somebody wanted": {reasons: []string{
			v1alpha1.ReasonJobDeleted, v1alpha1.ReasonCancelled, v1alpha1.ReasonSuperseded, v1alpha1.ReasonSuspended, v1alpha1.ReasonPodReplaced,
		}},
		"what waits until startTimeout":   {reasons: []string{v1alpha1.ReasonInputMissing, v1alpha1.ReasonQuotaExceeded}},
		"the node's memory":               {reasons: []string{v1alpha1.ReasonOOMKilled}, want: true},
		"the node's, with a limit of cpu": {reasons: []string{v1alpha1.ReasonOOMKilled}, limits: limits("cpu"), want: true},
		"its own memory":                  {reasons: []string{v1alpha1.ReasonOOMKilled}, limits: limits("memory")},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, goPhase("a"), goPhase("b"))
			w.run.Spec.Phases[0].Validator = &v1alpha1.PhaseValidator{Resources: test.limits}
			s := newStep(w.run, Observed{}, w.now)
			for _, reason := range test.reasons {
				if got := s.retryable(&s.spec.Phases[0], reason); got != test.want {
					t.Errorf("%s is retried: %t, want %t", reason, got, test.want)
				}
			}
		})
	}
}
