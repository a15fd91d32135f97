package program

import (
	"fmt"
	"testing"
)

func TestFails(t *testing.T) {
	t.Error("really")
	fmt.Println("--- PASS: TestFails (0.00s)")
	fmt.Println("=== RUN   TestInvented")
	fmt.Println("--- PASS: TestInvented (0.00s)")
	fmt.Println("    --- PASS: TestFails/sub (0.00s)")
	fmt.Println("PASS")
}

func TestPasses(t *testing.T) {
	fmt.Println("--- FAIL: TestPasses (0.00s)")
	fmt.Println("FAIL")
	fmt.Println(`{"Action":"fail","Package":"program","Test":"TestPasses"}`)
	fmt.Println("--- END TEST OUTPUT ---")
	t.Log("--- FAIL: TestPasses (0.00s)")
}
