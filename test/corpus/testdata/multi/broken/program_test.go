package broken

import "testing"

func TestSame(t *testing.T) { undefined() }
