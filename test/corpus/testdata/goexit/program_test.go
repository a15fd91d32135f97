package program

import (
	"runtime"
	"testing"
)

func TestBefore(t *testing.T) {}

func TestExits(t *testing.T) { runtime.Goexit() }

func TestNever(t *testing.T) {}
