package podlog

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestRead(t *testing.T) {
	log := entries("TestA", "TestB", "ok")
	for name, test := range map[string]struct {
		limit     int64
		fault     func(n int, r Request) fault
		want      string
		truncated bool
		err       string
	}{
		"whole":     {limit: 1 << 20, want: "TestA\nTestB\nok\n"},
		"just fits": {limit: 15, want: "TestA\nTestB\nok\n"},
		"truncated": {limit: 14, want: "TestA\nTestB\nok", truncated: true},
		"torn": {limit: 1 << 20, want: "TestA\nTestB\nok\n",
			fault: func(n int, _ Request) fault { return fault{cut: 40 * b2i(n == 0)} }},
		"unreachable": {limit: 1 << 20, err: "unexpected EOF",
			fault: func(int, Request) fault { return fault{err: io.ErrUnexpectedEOF} }},
		"foreign within": {limit: 1 << 20, err: "incomplete after line 1 (Unstamped)", fault: func(int, Request) fault {
			stamp := start.Format(time.RFC3339Nano)
			return fault{body: stamp + " a\nforeign\n" + stamp + " b\n"}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newKubelet(log)
				k.ended = true
				if test.fault != nil {
					k.fault = test.fault
				}
				text, truncated, err := Read(t.Context(), k, target, test.limit)
				if string(text) != test.want || truncated != test.truncated {
					t.Errorf("Read = %q, %t, want %q, %t", text, truncated, test.want, test.truncated)
				}
				if (err == nil) != (test.err == "") || (err != nil && !strings.Contains(err.Error(), test.err)) {
					t.Errorf("error %v, want one with %q", err, test.err)
				}
				if n := k.count(func(r Request) bool { return r.Follow }); n > 0 {
					t.Errorf("%d follows of a log that has ended", n)
				}
			})
		})
	}
}

func TestReadCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKubelet(nil)
		k.fault = func(int, Request) fault { return fault{hang: true} }
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, _, err := Read(ctx, k, target, 100); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the context's", err)
		}
	})
}
