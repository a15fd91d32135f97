package plan

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// What random lives are made of.

// lives are scripts that end by themselves or by a timeout.
var lives = []func(*rand.Rand) script{
	func(*rand.Rand) script { return runs("pass TestA", "pass TestB") },
	func(*rand.Rand) script { return runs("pass TestA") },
	func(*rand.Rand) script { return runs("pass TestA", "skip TestB") },
	func(*rand.Rand) script { return runs("skip TestA") },
	func(*rand.Rand) script { return runs("fail TestA", "pass TestB") },
	func(*rand.Rand) script { return runs("pass TestA", "panic TestB") },
	func(*rand.Rand) script { return runs("fail TestA", "exit TestB") },
	func(*rand.Rand) script { return runs("pass TestA", "hang TestB") },
	func(*rand.Rand) script { return runs() },
	func(*rand.Rand) script { return script{tests: []string{"pass TestA"}, listCode: 2} },
	func(*rand.Rand) script { return script{tests: []string{"pass TestA"}, listHangs: true} },
	func(r *rand.Rand) script {
		return waits(unbound(corev1.PodReasonUnschedulable, "no node"), r.IntN(2)*(30+r.IntN(100)))
	},
	func(*rand.Rand) script { return waits(rejected("UnexpectedAdmissionError", "no healthy devices"), 0) },
	func(r *rand.Rand) script {
		quota := &Block{Reason: v1alpha1.ReasonQuotaExceeded, Message: "quota"}
		return script{tests: []string{"pass TestA"}, blocked: quota, healed: r.IntN(2) * (20 + r.IntN(100))}
	},
	func(*rand.Rand) script {
		return script{blocked: &Block{Reason: v1alpha1.ReasonForbidden, Message: "no", Final: true}}
	},
	func(r *rand.Rand) script {
		return script{tests: []string{"pass TestA"}, code: int32(r.IntN(4)), said: "SKIP: so\n"}
	},
}

// disturbances befall a Job from outside.
var disturbances = map[string]func(*world, *simJob){
	jobDeletedEvent:      func(w *world, job *simJob) { w.stop(job) },
	"Job vanishes":       func(w *world, job *simJob) { w.remove(job) },
	"pod deleted":        func(w *world, job *simJob) { terminateAll(w, job) },
	"pod vanishes":       func(w *world, job *simJob) { w.removePod(job) },
	"second pod":         func(w *world, job *simJob) { w.bind(job) },
	"log without end":    func(_ *world, job *simJob) { job.logNeverEnds = true },
	podLostEvent:         func(w *world, job *simJob) { w.loseNode(job) },
	"evicted":            func(w *world, job *simJob) { w.evict(job) },
	"injected container": injectInto,
}

// disturbed are their names, in a fixed order.
var disturbed = []string{
	jobDeletedEvent, "Job vanishes", "pod deleted", "pod vanishes", "second pod", "log without end", podLostEvent, "evicted", "evicted",
	"injected container",
}

func terminateAll(w *world, job *simJob) {
	for _, pod := range job.pods {
		w.terminate(job, pod)
	}
}

func injectInto(_ *world, job *simJob) {
	for _, pod := range job.pods {
		injected(runningSince(1))(pod)
	}
}

// Of each ten runs there is one in which nothing is applicable, and one that waits for a retry.
const (
	each     = 10
	skippers = 0
	retriers = 1
)

// someLife is the life of a Job's pod, the same for the same Job of the same seed.
func someLife(seed uint64, item workload.Item) script {
	switch seed % each {
	case skippers:
		return runs("skip TestA", "skip TestB")
	case retriers:
		if item.Phase == "a" && item.Restart == 0 {
			return waits(rejected("UnexpectedAdmissionError", "no healthy devices"), 0)
		}
	}
	h := seed + uint64(item.Restart) + uint64(item.Attempt)<<24
	if item.Phase == v1alpha1.PhasePreflight {
		if h%12 == 0 && seed%3 == 0 {
			return script{tests: []string{"pass TestA"}, listCode: 2}
		}
		return runs("pass TestA", "pass TestB", "pass TestCapture")
	}
	if item.Phase == v1alpha1.PhaseSnapshot {
		return runs("pass TestCapture")
	}
	if r := seed % 5; r > 0 {
		h += uint64(item.Phase[0]) * r // every fifth run has phases that are all alike
		for _, c := range item.Check + item.Node {
			h += uint64(c) * r
		}
	}
	r := rand.New(rand.NewPCG(h, 7))
	switch h % 12 {
	case 0:
		return runs("skip TestA", "skip TestB")
	case 5, 6:
		return runs("fail TestA")
	case 1:
		return waits(rejected("UnexpectedAdmissionError", "no healthy devices"), 0)
	case 2, 3, 4, 7, 8:
		return lives[r.IntN(3)](r)
	}
	return lives[r.IntN(len(lives))](r)
}

