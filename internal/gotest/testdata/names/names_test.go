// Package names has tests of many names; TestMatchTopLevel compiles it and asks the binary which of them a pattern runs.
package names

import (
	"fmt"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	fmt.Println("Test suite starting")
	fmt.Println("TestingIsFun")
	fmt.Println("Test-dash")
	fmt.Fprintln(os.Stderr, "warning: TestA is slow")
	os.Exit(m.Run())
}

func Test(t *testing.T)            {}
func TestA(t *testing.T)           { t.Run("sub", func(t *testing.T) {}) }
func TestAB(t *testing.T)          {}
func TestB(t *testing.T)           { t.Run("x|y", func(t *testing.T) {}) }
func TestÄhnlich(t *testing.T)     {}
func Test_underscore(t *testing.T) {}
func Test1(t *testing.T)           {}
func TestPodReady(t *testing.T)    {}
func FuzzA(f *testing.F) {
	f.Add(1)
	f.Fuzz(func(*testing.T, int) {})
}
func BenchmarkA(b *testing.B) {}

func TestNested(t *testing.T) {
	t.Run("x", func(t *testing.T) {
		t.Run("y z", func(*testing.T) {})
		t.Run("y z", func(*testing.T) {})
	})
	t.Run("skips", func(t *testing.T) { t.Skip() })
	t.Run("a/b", func(*testing.T) {})
}

func Example() {
	fmt.Println("x")
	// Output: x
}

func Example_suffix() {
	fmt.Println("x")
	// Output: x
}
