package recipe

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNearest(t *testing.T) {
	known := []string{"checks", "constraints", "nodeSelection", "timeout", "ID", strings.Repeat("k", 64)}
	for name, want := range map[string][]string{
		"check": {"checks"}, "CHECKS": {"checks"}, "cheks": {"checks"}, "chekcs": {"checks"}, "chckes": {"checks"},
		"constrain": {"constraints"}, "nodeselector": {"nodeSelection"}, "nodes": nil, "time": nil, "": nil, "x": nil,
		"id": {"ID"}, "IDs": {"ID"}, strings.Repeat("k", 63): {strings.Repeat("k", 64)}, strings.Repeat("k", 65): nil,
	} {
		if diff := cmp.Diff(want, nearest(name, known, 3)); diff != "" {
			t.Errorf("nearest(%q) (-want +got):\n%s", name, diff)
		}
	}
	if got := nearest("abcd", []string{"abxy", "abcx", "abc", "abcde"}, 2); cmp.Diff([]string{"abcx", "abc"}, got) != "" {
		t.Errorf("nearest = %q, want the two that are nearest", got)
	}
	if got := intended("perf", PhaseNames()); got != "performance" {
		t.Errorf("intended(perf) = %q", got)
	}
}

// TestDistance compares with the definition.
func TestDistance(t *testing.T) {
	var naive func(a, b string) int
	naive = func(a, b string) int {
		if a == "" || b == "" {
			return len(a) + len(b)
		}
		replaced := naive(a[1:], b[1:])
		if a[0] != b[0] {
			replaced++
		}
		return min(replaced, naive(a[1:], b)+1, naive(a, b[1:])+1)
	}
	words := []string{"", "a", "ab", "ba", "abc", "acb", "abcab", "bcaba", "aaa", "cabca"}
	for _, a := range words {
		for _, b := range words {
			if got, want := distance(a, b, 9), naive(a, b); got != want {
				t.Errorf("distance(%q, %q) = %d, want %d", a, b, got, want)
			}
			if got, want := distance(a, b, 1), min(naive(a, b), 2); min(got, 2) != want {
				t.Errorf("distance(%q, %q) up to 1 = %d, want %d", a, b, got, want)
			}
		}
	}
}
