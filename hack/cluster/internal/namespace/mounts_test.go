package namespace

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestDetach(t *testing.T) {
	errBusy, errLazily := errors.New("target is busy"), errors.New("cannot even be detached")
	for _, test := range []struct {
		name   string
		busy   time.Duration // for how long a plain umount fails
		lazily error         // what a lazy one comes to
		cancel time.Duration // when it is given up, unless never

		want    error
		detours int // lazy umounts
		takes   time.Duration
	}{
		{name: "at once"},
		{name: "busy for a moment", busy: 3 * time.Second, takes: 3 * time.Second},
		{name: "busy for good", busy: time.Hour, detours: 1, takes: busyPatience},
		{name: "no way at all", busy: time.Hour, lazily: errLazily, want: errLazily, detours: 1, takes: busyPatience},
		{name: "given up", busy: time.Hour, cancel: time.Second, want: errBusy, takes: time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if test.cancel > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, test.cancel)
					defer cancel()
				}
				begin, detours := time.Now(), 0
				err := detach(ctx, func(options ...string) error {
					if slices.Equal(options, []string{"-l"}) {
						detours++
						return test.lazily
					}
					if time.Since(begin) < test.busy {
						return errBusy
					}
					return nil
				})
				if !errors.Is(err, test.want) {
					t.Errorf("got %v, want %v", err, test.want)
				}
				if detours != test.detours {
					t.Errorf("%d lazy umounts, want %d", detours, test.detours)
				}
				if took := time.Since(begin).Round(time.Second); took != test.takes {
					t.Errorf("took %v, want %v", took, test.takes)
				}
			})
		})
	}
}
