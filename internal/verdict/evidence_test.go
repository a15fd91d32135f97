package verdict

import (
	"slices"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/gotest"
)

// change is one difference from evidence that proves a pass.
type change func(*Evidence)

// evidence proves that a phase has passed, and is then changed: TestA and TestB passed, the latter with subtests, and TestC
// skipped.
func evidence(changes ...change) Evidence {
	e := Evidence{
		Exit: &Exit{Reason: "Completed"},
		GoTest: &GoTest{
			Stream: gotest.Result{
				Framing: gotest.Marked, Overall: gotest.Pass, Lines: 20, Bytes: 400,
				Tests: []gotest.Test{
					test("TestA", gotest.Pass), test("TestB", gotest.Pass), test("TestB/x", gotest.Pass), test("TestB/y", gotest.Skip),
					test("TestC", gotest.Skip),
				},
			},
			Manifest: []string{"TestA", "TestB", "TestC"}, Listed: 5,
		},
	}
	for _, c := range changes {
		c(&e)
	}
	return e
}

func test(name string, outcome gotest.Outcome) gotest.Test {
	t := gotest.Test{Name: name, Outcome: outcome, Runs: 1, Ends: 1}
	if outcome == gotest.Unended {
		t.Ends = 0
	}
	return t
}

// saw sets what the stream showed of a test, adding it if need be.
func saw(name string, outcome gotest.Outcome) change {
	return func(e *Evidence) {
		tests := &e.GoTest.Stream.Tests
		if i := slices.IndexFunc(*tests, func(t gotest.Test) bool { return t.Name == name }); i >= 0 {
			(*tests)[i] = test(name, outcome)
			return
		}
		*tests = append(*tests, test(name, outcome))
	}
}

// unseen takes tests out of the stream, with their subtests.
func unseen(names ...string) change {
	return func(e *Evidence) {
		e.GoTest.Stream.Tests = slices.DeleteFunc(e.GoTest.Stream.Tests, func(t gotest.Test) bool {
			return slices.ContainsFunc(names, func(name string) bool { return t.Name == name || slices.Contains(parents(t.Name), name) })
		})
	}
}

func witnessed(name string) change {
	return func(e *Evidence) { e.GoTest.Witness.Tests = append(e.GoTest.Witness.Tests, test(name, gotest.Fail)) }
}

func overall(o gotest.Outcome) change { return func(e *Evidence) { e.GoTest.Stream.Overall = o } }

func panicked(p gotest.Panic) change { return func(e *Evidence) { e.GoTest.Stream.Panic = &p } }

func beyond(t gotest.Tally) change { return func(e *Evidence) { e.GoTest.Stream.Beyond = t } }

func exit(code int32) change {
	return func(e *Evidence) { e.Exit = &Exit{Code: code, Reason: "Error"} }
}

func unmarked(e *Evidence) { e.GoTest.Stream.Framing = gotest.Unmarked }

func noExit(e *Evidence) { e.Exit = nil }

func trouble(reason, message string) change {
	return func(e *Evidence) { e.Trouble = &Trouble{Reason: reason, Message: message} }
}

func logMissing(what string) change { return func(e *Evidence) { e.GoTest.LogMissing = what } }

func manifest(names ...string) change {
	return func(e *Evidence) { e.GoTest.Manifest = append([]string{}, names...) }
}

func noManifest(e *Evidence) { e.GoTest.Manifest, e.GoTest.Listed = nil, 0 }

func listLost(why string) change { return func(e *Evidence) { e.GoTest.ListLost = why } }

func expected(n int) change { return func(e *Evidence) { e.GoTest.ExpectedTests = n } }

func denySkips(e *Evidence) { e.GoTest.DenySkips = true }

// died is what a binary leaves that did not come to its end.
func died(code int32) change {
	return func(e *Evidence) {
		overall(gotest.Unended)(e)
		exit(code)(e)
	}
}

// troubles are all that can befall a pod.
var troubles = []string{
	v1alpha1.ReasonOOMKilled, v1alpha1.ReasonEvicted, v1alpha1.ReasonPreempted, v1alpha1.ReasonNodeShutdown, v1alpha1.ReasonNodeLost,
	v1alpha1.ReasonPodDeleted, v1alpha1.ReasonJobDeleted, v1alpha1.ReasonPodReplaced, v1alpha1.ReasonDeadlineExceeded,
	v1alpha1.ReasonRunTimeout, v1alpha1.ReasonStartFailed,
}
