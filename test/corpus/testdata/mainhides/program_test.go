package program

import (
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	m.Run()
	os.Exit(0)
}

func TestPasses(t *testing.T) {}

func TestFails(t *testing.T) { t.Error("wrong") }
