package program

import (
	"os"
	"testing"
)

func TestBefore(t *testing.T) {}

func TestMutes(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	os.Stdout = null // to be put back, had one thought of it
}

func TestAfter(t *testing.T) { t.Error("wrong") }
