package v1alpha1

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The defaults of the API, the same as in the CRD's schema.
const (
	DefaultTimeout      = 10 * time.Minute
	DefaultStartTimeout = 15 * time.Minute
	DefaultRunTimeout   = 2 * time.Hour
)

// SetDefaults fills what is absent as the API server does by the CRD's schema. Specs that were stored under an older schema are
// compared after it, so that a new default is no change.
func (s *ValidationRunSpec) SetDefaults() {
	setDuration(&s.Timeout, DefaultRunTimeout)
	for i := range s.Phases {
		s.Phases[i].setDefaults()
	}
}

func (p *Phase) setDefaults() {
	setDuration(&p.Timeout, DefaultTimeout)
	setDuration(&p.StartTimeout, DefaultStartTimeout)
	if p.OnFailure == "" {
		p.OnFailure = Stop
	}
	if p.GoTest == nil {
		return
	}
	if p.GoTest.Skips == "" {
		p.GoTest.Skips = SkipsAllow
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
