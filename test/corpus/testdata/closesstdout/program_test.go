package program

import (
	"os"
	"testing"
)

func TestBefore(t *testing.T) {}

func TestCloses(t *testing.T) { _ = os.Stdout.Close() }

func TestUnseen(t *testing.T) {}
