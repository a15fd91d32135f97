package program

import "testing"

func TestÜber(t *testing.T) {}

func TestNames(t *testing.T) {
	for _, name := range []string{
		"", "a b", "a b", "(0.00s)", "--- FAIL: TestX (0.00s)", "x\n--- FAIL: TestNames (0.00s)", "slash/in/it", `"quoted" \ <&>`,
		"日本", "\x16marked", "tail ", "#01",
	} {
		t.Run(name, func(t *testing.T) {})
	}
}

func Test_lower(t *testing.T) {}

func Test(t *testing.T) {}
