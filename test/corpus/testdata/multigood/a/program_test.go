package a

import "testing"

func TestSame(t *testing.T) {}
