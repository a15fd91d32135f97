package gotest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestPanic(t *testing.T) {
	const trace = "\ngoroutine 7 [running]:\n" +
		"panic({0x1?, 0x2?})\n\truntime/panic.go:860 +0x13a\n" +
		"example.com/some%2epath/checks.verify(...)\n\tchecks.go:3 +0x1\n" +
		"example.com/some%2epath/checks.TestX.func1(0x1)\n\tx_test.go:9 +0x25\n" +
		"testing.tRunner(0x1, 0x2)\n\ttesting/testing.go:2036 +0xea\n" +
		"created by testing.(*T).Run in goroutine 1\n\ttesting/testing.go:2101 +0x4c5\n"
	started := "§=== RUN   TestX\n"

	tests := map[string]struct {
		stream string
		want   *Panic
	}{
		"none":            {started + "don't panic: it is text\n", nil},
		"in a test":       {started + "§--- FAIL: TestX (0.00s)\npanic: boom [recovered]\n\tpanic: boom\n" + trace, &Panic{Message: "boom [recovered]", Test: "TestX"}},
		"without a trace": {started + "panic: boom\n", &Panic{Message: "boom"}},
		"in a goroutine": {started + "panic: boom\n\ngoroutine 8 [running]:\nexample.com/p.work(0x1)\n\tp.go:1 +0x1\n" +
			"created by example.com/p_test.TestX.func2 in goroutine 7\n\tx_test.go:8 +0x1a\n", &Panic{Message: "boom", Test: "TestX"}},
		"names that only look like a test": {started + "panic: boom\n\ngoroutine 8 [running]:\nexample.com/p.Testing(0x1)\n\tp.go:1 +0x1\n" +
			"example.com/TestY/p.work(0x1)\n\tp.go:1 +0x1\n", &Panic{Message: "boom"}},
		"only the first goroutine counts": {started + "panic: boom\n\ngoroutine 8 [running]:\nmain.work()\n\tp.go:1 +0x1\n\ngoroutine 7 [select]:\n" +
			"example.com/p.TestX(0x1)\n\tx_test.go:1 +0x1\n", &Panic{Message: "boom"}},
		"fatal error": {started + "fatal error: concurrent map writes\n" + trace,
			&Panic{Message: "fatal error: concurrent map writes", Test: "TestX"}},
		"quit by a signal": {started + "SIGQUIT: quit\nPC=0x1 m=0 sigcode=0\n" + trace, &Panic{Message: "SIGQUIT: quit", Test: "TestX"}},
		"timeout": {started + "panic: test timed out after 1m0s\n\trunning tests:\n\t\tTestX (59s)\n\t\tTestY/a_(b) (1s)\n\n" +
			"goroutine 5 [running]:\ntesting.(*M).startAlarm.func1()\n\ttesting/testing.go:2802 +0x354\ncreated by time.goFunc\n",
			&Panic{Message: "test timed out after 1m0s", Timeout: true, Running: []string{"TestX", "TestY/a_(b)"}}},
		"a timeout that lists an endless name": {started + "panic: test timed out after 1m0s\n\trunning tests:\n\t\tTest" + strings.Repeat("A", 1000) + " (59s)\n",
			&Panic{Message: "test timed out after 1m0s", Timeout: true, Running: []string{"Test" + strings.Repeat("A", 505) + "…"}}},
		"a list of running tests without a timeout": {started + "panic: boom\n\trunning tests:\n\t\tTestX (59s)\n" + trace,
			&Panic{Message: "boom", Test: "TestX"}},
		"recovered, another test runs":   {started + "panic: boom\n" + trace + "§--- PASS: TestX (0.00s)\n§=== RUN   TestY\n", nil},
		"recovered, in the last test":    {started + "panic: boom\n" + trace + "§--- PASS: TestX (0.00s)\n§PASS\n", nil},
		"recovered, and the test failed": {started + "panic: boom\n" + trace + "§--- FAIL: TestX (0.00s)\n§FAIL\n", nil},
		"recovered once, then not": {started + "panic: caught\n" + trace + "§--- PASS: TestX (0.00s)\n§=== RUN   TestY\npanic: boom\n" + trace,
			&Panic{Message: "boom", Test: "TestX"}},
		"on stderr, ahead of the frames before it": {"panic: boom\n" + trace + "§=== RUN   TestW\n§--- PASS: TestW (0.00s)\n" + started,
			&Panic{Message: "boom", Test: "TestX"}},
		"on stderr, ahead of the frames of a binary that ends well": {"panic: boom\n" + trace + started + "§--- PASS: TestX (0.00s)\n§PASS\n", nil},
		"in the middle of a line":                                   {started + "he said panic: boom\n" + trace, nil},
		"go test -v of a binary that panicked": {"=== RUN   TestX\npanic: boom\n" + trace + "FAIL\texample.com/p\t0.01s\nFAIL\n",
			&Panic{Message: "boom", Test: "TestX"}},
		"go test -json of a binary that panicked": {runX + `{"Action":"output","Package":"p","Test":"TestX","Output":"panic: boom\n"}` + "\n" +
			`{"Action":"output","Package":"q","Test":"TestZ","Output":"goroutine 1 [running]:\n"}` + "\n" +
			`{"Action":"output","Package":"p","Test":"TestX","Output":"goroutine 7 [running]:\n"}` + "\n" +
			`{"Action":"output","Package":"p","Test":"TestX","Output":"p.TestX(0x1)\n"}` + "\n" + failX + failP,
			&Panic{Message: "boom", Test: "TestX"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := read(t, raw(tt.stream), 0).Panic
			if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
