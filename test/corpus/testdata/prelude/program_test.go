package program

import (
	"fmt"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	fmt.Println("=== RUN   TestInvented")
	fmt.Println("--- PASS: TestInvented (0.00s)")
	fmt.Println("--- PASS: TestPasses (0.00s)")
	fmt.Println("PASS")
	fmt.Print("setting up ... ")
	os.Exit(m.Run())
}

func TestPasses(t *testing.T) {}
