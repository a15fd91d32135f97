package recipe

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

const (
	// maxNamed is how many names a message lists, and maxSuggested how many of them it suggests.
	maxNamed     = 8
	maxSuggested = 3
	// maxCandidates and maxCandidate bound what a suggestion may cost.
	maxCandidates = 500
	maxCandidate  = 64
)

// nearest returns up to limit of the known names that somebody may have meant, the likeliest first.
func nearest(name string, known []string, limit int) []string {
	if len(name) > maxCandidate {
		return nil
	}
	type candidate struct {
		name  string
		edits int
	}
	allowed := min(2, len(name)/2)
	var candidates []candidate
	for _, k := range known[:min(len(known), maxCandidates)] {
		if len(k) > maxCandidate || len(k)-len(name) > allowed || len(name)-len(k) > allowed {
			continue
		}
		if edits := distance(strings.ToLower(name), strings.ToLower(k), allowed); edits <= allowed {
			candidates = append(candidates, candidate{k, edits})
		}
	}
	slices.SortStableFunc(candidates, func(a, b candidate) int { return cmp.Compare(a.edits, b.edits) })
	var names []string
	for _, c := range candidates[:min(len(candidates), limit)] {
		names = append(names, c.name)
	}
	return names
}

// intended is the known name that a wrong one stands for, also as its beginning; empty if there is no telling.
func intended(name string, known []string) string {
	if near := nearest(name, known, 1); len(near) > 0 {
		return near[0]
	}
	const enough = 4
	for _, k := range known {
		if len(name) >= enough && strings.HasPrefix(strings.ToLower(k), strings.ToLower(name)) {
			return k
		}
	}
	return ""
}

// distance is the number of bytes that are inserted, deleted or replaced to make b of a, or more than allowed if it is that.
func distance(a, b string, allowed int) int {
	// What begins and ends alike costs nothing, and what is far apart is given up early.
	for a != "" && b != "" && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for a != "" && b != "" && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
		if slices.Min(row) > allowed {
			return allowed + 1
		}
	}
	return row[len(b)]
}

// named lists names for a message: as many as fit, and how many more there are.
func named(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	var shown []string
	for _, name := range names[:min(len(names), maxNamed)] {
		shown = append(shown, show(name))
	}
	list := strings.Join(shown, ", ")
	if more := len(names) - len(shown); more > 0 {
		return list + " and " + plural(more, "other")
	}
	return list
}

// plural counts things: 1 node, 2 nodes.
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
