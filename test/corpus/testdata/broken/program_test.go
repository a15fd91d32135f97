package program

import "testing"

func TestNever(t *testing.T) { undefined() }
