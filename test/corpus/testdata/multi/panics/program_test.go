package panics

import "testing"

func TestSame(t *testing.T) { panic("gone") }
