package v1alpha1

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The defaults of the API. Those within lists are here and not in the CRD's schema: a default that the API server writes into an item of a
// list makes the stored list differ from the applied one, so that kubectl would write it again at each apply, and Argo CD would call it
// out of sync for ever.
const (
	DefaultTimeout      = 10 * time.Minute
	DefaultStartTimeout = 15 * time.Minute
	DefaultRunTimeout   = 2 * time.Hour
	DefaultCleanupAfter = time.Hour
	DefaultHistoryLimit = 5
	// DefaultNodeParallelism is how many nodes a phase runs on at a time.
	DefaultNodeParallelism = 10
)

// SetDefaults fills what is absent. Specs that were frozen by an older operator are compared after it, so that a new default is no change.
func (s *ValidationRunSpec) SetDefaults() {
	setDuration(&s.Timeout, DefaultRunTimeout)
	if s.AllSkipped == "" {
		s.AllSkipped = AllSkippedReject
	}
	if s.Cleanup == nil {
		s.Cleanup = &Cleanup{}
	}
	if s.Cleanup.Jobs == "" {
		s.Cleanup.Jobs = CleanupOnSuccess
	}
	setDuration(&s.Cleanup.After, DefaultCleanupAfter)
	if s.HistoryLimit == nil {
		s.HistoryLimit = new(int32(DefaultHistoryLimit))
	}
	for i := range s.Phases {
		if p := &s.Phases[i]; p.GoTest != nil || p.Container != nil {
			p.SetDefaults()
		}
	}
}

// SetDefaults fills what is absent. A phase that leaves it to the recipe what it runs gets its defaults when that is known: until then, what
// is absent is the recipe's to say.
func (p *Phase) SetDefaults() {
	setDuration(&p.Timeout, DefaultTimeout)
	setDuration(&p.StartTimeout, DefaultStartTimeout)
	if p.OnFailure == "" {
		p.OnFailure = Stop
	}
	if p.Retries == nil {
		p.Retries = new(int32(0))
	}
	if p.Isolation == "" {
		p.Isolation = IsolationPhase
	}
	if p.Parallelism == nil {
		p.Parallelism = new(int32(1))
		if p.Nodes != nil {
			p.Parallelism = new(int32(DefaultNodeParallelism))
		}
	}
	if p.GoTest == nil {
		return
	}
	if p.GoTest.Skips == "" {
		p.GoTest.Skips = SkipsAllow
		if len(p.GoTest.Checks) > 0 {
			p.GoTest.Skips = SkipsDeny
		}
	}
	if len(p.GoTest.Checks) > 0 && p.GoTest.Package == "" {
		p.GoTest.Package = "./checks/" + p.Name
	}
	if p.GoTest.Manifest == "" {
		p.GoTest.Manifest = ManifestAuto
	}
}

func setDuration(d **metav1.Duration, value time.Duration) {
	if *d == nil {
		*d = &metav1.Duration{Duration: value}
	}
}
