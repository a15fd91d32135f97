package b

import "testing"

func TestSame(t *testing.T) {}

func TestOther(t *testing.T) { t.Skip("not here") }
