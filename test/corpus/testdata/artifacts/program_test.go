package program

import "testing"

func TestPasses(t *testing.T) {}
