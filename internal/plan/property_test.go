package plan

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

var sequences = flag.Int("sequences", 500, "how many random lives are lived, each from its own seed")

// Whatever happens in whatever order, what world.check says holds at every step, and every run comes to rest.
func TestAnyLife(t *testing.T) {
	verdicts := map[v1alpha1.Verdict]int{}
	for seed := range uint64(*sequences) {
		w := randomWorld(t, rand.New(rand.NewPCG(seed, 1)))
		w.live()
		verdicts[w.run.Status.Verdict]++
		if t.Failed() {
			t.Fatalf("seed %d\n%s", seed, w.said.String())
		}
	}
	for _, v := range []v1alpha1.Verdict{v1alpha1.VerdictPassed, v1alpha1.VerdictFailed, v1alpha1.VerdictError, v1alpha1.VerdictSkipped, ""} {
		if *sequences >= 500 && verdicts[v] == 0 {
			t.Errorf("the lives are not varied enough: none of %d ended with verdict %q", *sequences, v)
		}
	}
}

// An operator that is killed at any step, before it could write status, comes to the same outcome.
func TestAnyLifeWithAnOperatorThatIsKilled(t *testing.T) {
	for seed := range uint64(*sequences / 3) {
		calm := calmWorld(t, rand.New(rand.NewPCG(seed, 2)))
		calm.live()
		killed := calmWorld(t, rand.New(rand.NewPCG(seed, 2)))
		dice := rand.New(rand.NewPCG(seed, 3))
		killed.loses = func() bool { return dice.IntN(3) == 0 }
		killed.restarts = true
		killed.live()
		if got, want := outcome(killed), outcome(calm); got != want {
			t.Errorf("seed %d: killed, it ends with\n%s\nand undisturbed with\n%s", seed, got, want)
		}
		if t.Failed() {
			t.Fatalf("seed %d\n%s\n%s", seed, calm.said.String(), killed.said.String())
		}
	}
}

func outcome(w *world) (out string) {
	out = string(w.run.Status.Verdict)
	for _, p := range w.run.Status.Phases {
		out += fmt.Sprintf("\n%s %s %s %q %+v", p.Name, p.State, p.Reason, p.Message, p.Summary)
	}
	return out
}

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
	func(r *rand.Rand) script { return waits(rejected("UnexpectedAdmissionError", "no healthy devices"), 0) },
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
var disturbances = []func(*world, *simJob){
	func(w *world, job *simJob) { w.stop(job) },
	func(w *world, job *simJob) { w.remove(job) },
	func(w *world, job *simJob) {
		for _, pod := range job.pods {
			w.terminate(job, pod)
		}
	},
	func(w *world, job *simJob) { w.removePod(job) },
	func(w *world, job *simJob) { w.bind(job) },
	func(w *world, job *simJob) { job.logNeverEnds = true },
	func(w *world, job *simJob) {
		for _, pod := range job.pods {
			disrupted(w.second(), "DeletionByTaintManager", "taint")(pod)
			w.terminate(job, pod)
		}
	},
	func(w *world, job *simJob) {
		for _, pod := range job.pods {
			injected(runningSince(1))(pod)
		}
	},
}

// calmWorld is a run whose phases meet nothing but their own scripts.
func calmWorld(t *testing.T, r *rand.Rand) *world {
	some := func() metav1.Duration {
		return metav1.Duration{Duration: time.Duration(1+r.IntN(2))*time.Minute + time.Second/4}
	}
	var phases []v1alpha1.Phase
	scripts := map[string]script{}
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
		phases = append(phases, p)
		life := lives[r.IntN(len(lives))]
		if r.IntN(2) == 0 {
			life = lives[r.IntN(3)]
		}
		scripts[p.Name] = life(r)
	}
	w := newWorld(t, phases...)
	w.scripts = scripts
	// Everything else happens at whole seconds: no outcome hangs on what comes first within one instant.
	w.run.Spec.Timeout = &metav1.Duration{Duration: time.Duration(2+r.IntN(20))*time.Minute + time.Second/2}
	return w
}

// randomWorld is a run that anything may happen to.
func randomWorld(t *testing.T, r *rand.Rand) *world {
	w := calmWorld(t, r)
	for name, s := range w.scripts {
		s.immortal = r.IntN(20) == 0
		w.scripts[name] = s
		if r.IntN(3) == 0 {
			disturb := disturbances[r.IntN(len(disturbances))]
			w.scripts[name] = s.and(1+r.IntN(20), disturb)
		}
	}
	if r.IntN(4) == 0 {
		w.missing = "recipe: ConfigMap r does not exist"
		w.after(1+r.IntN(90), func() { w.missing = "" })
	}
	if r.IntN(6) == 0 {
		until, final := w.now.Add(time.Duration(r.IntN(120))*time.Second), r.IntN(4) == 0
		what := []string{"setup", "create a", "create b", "create a/unlisted"}[r.IntN(4)]
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
	for range r.IntN(3) {
		w.after(r.IntN(200), func() {
			w.edit(func(s *v1alpha1.ValidationRunSpec) {
				if s.Trigger += "+"; r.IntN(3) == 0 {
					s.Trigger = s.Trigger[:len(s.Trigger)-1]
				}
			})
		})
	}
	if r.IntN(6) == 0 {
		w.after(r.IntN(100), w.delete)
	}
	switch r.IntN(4) {
	case 0:
		w.restarts = true
	case 1:
		w.loses, w.outage = func() bool { return r.IntN(4) == 0 }, r.IntN(8)
	}
	return w
}
