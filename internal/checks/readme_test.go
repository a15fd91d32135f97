// Package checks holds the pages about the checks against the checks. It must import no check.
package checks

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/validation-operator/validation-operator/internal/gotest"
)

var (
	function = regexp.MustCompile(`(?m)^func (Test[A-Z]\w+)\(t \*testing\.T\)`)
	row      = regexp.MustCompile(`(?m)^\| (Test\w+) \|`)
	section  = regexp.MustCompile("(?m)^## (Test\\w+) \\(`([-a-z0-9]+)`\\)|^\\| `([-a-z0-9]+)` \\| (Test\\w+) \\|")
)

// written are the checks that the code has, but for those of constraints, by name.
func written(t *testing.T) map[string]bool {
	t.Helper()
	checks := map[string]bool{}
	for _, phase := range []string{"readiness", "deployment", "performance", "conformance"} {
		files, err := filepath.Glob(filepath.Join(phase, "*_test.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%d files in %s, %v", len(files), phase, err)
		}
		for _, file := range files {
			for _, match := range function.FindAllStringSubmatch(page(t, file), -1) {
				checks[match[1]] = match[1] != "TestConstraints"
			}
		}
	}
	return checks
}

func page(t *testing.T, path ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestEveryCheckIsOnThePages(t *testing.T) {
	checks := written(t)
	listed, explained := map[string]bool{}, map[string]bool{}
	for _, match := range row.FindAllStringSubmatch(page(t, "README.md"), -1) {
		listed[match[1]] = true
		if _, found := checks[match[1]]; !found {
			t.Errorf("README.md has a row of %s, and there is no such check", match[1])
		}
	}
	for _, phase := range []string{"readiness", "deployment", "performance", "conformance"} {
		for _, match := range section.FindAllStringSubmatch(page(t, phase, "README.md"), -1) {
			test, name := match[1]+match[4], match[2]+match[3]
			explained[test] = true
			if _, found := checks[test]; !found || name != gotest.CheckName(test) {
				t.Errorf("%s/README.md has %s as %s; among the checks: %t, by the name %s", phase, test, name, found, gotest.CheckName(test))
			}
		}
	}
	for check, wanted := range checks {
		if wanted && (!listed[check] || !explained[check]) {
			t.Errorf("%s has a row: %t, and a section: %t", check, listed[check], explained[check])
		}
	}
}

// Rights that a check names are those that the samples grant: each check is named there.
func TestEveryCheckWithRightsIsInTheSample(t *testing.T) {
	access := page(t, "..", "..", "config", "samples", "access", "access.yaml")
	none := map[string]bool{"TestAccessDenied": true, "TestAnonymousDenied": true}
	for check, wanted := range written(t) {
		if wanted && !none[check] && !strings.Contains(access, check) {
			t.Errorf("config/samples/access/access.yaml does not name %s", check)
		}
	}
	for _, named := range regexp.MustCompile(`Test[A-Z]\w+`).FindAllString(access, -1) {
		if _, found := written(t)[named]; !found && named != "TestCapture" {
			t.Errorf("config/samples/access/access.yaml names %s, and there is no such check", named)
		}
	}
}
