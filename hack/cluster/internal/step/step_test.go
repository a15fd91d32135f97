package step

import (
	"bytes"
	"errors"
	"testing"
	"time"
)

func TestLog(t *testing.T) {
	var out bytes.Buffer
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	log := New(&out, func() time.Time { return now })
	failure := errors.New("no")
	if err := log.Do("first", func() error { now = now.Add(1500 * time.Millisecond); return nil }); err != nil {
		t.Error(err)
	}
	log.Say("%d to go", 1)
	if err := log.Do("second", func() error { return failure }); !errors.Is(err, failure) {
		t.Errorf("the failure came back as %v", err)
	}
	const want = "    1.5s  first\n          1 to go\n    0.0s  FAILED: second\n"
	if out.String() != want {
		t.Errorf("log is\n%s, want\n%s", out.String(), want)
	}
}
