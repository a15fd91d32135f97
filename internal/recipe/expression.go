package recipe

import "errors"

// Expression is what a constraint demands of a value.
type Expression struct{ text string }

// ParseExpression reads an expression.
func ParseExpression(s string) (Expression, error) {
	if s == "" {
		return Expression{}, errors.New("it is empty")
	}
	return Expression{text: s}, nil
}

// Holds reports whether the actual value satisfies the expression.
func (e Expression) Holds(actual string) (bool, error) { return e.text == actual, nil }
