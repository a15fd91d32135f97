package main

import (
	"errors"
	"os/exec"
	"testing"
)

func TestCommandResult(t *testing.T) {
	for script, want := range map[string]error{
		"exit 0": nil, "exit 1": exitCode(1), "exit 7": exitCode(7), "kill -TERM $$": exitCode(143), "kill -KILL $$": exitCode(137),
	} {
		got := commandResult(exec.CommandContext(t.Context(), "sh", "-c", script).Run())
		if !errors.Is(got, want) {
			t.Errorf("%s: %v, want %v", script, got, want)
		}
	}
}

func TestQuote(t *testing.T) {
	for _, word := range []string{"plain", "two words", "it's", `a"b$c\d`, ""} {
		out, err := exec.CommandContext(t.Context(), "sh", "-c", "printf %s "+quote(word)).Output()
		if err != nil || string(out) != word {
			t.Errorf("a shell reads quote(%q) as %q, %v", word, out, err)
		}
	}
}

func TestCommandLineMistakes(t *testing.T) {
	for _, args := range [][]string{{}, {"nonsense"}, {"up", "--nonsense"}} {
		var code exitCode
		if err := run(args); !errors.As(err, &code) || code != 2 {
			t.Errorf("run(%q) = %v, want exit code 2", args, err)
		}
	}
	for _, args := range [][]string{{"up", "argument"}, {"load"}, {"run"}, {"up", "--name", "NOT A NAME"}} {
		if err := run(args); err == nil {
			t.Errorf("run(%q) succeeded", args)
		}
	}
}

func TestHelp(t *testing.T) {
	if err := run([]string{"--help"}); err != nil {
		t.Errorf("--help: %v", err)
	}
	var code exitCode
	if err := run([]string{"up", "--help"}); !errors.As(err, &code) || code != 0 {
		t.Errorf("up --help: %v, want exit code 0", err)
	}
}
