package program

import (
	"fmt"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	fmt.Println("no GPU: nothing to do")
	os.Exit(0)
}

func TestNever(t *testing.T) { t.Error("would fail") }
