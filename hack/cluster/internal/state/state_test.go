package state

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestForNames(t *testing.T) {
	for name, valid := range map[string]bool{
		"demo": true, "e2e-1": true, "a": true, "abcdefghijkl": true,
		"": false, "abcdefghijklm": false, "Demo": false, "1st": false, "a-": false, "../x": false, "a/b": false, "a.b": false,
	} {
		p, err := For("/cache", name)
		if got := err == nil; got != valid {
			t.Errorf("For(%q): error %v, want valid = %v", name, err, valid)
		}
		const maxInterface, maxSocket = 15, 107
		if valid && len(p.Node()) > maxInterface {
			t.Errorf("For(%q): interface name %q is too long", name, p.Node())
		}
		if valid && len(p.ContainerdSocket()+".ttrpc") > maxSocket {
			t.Errorf("For(%q): socket %q is too long", name, p.ContainerdSocket())
		}
	}
}

func TestPathsOfTwoClustersDiffer(t *testing.T) {
	a, err := For("/cache", "a")
	if err != nil {
		t.Fatal(err)
	}
	b, err := For("/cache", "b")
	if err != nil {
		t.Fatal(err)
	}
	if a.Dir == b.Dir || a.Data == b.Data || a.Run == b.Run || a.Node() == b.Node() {
		t.Errorf("clusters share a folder or a name: %+v, %+v", a, b)
	}
}

func TestSaveAndLoad(t *testing.T) {
	p, err := For(t.TempDir(), "demo")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Load(p); !errors.Is(err, ErrNoCluster) {
		t.Fatalf("Load of nothing: error %v, want ErrNoCluster", err)
	}
	want := Cluster{
		Name: "demo", Mode: ModeSelf, Created: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Subnet: "198.18.0.0/30",
		Servers: map[string]Process{"etcd": {PID: 12, Start: 34}}, Complete: true,
	}
	if err := Save(p, want); err != nil {
		t.Fatal(err)
	}
	got, err := Load(p)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("loaded state differs (-saved +loaded):\n%s", diff)
	}
}

func TestNames(t *testing.T) {
	cache := t.TempDir()
	if names, err := Names(cache); err != nil || len(names) != 0 {
		t.Errorf("Names without a folder: %v, %v", names, err)
	}
	for _, name := range []string{"b", "a"} {
		if err := os.MkdirAll(filepath.Join(Clusters(cache), name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	names, err := Names(cache)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", "b"}, names); diff != "" {
		t.Errorf("names differ (-want +got):\n%s", diff)
	}
}

func TestParseStat(t *testing.T) {
	const rest = " 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 20"
	for text, want := range map[string]procStat{
		"7 (etcd) S" + rest:           {state: "S", start: 4242},
		"7 (a) b) Z (x) (y) R" + rest: {state: "R", start: 4242},
	} {
		got, err := parseStat(text)
		if err != nil || got != want {
			t.Errorf("parseStat(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "7 (etcd) S 1 2", "7 etcd S" + rest} {
		if got, err := parseStat(text); err == nil {
			t.Errorf("parseStat(%q) = %v, want an error", text, got)
		}
	}
}

func TestZombiesDoNotRun(t *testing.T) {
	for state, want := range map[string]bool{"R": true, "S": true, "D": true, "T": true, "Z": false, "X": false} {
		if got := (procStat{state: state}).running(); got != want {
			t.Errorf("a process in state %s runs: %v, want %v", state, got, want)
		}
	}
}

func TestProcessIsRecognised(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	process, err := Identify(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	expect := func(p Process, want bool, when string) {
		t.Helper()
		if got, err := p.Alive(); err != nil || got != want {
			t.Errorf("%s: Alive = %v, %v, want %v", when, got, err, want)
		}
	}
	expect(process, true, "running")
	expect(Process{PID: process.PID, Start: process.Start + 1}, false, "another process with that PID")
	expect(Process{}, false, "never started")
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the killed process ended without an error")
	}
	expect(process, false, "ended")
}

func TestLockKeepsOthersOut(t *testing.T) {
	cache := t.TempDir()
	unlock, err := Lock(cache, "thing", func() { t.Error("the first one had to wait") })
	if err != nil {
		t.Fatal(err)
	}
	waiting, entered := make(chan struct{}), make(chan error)
	go func() {
		second, err := Lock(cache, "thing", func() { close(waiting) })
		if err == nil {
			second()
		}
		entered <- err
	}()
	<-waiting
	select {
	case err := <-entered:
		t.Errorf("two were let in at once: %v", err)
	default:
	}
	unlock()
	if err := <-entered; err != nil {
		t.Error(err)
	}
}
