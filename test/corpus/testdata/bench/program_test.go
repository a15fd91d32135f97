package program

import "testing"

func TestPasses(t *testing.T) {}

func BenchmarkQuick(b *testing.B) {}

func BenchmarkSkips(b *testing.B) { b.Skip("not here") }

func BenchmarkFails(b *testing.B) { b.Fatal("slow") }

func BenchmarkParent(b *testing.B) {
	b.Run("sub", func(b *testing.B) { b.Log("a line") })
}
