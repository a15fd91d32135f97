package program

import "testing"

func TestPasses(t *testing.T) {}

func BenchmarkQuick(b *testing.B) {}

func BenchmarkParent(b *testing.B) {
	b.Run("sub", func(b *testing.B) { b.ReportMetric(3, "widgets/op") })
}
