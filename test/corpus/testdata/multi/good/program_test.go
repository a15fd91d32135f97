package good

import "testing"

func TestSame(t *testing.T) { t.Log("good") }
