package constraint

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/validation-operator/validation-operator/internal/recipe"
)

// HoldsForVersion reports whether the actual version is what the expression demands.
func HoldsForVersion(expression, actual string) (bool, error) {
	wanted, err := recipe.ParseExpression(expression)
	if err != nil {
		return false, fmt.Errorf("reading constraint %q: %w", expression, err)
	}
	if _, err := recipe.ParseVersion(actual); err != nil {
		return false, fmt.Errorf("reading the actual version: %w", err)
	}
	if wanted.Operator() != "" {
		// The "v" says that versions are meant: 25.10 is after 25.3, though as a number it is less.
		actual = "v" + strings.TrimPrefix(strings.TrimSpace(actual), "v")
	}
	return wanted.Holds(actual)
}

// HoldsForDuration reports whether the actual duration is what the expression demands.
func HoldsForDuration(expression string, actual time.Duration) (bool, error) {
	wanted, err := recipe.ParseExpression(expression)
	if err != nil {
		return false, fmt.Errorf("reading constraint %q: %w", expression, err)
	}
	switch limit, err := time.ParseDuration(wanted.Operand()); {
	case err != nil:
		return false, fmt.Errorf("reading constraint %q: %q is no duration; write for example \"<= 1s\"", expression, wanted.Operand())
	case limit <= 0:
		return false, fmt.Errorf("reading constraint %q: a duration that is compared with must be positive", expression)
	case wanted.Operator() == "":
		return actual == limit, nil
	}
	return wanted.Holds(actual.String())
}

// ErrVague is what Skew returns for versions that tell nothing about each other.
var ErrVague = errors.New("the versions cannot be compared")

// Skew says what is wrong with a kubelet's version beside its API server's, or nothing: a kubelet may be up to three minor
// versions older than the API server and never newer, which is the version skew policy of Kubernetes.
func Skew(server, kubelet string) error {
	const major, minor, supported = 0, 1, 3
	s, err := recipe.ParseVersion(server)
	if err != nil {
		return fmt.Errorf("%w: reading the API server's version: %w", ErrVague, err)
	}
	k, err := recipe.ParseVersion(kubelet)
	if err != nil {
		return fmt.Errorf("%w: reading the kubelet's version: %w", ErrVague, err)
	}
	if s.Precision() <= minor || k.Precision() <= minor {
		return fmt.Errorf("%w: %s or %s has no minor version", ErrVague, server, kubelet)
	}
	switch older := int(s.Number(minor)) - int(k.Number(minor)); {
	case s.Number(major) != k.Number(major):
		return fmt.Errorf("kubelet %s has another major version than the API server, %s", kubelet, server)
	case older < 0:
		return fmt.Errorf("kubelet %s is newer than the API server, %s", kubelet, server)
	case older > supported:
		return fmt.Errorf("kubelet %s is %d minor versions older than the API server, %s; %d are supported",
			kubelet, older, server, supported)
	}
	return nil
}
