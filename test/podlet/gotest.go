package podlet

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Outcome is how a test of a GoTest ends.
type Outcome string

// The outcomes of a test. A test that exits or hangs does so by its Run.
const (
	Pass Outcome = "PASS" // the default
	Fail Outcome = "FAIL"
	Skip Outcome = "SKIP"
	// Panic is in the test's own goroutine: the test fails, and the binary ends with exit code 2.
	Panic Outcome = "panic"
	// GoroutinePanic is in another goroutine: the binary ends with exit code 2, and no test is said to have failed.
	GoroutinePanic Outcome = "goroutine panic"
)

// GoTest is a compiled Go test binary: it understands -test.list, -test.run for names of top-level tests, -test.timeout and
// -test.v=test2json. In any other form of -test.v it says only what failed.
type GoTest struct {
	Tests []GoTestCase
	// Before and After are what TestMain does before and after the tests, also when they are only listed.
	Before, After Step
	// ListRun replaces the listing of the tests.
	ListRun Step
	// ExitCode replaces the exit code of a binary whose tests have all ended.
	ExitCode *int
	// OmitFinal leaves out the last line, PASS or FAIL.
	OmitFinal bool
}

// GoTestCase is a test, or a subtest.
type GoTestCase struct {
	Name    string
	Outcome Outcome
	// Output is printed as it is while the test runs: with its line breaks, or without.
	Output string
	// Run runs after Output; Exit ends the whole binary, as os.Exit in a test does.
	Run Step
	// Subtests run after that.
	Subtests []GoTestCase
	// Elapsed is the duration that the test claims.
	Elapsed time.Duration
	// OmitEnd leaves out the line with the outcome.
	OmitEnd bool
}

// Script is that of an image with the test binary, to list its tests and to run them.
func (g GoTest) Script() Script {
	c := Container{Run: g.Step()}
	return Script{Init: c, Main: c}
}

// Step is the test binary as a program.
func (g GoTest) Step() Step {
	return func(p *Process) {
		p.onTERM = func(p *Process) { p.Exit(2) } // A Go program that is process 1 does not die of the signal.
		if g.Before != nil {
			g.Before(p)
		}
		var code int
		if pattern, ok := p.Flag("test.list"); ok {
			g.list(p, pattern)
		} else {
			code = g.run(p)
		}
		if g.After != nil {
			g.After(p)
		}
		p.Exit(code)
	}
}

func (g GoTest) list(p *Process, pattern string) {
	if g.ListRun != nil {
		g.ListRun(p)
		return
	}
	for _, test := range g.Tests {
		if matches(pattern, test.Name) {
			p.Print(test.Name + "\n")
		}
	}
}

func (g GoTest) run(p *Process) (code int) {
	r := &testRun{process: p}
	if verbose, _ := p.Flag("test.v"); verbose == "test2json" {
		r.marker = "\x16"
	}
	if limit, ok := p.Flag("test.timeout"); ok {
		defer r.startAlarm(limit)()
	}
	pattern, _ := p.Flag("test.run")
	ran := false
	outcome := Pass
	for _, test := range g.Tests {
		if !matches(pattern, test.Name) {
			continue
		}
		ran = true
		if r.test(test, "") == Fail {
			outcome, code = Fail, 1
		}
		r.frame("=== NAME  ")
	}
	if !ran {
		warn := p.PrintStderr
		if r.marker != "" { // package testing joins the two for test2json
			warn = p.Print
		}
		warn("testing: warning: no tests to run\n")
	}
	if !g.OmitFinal {
		p.Print(r.marker + string(outcome) + "\n")
	}
	if g.ExitCode != nil {
		code = *g.ExitCode
	}
	return code
}

// matches follows the rules of -test.run as far as they concern top-level tests.
func matches(pattern, name string) bool {
	depth, start := 0, 0
	var alternatives []string
	for i, r := range pattern {
		switch r {
		case '(', '[':
			depth++
		case ')', ']':
			depth--
		case '|':
			if depth == 0 {
				alternatives = append(alternatives, pattern[start:i])
				start = i + 1
			}
		}
	}
	for _, alternative := range append(alternatives, pattern[start:]) {
		top, _, _ := strings.Cut(alternative, "/")
		if expression, err := regexp.Compile(top); err == nil && expression.MatchString(name) {
			return true
		}
	}
	return false
}

// testRun is one run of the tests.
type testRun struct {
	process *Process
	marker  string // begins each frame; empty when there are to be none
	running []string
}

// frame prints a line that says what the tests do.
func (r *testRun) frame(text string) {
	if r.marker != "" {
		r.process.Print(r.marker + text + "\n")
	}
}

// test runs a test with its subtests and returns Pass, Skip or Fail.
func (r *testRun) test(test GoTestCase, parent string) Outcome {
	name := parent + test.Name
	r.running = append(r.running, name)
	r.frame("=== RUN   " + name)
	r.process.Print(test.Output)
	if test.Run != nil {
		test.Run(r.process)
	}
	outcome := test.Outcome
	if outcome == "" {
		outcome = Pass
	}
	for _, sub := range test.Subtests {
		if r.test(sub, name+"/") == Fail {
			outcome = Fail
		}
		r.frame("=== NAME  " + name)
	}
	switch outcome {
	case GoroutinePanic:
		r.crash("panic: scripted\n\ngoroutine 8 [running]:\n")
	case Panic:
		for _, v := range slices.Backward(r.running) {
			r.end(Fail, v, test.Elapsed)
		}
		r.crash("panic: scripted [recovered, repanicked]\n\ngoroutine 7 [running]:\n")
	case Pass, Fail, Skip:
	}
	if !test.OmitEnd {
		r.end(outcome, name, test.Elapsed)
	}
	r.running = r.running[:len(r.running)-1]
	return outcome
}

func (r *testRun) end(outcome Outcome, name string, elapsed time.Duration) {
	if r.marker != "" || outcome == Fail {
		r.process.Printf("%s--- %s: %s (%.2fs)\n", r.marker, outcome, name, elapsed.Seconds())
	}
}

// crash ends the binary as Go's runtime does.
func (r *testRun) crash(text string) {
	r.process.PrintStderr(text + "main.main()\n\t/src/main.go:1 +0x1d\n")
	r.process.Exit(2)
}

// startAlarm arms -test.timeout, and returns what disarms it.
func (r *testRun) startAlarm(limit string) (stop func()) {
	duration, err := time.ParseDuration(limit)
	if err != nil || duration <= 0 {
		return func() {}
	}
	begin := time.Now()
	timer := time.NewTimer(duration)
	r.process.alarm = timer.C
	r.process.onAlarm = func() {
		var text strings.Builder
		fmt.Fprintf(&text, "panic: test timed out after %s\n\trunning tests:\n", duration)
		for _, name := range r.running {
			fmt.Fprintf(&text, "\t\t%s (%s)\n", name, time.Since(begin).Round(time.Second))
		}
		r.crash(text.String() + "\ngoroutine 5 [running]:\n")
	}
	return func() {
		timer.Stop()
		r.process.alarm = nil
	}
}
