package gotest

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// checkNames are the tests and the checks that people would name them by.
var checkNames = map[string]string{
	"TestExpectedResources":    "expected-resources",
	"TestAPILatency":           "api-latency",
	"TestLatencyOfAPI":         "latency-of-api",
	"TestDNS":                  "dns",
	"TestCRDs":                 "crds",
	"TestGPUsReady":            "gpus-ready",
	"TestPVCLifecycle":         "pvc-lifecycle",
	"TestHTTPServer2XX":        "http-server2-xx",
	"TestP99Latency":           "p99-latency",
	"TestA":                    "a",
	"Test_operator_health":     "operator-health",
	"TestOperator_Health":      "operator-health",
	"Test_OperatorHealth":      "operator-health",
	"TestÜberlast":             "überlast",
	"Test":                     "",
	"Test_":                    "",
	"TestOperator__Health":     "operator--health",
	"Testing":                  "",
	"FuzzParse":                "",
	"ExampleParse":             "",
	"BenchmarkParse":           "",
	"TestNodeToNodeReachable4": "node-to-node-reachable4",
}

func TestCheckName(t *testing.T) {
	for test, want := range checkNames {
		if got := CheckName(test); got != want {
			t.Errorf("CheckName(%q) = %q, want %q", test, got, want)
		}
	}
}

func TestMatchCheck(t *testing.T) {
	tests := []string{
		"TestExpectedResources", "TestExpected", "TestExpectedResourcesOfAll", "Test_operator_health", "TestOperatorHealth",
		"TestAPILatency", "TestResources", "FuzzExpected", "TestA",
	}
	for check, want := range map[string][]string{
		"expected-resources": {"TestExpectedResources"},
		"expected_resources": {"TestExpectedResources"},
		"expectedresources":  {"TestExpectedResources"},
		"Expected-Resources": {"TestExpectedResources"},
		"expected":           {"TestExpected"},
		"api-latency":        {"TestAPILatency"},
		"operator-health":    {"Test_operator_health", "TestOperatorHealth"},
		"a":                  {"TestA"},
		"":                   nil,
		"-":                  nil,
		".*":                 nil,
		"a|expected":         nil,
		"a/b":                nil,
		"a)|(b":              nil,
		"test-a":             nil,
		"latency":            nil,
	} {
		if diff := cmp.Diff(want, MatchCheck(check, tests)); diff != "" {
			t.Errorf("MatchCheck(%q) (-want +got):\n%s", check, diff)
		}
	}
}

// TestCheckPattern: what the pattern runs is what the checks match, neither more nor less.
func TestCheckPattern(t *testing.T) {
	if got, want := CheckPattern([]string{"expected-resources", "dns"}), "(?i)^Test_?(expected_?resources|dns)$"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	var tests []string
	for test := range checkNames {
		tests = append(tests, test)
	}
	slices.Sort(tests)
	for _, checks := range [][]string{
		nil, {""}, {"no/check"}, {"dns"}, {"dns", "api-latency"}, {"dns", "a|b", "crds"}, {"operator-health", "expected"}, {".*", "(", "[a-z]+"},
		{"a", "überlast", "http-server2-xx"},
	} {
		got, err := MatchTopLevel(CheckPattern(checks), tests)
		if err != nil {
			t.Errorf("%q: %v", checks, err)
		}
		var want []string
		for _, test := range tests {
			if slices.ContainsFunc(checks, func(check string) bool { return len(MatchCheck(check, []string{test})) > 0 }) {
				want = append(want, test)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-matched by the checks +run by the pattern):\n%s", checks, diff)
		}
	}
}
