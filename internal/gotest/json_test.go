package gotest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const (
	startP = `{"Time":"2026-01-02T03:04:05.123456789Z","Action":"start","Package":"p"}` + "\n"
	runX   = `{"Time":"2026-01-02T03:04:05.123456789Z","Action":"run","Package":"p","Test":"TestX"}` + "\n"
	outX   = `{"Time":"2026-01-02T03:04:05.123456789Z","Action":"output","Package":"p","Test":"TestX","Output":"hello\n"}` + "\n"
	passX  = `{"Time":"2026-01-02T03:04:05.123456789Z","Action":"pass","Package":"p","Test":"TestX","Elapsed":0.25}` + "\n"
	failX  = `{"Time":"2026-01-02T03:04:05.123456789Z","Action":"fail","Package":"p","Test":"TestX","Elapsed":0.25}` + "\n"
	passP  = `{"Time":"2026-01-02T03:04:05.123456789Z","Action":"pass","Package":"p","Elapsed":0.3}` + "\n"
	failP  = `{"Time":"2026-01-02T03:04:05.123456789Z","Action":"fail","Package":"p","Elapsed":0.3}` + "\n"
)

func TestJSONStream(t *testing.T) {
	const quarter = 250 * time.Millisecond
	passed := []Test{{Package: "p", Name: "TestX", Outcome: Pass, Ends: 1, Runs: 1, Elapsed: quarter, Output: Output{Head: "hello\n"}}}
	failed := []Test{{Package: "p", Name: "TestX", Outcome: Fail, Ends: 1, Runs: 1, Elapsed: quarter, Output: Output{Head: "hello\n"}}}
	open := []Test{{Package: "p", Name: "TestX", Runs: 1, Output: Output{Head: "hello\n"}}}

	tests := map[string]struct {
		stream string
		want   Result
	}{
		"a pass":                    {startP + runX + outX + passX + passP, Result{Overall: Pass, Tests: passed}},
		"a fail":                    {startP + runX + outX + failX + failP, Result{Overall: Fail, Tests: failed}},
		"without start":             {runX + outX + passX + passP, Result{Overall: Pass, Tests: passed}},
		"a test without its end":    {startP + runX + outX + failP, Result{Overall: Fail, Tests: open}},
		"a package without its end": {startP + runX + outX + passX, Result{Tests: passed}},
		"a package without its end, another passed": {
			startP + runX + outX + passX + strings.ReplaceAll(startP+passP, `"p"`, `"q"`), Result{Tests: passed}},
		"a package without its end, another failed": {
			startP + runX + outX + passX + strings.ReplaceAll(startP+failP, `"p"`, `"q"`), Result{Overall: Fail, Tests: passed}},
		"a package without tests beside one that passed": {
			startP + runX + outX + passX + passP + `{"Action":"skip","Package":"q"}` + "\n", Result{Overall: Pass, Tests: passed}},
		"only a package without tests": {`{"Action":"skip","Package":"q"}` + "\n", Result{Overall: Skip}},
		"a last line without newline":  {startP + runX + outX + passX + strings.TrimSpace(passP), Result{Overall: Pass, Tests: passed}},
		"a truncated last line": {startP + runX + outX + passX + passP[:len(passP)-2],
			Result{Tests: passed, Output: Output{Head: passP[:len(passP)-2]}, Anomalies: map[Anomaly]int64{TruncatedLine: 1}}},
		"a truncated first line": {startP[20:] + runX + outX + passX + passP,
			Result{Overall: Pass, Tests: passed, Output: Output{Head: startP[20:]}}},
		"text around and between": {"go: downloading x\n" + startP + "warning\n" + runX + outX + passX + passP + "done\n",
			Result{Overall: Pass, Tests: passed, Output: Output{Head: "go: downloading x\nwarning\ndone\n"}}},
		"brackets": {"--- BEGIN TEST OUTPUT ---\n" + startP + runX + outX + passX + passP + "--- END TEST OUTPUT ---\n",
			Result{Overall: Pass, Tests: passed}},
		"carriage returns": {strings.ReplaceAll(startP+runX+outX+passX+passP, "\n", "\r\n"), Result{Overall: Pass, Tests: passed}},
		"text glued before a fail": {startP + runX + outX + "some stderr" + failX + failP, Result{Overall: Fail, Tests: failed,
			Output: Output{Head: "some stderr"}, Anomalies: map[Anomaly]int64{GluedLine: 1}}},
		"text glued behind a fail": {startP + runX + outX + strings.TrimSpace(failX) + "\x00\n" + failP, Result{Overall: Fail, Tests: failed,
			Output: Output{Head: "\x00\n"}, Anomalies: map[Anomaly]int64{GluedLine: 1}}},
		"two events on one line": {startP + runX + outX + strings.TrimSpace(passX) + passP, Result{Overall: Pass, Tests: passed}},
		"an event cut by another line, then whole": {startP + runX + outX + failX[:40] + failX + failP, Result{Overall: Fail, Tests: failed,
			Output: Output{Head: failX[:40]}, Anomalies: map[Anomaly]int64{GluedLine: 1}}},
		"other spacing and order": {`{ "Test" : "TestX", "Package":"p" ,"Action":"run" }` + "\n" + outX + passX + passP,
			Result{Overall: Pass, Tests: passed}},
		"a fail and a pass in one object": {startP + runX + outX + strings.Replace(passX, `"pass"`, `"fail","Action":"pass"`, 1) + failP,
			Result{Overall: Fail, Tests: failed, Anomalies: map[Anomaly]int64{DuplicateKey: 1}}},
		"a pass of two tests at once is of none": {startP + runX + outX + strings.Replace(passX, `"TestX"`, `"TestY","Test":"TestX"`, 1) + passP,
			Result{Overall: Pass, Tests: open, Anomalies: map[Anomaly]int64{DuplicateKey: 1}}},
		"a fail of two tests at once is the package's": {startP + runX + outX + strings.Replace(failX, `"TestX"`, `"TestY","Test":"TestX"`, 1),
			Result{Overall: Fail, Tests: open, Anomalies: map[Anomaly]int64{DuplicateKey: 1}}},
		"a pass whose test is no string": {startP + runX + outX + strings.Replace(passX, `"TestX"`, `7`, 1) + passP,
			Result{Overall: Pass, Tests: open, Anomalies: map[Anomaly]int64{MalformedEvent: 1}}},
		"a pass whose action is also a number": {startP + runX + outX + strings.Replace(passX, `"pass"`, `1,"Action":"pass"`, 1) + passP,
			Result{Overall: Pass, Tests: open, Anomalies: map[Anomaly]int64{MalformedEvent: 1}}},
		"elapsed of a wrong type": {startP + runX + outX + strings.Replace(failX, `0.25`, `"long"`, 1) + failP,
			Result{Overall: Fail, Anomalies: map[Anomaly]int64{MalformedEvent: 1},
				Tests: []Test{{Package: "p", Name: "TestX", Outcome: Fail, Ends: 1, Runs: 1, Output: Output{Head: "hello\n"}}}}},
		"a time that is none": {startP + runX + outX + strings.Replace(failX, `"2026`, `"yesterday`, 1) + failP, Result{Overall: Fail, Tests: failed}},
		"the future": {startP + runX + outX + `{"Action":"ponder","Package":"p","Test":"TestY"}` + "\n" +
			strings.Replace(passX, `}`, `,"Mood":{"good":[true]},"Level":1e3}`, 1) + passP,
			Result{Overall: Pass, Tests: passed, Anomalies: map[Anomaly]int64{UnknownAction: 1, UnknownField: 2}}},
		"other JSON": {`{"level":"info","msg":"x"}` + "\n" + `{"Action":"Created","Object":"pod"}` + "\n" + startP + runX + outX + passX + passP,
			Result{Overall: Pass, Tests: passed,
				Output: Output{Head: `{"level":"info","msg":"x"}` + "\n" + `{"Action":"Created","Object":"pod"}` + "\n"}}},
		"framing lines in the output are left out": {startP + runX + strings.Replace(outX, `hello`, `=== RUN   TestX`, 1) + outX +
			strings.Replace(outX, `hello`, `--- PASS: TestX (0.25s)`, 1) + passX +
			`{"Action":"output","Package":"p","Output":"PASS\n"}` + "\n" + passP, Result{Overall: Pass, Tests: passed}},
		"and those that Go 1.27 calls so": {startP + runX + outX +
			`{"Action":"output","Package":"p","Test":"TestX","Output":"whatever\n","OutputType":"frame"}` + "\n" + passX + passP,
			Result{Overall: Pass, Tests: passed}},
		"artifacts make no test": {startP + runX + outX + passX + `{"Action":"artifacts","Package":"p","Test":"TestY","Path":"/x"}` + "\n" + passP,
			Result{Overall: Pass, Tests: passed}},
		"a benchmark, which has no end": {startP + runX + outX + passX + `{"Action":"run","Package":"p","Test":"BenchmarkY"}` + "\n" +
			`{"Action":"output","Package":"p","Test":"BenchmarkY","Output":"BenchmarkY \t1 ns/op\n"}` + "\n" + passP,
			Result{Overall: Pass, Tests: passed, Output: Output{Head: "BenchmarkY \t1 ns/op\n"}}},
		"a failed build": {`{"ImportPath":"p [p.test]","Action":"build-output","Output":"./x.go:1: wrong\n"}` + "\n" +
			`{"ImportPath":"p [p.test]","Action":"build-fail"}` + "\n" + startP + strings.Replace(failP, `}`, `,"FailedBuild":"p [p.test]"}`, 1),
			Result{Overall: Fail, Output: Output{Head: "./x.go:1: wrong\n"}, Anomalies: map[Anomaly]int64{BuildFailed: 1}}},
		"marked frames within output mean nothing": {startP + runX + outX +
			`{"Action":"output","Package":"p","Test":"TestX","Output":"\u0016--- PASS: TestX (0.00s)\n"}` + "\n" + failP,
			Result{Overall: Fail, Tests: []Test{{Package: "p", Name: "TestX", Runs: 1,
				Output: Output{Head: "hello\n\x16--- PASS: TestX (0.00s)\n"}}}}},
		"unmarked look-alikes before it": {"--- PASS: TestX (0.00s)\nPASS\n" + startP + runX + outX + failP,
			Result{Overall: Fail, Tests: open, Anomalies: map[Anomaly]int64{UnmarkedFrame: 2, EndWithoutStart: 1}}},
		"a test known only by its output": {startP + outX + passP, Result{Overall: Pass,
			Tests: []Test{{Package: "p", Name: "TestX", Output: Output{Head: "hello\n"}}}}},
		"the package's end in the name of a test that has none": {startP + runX + outX +
			strings.Replace(outX, `hello`, `=== RUN   TestX`, 1) + passX, Result{Overall: Pass, Tests: open}},
		"and its failure": {startP + runX + outX +
			strings.Replace(outX, `hello`, `=== RUN   TestX`, 1) + failX, Result{Overall: Fail, Tests: open}},
		"an end whose text is lost is the test's when the package goes on": {startP + runX + outX +
			strings.Replace(outX, `hello`, `=== RUN   TestX`, 1) + failX + failP, Result{Overall: Fail, Tests: failed}},
		"a fail in a package that goes on after its end": {startP + runX + outX + passX + passP + runX + failX, Result{
			Tests: []Test{{Package: "p", Name: "TestX", Outcome: Fail, Ends: 2, Runs: 2, Elapsed: quarter, Output: Output{Head: "hello\n"}}}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.want.Framing = JSON
			for _, chunk := range []int{0, 1, 3} {
				got := read(t, []byte(tt.stream), chunk)
				if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(Result{}, "Lines", "Bytes")); diff != "" {
					t.Errorf("in writes of %d bytes (-want +got):\n%s", chunk, diff)
				}
			}
		})
	}
}

