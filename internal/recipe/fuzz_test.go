package recipe

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// addFiles adds the documents of a folder to the seeds.
func addFiles(f *testing.F, folder string) {
	f.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*.yaml"))
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
}

// checkErrors demands an error that a person can be shown.
func checkErrors(t *testing.T, err error) {
	t.Helper()
	mistakes, found := errors.AsType[Errors](err)
	if !found || len(mistakes) == 0 || len(mistakes) > maxMistakes {
		t.Errorf("the error has %d mistakes", len(mistakes))
	}
	text := err.Error()
	if len(text) > maxMessage || !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\x1b\n") {
		t.Errorf("the error cannot be shown: %q", text)
	}
}

// FuzzRecipe demands that a recipe is either read or refused with a message, and that all of what was read can be acted on.
func FuzzRecipe(f *testing.F) {
	f.Add([]byte(full))
	addFiles(f, "bad")
	f.Fuzz(func(t *testing.T, data []byte) {
		recipe, err := Parse(data)
		if err != nil {
			if recipe != nil {
				t.Error("there is a recipe beside the error")
			}
			checkErrors(t, err)
			return
		}
		constraints := recipe.Constraints
		for _, p := range recipe.Phases {
			constraints = append(constraints, p.Constraints...)
			for _, c := range p.Checks {
				if !checkName.MatchString(c.Name) || c.Line < 1 {
					t.Errorf("the check %+v passes", c)
				}
			}
			if p.Timeout != 0 && (p.Timeout < minTimeout || p.Timeout > maxTimeout) {
				t.Errorf("the timeout %s passes", p.Timeout)
			}
			if p.Nodes != nil && p.Nodes.MaxNodes < 0 {
				t.Errorf("the node count %d passes", p.Nodes.MaxNodes)
			}
		}
		for _, c := range constraints {
			if _, err := ParseExpression(c.Value); err != nil || c.Name == "" || c.Line < 1 {
				t.Errorf("the constraint %+v passes: %v", c, err)
			}
			if o := Evaluate(c, &Snapshot{}); o.State != StateError {
				t.Errorf("%s is %s for a snapshot of nothing", c, o.State)
			}
		}
		for _, c := range recipe.Components {
			for _, r := range c.Expected {
				if r.Kind == "" || r.Name == "" || r.Namespace == "" || strings.Contains(r.Name+r.Namespace, "/") {
					t.Errorf("the resource %s passes", r)
				}
			}
		}
	})
}

// FuzzSnapshot demands the same of a snapshot, and that what is written is what was read.
func FuzzSnapshot(f *testing.F) {
	f.Add([]byte(measured))
	f.Add([]byte(encodedWant))
	addFiles(f, "bad-snapshots")
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := ParseSnapshot(data)
		if err != nil {
			if s != nil {
				t.Error("there is a snapshot beside the error")
			}
			checkErrors(t, err)
			return
		}
		merged := MergeSnapshots(s)
		encoded, err := Encode(s)
		if err != nil {
			if len(data) < MaxBytes/64 {
				t.Fatalf("a snapshot of %d bytes is not written: %v", len(data), err)
			}
			return
		}
		again, err := ParseSnapshot(encoded)
		if err != nil {
			t.Fatalf("what is written is not read: %v", err)
		}
		if !reflect.DeepEqual(merged, MergeSnapshots(again)) {
			t.Errorf("what is written is not what was read:\n%q\n%q", merged, again)
		}
		for _, m := range s.Measurements {
			for _, st := range m.Subtypes {
				for key, value := range st.Data {
					checkLookup(t, s, merged, m.Type+"."+st.Subtype+"."+key, value)
				}
			}
		}
	})
}

// checkLookup demands that a value is found under its name, in the merged snapshot as well.
func checkLookup(t *testing.T, s, merged *Snapshot, name, value string) {
	t.Helper()
	before, err := s.Lookup(name)
	if len(before) == 0 {
		if !strings.Contains(err.Error(), "may be") {
			t.Errorf("%q is not found: %v", name, err)
		}
		return
	}
	found := false
	for _, r := range before {
		found = found || r.Value == value
	}
	if !found {
		t.Errorf("%q is not %q but %q", name, value, before)
	}
	if after, _ := merged.Lookup(name); !reflect.DeepEqual(before, after) {
		t.Errorf("merging makes %q of %q", after, before)
	}
}

// FuzzExpression demands that operators agree with each other, that what does not compare never holds, and that an expression
// means the same once it has been written out.
func FuzzExpression(f *testing.F) {
	for _, seed := range [][2]string{
		{"1.32.4", "v1.33.1-eks-1b3e656"}, {"1.33", "v1.33.0-rc.1"}, {"6.8", "6.8.0-1028-aws"}, {"16Gi", "32386444Ki"},
		{"100GB/s", "800Gb/s"}, {"1h30m", "90m"}, {"99.9%", "99.95 %"}, {"1.9", "1.10"}, {"ubuntu", "rhel"}, {"1.32.x", "1.32"},
		{"v580", "580.82.07"}, {"+1.5", "-1"}, {"", ""}, {"1.32.4", "1.32"}, {"1.33.0-rc", "1.33.0-rc.2+k3s1"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, operand, actual string) {
		checkExpression(t, operand, actual)
		held := map[operator]bool{}
		for _, o := range operators {
			var certain bool
			if held[o], certain = checkExpression(t, string(o)+" "+operand, actual); !certain {
				delete(held, o)
			}
		}
		opposite := map[operator]operator{atLeast: lessThan, atMost: moreThan, equals: differs}
		for o, other := range opposite {
			a, known := held[o]
			b, otherKnown := held[other]
			if known != otherKnown || known && a == b {
				t.Errorf("%q %s %q is %t (known: %t), and %s is %t (known: %t)", actual, o, operand, a, known, other, b, otherKnown)
			}
		}
		if len(held) == len(operators) && held[atLeast] && held[atMost] != held[equals] {
			t.Errorf("%q is at least and at most %q, and equals it: %t", actual, operand, held[equals])
		}
	})
}

// checkExpression evaluates an expression, as it is and written out.
func checkExpression(t *testing.T, text, actual string) (held, certain bool) {
	t.Helper()
	e, err := ParseExpression(text)
	if err != nil {
		if held, err := e.Holds(actual); held || err == nil {
			t.Errorf("%q cannot be read, and Holds(%q) = %t, %v", text, actual, held, err)
		}
		return false, false
	}
	held, err = e.Holds(actual)
	if held && err != nil {
		t.Errorf("%q holds for %q beside an error: %v", text, actual, err)
	}
	again, errAgain := ParseExpression(e.String())
	if errAgain != nil {
		t.Fatalf("%q shows itself as %q, which cannot be read: %v", text, e, errAgain)
	}
	heldAgain, errAgain := again.Holds(actual)
	if heldAgain != held || (errAgain == nil) != (err == nil) {
		t.Errorf("%q for %q: %t, %v; as %q: %t, %v", text, actual, held, err, e, heldAgain, errAgain)
	}
	return held, err == nil
}
