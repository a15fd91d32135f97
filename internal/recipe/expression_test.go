package recipe

import (
	"strings"
	"testing"
)

const (
	holds = "holds"
	fails = "fails"
)

// TestExpressions says of each expression and actual value whether it holds, or begins with what the error has to say:
// "malformed" for an expression that a recipe must not have, "error" for a value that it cannot judge.
func TestExpressions(t *testing.T) {
	tests := []struct{ expression, actual, want string }{
		// Versions, at the precision given.
		{">= 1.32.4", "v1.33.1-eks-1b3e656", holds},
		{">= 1.32.4", "v1.32.3", fails},
		{">= 1.32.4", "1.32.4", holds},
		{">=1.32.4", "1.32.10", holds},
		{"  >=   v1.32.4  ", " v1.32.4\n", holds},
		{">= 1.32", "1.32.0", holds},
		{"> 1.32", "1.32.9", fails},
		{"> 1.32", "1.33.0", holds},
		{"<= 1.32", "1.32.9", holds},
		{"<= 1.32", "1.33.0", fails},
		{"< 1.32", "1.31.14+k3s1", holds},
		{"< 1.32", "1.32.0", fails},
		{"== 1.32", "v1.32.7", holds},
		{"!= 1.32", "v1.32.7", fails},
		{"!= 1.32", "v1.33.0", holds},
		{"== v25.10.1", "v25.10.1", holds},
		{"== v25.10.1", "25.10.1", holds},
		{"== 25.10.01", "v25.10.1", holds},
		{"== 550.54.15.2", "550.54.15.2", holds},
		{"> 550.54.15.2", "550.54.15.10", holds},
		{">= 6.8", "6.8.0-1028-aws", holds},
		{"> 6.8", "6.8.0-1028-aws", fails},
		{">= 6.8", "6.11.0-1028-aws", holds},
		{">= 6.8", "5.15.0-1028-aws", fails},
		{">= 1.32", "1.32+", holds},
		{">= 1", "1.32.4", holds},
		{"≥ 1.32", "1.32.4", "malformed: no known operator"},
		{"≤1.32", "1.32.4", "malformed: no known operator"},
		{"≠ ubuntu", "rhel", "malformed: no known operator"},
		{"＞＝ 1.32", "1.32.4", "malformed: no known operator"},
		{">= １.３２", "1.32.4", "malformed: neither version"},
		{">= 1.32\u200b", "1.32.4", "malformed: does not print"},
		{"\u00a0>= 1.32\u00a0", "1.32.4", holds},
		{">=\u00a01.32", "1.32.4", "malformed: does not print"},
		{">= -5", "-3", holds},
		{">= -5", "-7", fails},
		{">= 0", "-1", fails},
		{">= 1", "99999999999999999999999999", holds},
		{">= 99999999999999999999999999", "1", fails},
		{">= 99999999999999999999.1", "99999999999999999999.2", holds},
		{">= 4", "7910m", "error: one is a duration"},
		{">= 1.32.4", "v1.32.4-gke.1043002", holds},
		{"== 1.32.4", "v1.32.4+k3s1", holds},
		{">= 1.32.4", "v1.32.4-rc.1-gke.100", fails},
		{">= 5.14", "5.14.0-427.el9.x86_64", holds},
		{">= 6.1.75", "6.1.75+", holds},
		{"> 1", "1.32.4", fails},
		{">= v580", "580.82.07", holds},
		{">= v580", "575.57.08", fails},
		{">= 1.32.0", "v1.32", holds},
		{"< 1.32.0", "v1.32", fails},
		{">= 1.32.4", "v1.33", holds},
		{">= 1.32.4", "v1.32", "error: fewer numbers"},
		{"<= 1.32.4", "v1.32", "error: fewer numbers"},
		{"== 1.32.0", "v1.32", "error: fewer numbers"},
		{"!= 1.32.4", "v1.32", "error: fewer numbers"},

		// Suffixes are no order; one that is wanted has to be that one.
		{"== 1.33.1-eks-1b3e656", "v1.33.1-eks-1b3e656", holds},
		{"== 1.33.1-eks-1b3e656", "v1.33.1-eks-ffffff", fails},
		{"== 1.33.1-eks-1b3e656", "v1.33.1", fails},
		{"!= 1.33.1-eks-1b3e656", "v1.33.1-eks-ffffff", holds},
		{">= 6.8.0-1028-aws", "6.8.0-1030-aws", "error: suffixes differ"},
		{">= 6.8.0-1028-aws", "6.8.0-1028-aws", holds},
		{">= 6.8.0-1028-aws", "6.9.0-1001-gcp", holds},

		// Pre-releases.
		{">= 1.33", "v1.33.0-rc.1", fails},
		{"< 1.33", "v1.33.0-rc.1", holds},
		{"== 1.33", "v1.33.0-rc.1", fails},
		{"!= 1.33", "v1.33.0-rc.1", holds},
		{">= 1.33.0", "v1.33.0-alpha.0.123+abc", fails},
		{">= 1.33", "v1.33.4-rc.1", holds},
		{"== 1.33", "v1.33.4-rc.1", holds},
		{"> 1.32", "v1.33.0-beta", holds},
		{">= 1.33.0-rc.1", "v1.33.0-rc.2", holds},
		{">= 1.33.0-rc.9", "v1.33.0-rc.10", holds},
		{">= 1.33.0-rc.9", "v1.33.0-rc10", holds},
		{">= 1.33.0-rc.1", "v1.33.0-beta.3", fails},
		{">= 1.33.0-rc.1", "v1.33.0", holds},
		{">= 1.33-rc.1", "v1.33.4", holds},
		{"== 1.33.0-rc", "v1.33.0-rc.2", holds},
		{"== 1.33.0-rc.2", "v1.33.0-rc", fails},
		{"== 1.33.0-RC.2", "v1.33.0-rc.2+k3s1", holds},
		{"< 4.18", "4.18.0-0.nightly-2025-01-01-000000", holds},
		{">= 6.8", "6.8-rc3", fails},
		{">= 6.8.0", "6.8-rc3", fails},

		// Numbers.
		{">= 10", "9", fails},
		{">= 10", "10", holds},
		{"!= 10", "10", fails},
		{"== 1.5", "1.5", holds},
		{"== 10", "+10", holds},
		{">= -5", "-4", holds},
		{"< +1.5", "1.25", holds},
		{">= 24.04", "24.10", holds},
		{">= 1.9", "1.10", "error: read as versions"},
		{">= v1.9", "1.10", holds},
		{">= +1.9", "1.10", fails},
		{"<= 10", "10.5", "error: read as versions"},
		{"<= 1.5", "1", "error: read as versions"},
		{"> 1.5", "1", "error: read as versions"},
		{">= 99.9%", "99.95%", holds},
		{">= 99.9%", "99.85 %", fails},
		{">= 99.9%", "99.95", "error: the other in %"},
		{">= 10", "-3.5", fails},

		// Durations.
		{"<= 1s", "999ms", holds},
		{"<= 1s", "1.5s", fails},
		{"<= 1m", "1m0.5s", fails},
		{"== 1.5s", "1500ms", holds},
		{"> 1h30m", "2 h", holds},
		{"<= 1s", "0.9", "error: one is a plain number, the other a duration"},
		{"<= 1s", "16Gi", "error: a duration"},

		// Quantities.
		{">= 16Gi", "32386444Ki", holds},
		{">= 16Gi", "16G", fails},
		{">= 16Gi", "17179869184", holds},
		{">= 80GiB", "81559 MiB", fails},
		{">= 79GiB", "81559 MiB", holds},
		{">= 16Gi", "16GiB", holds},
		{">= 16GiB", "17179869184", "error: a plain number"},
		{">= 100GB/s", "800Gb/s", "error: bits per second"},
		{">= 400Gb/s", "0.4Tbps", holds},
		{">= 100GB/s", "99.9GB/s", fails},
		{">= 1.4GHz", "1410 MHz", holds},
		{">= 32GT/s", "64GT/s", holds},
		{">= 32GT/s", "64GB/s", "error: in GT/s"},
		{"<= 85C", "70C", holds},
		{"<= 1kW", "700W", holds},
		{"== 1k", "1000", holds},

		// Texts.
		{"ubuntu", "ubuntu", holds},
		{"ubuntu", "Ubuntu", fails},
		{"24.04", "24.04", holds},
		{"24.04", "24.04.1", fails},
		{"1.32.4", "v1.32.4", fails},
		{"Ubuntu 24.04.1 LTS", "Ubuntu 24.04.1 LTS", holds},
		{"== ubuntu", "ubuntu", holds},
		{"== ubuntu", "rhel", fails},
		{"!= ubuntu", "rhel", holds},
		{"!= ubuntu", "ubuntu", fails},
		{"== true", "true", holds},
		{"!= none", "", "error: empty"},
		{"ubuntu", "  ", "error: empty"},
		{">= 1.32.4", "unknown", "error: is a text and does not compare"},
		{"!= 1.32.4", "unknown", "error: is a text and does not compare"},
		{">= 1.32.4", "<none>", "error: is a text"},
		{">= 1.32.4", "1.32.4.0.1", "error: is a text"},
		{">= 1.32.4", "2026-01-02", "error: is a text"},

		// What a recipe must not say.
		{"", "", "malformed: empty"},
		{"   ", "1.32.4", "malformed: empty"},
		{">=", "1.32.4", "malformed: nothing to compare with"},
		{"== ", "1.32.4", "malformed: nothing to compare with"},
		{"= 1.32", "1.32", "malformed: no known operator"},
		{"=> 1.32", "1.32", "malformed: no known operator"},
		{"~> 1.32", "1.32", "malformed: no known operator"},
		{"^1.32", "1.32", "malformed: no known operator"},
		{"~1.32", "1.32", "malformed: no known operator"},
		{"! ubuntu", "rhel", "malformed: no known operator"},
		{"=== ubuntu", "ubuntu", "malformed: no known operator"},
		{">= >= 1.32", "1.32", "malformed: no known operator"},
		{">= 1.32, < 1.34", "1.33", "malformed: more than one comparison"},
		{"1.32 || 1.33", "1.33", "malformed: more than one comparison"},
		{"== a && b", "a", "malformed: more than one comparison"},
		{">= 1.32.x", "1.32.4", "malformed: wildcard"},
		{"== 1.32.*", "1.32.4", "malformed: wildcard"},
		{"!= 1.x", "1.32.4", "malformed: wildcard"},
		{"!= 1.2.3.4.5", "1.2.3.4.5", "malformed: at most four numbers"},
		{">= ubuntu", "ubuntu", "malformed: by order"},
		{"> 2026-01-02", "2026-01-03", "malformed: by order"},
		{">= 1.2.3.4.5", "1.2.3.4.5", "malformed: by order"},
		{">= 1..2", "1.2", "malformed: by order"},
		{">= 99999999999999999999.1.1", "1.2.3", "malformed: by order"},
		{`== "1.32"`, "1.32", "malformed: quotes inside"},
		{"'ubuntu'", "ubuntu", "malformed: quotes inside"},
		{"ubu\x1b[31mntu", "ubuntu", "malformed: does not print"},
		{"ubuntu\nrhel", "ubuntu", "malformed: does not print"},
		{strings.Repeat("a", 257), "a", "malformed: 257 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.actual+" "+tt.expression, func(t *testing.T) {
			expression, err := ParseExpression(tt.expression)
			if want, malformed := strings.CutPrefix(tt.want, "malformed: "); malformed {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Fatalf("ParseExpression = %v, %v, want an error with %q", expression, err, want)
				}
				if held, err := expression.Holds(tt.actual); held || err == nil {
					t.Errorf("Holds of no expression = %t, %v, want an error", held, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			held, err := expression.Holds(tt.actual)
			if want, unclear := strings.CutPrefix(tt.want, "error: "); unclear {
				if err == nil || held || !strings.Contains(err.Error(), want) {
					t.Errorf("Holds = %t, %v, want an error with %q", held, err, want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if held != (tt.want == holds) {
				t.Errorf("Holds = %t, want that it %s", held, tt.want)
			}
		})
	}
}

func TestExpressionShowsItself(t *testing.T) {
	for text, want := range map[string]string{" >=1.2.3 ": ">= 1.2.3", "ubuntu": "ubuntu", "!=  a b": "!= a b"} {
		e, err := ParseExpression(text)
		if err != nil {
			t.Fatal(err)
		}
		if e.String() != want {
			t.Errorf("ParseExpression(%q) shows itself as %q, want %q", text, e, want)
		}
	}
}

func TestParseVersion(t *testing.T) {
	v, err := ParseVersion(" v1.37.2-eks-1 ")
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []uint64{1, 37, 2, 0} {
		if got := v.Number(i); got != want {
			t.Errorf("Number(%d) = %d, want %d", i, got, want)
		}
	}
	for _, s := range []string{"", "10", "ubuntu", "1.2.3.4.5", "-1.2", "1.2 3", "2026-01-02"} {
		if v, err := ParseVersion(s); err == nil {
			t.Errorf("ParseVersion(%q) = %v, want an error", s, v)
		}
	}
}