// alike are lines whose names begin like those of the line before, or are the same in other letters.
const alike = `{"Action":"run","Package":"p","Test":"TestX"}
{"Action":"run","Package":"p","Test":"TestXY"}
{"Action":"run","Package":"pq","Test":"TestX"}
{"Action":"run","Package":"p","Test":"TestX\u0041"}
{"Action":"output","Package":"p","Test":"TestX\u0041","Output":"a\n"}
{"Action":"pass","Package":"p","Test":"TestX","Elapsed":1}
{"Action":"fail","Package":"p","Test":"TestXY","FailedBuild":"b"}
{"Action":"fail","Package":"p"}
{"Action":"fail","Package":"pq","Test":"Test"}
{"Action":"fail","Package":"pq","Test":""}
`

func TestJSONNamesLikeTheOnesBefore(t *testing.T) {
	var got []string
	d := NewDecoder(func(ev *Event) {
		got = append(got, fmt.Sprintf("%s %s %q %s%s%v", ev.Action, ev.Package, ev.Test, ev.Output, ev.FailedBuild, ev.Elapsed))
	}, 0)
	if _, err := d.Write([]byte(alike)); err != nil {
		t.Fatal(err)
	}
	want := []string{
		`run p "TestX" 0s`, `run p "TestXY" 0s`, `run pq "TestX" 0s`, `run p "TestXA" 0s`, "output p \"TestXA\" a\n0s", `pass p "TestX" 1s`,
		`fail p "TestXY" b0s`, `fail p "" 0s`, `fail pq "Test" 0s`, `fail pq "" 0s`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestJSONText checks how the text of a JSON string is read.
func TestJSONText(t *testing.T) {
	for _, tt := range []struct{ escaped, want string }{
		{`plain`, "plain"},
		{`\"\\\/\b\f\n\r\t`, "\"\\/\b\f\n\r\t"},
		{`\u003c\u00e9\u20AC`, "<é€"},
		{`\ud83d\ude00 and \ud83d alone, \ude00\ud83d\u0041`, "😀 and \ufffd alone, \ufffd\ufffdA"},
		{"caf\xc3\xa9 and \xff", "café and \ufffd"},
		{strings.Repeat(`a\n`, 100), strings.Repeat("a\n", 100)},
	} {
		line := fmt.Sprintf(`{"Action":"output","Package":"p","Test":"TestX","Output":"%s"}`+"\n", tt.escaped)
		got := read(t, []byte(line), 0)
		if len(got.Tests) != 1 || got.Tests[0].Output.Head != tt.want {
			t.Errorf("%s is read as %+v, want %q", tt.escaped, got.Tests, tt.want)
		}
	}
}
