package recipe

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// operator is how an expression compares. Without one it demands exactly that text.
type operator string

const (
	exactly        operator = ""
	atLeast        operator = ">="
	atMost         operator = "<="
	equals         operator = "=="
	differs        operator = "!="
	moreThan       operator = ">"
	lessThan       operator = "<"
	operatorsKnown          = ">= <= > < == !="
)

// operators are in an order in which ">=" wins over ">".
var operators = []operator{atLeast, atMost, equals, differs, moreThan, lessThan}

// Expression is what a constraint demands of a value: an operator and what is compared with, or a text.
type Expression struct {
	operator operator
	operand  string
	wanted   value
}

var (
	// wildcard is a version that stands for several in other languages.
	wildcard = regexp.MustCompile(`^v?\d+(\.\d+)*\.[xX*]`)
	// almostVersion begins as a version does.
	almostVersion = regexp.MustCompile(`^v?\d+\.`)
)

// ParseExpression reads an expression such as ">= 1.32.4", "== 16Gi" or "ubuntu".
func ParseExpression(s string) (Expression, error) {
	text := strings.TrimSpace(s)
	switch {
	case text == "":
		return Expression{}, errors.New(`the expression is empty: write for example ">= 1.32.4"`)
	case len(text) > maxText:
		return Expression{}, fmt.Errorf("the expression has %d bytes: shorten it to %d at most", len(text), maxText)
	case !plain(text):
		return Expression{}, fmt.Errorf("%s holds a character that does not print: remove it", quote(text))
	}
	e := Expression{operand: text}
	for _, o := range operators {
		if rest, found := strings.CutPrefix(text, string(o)); found {
			e.operator, e.operand = o, strings.TrimSpace(rest)
			break
		}
	}
	if err := e.checkOperand(); err != nil {
		return Expression{}, err
	}
	if e.operator != exactly {
		e.wanted = parseValue(e.operand)
	}
	if e.operator != exactly && !e.wanted.comparable() {
		if err := e.checkText(); err != nil {
			return Expression{}, err
		}
	}
	return e, nil
}

// checkOperand refuses what other languages of constraints would understand differently.
func (e Expression) checkOperand() error {
	switch o := e.operand; {
	case o == "":
		return fmt.Errorf(`there is nothing to compare with after %s: write for example "%s 1.32.4"`, e.operator, e.operator)
	case strings.IndexAny(o, "=<>!~^≤≥≠≈＝＜＞") == 0:
		return fmt.Errorf("%s begins with no known operator: use one of %s", quote(string(e.operator)+o), operatorsKnown)
	case strings.ContainsAny(o, "<>") || strings.Contains(o, "||") || strings.Contains(o, "&&") ||
		strings.Contains(o, "==") || strings.Contains(o, "!="):
		return fmt.Errorf("%s is more than one comparison: choose one", quote(o))
	case len(o) > 1 && strings.ContainsAny(o[:1], `"'`) && o[len(o)-1] == o[0]:
		return fmt.Errorf("%s has quotes inside of the quotes: remove the inner ones", quote(o))
	}
	return nil
}

// checkText refuses an operand that is no value where it would have to be one, or was meant to be one.
func (e Expression) checkText() error {
	switch {
	case wildcard.MatchString(e.operand):
		return fmt.Errorf(`%s has a wildcard: leave it out, since "== 1.32" holds for every 1.32.x`, quote(e.operand))
	case e.operator != equals && e.operator != differs:
		return fmt.Errorf("%s compares by order, and %s is neither version, number, duration nor quantity: write one, or use == or !=",
			e.operator, quote(e.operand))
	case almostVersion.MatchString(e.operand):
		return fmt.Errorf("%s is no version of at most four numbers: correct it, or leave %s out to demand exactly this text",
			quote(e.operand), e.operator)
	}
	return nil
}

// Operator is how the expression compares; empty where it demands exactly a text.
func (e Expression) Operator() string { return string(e.operator) }

// Operand is what it compares with.
func (e Expression) Operand() string { return e.operand }

// String is the expression in its plainest form.
func (e Expression) String() string {
	if e.operator == exactly {
		return e.operand
	}
	return string(e.operator) + " " + e.operand
}

// Holds reports whether the actual value satisfies the expression. What cannot be told is an error.
func (e Expression) Holds(actual string) (bool, error) {
	actual = strings.TrimSpace(actual)
	switch {
	case actual == "":
		return false, errors.New("the actual value is empty")
	case e.operand == "":
		return false, errors.New("there is no expression to satisfy")
	case e.operator == exactly:
		return actual == e.operand, nil
	case !e.wanted.comparable():
		return (actual == e.operand) == (e.operator == equals), nil
	}
	return e.compare(parseValue(actual), actual)
}

// compare judges the actual value in each way in which both it and the operand can be read; they have to agree.
func (e Expression) compare(actual value, text string) (bool, error) {
	var verdicts []bool
	if actual.version != nil && e.wanted.version != nil {
		holds, certain := e.operator.holds(actual.version.compare(*e.wanted.version))
		if !certain && (actual.amount == nil || e.wanted.amount == nil) {
			return false, fmt.Errorf("%s does not tell whether it is %s: %s", quote(text), e, actual.version.vague(*e.wanted.version))
		}
		verdicts = append(verdicts, holds)
		if !certain {
			verdicts = append(verdicts, !holds)
		}
	}
	if actual.amount != nil && e.wanted.amount != nil {
		order, err := actual.amount.compare(*e.wanted.amount)
		if err != nil {
			return false, fmt.Errorf("comparing %s with %s: %w", quote(text), quote(e.operand), err)
		}
		holds, _ := e.operator.holds(order)
		verdicts = append(verdicts, holds)
	}
	if len(verdicts) == 0 {
		return false, fmt.Errorf("%s is %s and does not compare with %s, which is %s",
			quote(text), actual.kind(), quote(e.operand), e.wanted.kind())
	}
	for _, v := range verdicts {
		if v != verdicts[0] {
			return false, fmt.Errorf(`read as versions and read as numbers, %s and %s compare differently: write "%s v%s" or "%s +%s"`,
				quote(text), quote(e.operand), e.operator, e.operand, e.operator, e.operand)
		}
	}
	return verdicts[0], nil
}

// orders are the outcomes that a comparison of an actual value with a wanted one may have: one, unless there is no telling.
type orders uint8

const (
	less orders = 1 << iota
	equal
	greater
)

// orderOf is the one outcome of a three-way comparison.
func orderOf(comparison int) orders {
	switch {
	case comparison < 0:
		return less
	case comparison > 0:
		return greater
	}
	return equal
}

// holds applies an operator to what a comparison may have come to; certain says whether all of that comes to the same.
func (o operator) holds(possible orders) (holds, certain bool) {
	var satisfying orders
	switch o {
	case atLeast:
		satisfying = equal | greater
	case atMost:
		satisfying = equal | less
	case moreThan:
		satisfying = greater
	case lessThan:
		satisfying = less
	case differs:
		satisfying = less | greater
	default:
		satisfying = equal
	}
	holds = possible&satisfying == possible
	return holds, holds || possible&satisfying == 0
}
