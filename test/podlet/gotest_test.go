package podlet

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

// realTests is what the GoTest of TestGoTestIsTheRealThing imitates.
const realTests = `package real

import (
	"fmt"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	fmt.Println("before")
	code := m.Run()
	fmt.Println("after")
	os.Exit(code)
}

func TestPass(t *testing.T) { fmt.Print("no line break") }
func TestSkip(t *testing.T) { t.SkipNow() }
func TestSub(t *testing.T) {
	t.Run("a", func(t *testing.T) { t.Run("deep", func(t *testing.T) {}) })
	t.Run("b", func(t *testing.T) { t.Fail() })
}
func TestPanic(t *testing.T) {
	t.Run("in", func(t *testing.T) { panic("scripted") })
}
func TestGoroutinePanic(t *testing.T) {
	go panic("scripted")
	select {}
}
func TestExit(t *testing.T) { os.Exit(7) }
func TestHang(t *testing.T) {
	t.Run("in", func(t *testing.T) { select {} })
}
`

var scriptedTests = GoTest{
	Before: Print("before\n"),
	After:  Print("after\n"),
	Tests: []GoTestCase{
		{Name: "TestPass", Output: "no line break"},
		{Name: "TestSkip", Outcome: Skip},
		{Name: "TestSub", Subtests: []GoTestCase{
			{Name: "a", Subtests: []GoTestCase{{Name: "deep"}}},
			{Name: "b", Outcome: Fail},
		}},
		{Name: "TestPanic", Subtests: []GoTestCase{{Name: "in", Outcome: Panic}}},
		{Name: "TestGoroutinePanic", Outcome: GoroutinePanic},
		{Name: "TestExit", Run: Exit(7)},
		{Name: "TestHang", Subtests: []GoTestCase{{Name: "in", Run: Hang()}}},
	},
}

func TestGoTestIsTheRealThing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, content := range map[string]string{"go.mod": "module real\n", "real_test.go": realTests} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", "real.test", ".")
	build.Dir = dir
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building a test binary: %v\n%s", err, out)
	}
	for _, test := range []struct {
		name string
		args []string
	}{
		{"list", []string{"-test.list", "."}},
		{"list some", []string{"-test.list=S"}},
		{"pass", []string{"-test.v=test2json", "-test.paniconexit0", "-test.run", "^TestPass$"}},
		{"skip", []string{"-test.v=test2json", "-test.run=^(TestPass|TestSkip)$"}},
		{"fail", []string{"-test.v=test2json", "-test.run=TestPass|TestSub"}},
		{"panic", []string{"-test.v=test2json", "-test.run=^TestPanic$"}},
		{"panic in a goroutine", []string{"-test.v=test2json", "-test.run=^TestGoroutinePanic$"}},
		{"exit", []string{"-test.v=test2json", "-test.run=^TestExit$"}},
		// A real process on a busy machine needs some of that to get as far as its first test.
		{"timeout", []string{"-test.v=test2json", "-test.run=^TestHang$", "-test.timeout=1s"}},
		{"no tests", []string{"-test.v=test2json", "-test.run=^Nothing$"}},
		{"no tests, plain", []string{"-test.run=^Nothing$"}},
		{"plain", []string{"-test.run=^TestPass$"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			binary := exec.CommandContext(t.Context(), filepath.Join(dir, "real.test"), test.args...)
			var stdout, stderr bytes.Buffer
			binary.Stdout, binary.Stderr = &stdout, &stderr
			var exit *exec.ExitError
			if err := binary.Run(); err != nil && !errors.As(err, &exit) {
				t.Fatal(err)
			}
			gotOut, gotErr, gotCode := execute(t, scriptedTests.Step(), test.args)
			if diff := cmp.Diff(stdout.String(), gotOut); diff != "" {
				t.Errorf("standard output (-real +scripted):\n%s", diff)
			}
			if want := firstLine(stderr.String()); firstLine(gotErr) != want {
				t.Errorf("standard error begins with %q, that of a real binary with %q", firstLine(gotErr), want)
			}
			if want := binary.ProcessState.ExitCode(); gotCode != want {
				t.Errorf("exit code is %d, that of a real binary %d", gotCode, want)
			}
		})
	}
}

func firstLine(text string) string {
	line, _, _ := bytes.Cut([]byte(text), []byte("\n"))
	return string(line)
}

// execute runs a program outside of any node.
func execute(t *testing.T, program Step, args []string) (stdout, stderr string, code int) {
	t.Helper()
	spec := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Args: args}}}}
	c := &container{pod: &pod{spec: spec}, spec: &spec.Spec.Containers[0], log: newLogFile(time.Now, 0)}
	process := newProcess(c)
	process.stderr.log = newLogFile(time.Now, 0)
	go process.run(program)
	<-process.done
	process.closeOutput()
	const all = 1 << 20
	return process.stdout.log.tail(all, all), process.stderr.log.tail(all, all), process.code
}
