package main

import (
	"bytes"
	"fmt"
	"path"

	"github.com/jstemmer/go-junit-report/v2/gtr"
	gojunitreport "github.com/jstemmer/go-junit-report/v2/parser/gotest"
	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/gotest"
	"github.com/validation-operator/validation-operator/internal/verdict"
	"github.com/validation-operator/validation-operator/test/corpus"
	"gotest.tools/gotestsum/testjson"
)

// finding is what a reader says of a stream.
type finding struct {
	// aborted is why it gave up.
	aborted error
	// blind says that the stream holds nothing of what the reader goes by.
	blind bool
	// passes says that nothing failed.
	passes bool
	// failed are the tests it says have failed, or have not ended, by package and name.
	failed map[test]bool
}

// test names a test; pkg is the last element of its package's path.
type test struct{ pkg, name string }

// reader is one way to read a stream. Peers read events, so that what a binary prints goes through Go's test2json first, as their
// users would have it.
type reader struct {
	name string
	read func(s corpus.Stream, events []byte) finding
}

var readers = []reader{
	{"ours", ours},
	{"gotestsum", func(_ corpus.Stream, events []byte) finding { return gotestsum(events, false) }},
	{"gotestsum, ignoring other lines", func(_ corpus.Stream, events []byte) finding { return gotestsum(events, true) }},
	{"go-junit-report", func(_ corpus.Stream, events []byte) finding { return junitReport(events) }},
}

// safely turns a panic of a reader into an abort.
func (r reader) safely(s corpus.Stream, events []byte) (f finding) {
	defer func() {
		if p := recover(); p != nil {
			f = finding{aborted: fmt.Errorf("panic: %v", p)}
		}
	}()
	return r.read(s, events)
}

func ours(s corpus.Stream, _ []byte) finding {
	stream := gotest.NewStream(gotest.Limits{})
	_, _ = stream.Write(s.Data) // it never fails
	_ = stream.Close()          // nor does this
	g := &verdict.GoTest{Stream: stream.Result(), Manifest: s.List, Listed: len(s.List), DenySkips: s.DenySkips, LogMissing: s.Lost}
	if s.JSON() || s.Unlisted {
		g.Manifest, g.Listed, g.ExpectedTests = nil, 0, len(s.List)
	}
	e := verdict.Evidence{GoTest: g, Exit: &verdict.Exit{Code: s.ExitCode}}
	if s.Unseen {
		e.Exit = nil
	}
	out := verdict.Judge(e)
	f := finding{passes: out.State == v1alpha1.PhasePassed || out.State == v1alpha1.PhaseSkipped, failed: map[test]bool{}}
	for _, t := range out.Tests {
		if t.Status == verdict.Failed {
			f.failed[test{base(t.Package), t.Name}] = true
		}
	}
	return f
}

func gotestsum(events []byte, ignoreOthers bool) finding {
	execution, err := testjson.ScanTestOutput(testjson.ScanConfig{
		Stdout: bytes.NewReader(events), Handler: quiet{}, IgnoreNonJSONOutputLines: ignoreOthers,
	})
	if err != nil {
		return finding{aborted: err}
	}
	f := finding{passes: len(execution.Failed()) == 0 && len(execution.Errors()) == 0, failed: map[test]bool{}}
	for _, name := range execution.Packages() {
		f.passes = f.passes && execution.Package(name).Result() != testjson.ActionFail
	}
	for _, t := range execution.Failed() {
		if t.Test != "" {
			f.failed[test{base(t.Package), t.Test.Name()}] = true
		}
	}
	return f
}

// quiet is an event handler of gotestsum that prints nothing.
type quiet struct{}

func (quiet) Event(testjson.TestEvent, *testjson.Execution) error { return nil }
func (quiet) Err(string) error                                    { return nil }

func junitReport(events []byte) finding {
	report, err := gojunitreport.NewJSONParser().Parse(bytes.NewReader(events))
	if err != nil {
		return finding{aborted: err}
	}
	// It reads the text in the events of output, as go test -json always has it, and not their actions.
	f := finding{passes: report.IsSuccessful(), failed: map[test]bool{}, blind: !bytes.Contains(events, []byte(`"Action":"output"`))}
	for _, p := range report.Packages {
		for _, t := range p.Tests {
			if t.Result != gtr.Pass && t.Result != gtr.Skip {
				f.failed[test{base(p.Name), t.Name}] = true
			}
		}
	}
	return f
}

func base(pkg string) string {
	if pkg == "" {
		return ""
	}
	return path.Base(pkg)
}
