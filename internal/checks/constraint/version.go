package constraint

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// Version is the numeric part of a version: two to four numbers, of which the first two are major and minor.
type Version []int

// ParseVersion reads versions as Kubernetes, its distributions and the Linux kernel write them: a leading "v" and whatever
// follows a "-", "+" or "_" are not compared, so v1.33.1-eks-1b3e656 and 1.33.1 are equal.
func ParseVersion(s string) (Version, error) {
	number := strings.TrimPrefix(strings.TrimSpace(s), "v")
	if i := strings.IndexAny(number, "-+_"); i >= 0 {
		number = number[:i]
	}
	parts := strings.Split(number, ".")
	if len(parts) < 2 || len(parts) > 4 {
		return nil, fmt.Errorf("%q is no version; a version has two to four numbers, such as 1.32.4", s)
	}
	version := make(Version, len(parts))
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 31)
		if err != nil {
			return nil, fmt.Errorf("%q is no version: %q is no number", s, part)
		}
		version[i] = int(n)
	}
	return version, nil
}

// Compare is the order of two versions at the precision of wanted: 1.32.4 compared with 1.32 is equal. Numbers that the
// actual version does not have count as 0.
func (v Version) Compare(wanted Version) int {
	for i, want := range wanted {
		actual := 0
		if i < len(v) {
			actual = v[i]
		}
		if order := cmp.Compare(actual, want); order != 0 {
			return order
		}
	}
	return 0
}

// HoldsForVersion reports whether the actual version is what the expression demands.
func HoldsForVersion(expression, actual string) (bool, error) {
	op, operand, err := split(expression)
	if err != nil {
		return false, fmt.Errorf("reading constraint %q: %w", expression, err)
	}
	wanted, err := ParseVersion(operand)
	if err != nil {
		return false, fmt.Errorf("reading constraint %q: %w", expression, err)
	}
	version, err := ParseVersion(actual)
	if err != nil {
		return false, fmt.Errorf("reading the actual version: %w", err)
	}
	return op.holds(version.Compare(wanted)), nil
}

// Skew says what is wrong with a kubelet's version beside its API server's, or nothing: a kubelet may be up to three minor
// versions older than the API server and never newer, which is the version skew policy of Kubernetes.
func Skew(server, kubelet string) error {
	const supported = 3
	s, err := ParseVersion(server)
	if err != nil {
		return fmt.Errorf("reading the API server's version: %w", err)
	}
	k, err := ParseVersion(kubelet)
	if err != nil {
		return fmt.Errorf("reading the kubelet's version: %w", err)
	}
	switch minors := s[1] - k[1]; {
	case s[0] != k[0]:
		return fmt.Errorf("kubelet %s has another major version than the API server, %s", kubelet, server)
	case minors < 0:
		return fmt.Errorf("kubelet %s is newer than the API server, %s", kubelet, server)
	case minors > supported:
		return fmt.Errorf("kubelet %s is %d minor versions older than the API server, %s; %d are supported",
			kubelet, minors, server, supported)
	}
	return nil
}
