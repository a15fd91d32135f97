package program

import (
	"fmt"
	"strings"
	"testing"
)

func TestPrints(t *testing.T) {
	fmt.Println(strings.Repeat("0123456789", 10_000))
	t.Error("wrong")
}

func TestAfter(t *testing.T) {}
