package cluster

import (
	"context"
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func answering(body string) http.RoundTripper {
	return roundTripper(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(body))}, nil
	})
}

func get(ctx context.Context, t *testing.T, transport http.RoundTripper) io.ReadCloser {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://cluster.invalid/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	return response.Body
}

func TestAnswersUntilInterrupted(t *testing.T) {
	transport := newInterruption().silence(answering("hello"))
	body, err := io.ReadAll(get(t.Context(), t, transport))
	if err != nil || string(body) != "hello" {
		t.Errorf("answer = %q, %v, want hello", body, err)
	}
}

func TestSilenceOnceInterrupted(t *testing.T) {
	tests := map[string]func(t *testing.T, transport http.RoundTripper, i *interruption){
		"of requests": func(t *testing.T, transport http.RoundTripper, i *interruption) {
			i.begin()
			get(t.Context(), t, transport)
		},
		"of watches that are open": func(t *testing.T, transport http.RoundTripper, i *interruption) {
			body := get(t.Context(), t, transport)
			i.begin()
			_, _ = io.ReadAll(body)
		},
	}
	for name, ask := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				i := newInterruption()
				transport := i.silence(answering("deleted"))
				answered := false
				go func() {
					ask(t, transport, i)
					answered = true
				}()
				synctest.Wait()
				if answered {
					t.Error("a check got an answer after the interruption")
				}
				close(i.never)
				synctest.Wait()
			})
		})
	}
}

func TestTheCleanUpStillGetsAnswers(t *testing.T) {
	i := newInterruption()
	i.begin()
	ctx := context.WithValue(t.Context(), undoing{}, true)
	body, err := io.ReadAll(get(ctx, t, i.silence(answering("ok"))))
	if err != nil || string(body) != "ok" {
		t.Errorf("answer = %q, %v, want ok", body, err)
	}
}

func TestSignalCleansUpAndExits(t *testing.T) {
	i, u := newInterruption(), &undo{}
	removed := false
	if _, err := u.push("a pod", func(context.Context) error {
		removed = true
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	codes := make(chan int, 1)
	stop := guard(i, u, nil, func(code int) { codes <- code })
	defer stop()
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := <-codes; code != 128+int(syscall.SIGTERM) {
		t.Errorf("exit code = %d, want %d", code, 128+int(syscall.SIGTERM))
	}
	if !removed {
		t.Error("what was created is still there")
	}
	select {
	case <-i.begun:
	default:
		t.Error("the checks were not silenced")
	}
}

func TestCleansUpBeforeTheTimeout(t *testing.T) {
	i, u := newInterruption(), &undo{}
	removed, timeUp := make(chan struct{}), make(chan time.Time)
	if _, err := u.push("a pod", func(context.Context) error {
		close(removed)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	stop := guard(i, u, timeUp, func(code int) { t.Errorf("exited with code %d, want the timeout to end the process", code) })
	defer stop()
	timeUp <- time.Time{}
	<-removed
	<-i.begun
}
