package recipe

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestREADME holds the tables and documents of the reference against the code.
func TestREADME(t *testing.T) {
	data, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([^|]+) \\| (holds|does not|Error) \\|").FindAllStringSubmatch(string(data), -1)
	if len(rows) < 20 {
		t.Fatalf("the tables have %d rows", len(rows))
	}
	for _, row := range rows {
		for actual := range strings.SplitSeq(row[2], ", ") {
			e, err := ParseExpression(row[1])
			if err != nil {
				t.Errorf("%s: %v", row[1], err)
				continue
			}
			held, err := e.Holds(actual)
			got := map[bool]string{true: "holds", false: "does not"}[held]
			if err != nil {
				got = "Error"
			}
			if got != row[3] {
				t.Errorf("%s for %s: %s (%v), and the table says %s", row[1], actual, got, err, row[3])
			}
		}
	}
	documents := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(data), -1)
	if len(documents) != 2 {
		t.Fatalf("there are %d documents", len(documents))
	}
	if _, err := Parse([]byte(documents[0][1])); err != nil {
		t.Error(err)
	}
	if _, err := ParseSnapshot([]byte(documents[1][1])); err != nil {
		t.Error(err)
	}
}
