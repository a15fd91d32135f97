package v1alpha1_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The README's tables name every condition, reason and label that there is, and nothing else.
func TestREADMENamesWhatThereIs(t *testing.T) {
	data, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for _, c := range []struct{ section, prefix, file string }{
		{"Conditions", "Condition", "conditions.go"},
		{"Reasons", "Reason", "conditions.go"},
		{"Labels", "Label", "labels.go"},
	} {
		_, section, _ := strings.Cut(text, "\n## "+c.section+"\n")
		section, _, _ = strings.Cut(section, "\n## ")
		named := regexp.MustCompile("(?m)^\\| `([^`]+)` \\|")
		if c.section == "Conditions" {
			section, _, _ = strings.Cut(strings.TrimSpace(section), "\n")
			named = regexp.MustCompile("`([^`]+)`")
		}
		var got []string
		for _, match := range named.FindAllStringSubmatch(section, -1) {
			got = append(got, match[1])
		}
		slices.Sort(got)
		if diff := cmp.Diff(constants(t, c.file, c.prefix), got); diff != "" {
			t.Errorf("%s: the code (-) and the README (+) differ:\n%s", c.section, diff)
		}
	}
}

// constants are the values of a file's string constants whose names have that prefix.
func constants(t *testing.T, path, prefix string) (values []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, prefix) {
			return true
		}
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Errorf("%s: %v", spec.Names[0].Name, err)
		}
		values = append(values, value)
		return false
	})
	slices.Sort(values)
	return values
}
