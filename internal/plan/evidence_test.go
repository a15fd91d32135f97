package plan

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

// Of several pods the one that was there first is judged by, whatever their names.
func TestTheFirstPodIsTheOneThatStartedFirst(t *testing.T) {
	pod := func(name string, second int) Pod {
		p := Pod{Name: name}
		if second >= 0 {
			p.Started = epoch.Add(time.Duration(second) * time.Second)
		}
		return p
	}
	tests := map[string]struct {
		pods []Pod
		want string
	}{
		"one":                            {[]Pod{pod("a", -1)}, "a"},
		"in order":                       {[]Pod{pod("a", 1), pod("b", 2)}, "a"},
		"the other way round":            {[]Pod{pod("a", 2), pod("b", 1)}, "b"},
		"one that was never started":     {[]Pod{pod("a", -1), pod("b", 9)}, "b"},
		"the other was never started":    {[]Pod{pod("a", 9), pod("b", -1)}, "a"},
		"three":                          {[]Pod{pod("a", 3), pod("b", 1), pod("c", 2)}, "b"},
		"none was ever started":          {[]Pod{pod("a", -1), pod("b", -1)}, "a"},
		"at once, and the first in line": {[]Pod{pod("a", 1), pod("b", 1)}, "a"},
	}
	for name, test := range tests {
		if got := (&Job{Pods: test.pods}).first().Name; got != test.want {
			t.Errorf("%s: it is %s, want %s", name, got, test.want)
		}
	}
}

// A pattern that testing cannot read selects nothing, and nothing passes by it.
func TestAPatternThatCannotBeReadIsAnError(t *testing.T) {
	p := goPhase("a")
	p.GoTest.Run = "Test("
	w := newWorld(t, goPhase("a"))
	w.scripts = map[string]script{"a": runs("pass TestA")}
	seen, item := w.untilKept("a")
	seen.Kept = nil
	w.run.Spec.Phases[0] = p
	d := w.decide(seen)
	if got, want := endOf(&d, item), "Error InvalidSpec: run: "; !strings.HasPrefix(got, want) {
		t.Errorf("it is %s, want %s", got, want)
	}
}

