package program

import (
	"fmt"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	m.Run()
	fmt.Println("cannot clean up")
	os.Exit(3)
}

func TestPasses(t *testing.T) {}
