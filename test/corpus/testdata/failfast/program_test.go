package program

import "testing"

func TestFails(t *testing.T) { t.Error("wrong") }

func TestNever(t *testing.T) {}

func TestNeverEither(t *testing.T) {}
