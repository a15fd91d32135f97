package report

import "strings"

// budget tells how large the files of a result become, without writing them for every length that outputs could be cut to.
type budget struct {
	// bare is the size of the largest file without any outputs and attributes, room what it may have with them.
	bare, room int
}

// What belongs to one output or attribute besides its text, in whichever of the files that is most.
const (
	outputCost    = 160
	attributeCost = 80
	// Each line is indented in YAML, more so in an earlier run.
	indentCost        = 9
	earlierIndentCost = 13
	// The longest escapes are those of an attribute in XML and of JSON.
	attributeEscape = 5
	jsonEscape      = 2
)

// newBudget measures the result without outputs and attributes.
func newBudget(r Result, room int) (budget, error) {
	files, err := r.files(withoutAttributes(outputsWithin(r.Phases, 0)))
	if err != nil {
		return budget{}, err
	}
	return budget{bare: largest(files), room: room}, nil
}

func largest(files []file) int {
	n := 0
	for _, f := range files {
		n = max(n, len(f.text))
	}
	return n
}

// fits says whether none of the files becomes larger than its room. It errs on the side of no.
func (b budget) fits(phases []Phase) bool {
	size := b.bare
	eachOutput(phases, func(of owner, o *Output) *Output {
		indent := indentCost
		if of.earlier {
			indent = earlierIndentCost
		}
		size += outputCost + textCost(o.Text, indent)
		if !of.passed && !of.earlier {
			size += jsonEscape * min(len(o.Text), MessageBytes) // its end is the message as well
		}
		return o
	})
	eachTest(phases, func(t *Test) {
		size += t.saidCost()
	})
	return size <= b.room
}

// trim returns the phases with as much of outputs and attributes as there is room for.
func (b budget) trim(phases []Phase) []Phase {
	phases, ok := shorten(phases, b.fits)
	if !ok {
		phases, _ = strip(phases, b.fits)
	}
	return phases
}

// textCost is the most that a text takes: with its lines indented as in YAML, with the quotes of JSON around them, or with the ends
// of CDATA sections escaped.
func textCost(text string, indent int) int {
	return len(text) + indent*(strings.Count(text, "\n")+1) + strings.Count(text, `"`) + strings.Count(text, `\`) +
		len("]]><![CDATA[")*strings.Count(text, "]]>")
}

// isBare says that there is nothing left of outputs and attributes that could be left out.
func isBare(phases []Phase) bool {
	bare := longest(phases) == 0
	eachTest(phases, func(t *Test) { bare = bare && !t.saysLess() })
	return bare
}
