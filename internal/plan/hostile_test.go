package plan

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/report"
	"github.com/validation-operator/validation-operator/internal/verdict"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// What would have a run say more than it has proven.

// Whatever somebody does to make a run say more than it has proven, it does not.
func TestNoLifePassesByForgery(t *testing.T) {
	passed, forged, void := 0, 0, 0
	for seed := *firstSeed; seed < *firstSeed+uint64(*sequences/10); seed++ {
		w := randomWorld(t, seed, rand.New(rand.NewPCG(seed, 1)), coverage{})
		r := rand.New(rand.NewPCG(seed, 11))
		for range 2 + r.IntN(5) {
			w.after(2+r.IntN(30), func() {
				if r.IntN(2) == 0 || len(w.jobs) == 0 {
					w.forge(r)
					return
				}
				job := w.jobs[r.IntN(len(w.jobs))]
				[]func(*world, *simJob){restartContainer, restartContainer, moveElsewhere}[r.IntN(3)](w, job)
			})
		}
		w.live()
		if t.Failed() {
			t.Fatalf("go test -run TestNoLifePassesByForgery -sequences 10 -seed %d\n%s", seed, w.said.String())
		}
		forged += len(w.book.forgeries)
		for _, life := range w.book.lives {
			if life.void {
				void++
			}
		}
		if w.run.Status.Verdict == v1alpha1.VerdictPassed {
			passed++
		}
	}
	if t.Logf("%d lives passed, with %d forgeries and %d Jobs that prove nothing", passed, forged, void); *sequences < manySequences {
		return
	}
	if passed < 10 || forged < 50 || void < 20 {
		t.Error("the lives are not varied enough")
	}
}

// running says whether the validator of a Job's first pod runs.
func (j *simJob) running() bool {
	return len(j.pods) > 0 && lookContainer(j.pods[0].Status.ContainerStatuses, workload.ValidatorContainer).Running()
}

// restartContainer has the kubelet start a validator anew, as it does when somebody changes its image: nothing proves that it passed.
func restartContainer(_ *world, job *simJob) {
	if !job.running() {
		return
	}
	job.void = true
	for i := range job.pods[0].Status.ContainerStatuses {
		if s := &job.pods[0].Status.ContainerStatuses[i]; s.Name == workload.ValidatorContainer {
			s.RestartCount = 1
		}
	}
}

// moveElsewhere has the pod of an item run on another node than its own.
func moveElsewhere(_ *world, job *simJob) {
	if job.running() && job.item.Node != "" {
		job.void = true
		job.pods[0].Spec.NodeName = "elsewhere"
	}
}

// forge has somebody put a pass where the evidence of what runs will be kept: that of another Job, or of none, or none at all.
func (w *world) forge(r *rand.Rand) {
	passed := report.Phase{State: v1alpha1.PhasePassed, Summary: v1alpha1.Summary{Total: 1, Passed: 1}}
	passed.Tests = []report.Test{{Name: "TestA", Status: verdict.Passed}}
	status := &w.run.Status
	for _, p := range status.Phases {
		forged, item := passed, workload.Item{Attempt: status.Attempt, Phase: p.Name, Restart: p.Restarts}
		if f := p.FanOut; f != nil && len(f.Active) > 0 {
			a := f.Active[r.IntN(len(f.Active))]
			item.Check, item.Node, item.Restart = a.Check, a.Node, a.Restarts
		}
		if p.State != v1alpha1.PhaseRunning {
			continue
		}
		forged.Name, forged.Check, forged.Node, forged.Job = item.Phase, item.Check, item.Node, "run-another-12345678"
		switch r.IntN(3) {
		case 0:
			forged.Job = ""
		case 1:
			forged.Job, forged.State = workload.JobName(w.run, item), v1alpha1.PhaseRunning
		}
		data, err := report.EncodePhase(forged)
		if err != nil {
			w.t.Fatal(err)
		}
		name := workload.EvidenceName(w.run, item)
		if w.configMaps[name] == nil {
			w.put(name, workload.ComponentEvidence, status.Attempt, data)
			w.book.forgeries[name] = true
		}
	}
	w.say("         somebody forges evidence (%s)", fmt.Sprint(len(w.book.forgeries)))
}
