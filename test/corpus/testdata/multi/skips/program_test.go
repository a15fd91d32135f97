package skips

import "testing"

func TestOne(t *testing.T) { t.Skip("not here") }
