package constraint

import (
	"cmp"
	"fmt"
	"time"
)

// HoldsForDuration reports whether the actual duration is what the expression demands.
func HoldsForDuration(expression string, actual time.Duration) (bool, error) {
	op, operand, err := split(expression)
	if err != nil {
		return false, fmt.Errorf("reading constraint %q: %w", expression, err)
	}
	wanted, err := time.ParseDuration(operand)
	if err != nil {
		return false, fmt.Errorf("reading constraint %q: %q is no duration; write for example \"<= 1s\"", expression, operand)
	}
	if wanted <= 0 {
		return false, fmt.Errorf("reading constraint %q: a duration that is compared with must be positive", expression)
	}
	return op.holds(cmp.Compare(actual, wanted)), nil
}