// calmWorld is a run whose phases meet nothing but their own scripts.
func calmWorld(t *testing.T, seed uint64, r *rand.Rand) *world {
	some := func() metav1.Duration {
		return metav1.Duration{Duration: time.Duration(1+r.IntN(2))*time.Minute + time.Second/4}
	}
	var phases []v1alpha1.Phase
	for i := range 1 + r.IntN(3) {
		p := goPhase(string(rune('a'+i)), within(some(), some()))
		switch r.IntN(5) {
		case 0:
			p.GoTest, p.Container = nil, &v1alpha1.Container{}
		case 1, 2:
			expects(int32(1 + r.IntN(2)))(&p)
		}
		if r.IntN(2) == 0 {
			p.OnFailure = v1alpha1.Continue
		}
		if r.IntN(2) == 0 {
			p.Retries = new(int32(r.IntN(3)))
		}
		phases = append(phases, p)
	}
	w := newWorld(t, phases...)
	if seed%each > retriers {
		w.spread(rand.New(rand.NewPCG(seed, 5)))
	}
	w.write = func(item workload.Item) script { return someLife(seed, item) }
	// Everything else happens at whole seconds: no outcome hangs on what comes first within one instant.
	w.run.Spec.Timeout = &metav1.Duration{Duration: time.Duration(2+r.IntN(20))*time.Minute + time.Second/2}
	if r.IntN(3) == 0 {
		w.run.Spec.AllSkipped = v1alpha1.AllSkippedAccept
	}
	if r.IntN(3) == 0 && w.run.Spec.Recipe == nil {
		w.run.Spec.Recipe = fromConfigMap("r")
	}
	if r.IntN(3) == 0 && w.run.Spec.Snapshot == nil {
		w.run.Spec.Snapshot = snapshotOf("s")
	}
	w.run.Spec.HistoryLimit = new(int32(r.IntN(4)))
	return w
}

// randomWorld is a run that anything may happen to.
func randomWorld(t *testing.T, seed uint64, r *rand.Rand, seen coverage) *world {
	w := calmWorld(t, seed, r)
	unkind(w, seed, r, seen)
	faults(w, r)
	for range r.IntN(8) {
		w.after(r.IntN(20+r.IntN(2)*r.IntN(400)), func() { something(w, r, seen) })
	}
	switch seed % each {
	case skippers:
		for range 3 {
			w.after(60+r.IntN(200), func() { something(w, r, seen) })
		}
	case retriers:
		w.run.Spec.Phases[0].Retries = new(int32(2))
		w.refuse = func(what string) *Block {
			if !strings.HasPrefix(what, "create a+") || w.second() > 60 {
				return nil
			}
			return &Block{Reason: v1alpha1.ReasonQuotaExceeded, Message: "exceeded quota: jobs"}
		}
	}
	if r.IntN(6) == 0 {
		w.after(r.IntN(100), func() {
			seen.count(w, deleteEvent)
			w.delete()
			w.after(r.IntN(3), func() { something(w, r, seen) })
		})
	}
	if r.IntN(3) > 0 {
		w.after(700, func() {
			w.suspend(false)
			w.cancel(false)
		})
	}
	switch r.IntN(5) {
	case 0:
		w.restarts = true
	case 1, 2:
		if w.outage = r.IntN(8); r.IntN(10) == 0 {
			w.outage = r.IntN(3 * 60 * 60)
		}
		deaths := 1 + r.IntN(20)
		w.dies = func() bool {
			dies := deaths > 0 && r.IntN(8) == 0
			if dies {
				seen.count(w, restartEvent)
				deaths--
			}
			return dies
		}
	}
	return w
}

// something is what a user does, and often soon afterwards something else.
func something(w *world, r *rand.Rand, seen coverage) {
	if len(w.nodes) > 0 && r.IntN(6) == 0 {
		w.befall(r)
	} else if name := disturbed[r.IntN(len(disturbed))]; len(w.jobs) > 0 && r.IntN(4) == 0 {
		seen.count(w, name)
		disturbances[name](w, w.jobs[r.IntN(len(w.jobs))])
	} else {
		name := acts[r.IntN(len(acts))]
		seen.count(w, name)
		users[name](w, r)
	}
	if r.IntN(2) == 0 {
		w.after(r.IntN(5), func() { something(w, r, seen) })
	}
}

// unkind has things happen to Jobs.
func unkind(w *world, seed uint64, r *rand.Rand, seen coverage) {
	calm := w.write
	odds := 2 + r.IntN(4)
	w.write = func(item workload.Item) script {
		s := calm(item)
		s.immortal = r.IntN(30) == 0
		if r.IntN(odds) == 0 {
			name := disturbed[r.IntN(len(disturbed))]
			s = s.and(1+r.IntN(14), func(w *world, job *simJob) {
				seen.count(w, name)
				disturbances[name](w, job)
			})
		}
		return s
	}
}

// faults has the API server refuse things for a while, and inputs be missing.
func faults(w *world, r *rand.Rand) {
	if r.IntN(4) == 0 {
		w.absent["r"], w.absent["s"] = true, r.IntN(2) == 0
		w.after(1+r.IntN(90), func() { w.absent = map[string]bool{} })
	}
	if r.IntN(5) == 0 {
		until, final := w.now.Add(time.Duration(r.IntN(120))*time.Second), r.IntN(4) == 0
		what := []string{"freeze", "freeze", "setup", "create a", "create b", "create a/unlisted", "create a[b]", "create b[a]",
			"freeze nodes of a", "capture"}[r.IntN(10)]
		w.refuse = func(asked string) *Block {
			if asked != what || w.now.After(until) {
				return nil
			}
			return &Block{Reason: v1alpha1.ReasonNameConflict, Message: "it exists", Final: final}
		}
	}
	if r.IntN(10) == 0 {
		w.refuseStore = func() *Block {
			return &Block{Reason: v1alpha1.ReasonQuotaExceeded, Message: "exceeded quota", Final: w.second()%2 == 0}
		}
	}
}
