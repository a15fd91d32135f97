package verdict

import (
	"slices"

	"github.com/validation-operator/validation-operator/internal/gotest"
)

// selects is what run says.
func selects(pattern string) change { return func(e *Evidence) { e.GoTest.Run = pattern } }

// only has the binary run no other top-level tests than these.
func only(names ...string) change {
	return func(e *Evidence) {
		manifest(names...)(e)
		for _, name := range []string{"TestA", "TestB", "TestC"} {
			if !slices.Contains(names, name) {
				unseen(name)(e)
			}
		}
	}
}

// subtestStories are about tests that ran only for the sake of some of their subtests.
var subtestStories = []story{
	{"a test that ran for its subtests and had none", evidence(only("TestA"), selects("TestA/x")), "Error", "NoTests"},
	{"a test that ran for its subtests", evidence(only("TestB"), selects("TestB/x")), "Passed", ""},
	{"a test that ran for its subtests, which all skipped", evidence(only("TestB"), selects("TestB/x"), saw("TestB/x", gotest.Skip)),
		"Skipped", "NothingApplicable"},
	{"a test that ran for its subtests, and skipped itself", evidence(only("TestB", "TestC"), selects("Test[BC]/x")), "Passed", ""},
	{"a test that ran for its subtests, and failed before them", evidence(only("TestA"), selects("TestA/x"), saw("TestA", gotest.Fail)),
		"Failed", "TestsFailed"},
	{"a test that ran for subtests of a subtest, which has none", evidence(only("TestB"), selects("TestB/x/renamed")), "Error", "NoTests"},
	{"a test that ran for subtests of a subtest", evidence(only("TestB"), selects("TestB/x/deep"), saw("TestB/x/deep", gotest.Pass)),
		"Passed", ""},
	{"a test that ran for subtests of a subtest, which skipped itself", evidence(only("TestB"), selects("TestB/x|TestB/y/deep")), "Passed", ""},
	{"one of two subtests that were selected is not there", evidence(only("TestB"), selects("TestB/x|TestB/renamed")), "Error", "NoTests"},
	{"some of what was selected is not there, in several tests", evidence(saw("TestA/z", gotest.Pass), selects("TestA/z|Test[AB]/x|TestC|Test[AB]/renamed")),
		"Error", "NoTests"},
	{"a pattern that fits more than one test, and each has something", evidence(saw("TestA/z", gotest.Pass), selects("Test[AB]/z|TestB/x|TestC")),
		"Passed", ""},
	{"a pattern that nobody can read", evidence(selects("TestA/(")), "Error", "NoTests"},
	{"subtests are missing, and some are not kept", evidence(only("TestA"), selects("TestA/x"),
		func(e *Evidence) { e.GoTest.Stream.BeyondSubtests = gotest.Tally{Started: 1, Passed: 1} }), "Error", "InvalidSpec"},
	{"subtests are missing, and names are not kept whole", evidence(only("TestA"), selects("TestA/x"), anomaly(gotest.LongName, 1)),
		"Error", "InvalidSpec"},
	{"subtests are missing, and a part of the log", evidence(only("TestA"), selects("TestA/x"), logMissing("40 lines")),
		"Error", "EvidenceIncomplete"},
	{"a test that ran for its subtests and had none, without a list", evidence(only("TestA"), noManifest, expected(1), selects("TestA/x")),
		"Error", "NoTests"},
	{"a test that ran for its subtests, without a list", evidence(only("TestB"), noManifest, expected(1), selects("TestB/x")), "Passed", ""},
	{"a test that is not kept may have run for subtests", evidence(only("TestB"), noManifest, expected(2), selects("TestB/x|TestC/x"),
		beyond(gotest.Tally{Started: 1, Passed: 1})), "Error", "InvalidSpec"},
	{"a test that is not kept, and all of it was selected", evidence(only("TestB"), noManifest, expected(2), selects("Test[BC]"),
		beyond(gotest.Tally{Started: 1, Passed: 1})), "Passed", ""},
	{"subtests are there, and some are not kept", evidence(only("TestB"), selects("TestB/x"),
		func(e *Evidence) { e.GoTest.Stream.BeyondSubtests = gotest.Tally{Started: 1, Passed: 1} }), "Passed", ""},
}
