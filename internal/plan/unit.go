package plan

import (
	"k8s.io/apimachinery/pkg/types"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// unit is what has one Job: a phase, or an item of a phase that has several.
type unit struct {
	*step
	// phase is what the Job is made of, and status what is known of it.
	phase  *v1alpha1.Phase
	status *v1alpha1.PhaseStatus
	// stage is the phase that it belongs to, and check and node say which item of it, empty where it has but one.
	stage       *stage
	check, node string
	// waiting is why the unit does not go on, nil while it does.
	waiting *Block
	// create, follow and shorten are what the unit asks for.
	create  *workload.Item
	follow  types.UID
	shorten *Shorten
}

// unit is a phase as a unit of its own.
func (s *step) unit(i int) *unit {
	stage := s.stage(s.Status.Phases[i].Name)
	return &unit{step: s, phase: &stage.Phase, status: &s.Status.Phases[i], stage: stage}
}

// item is what the unit's Job is for.
func (u *unit) item() workload.Item {
	return workload.Item{
		Attempt: u.Status.Attempt, Phase: u.phase.Name, Check: u.check, Node: u.node, Restart: u.status.Restarts,
	}
}

// mine says whether a Job is of this unit, of whatever run of it.
func (u *unit) mine(job *Job) bool {
	i := job.Item
	return i.Attempt == u.Status.Attempt && i.Phase == u.phase.Name && i.Check == u.check && i.Node == u.node
}

// collect adds what the unit asks for to what the step does.
func (u *unit) collect() {
	if u.create != nil {
		u.Create = append(u.Create, Creation{Item: *u.create, Phase: *u.phase})
	}
	if u.follow != "" {
		u.Follow = append(u.Follow, u.follow)
	}
	if u.shorten != nil {
		u.Shorten = append(u.Shorten, *u.shorten)
	}
}
