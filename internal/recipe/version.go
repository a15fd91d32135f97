package recipe

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Version is a version as Kubernetes, its distributions, drivers and the Linux kernel write them: one to four numbers, and
// what follows them.
type Version struct {
	numbers []uint64
	// pre is nil for a release.
	pre *prerelease
	// suffix is what follows and says nothing about the order: -eks-3025e55, -1028-aws, +k3s1.
	suffix string
}

// prerelease is what makes a version come before the one that its numbers name.
type prerelease struct {
	rank    int
	numbers []uint64
}

const digits = "0123456789"

var versionShape = regexp.MustCompile(`^(v?)(\d+(?:\.\d+){0,3})([-+_][0-9A-Za-z.+_~-]*)?$`)

// stages are the names of pre-releases in the order in which they come.
var stages = map[string]int{
	"dev": 1, "snapshot": 1, "nightly": 1, "canary": 1, "next": 1,
	"alpha": 2, "beta": 3, "pre": 4, "preview": 4, "ec": 4, "rc": 5,
}

// ParseVersion reads a version of two to four numbers, or of one with a "v" before it.
func ParseVersion(s string) (Version, error) {
	s = strings.TrimSpace(s)
	v, found := parseVersion(s)
	if !found || len(v.numbers) < 2 && !strings.HasPrefix(s, "v") {
		return Version{}, fmt.Errorf("%s is no version: a version has two to four numbers, such as 1.32.4", quote(s))
	}
	return v, nil
}

// Number is the i-th number of the version, the major one being 0; one that it does not have is 0.
func (v Version) Number(i int) uint64 {
	if i >= len(v.numbers) {
		return 0
	}
	return v.numbers[i]
}

// Precision is how many numbers the version has.
func (v Version) Precision() int { return len(v.numbers) }

func parseVersion(s string) (Version, bool) {
	parts := versionShape.FindStringSubmatch(s)
	if parts == nil {
		return Version{}, false
	}
	var v Version
	for number := range strings.SplitSeq(parts[2], ".") {
		n, err := strconv.ParseUint(number, 10, 63)
		if err != nil {
			return Version{}, false
		}
		v.numbers = append(v.numbers, n)
	}
	if len(v.numbers) == 1 && parts[1] == "" && parts[3] != "" {
		return Version{}, false // 2026-01-02 is a date, and 7-zip no version
	}
	// EKS and GKE write 1.32+ for a minor version with patches of their own.
	if rest := parts[3]; rest != "+" {
		v.suffix = rest
		v.takeStage()
	}
	return v, true
}

// takeStage takes the pre-release out of the suffix. It comes first, but for numbers: -rc.1, -0.nightly-2025.
func (v *Version) takeStage() {
	before, build, _ := strings.Cut(v.suffix, "+")
	if !strings.HasPrefix(before, "-") {
		return
	}
	identifiers := strings.FieldsFunc(strings.ToLower(before), func(r rune) bool { return strings.ContainsRune("-._~", r) })
	first := slices.IndexFunc(identifiers, func(s string) bool { return strings.Trim(s, digits) != "" })
	if first < 0 {
		return
	}
	name := strings.TrimRight(identifiers[first], digits)
	rank, found := stages[name]
	if !found {
		return
	}
	v.pre = &prerelease{rank: rank}
	rest := identifiers[first+1:]
	if number := strings.TrimPrefix(identifiers[first], name); number != "" {
		rest = slices.Insert(slices.Clone(rest), 0, number)
	}
	for len(rest) > 0 {
		n, err := strconv.ParseUint(rest[0], 10, 63)
		if err != nil {
			break
		}
		v.pre.numbers, rest = append(v.pre.numbers, n), rest[1:]
	}
	v.suffix = strings.Trim(strings.Join(rest, "-")+"+"+build, "+")
}

// compare compares with a wanted version at the precision of that: 1.32.4 with 1.32 is equal. A version that has fewer numbers
// than are wanted leaves open which ones it would have.
func (v Version) compare(wanted Version) orders {
	for i, want := range wanted.numbers {
		if i >= len(v.numbers) && v.pre == nil {
			if slices.Max(wanted.numbers[i:]) == 0 && wanted.pre == nil && wanted.suffix == "" {
				return equal | greater
			}
			return less | equal | greater
		}
		if order := cmp.Compare(v.Number(i), want); order != 0 {
			return orderOf(order)
		}
	}
	if order := v.compareStage(wanted); order != equal {
		return order
	}
	if wanted.suffix != "" && wanted.suffix != v.suffix {
		return less | greater
	}
	return equal
}

// compareStage compares versions whose numbers are equal as far as wanted. A pre-release of 1.33.0 comes before 1.33, one of
// 1.33.4 does not.
func (v Version) compareStage(wanted Version) orders {
	beyond := len(v.numbers) > len(wanted.numbers) && slices.Max(v.numbers[len(wanted.numbers):]) > 0
	switch {
	case v.pre == nil && wanted.pre == nil:
		return equal
	case wanted.pre == nil && beyond:
		return equal
	case wanted.pre == nil:
		return less
	case v.pre == nil || beyond:
		return greater
	}
	if order := cmp.Compare(v.pre.rank, wanted.pre.rank); order != 0 {
		return orderOf(order)
	}
	// At the precision given here as well: rc.2 is an rc.
	actual := v.pre.numbers[:min(len(v.pre.numbers), len(wanted.pre.numbers))]
	return orderOf(slices.Compare(actual, wanted.pre.numbers))
}

// vague says why a comparison has more than one outcome.
func (v Version) vague(wanted Version) string {
	if len(v.numbers) < len(wanted.numbers) {
		return "it has fewer numbers than the recipe wants"
	}
	return "the suffixes differ, and have no order"
}
