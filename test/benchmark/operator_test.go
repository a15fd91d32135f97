package benchmark

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/validation-operator/validation-operator/internal/controller"
)

// operator is the operator in this process, so that profiles show it. It is put together as cmd/main.go does it, without its
// servers and its lease, with the rights that it is installed with, and like there without a client-side rate limit.
type operator struct {
	requests ledger
	stop     func()
}

func startOperator(b *testing.B, c *cluster) *operator {
	b.Helper()
	o := &operator{}
	account := c.plane.ServiceAccountConfig("validation-operator-system", "validation-operator-controller-manager")
	config := ownConnection(account, "h2", "http/1.1")
	config.Wrap(o.requests.transport)
	ctx, cancel := context.WithCancel(context.WithoutCancel(b.Context()))
	var manager ctrl.Manager
	var err error
	ended := make(chan error, 1)
	pprof.Do(ctx, pprof.Labels("part", "operator"), func(ctx context.Context) {
		if manager, err = newManager(ctx, c, config); err == nil {
			go func() { ended <- manager.Start(ctx) }()
		}
	})
	if err != nil {
		cancel()
		b.Fatal(err)
	}
	o.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			b.Errorf("running the operator: %v", err)
		}
	})
	b.Cleanup(o.stop)
	if !manager.GetCache().WaitForCacheSync(ctx) {
		b.Fatal("the operator's cache does not synchronise")
	}
	return o
}

func newManager(ctx context.Context, c *cluster, restConfig *rest.Config) (ctrl.Manager, error) {
	graceful := 20 * time.Second
	manager, err := ctrl.NewManager(restConfig, ctrl.Options{
		GracefulShutdownTimeout: &graceful,
		Scheme:                  c.scheme,
		Cache:                   controller.CacheOptions(),
		Metrics:                 metricsserver.Options{BindAddress: "0"},
		HealthProbeBindAddress:  "0",
		Controller:              config.Controller{SkipNameValidation: new(true)}, // there is one after the other
	})
	if err != nil {
		return nil, fmt.Errorf("making the manager: %w", err)
	}
	reconciler, err := controller.New(manager)
	if err != nil {
		return nil, err
	}
	if err := reconciler.SetupWithManager(ctx, manager); err != nil {
		return nil, fmt.Errorf("setting up the controller: %w", err)
	}
	return manager, nil
}

// ledger counts the requests of a client. An audit log would count the same, at the cost of the API server.
type ledger struct {
	mu   sync.Mutex
	made map[string]int
	last time.Time
}

func (l *ledger) transport(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		response, err := next.RoundTrip(request)
		what := request.Method + " " + resource(request.URL.Path)
		switch {
		case err != nil:
			what += " without an answer"
		case response.StatusCode >= http.StatusBadRequest:
			what += fmt.Sprintf(" %d", response.StatusCode)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.made == nil {
			l.made = map[string]int{}
		}
		l.made[what]++
		l.last = time.Now()
		return response, err
	})
}

// begin forgets what was counted so far.
func (l *ledger) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.made = nil
}

// settle returns once no request was made for a while, as the last ones come after the verdict.
func (l *ledger) settle(b *testing.B) {
	const quiet = time.Second
	ticker := time.NewTicker(quiet / 4)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			l.mu.Lock()
			idle := now.Sub(l.last)
			l.mu.Unlock()
			if idle > quiet {
				return
			}
		case <-b.Context().Done():
			b.Fatal(b.Context().Err())
		}
	}
}

// writes are the requests that change something, those about events apart.
func (l *ledger) writes() (writes, events int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for what, count := range l.made {
		switch {
		case strings.HasPrefix(what, http.MethodGet+" "):
		case strings.HasPrefix(what, http.MethodPost+" events"), strings.HasPrefix(what, http.MethodPatch+" events"):
			events += count
		default:
			writes += count
		}
	}
	return writes, events
}

// perEach lists the requests by how many there were for each of n, in one line: a benchmark's log is cut after ten.
func (l *ledger) perEach(n int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	counts := make([]string, 0, len(l.made))
	for _, what := range slices.Sorted(maps.Keys(l.made)) {
		counts = append(counts, fmt.Sprintf("%.2f %s", float64(l.made[what])/float64(n), what))
	}
	return strings.Join(counts, ", ")
}

// resource is the resource and subresource of an API path.
func resource(path string) string {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	if len(parts) > 0 && parts[0] == "apis" {
		parts = parts[1:]
	}
	if len(parts) < 3 {
		return path
	}
	parts = parts[2:] // group or api, version
	if parts[0] == "namespaces" && len(parts) > 2 {
		parts = parts[2:]
	}
	if len(parts) > 2 {
		return parts[0] + "/" + parts[2]
	}
	return parts[0]
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }
