package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/validation-operator/validation-operator/internal/verdict"
)

// ctrfSchema is the published schema, nil where no copy of it lies beside the repository.
var ctrfSchema = sync.OnceValues(func() (*jsonschema.Schema, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil || dir == filepath.Dir(dir) {
			break
		}
	}
	path := filepath.Join(dir, "..", "shared", "data", "ctrf.schema.json")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	return compiler.Compile(path)
})

// checkCTRF holds ctrf.json against the schema, where there is one, against what the format requires, and against the result: each
// test is in it, and it is red where the result is not proven.
func checkCTRF(t *testing.T, text []byte, r Result) {
	t.Helper()
	schema, err := ctrfSchema()
	if err != nil {
		t.Fatal(err)
	}
	if schema != nil {
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("ctrf.json is not valid: %v", err)
		}
	}
	for _, path := range [][]string{
		{"reportFormat"}, {"specVersion"}, {"results", "tool", "name"}, {"results", "tests"}, {"results", "summary", "tests"},
		{"results", "summary", "passed"}, {"results", "summary", "failed"}, {"results", "summary", "skipped"},
		{"results", "summary", "pending"}, {"results", "summary", "other"}, {"results", "summary", "start"}, {"results", "summary", "stop"},
	} {
		requireJSON(t, text, path)
	}
	var got ctrfReport
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&got); err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, c := range got.Results.Tests {
		if c.Name == "" || c.Duration < 0 || !slices.Contains([]string{"passed", "failed", "skipped", "other"}, c.Status) {
			t.Errorf("not a test of the format: %+v", c)
		}
		counts[c.Status]++
	}
	i := 0
	for _, p := range r.Phases {
		for _, test := range p.Tests {
			if c := got.Results.Tests[i]; c.Name != orNoName(test.Name) || c.RawStatus != string(test.Status) {
				t.Errorf("test %s, %s is %s, %s", test.Name, test.Status, c.Name, c.RawStatus)
			}
			i++
		}
		for i < len(got.Results.Tests) && strings.HasPrefix(got.Results.Tests[i].Name, "phase "+p.Name) {
			i++ // the phase, and its Jobs without tests
		}
	}
	want := ctrfSummary{
		Tests: len(got.Results.Tests), Passed: counts["passed"], Failed: counts["failed"], Skipped: counts["skipped"], Other: counts["other"],
	}
	s := got.Results.Summary
	if diff := cmp.Diff(want, ctrfSummary{
		Tests: s.Tests, Passed: s.Passed, Failed: s.Failed, Skipped: s.Skipped, Pending: s.Pending, Other: s.Other,
	}); diff != "" {
		t.Errorf("the summary is not that of the tests (-want +got):\n%s", diff)
	}
	if got, want := s.Failed+s.Other > 0, !proven(r); got != want {
		t.Errorf("red is %v, want %v: %d failed, %d other", got, want, s.Failed, s.Other)
	}
}

// requireJSON is what a schema says with "required".
func requireJSON(t *testing.T, text []byte, path []string) {
	t.Helper()
	for _, key := range path {
		var object map[string]json.RawMessage
		if err := json.Unmarshal(text, &object); err != nil {
			t.Fatalf("%q: %v", path, err)
		}
		if text = object[key]; text == nil {
			t.Errorf("%q is missing", path)
			return
		}
	}
}

// proven says whether each phase, each test and the run as a whole passed or skipped.
func proven(r Result) bool {
	if r.Verdict != "Passed" && (r.Verdict != "Skipped" || r.Rejected) {
		return false
	}
	return !slices.ContainsFunc(r.Phases, func(p Phase) bool {
		bad := func(i ItemOutcome) bool { return i.State != "Passed" && i.State != "Skipped" }
		return p.State != "Passed" && p.State != "Skipped" || slices.ContainsFunc(p.Items, bad) || slices.ContainsFunc(p.Tests, func(t Test) bool {
			return t.Status != verdict.Passed && t.Status != verdict.Skipped
		})
	})
}

func TestCTRFOfARetriedPhase(t *testing.T) {
	text, err := marshalCTRF(attemptOf("Passed", flakyPhase()))
	if err != nil {
		t.Fatal(err)
	}
	var got ctrfReport
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	latency := got.Results.Tests[1]
	want := []ctrfAttempt{
		{Attempt: 1, Status: "other", Message: "TestIncomplete"},
		{Attempt: 2, Status: "other", Message: "ImagePullFailed"},
	}
	if diff := cmp.Diff(want, latency.RetryAttempts); diff != "" || !latency.Flaky || latency.Retries != 2 || latency.Status != "passed" {
		t.Errorf("got %+v; want a flaky test with two retries, attempts (-want +got):\n%s", latency, diff)
	}
	if got.Results.Summary.Flaky != 2 || got.Results.Summary.Other != 0 {
		t.Errorf("got %+v; want 2 flaky tests, and attempts that count nowhere", got.Results.Summary)
	}
}
