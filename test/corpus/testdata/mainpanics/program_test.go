package program

import "testing"

func TestMain(m *testing.M) { panic("no cluster to be reached") }

func TestNever(t *testing.T) {}
