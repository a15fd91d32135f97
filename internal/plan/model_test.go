package plan

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

var (
	sequences = flag.Int("sequences", manySequences, "how many random lives are lived, each from its own seed")
	firstSeed = flag.Uint64("seed", 0, "the seed of the first of them")
)

const (
	// manySequences are enough for everything that can happen to have happened in every state.
	manySequences = 2600
	// wantSteps is how many steps they take, at least.
	wantSteps = 100_000
)

// Whatever happens in whatever order, what is checked at every step holds, and every run comes to rest.
func TestAnyLife(t *testing.T) {
	steps, verdicts, seen, items := 0, map[v1alpha1.Verdict]int{}, coverage{}, map[string]int{}
	for seed := *firstSeed; seed < *firstSeed+uint64(*sequences); seed++ {
		w := randomWorld(t, seed, rand.New(rand.NewPCG(seed, 1)), seen)
		w.live()
		verdicts[w.run.Status.Verdict]++
		steps += w.book.steps
		w.countItems(items)
		if t.Failed() {
			t.Fatalf("go test -run TestAnyLife -sequences 1 -seed %d\n%s", seed, w.said.String())
		}
	}
	t.Logf("%d steps, ended with %v; items %v", steps, verdicts, items)
	if *sequences < manySequences {
		return
	}
	seen.check(t)
	for _, v := range []v1alpha1.Verdict{"Passed", "Failed", "Error", "Skipped", "Cancelled"} {
		if verdicts[v] == 0 {
			t.Errorf("no life ended with verdict %s", v)
		}
	}
	for kind := range strings.FieldsSeq("P F E S N again waiting") {
		if items[kind] < 20 {
			t.Errorf("the lives are not varied enough: %d items %s", items[kind], kind)
		}
	}
	if steps < wantSteps {
		t.Errorf("%d steps, want %d", steps, wantSteps)
	}
}

// An operator that is killed at any point of any step comes to the same outcome.
func TestAnyLifeWithAnOperatorThatIsKilled(t *testing.T) {
	for seed := *firstSeed; seed < *firstSeed+uint64(*sequences/20); seed++ {
		calm := calmWorld(t, seed, rand.New(rand.NewPCG(seed, 2)))
		calm.live()
		killed := calmWorld(t, seed, rand.New(rand.NewPCG(seed, 2)))
		dice := rand.New(rand.NewPCG(seed, 3))
		killed.dies = func() bool { return dice.IntN(6) == 0 }
		killed.restarts = true
		killed.live()
		if got, want := outcome(killed), outcome(calm); got != want {
			t.Errorf("killed, it ends with\n%s\nand undisturbed with\n%s", got, want)
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
