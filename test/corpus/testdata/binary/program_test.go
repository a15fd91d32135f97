package program

import (
	"fmt"
	"testing"
)

func TestPrints(t *testing.T) {
	fmt.Print("bytes: \x00\x01\x02\xff\xfe\x16\x1b\x16 end\n")
	fmt.Print("\x1b[31mred\x1b[0m\n")
	fmt.Print("a stray marker \x16\n")
	fmt.Print("<&> \u2028 \U0001F600 \xf0\x9f\n")
}

func TestLogs(t *testing.T) {
	t.Log("\x1b[32mgreen\x1b[0m")
	t.Log("\x16 and \x0e and \x0f and \x1b")
	t.Error("\x1b[31mred\x1b[0m \x16 too")
}

func TestCarriageReturn(t *testing.T) {
	fmt.Print("10 %\r20 %\r\nwindows line\r\n--- FAIL: TestCarriageReturn (0.00s)\r\n")
}
