package verdict

import (
	"fmt"
	"slices"
	"strings"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/gotest"
)

// MatchChecks returns the tests that checks name, of all those that the binary lists. Each check has to name exactly one.
func MatchChecks(checks, listed []string) ([]string, *Trouble) {
	var names, wrong []string
	for _, check := range checks {
		switch matched := gotest.MatchCheck(check, listed); len(matched) {
		case 0:
			wrong = append(wrong, unknownCheck(check, listed))
		case 1:
			if !slices.Contains(names, matched[0]) {
				names = append(names, matched[0])
			}
		default:
			wrong = append(wrong, fmt.Sprintf("%s is ambiguous, being %s", check, strings.Join(matched, " and ")))
		}
	}
	if len(wrong) == 0 {
		return names, nil
	}
	message := list(wrong)
	if known := knownChecks(listed); len(known) > 0 {
		message += "; this binary has the checks " + some(known, maxKnown)
	} else {
		message += "; this binary has no checks"
	}
	return nil, &Trouble{Reason: v1alpha1.ReasonCheckNotFound, Message: message}
}

// maxKnown is how many checks a message lists.
const maxKnown = 40

func knownChecks(listed []string) []string {
	var out []string
	for _, test := range listed {
		if name := gotest.CheckName(test); name != "" {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func unknownCheck(check string, listed []string) string {
	text := fmt.Sprintf("there is no check %.80q", check)
	if near := nearest(check, knownChecks(listed)); near != "" {
		text += fmt.Sprintf(", did you mean %s?", near)
	}
	return text
}

// nearest is the name that may have been meant, empty where none is near enough.
func nearest(name string, known []string) string {
	if len(name) > 200 {
		return ""
	}
	best, least := "", max(2, len(name)/3)+1
	for _, k := range known {
		if d := distance(strings.ToLower(name), k); d < least {
			best, least = k, d
		}
	}
	return best
}

// distance is how many letters have to be put in, left out or replaced to get from one name to the other.
func distance(a, b string) int {
	from, to := []rune(a), []rune(b)
	row := make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i, r := range from {
		diagonal := row[0]
		row[0] = i + 1
		for j, s := range to {
			replaced := diagonal
			if r != s {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(to)]
}

// selectChecks makes the named checks the tests that have to end, and nothing else.
func (c *trial) selectChecks() {
	if len(c.goTest.Checks) == 0 {
		return
	}
	g := *c.goTest
	c.goTest = &g
	all := g.All
	if all == nil {
		all = g.Manifest
	}
	if all == nil {
		return
	}
	names, trouble := MatchChecks(g.Checks, all)
	if g.Manifest, c.unknown = names, trouble; trouble != nil {
		g.Manifest = []string{}
	}
	g.All, g.Listed = all, max(g.Listed, len(all))
}

// checkNotFound: no disturbance explains that a check is not in the binary's list.
func (c *trial) checkNotFound() (string, string) {
	if c.unknown == nil {
		return "", ""
	}
	return c.unknown.Reason, c.unknown.Message
}

// unlistable: without a list nobody knows which tests the checks are.
func (c *trial) unlistable() (string, string) {
	if len(c.goTest.Checks) == 0 || c.goTest.Manifest != nil {
		return "", ""
	}
	if c.goTest.ListLost != "" {
		return v1alpha1.ReasonEvidenceIncomplete, c.noList() + "; without it the checks cannot be told: " + list(c.goTest.Checks)
	}
	return v1alpha1.ReasonListFailed, "the binary gave no list of its tests, without which its checks cannot be told: " + list(c.goTest.Checks)
}

// noList says why there is no manifest.
func (c *trial) noList() string {
	if c.goTest.ListLost != "" {
		return "the list of tests could not be read: " + c.goTest.ListLost
	}
	return "the binary gave no list"
}
