package program

import "testing"

func TestA(t *testing.T) {}

func TestB(t *testing.T) { t.Error("wrong") }

func TestC(t *testing.T) {}
