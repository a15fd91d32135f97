package cluster

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// undoBudget is how long the clean-up after a signal may take. Of the usual grace period of 30 seconds that leaves a rest.
const undoBudget = 20 * time.Second

// spare is how long before the suite's timeout the clean-up begins: the timeout itself leaves no time for any.
const spare = 5 * time.Second

// interrupted and pending belong to the process, like the signals that they are there for.
var (
	interrupted = newInterruption()
	pending     = &undo{}
)

// interruption is the end of the process from outside: somebody deletes the pod, a node is drained, the time is up. What the
// clean-up then takes away must not look to a check like a fault of the cluster, since a failure outweighs all else in a
// verdict. So from the interruption on the API falls silent: no check gets an answer any more, and none comes to a conclusion.
type interruption struct {
	once  sync.Once
	begun chan struct{}
	// never is closed by tests alone, to let those go that are held.
	never chan struct{}
}

func newInterruption() *interruption {
	return &interruption{begun: make(chan struct{}), never: make(chan struct{})}
}

func (i *interruption) begin() { i.once.Do(func() { close(i.begun) }) }

// hold returns at once, or never if the process has been interrupted.
func (i *interruption) hold() {
	select {
	case <-i.begun:
		<-i.never
	default:
	}
}

// undoing marks the requests of the clean-up, which alone still get answers.
type undoing struct{}

// silence wraps a transport so that it falls silent.
func (i *interruption) silence(transport http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		response, err := transport.RoundTrip(request)
		if request.Context().Value(undoing{}) != nil {
			return response, err
		}
		i.hold()
		if response != nil && response.Body != nil {
			response.Body = &silentBody{ReadCloser: response.Body, interruption: i}
		}
		return response, err
	})
}

// roundTripper is a transport that is a function.
type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip calls the function.
func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

// silentBody is a response, a watch for instance, that falls silent.
type silentBody struct {
	io.ReadCloser
	interruption *interruption
}

func (b *silentBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.interruption.hold()
	return n, err
}

// guard cleans up when the process is about to end. It exits after a signal; before the suite's timeout it leaves that to package
// testing, which then names the test that took too long. The function that it returns ends the guard.
func guard(i *interruption, u *undo, timeUp <-chan time.Time, exit func(int)) func() {
	signals := make(chan os.Signal, 1)
	done := make(chan struct{})
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		for {
			select {
			case <-done:
				return
			case <-timeUp:
				i.begin()
				cleanUp(u, "the time is nearly up", spare)
			case received := <-signals:
				i.begin()
				cleanUp(u, received.String(), undoBudget)
				code := 1
				if number, ok := received.(syscall.Signal); ok {
					code = 128 + int(number)
				}
				exit(code)
				return
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
	}
}

func cleanUp(u *undo, why string, budget time.Duration) {
	fmt.Fprintf(os.Stderr, "%s: removing what the checks have created\n", why)
	ctx, cancel := context.WithTimeout(context.Background(), budget)
	defer cancel()
	if err := u.all(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}