// A list of tests that could not be read is lost evidence, which is retried, and no fault of the binary. A number of tests does without it.
func TestAListThatIsLost(t *testing.T) {
	const lost = "Error EvidenceIncomplete: "
	retried, counted := goPhase("a"), goPhase("a")
	retried.Retries, counted.GoTest.ExpectedTests = new(int32(1)), new(int32(1))
	gone := func(p *Pod) { p.Listing, p.Gone = Listing{}, true }
	down := func(p *Pod) { p.Listing = Listing{Lost: "its end could not be read: connection refused"} }
	tests := map[string]struct {
		phase  v1alpha1.Phase
		script script
		change func(*Pod)
		want   string
	}{
		"of tests": {goPhase("a"), runs("pass TestA"), down, lost + "nothing says which tests there have to be: the list of tests could not be read: " +
			"its end could not be read: connection refused, and expectedTests is not set"},
		"of checks": {checksOf("a", "one"), runs("pass TestOne"), down, lost + "the list of tests could not be read: its end could not be read: " +
			"connection refused; without it the checks cannot be told: one"},
		"of tests, whose pod is gone":   {goPhase("a"), runs("pass TestA"), gone, lost + "nothing says which tests there have to be: the list of tests could not be read"},
		"of checks, whose pod is gone":  {checksOf("a", "one"), runs("pass TestOne"), gone, lost + "the list of tests could not be read: "},
		"of tests, one of which failed": {goPhase("a"), runs("fail TestA"), down, "Failed TestsFailed: "},
		"of so many tests":              {counted, runs("pass TestA"), down, "Passed"},
		"of tests, to be retried":       {retried, runs("pass TestA"), down, "Running EvidenceIncomplete: retry 1 of 1"},
		"that the binary did not give":  {checksOf("a", "one"), runs("pass TestOne"), func(p *Pod) { p.Listing = Listing{Failed: "it is too long"} }, "Error ListFailed: "},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, test.phase)
			w.scripts = map[string]script{v1alpha1.PhasePreflight: test.script, "a": test.script}
			seen, item := w.untilKept("a")
			seen.Kept = nil
			for i := range seen.Jobs {
				if seen.Jobs[i].Item == item {
					test.change(&seen.Jobs[i].Pods[0])
				}
			}
			d := w.decide(seen)
			if got := endOf(&d, item); !strings.HasPrefix(got, test.want) {
				t.Errorf("it is\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

// Evidence names the image of the phase where it has one of its own.
func TestEvidenceNamesTheImage(t *testing.T) {
	w := newWorld(t, goPhase("a"), goPhase("b", after(), func(p *v1alpha1.Phase) {
		p.Validator = &v1alpha1.PhaseValidator{Image: new("example.test/b:2")}
	}))
	w.scripts = map[string]script{"a": runs("pass TestA"), "b": runs("pass TestB")}
	got := map[string]string{}
	for _, name := range []string{"a", "b"} {
		seen, item := w.untilKept(name)
		got[name] = seen.Kept[item].Image
	}
	if diff := cmp.Diff(map[string]string{"a": "example.test/v:1", "b": "example.test/b:2"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A node is unfit for what it is now, and for good for what it was when the phase began.
func TestUnfitNodes(t *testing.T) {
	frozen := Nodes{Nodes: []Node{{Name: "fit"}, {Name: "cordoned", Cordoned: true}, {Name: "down", NotReady: true}}}
	now := func(nodes ...Node) map[string]Node {
		out := map[string]Node{}
		for _, n := range nodes {
			out[n.Name] = n
		}
		return out
	}
	tests := map[string]struct {
		node    string
		present map[string]Node
		want    string
	}{
		"any":                         {"", now(), ""},
		"fit":                         {"fit", now(Node{Name: "fit"}), ""},
		"nobody may look":             {"fit", nil, ""},
		"gone":                        {"fit", now(Node{Name: "x"}), "NodeLost!: node fit has left the cluster"},
		"gone, and it was cordoned":   {"cordoned", now(), "NodeLost!: node cordoned has left the cluster"},
		"cordoned meanwhile":          {"fit", now(Node{Name: "fit", Cordoned: true}), "NodeUnschedulable: node fit is cordoned"},
		"down meanwhile":              {"fit", now(Node{Name: "fit", NotReady: true}), "NodeNotReady: node fit is not ready"},
		"cordoned from the beginning": {"cordoned", now(Node{Name: "cordoned"}), "NodeUnschedulable!: node cordoned is cordoned: exclude it by nodes.exclude to leave it out"},
		"down from the beginning":     {"down", now(Node{Name: "down"}), "NodeNotReady!: node down is not ready: exclude it by nodes.exclude to leave it out"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			u := &unit{step: &step{seen: Observed{Nodes: map[string]Nodes{"a": frozen}, Present: test.present}}, node: test.node}
			u.stage = &stage{Phase: v1alpha1.Phase{Name: "a"}}
			got := ""
			if b := u.unfit(); b != nil {
				got = b.Reason + map[bool]string{true: "!"}[b.Final] + ": " + b.Message
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
	ailing := 0
	for _, n := range frozen.Nodes {
		ailing += n.Ailing()
	}
	if ailing != 2 {
		t.Errorf("%d of the nodes take no Job, want 2", ailing)
	}
}

// Each state has a letter of its own, and one that is no outcome is none of the good ones.
func TestLetters(t *testing.T) {
	want := map[v1alpha1.PhaseState]string{
		v1alpha1.PhasePassed: "P", v1alpha1.PhaseFailed: "F", v1alpha1.PhaseError: "E", v1alpha1.PhaseSkipped: "S", v1alpha1.PhaseNotRun: "N",
		v1alpha1.PhasePending: "E", v1alpha1.PhaseRunning: "E", "": "E", "OfALaterVersion": "E",
	}
	for state, letter := range want {
		if got := string(letterOf(state)); got != letter {
			t.Errorf("%q is %s, want %s", state, got, letter)
		}
	}
}

// A test that runs only for the sake of subtests that are not there proves nothing, with a list of tests and without one.
func TestSelectedSubtestsHaveToRun(t *testing.T) {
	const none = "Error NoTests: run selects subtests, and there is none of them in TestA"
	for _, test := range []struct {
		run   string
		tests []string
		want  string
	}{
		{"TestA/renamed", []string{"pass TestA"}, none},
		{"TestA/x", []string{"pass TestA", "pass TestA/x"}, "Passed"},
		{"TestA/x/renamed", []string{"pass TestA", "pass TestA/x"}, none},
		{"TestA/x/y", []string{"pass TestA", "pass TestA/x", "pass TestA/x/y"}, "Passed"},
		{"TestA/x|TestA/renamed", []string{"pass TestA", "pass TestA/x"}, none + " (by TestA/renamed)"},
		{"TestA/renamed|TestA", []string{"pass TestA"}, "Passed"},
	} {
		for name, change := range map[string]func(*v1alpha1.Phase){
			"listed":         expects(1),
			"the list fails": expects(1),
			"never listed": func(p *v1alpha1.Phase) {
				expects(1)(p)
				p.GoTest.Manifest = v1alpha1.ManifestNever
			},
		} {
			t.Run(test.run+" "+name, func(t *testing.T) {
				w := newWorld(t, goPhase("a", change, func(p *v1alpha1.Phase) { p.GoTest.Run = test.run }))
				w.scripts = map[string]script{"a": runs(test.tests...), "a/unlisted": runs(test.tests...)}
				if name == "the list fails" {
					w.scripts["a"] = script{tests: test.tests, listCode: 1}
				}
				seen, item := w.untilKept("a")
				out := seen.Kept[item]
				if got := strings.TrimSpace(string(out.State)+" "+out.Reason) + ": " + out.Message; !strings.HasPrefix(got, test.want) {
					t.Errorf("it is %s, want %s", got, test.want)
				}
			})
		}
	}
}
