package recipe

import (
	"fmt"
	"math/big"
	"regexp"
	"strings"
	"time"
)

// value is a text in the ways in which it can be read: 1.5 is a version as well as a number. A text that is neither has none.
type value struct {
	version *Version
	amount  *amount
}

// amount is a number of something.
type amount struct {
	number *big.Rat
	// unit is what is counted, prefixes taken off: "bytes" for GiB; empty for a plain number.
	unit string
	// binary says that a plain number was written with a prefix such as Gi, which counts bytes in all but name.
	binary bool
}

const duration = "a duration"

var amountShape = regexp.MustCompile(`^([+-]?\d+(?:\.\d+)?) ?([%°A-Za-zµ/]{1,16})?$`)

// prefixes scale a unit, or stand alone as Kubernetes has them.
var prefixes = map[string]*big.Rat{
	"k": power(1000, 1), "K": power(1000, 1), "M": power(1000, 2), "G": power(1000, 3),
	"T": power(1000, 4), "P": power(1000, 5), "E": power(1000, 6),
	"Ki": power(1024, 1), "Mi": power(1024, 2), "Gi": power(1024, 3),
	"Ti": power(1024, 4), "Pi": power(1024, 5), "Ei": power(1024, 6),
}

// units are those that prefixes go with. Any other compares with itself alone.
var units = map[string]string{
	"B": "bytes", "b": "bits", "bit": "bits",
	"B/s": "bytes per second", "Bps": "bytes per second",
	"b/s": "bits per second", "bps": "bits per second", "bit/s": "bits per second",
	"Hz": "hertz", "W": "watts",
}

func power(base, exponent int64) *big.Rat {
	return new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(base), big.NewInt(exponent), nil))
}

func parseValue(s string) value {
	var v value
	if version, found := parseVersion(s); found {
		v.version = &version
	}
	if a, found := parseAmount(s); found {
		v.amount = &a
	}
	return v
}

// comparable says whether the text is a value at all.
func (v value) comparable() bool { return v.version != nil || v.amount != nil }

// kind is the value as a message about its kind calls it.
func (v value) kind() string {
	switch {
	case v.version != nil && v.amount != nil:
		return "a number or a version"
	case v.version != nil:
		return "a version"
	case v.amount != nil:
		return v.amount.kind()
	}
	return "a text"
}

// parseAmount reads 10, -1.5, 99.9%, 1m30s, 16Gi or 100GB/s. Whatever Go reads as a duration is one, so m stands for minutes.
func parseAmount(s string) (amount, bool) {
	if d, err := time.ParseDuration(strings.Replace(s, " ", "", 1)); err == nil && strings.HasSuffix(s, "s") ||
		err == nil && strings.ContainsAny(s, "hm") {
		return amount{number: new(big.Rat).SetInt64(int64(d)), unit: duration}, true
	}
	parts := amountShape.FindStringSubmatch(s)
	if parts == nil {
		return amount{}, false
	}
	number, found := new(big.Rat).SetString(parts[1])
	if !found {
		return amount{}, false
	}
	a := amount{number: number}
	unit := parts[2]
	if unit == "" {
		return a, true
	}
	if scale, found := prefixes[unit]; found {
		a.number.Mul(a.number, scale)
		a.binary = strings.HasSuffix(unit, "i")
		return a, true
	}
	a.unit = unit
	if name, found := units[unit]; found {
		a.unit = name
		return a, true
	}
	for prefix, scale := range prefixes {
		rest, found := strings.CutPrefix(unit, prefix)
		if name := units[rest]; found && name != "" {
			a.unit = name
			a.number.Mul(a.number, scale)
			break
		}
	}
	return a, true
}

func (a amount) kind() string {
	if a.unit == "" {
		return "a plain number"
	}
	if a.unit == duration {
		return duration
	}
	return "in " + a.unit
}

// compare compares what is counted in the same unit.
func (a amount) compare(wanted amount) (orders, error) {
	const bytes = "bytes"
	same := a.unit == wanted.unit || a.binary && wanted.unit == bytes || wanted.binary && a.unit == bytes
	if !same {
		return 0, fmt.Errorf("one is %s, the other %s: use the same unit", a.kind(), wanted.kind())
	}
	return orderOf(a.number.Cmp(wanted.number)), nil
}
