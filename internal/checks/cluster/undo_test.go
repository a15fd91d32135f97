package cluster

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUndoneOnceLastInFirstOut(t *testing.T) {
	var undone []string
	u := &undo{}
	push := func(what string, fails error) func(context.Context) error {
		t.Helper()
		undoStep, err := u.push(what, func(ctx context.Context) error {
			if ctx.Value(undoing{}) == nil {
				t.Errorf("the request that removes %s is not marked as one of the clean-up", what)
			}
			undone = append(undone, what)
			return fails
		})
		if err != nil {
			t.Fatal(err)
		}
		return undoStep
	}
	push("a", nil)
	byTest := push("b", nil)
	push("c", errors.New("forbidden"))
	push("d", nil)

	if err := byTest(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := u.all(t.Context())
	if err == nil || !strings.Contains(err.Error(), "removing c: forbidden") {
		t.Errorf("error = %v, want one that names what was not removed", err)
	}
	if err := byTest(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"b", "d", "c", "a"}, undone); diff != "" {
		t.Errorf("undone (-want +got):\n%s", diff)
	}
	if _, err := u.push("e", nil); !errors.Is(err, errClosed) {
		t.Errorf("pushing after the end: %v, want %v", err, errClosed)
	}
}
