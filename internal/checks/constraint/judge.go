package constraint

import (
	"fmt"
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

// Skew says what is wrong with a kubelet's version beside its API server's, or nothing: a kubelet may be up to three minor
// versions older than the API server and never newer, which is the version skew policy of Kubernetes.
func Skew(server, kubelet string) error {
	const major, minor, supported = 0, 1, 3
	s, err := recipe.ParseVersion(server)
	if err != nil {
		return fmt.Errorf("reading the API server's version: %w", err)
	}
	k, err := recipe.ParseVersion(kubelet)
	if err != nil {
		return fmt.Errorf("reading the kubelet's version: %w", err)
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
