package program

import (
	"strings"
	"testing"
)

func TestParent(t *testing.T) {
	long := strings.Repeat("long", 500)
	t.Run(long+"/one", func(t *testing.T) {})
	t.Run(long+"/two", func(t *testing.T) { t.Error("wrong") })
	t.Run("a/b c\td\x00é\xff", func(t *testing.T) {})
}
