package bad

import "testing"

func TestSame(t *testing.T) { t.Error("bad") }

func TestOther(t *testing.T) {}
