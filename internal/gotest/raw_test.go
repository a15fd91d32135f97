package gotest

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// raw returns the stream that text stands for: § is the marker, ‹ and › the marks around an error and € the escape of Go 1.27.
func raw(text string) []byte {
	return []byte(strings.NewReplacer("§", "\x16", "€", "\x1b", "‹", "\x0f", "›", "\x0e").Replace(text))
}

func TestRawStream(t *testing.T) {
	tests := map[string]struct {
		stream string
		want   Result
	}{
		"nothing": {},
		"a pass": {
			stream: "§=== RUN   TestX\nhello\n§--- PASS: TestX (1.25s)\n§=== ame  \n§PASS\n",
			want: Result{Framing: Marked, Overall: Pass, Anomalies: map[Anomaly]int64{StrayMarker: 1}, Tests: []Test{
				{Name: "TestX", Outcome: Pass, Ends: 1, Runs: 1, Elapsed: 1250 * time.Millisecond, Output: Output{Head: "hello\n=== ame  \n"}}}},
		},
		"text glued before the first frame": {
			stream: "failed to create watcher: too many open files§=== RUN   TestX\n§--- PASS: TestX (0.00s)\n§PASS\n",
			want: Result{Framing: Marked, Overall: Pass, Output: Output{Head: "failed to create watcher: too many open files"},
				Tests: []Test{{Name: "TestX", Outcome: Pass, Ends: 1, Runs: 1}}},
		},
		"unmarked look-alikes among marked frames are output": {
			stream: "§=== RUN   TestX\n--- PASS: TestX (0.00s)\n=== RUN   TestY\nPASS\nFAIL\n",
			want: Result{Framing: Marked, Tests: []Test{
				{Name: "TestX", Runs: 1, Output: Output{Head: "--- PASS: TestX (0.00s)\n=== RUN   TestY\nPASS\nFAIL\n"}}}},
		},
		"an unmarked pass before the first marker does not count": {
			stream: "=== RUN   TestX\n--- PASS: TestX (0.00s)\nPASS\n§=== RUN   TestX\n",
			want: Result{Framing: Marked, Anomalies: map[Anomaly]int64{UnmarkedFrame: 3},
				Tests: []Test{{Name: "TestX", Runs: 1}}},
		},
		"an unmarked fail before the first marker counts": {
			stream: "--- FAIL: TestX (0.00s)\n§=== RUN   TestX\n§--- PASS: TestX (0.00s)\n§PASS\n",
			want: Result{Framing: Marked, Overall: Pass, Anomalies: map[Anomaly]int64{UnmarkedFrame: 1, EndWithoutStart: 1},
				Tests: []Test{{Name: "TestX", Outcome: Fail, Runs: 1, Ends: 2}}},
		},
		"the worst of two ends stands, whichever comes first": {
			stream: "§=== RUN   TestA\n§--- FAIL: TestA (0.00s)\n§--- PASS: TestA (0.00s)\n" +
				"§=== RUN   TestB\n§--- PASS: TestB (0.00s)\n§--- FAIL: TestB (0.00s)\n" +
				"§=== RUN   TestC\n§--- SKIP: TestC (0.00s)\n§--- PASS: TestC (0.00s)\n§PASS\n",
			want: Result{Framing: Marked, Overall: Pass, Anomalies: map[Anomaly]int64{DuplicateEnd: 3}, Tests: []Test{
				{Name: "TestA", Outcome: Fail, Ends: 2, Runs: 1},
				{Name: "TestB", Outcome: Fail, Ends: 2, Runs: 1},
				{Name: "TestC", Outcome: Skip, Ends: 2, Runs: 1}}},
		},
		"a second run that does not end takes back the pass of the first": {
			stream: "§=== RUN   TestX\n§--- PASS: TestX (0.00s)\n§=== RUN   TestX\n",
			want:   Result{Framing: Marked, Tests: []Test{{Name: "TestX", Ends: 1, Runs: 2}}},
		},
		"a start while the test runs leaves it open": {
			stream: "§=== RUN   TestX\n§=== RUN   TestX\n§--- PASS: TestX (0.00s)\n§PASS\n",
			want: Result{Framing: Marked, Overall: Pass, Anomalies: map[Anomaly]int64{StartWhileOpen: 1},
				Tests: []Test{{Name: "TestX", Ends: 1, Runs: 2}}},
		},
		"a second binary takes back the pass of the first": {
			stream: "§=== RUN   TestX\n§--- PASS: TestX (0.00s)\n§PASS\n§=== RUN   TestY\n§--- PASS: TestY (0.00s)\n",
			want: Result{Framing: Marked, Tests: []Test{
				{Name: "TestX", Outcome: Pass, Ends: 1, Runs: 1}, {Name: "TestY", Outcome: Pass, Ends: 1, Runs: 1}}},
		},
		"a pass cut at the end of the stream is none": {
			stream: "§=== RUN   TestX\n§--- PASS: TestX (0.00s)",
			want: Result{Framing: Marked, Anomalies: map[Anomaly]int64{TruncatedLine: 1},
				Tests: []Test{{Name: "TestX", Runs: 1, Output: Output{Head: "--- PASS: TestX (0.00s)"}}}},
		},
		"a final PASS cut at the end of the stream is none": {
			stream: "§=== RUN   TestX\n§--- PASS: TestX (0.00s)\n§PASS",
			want: Result{Framing: Marked, Anomalies: map[Anomaly]int64{TruncatedLine: 1},
				Tests: []Test{{Name: "TestX", Outcome: Pass, Ends: 1, Runs: 1, Output: Output{Head: "PASS"}}}},
		},
		"a fail at the end of the stream counts if it is whole": {
			stream: "§=== RUN   TestX\n§--- FAIL: TestX (0.00s)",
			want:   Result{Framing: Marked, Tests: []Test{{Name: "TestX", Outcome: Fail, Ends: 1, Runs: 1}}},
		},
		"a fail whose name may be cut does not count": {
			stream: "§=== RUN   TestXY\n§--- FAIL: TestX",
			want: Result{Framing: Marked, Anomalies: map[Anomaly]int64{TruncatedLine: 1},
				Tests: []Test{{Name: "TestXY", Runs: 1, Output: Output{Head: "--- FAIL: TestX"}}}},
		},
		"a final FAIL without its newline counts": {
			stream: "§=== RUN   TestX\n§FAIL",
			want:   Result{Framing: Marked, Overall: Fail, Tests: []Test{{Name: "TestX", Runs: 1}}},
		},
		"a test that ends without a start": {
			stream: "§--- PASS: TestX (0.00s)\n§PASS\n",
			want: Result{Framing: Marked, Overall: Pass, Anomalies: map[Anomaly]int64{EndWithoutStart: 1},
				Tests: []Test{{Name: "TestX", Outcome: Pass, Ends: 1}}},
		},
		"a nameless end frame is text": {
			stream: "§=== RUN   TestX\n§--- PASS:  (0.00s)\n",
			want: Result{Framing: Marked, Anomalies: map[Anomaly]int64{StrayMarker: 1},
				Tests: []Test{{Name: "TestX", Runs: 1, Output: Output{Head: "--- PASS:  (0.00s)\n"}}}},
		},
		"carriage returns": {
			stream: "§=== RUN   TestX\r\n§--- PASS: TestX (0.00s)\r\n§PASS\r\n",
			want:   Result{Framing: Marked, Overall: Pass, Tests: []Test{{Name: "TestX", Outcome: Pass, Ends: 1, Runs: 1}}},
		},
		"the marks of Go 1.27": {
			stream: "§=== RUN   TestX\n‹    x_test.go:1: got €[31mred€[0m €§--- PASS: TestX and €€›\n§--- FAIL: TestX (0.00s)\n§FAIL\n",
			want: Result{Framing: Marked, Overall: Fail, Tests: []Test{{Name: "TestX", Outcome: Fail, Ends: 1, Runs: 1,
				Output: Output{Head: "    x_test.go:1: got \x1b[31mred\x1b[0m \x16--- PASS: TestX and \x1b\n"}}}},
		},
		"a JSON event in a test of a marked stream is output": {
			stream: "§=== RUN   TestX\n{\"Action\":\"pass\",\"Test\":\"TestX\"}\n§=== NAME  \n{\"Action\":\"pass\",\"Test\":\"TestX\"}\n",
			want: Result{Framing: Marked, Anomalies: map[Anomaly]int64{MixedFraming: 1},
				Output: Output{Head: "{\"Action\":\"pass\",\"Test\":\"TestX\"}\n"},
				Tests:  []Test{{Name: "TestX", Runs: 1, Output: Output{Head: "{\"Action\":\"pass\",\"Test\":\"TestX\"}\n"}}}},
		},
		"brackets around the stream": {
			stream: "starting\n--- BEGIN TEST OUTPUT ---\n§=== RUN   TestX\n§--- PASS: TestX (0.00s)\n§PASS\n--- END TEST OUTPUT ---\ndone\n",
			want: Result{Framing: Marked, Overall: Pass, Output: Output{Head: "starting\ndone\n"},
				Tests: []Test{{Name: "TestX", Outcome: Pass, Ends: 1, Runs: 1}}},
		},
		"unmarked, with a report that is indented too deep to be one": {
			stream: "=== RUN   TestX\n        --- FAIL: TestX (0.00s)\n--- PASS: TestX (0.00s)\n    --- PASS: TestX/a (0.00s)\nPASS\n",
			want: Result{Framing: Unmarked, Overall: Pass, Anomalies: map[Anomaly]int64{EndWithoutStart: 1}, Tests: []Test{
				{Name: "TestX", Outcome: Pass, Ends: 1, Runs: 1, Output: Output{Head: "        --- FAIL: TestX (0.00s)\n"}},
				{Name: "TestX/a", Outcome: Pass, Ends: 1}}},
		},
		"unmarked, go test adding its own FAIL": {
			stream: "=== RUN   TestX\n--- FAIL: TestX (0.00s)\nFAIL\nexit status 1\nFAIL\texample.com/p\t0.01s\n",
			want: Result{Framing: Unmarked, Overall: Fail, Output: Output{Head: "exit status 1\n"},
				Tests: []Test{{Name: "TestX", Outcome: Fail, Ends: 1, Runs: 1}}},
		},
		"a race": {
			stream: "§=== RUN   TestX\n==================\nWARNING: DATA RACE\n",
			want: Result{Framing: Marked, Anomalies: map[Anomaly]int64{DataRace: 1},
				Tests: []Test{{Name: "TestX", Runs: 1, Output: Output{Head: "==================\nWARNING: DATA RACE\n"}}}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for _, chunk := range []int{0, 1, 3} {
				got := read(t, raw(tt.stream), chunk)
				if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(Result{}, "Lines", "Bytes")); diff != "" {
					t.Errorf("in writes of %d bytes (-want +got):\n%s", chunk, diff)
				}
			}
		})
	}
}

// TestFramedStream: of a stream whose framing is known, what is framed worse is text, whatever comes first.
func TestFramedStream(t *testing.T) {
	const text, marked, event = "--- FAIL: TestText (0.00s)\n", "§--- FAIL: TestMarked (0.00s)\n", `{"Action":"fail","Package":"p","Test":"TestEvent"}` + "\n"
	for framing, want := range map[Framing][]string{
		Unframed: {"TestText", "TestMarked"},
		Unmarked: {"TestText", "TestMarked"},
		Marked:   {"TestMarked"},
		JSON:     {"TestMarked", "TestEvent"},
	} {
		s := NewFramedStream(Limits{}, framing)
		write(t, s, raw(text+marked+event), 0)
		res := s.Result()
		var got []string
		for _, test := range res.Tests {
			got = append(got, test.Name)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", framing, diff)
		}
		if wantFraming := map[bool]Framing{true: JSON, false: Marked}[framing == JSON]; res.Framing != wantFraming {
			t.Errorf("%q: the framing is %q, want %q", framing, res.Framing, wantFraming)
		}
	}
}
