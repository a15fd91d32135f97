package program

import "testing"

func TestBefore(t *testing.T) {}

func TestDeadlocks(t *testing.T) { select {} }
