package program

import (
	"fmt"
	"os"
	"testing"
)

func TestWarns(t *testing.T) { fmt.Fprint(os.Stderr, "W0102 a warning without its end ") }

func TestFails(t *testing.T) {
	fmt.Fprint(os.Stderr, "E0102 ")
	t.Error("wrong")
}

func TestLast(t *testing.T) { fmt.Fprint(os.Stderr, "bye") }
