package crash

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/controller"
)

// operator is the operator for one namespace, put together as cmd/main.go does it, but for its servers and its lease, and with the rights
// that it is installed with.
type operator struct {
	wire  *wire
	stop  context.CancelFunc
	ended chan struct{}
	err   error // how it ended
}

// startOperator starts an operator that dies at a crash point.
func (w *world) startOperator(ctx context.Context, namespace string, point crashPoint, log *log) (*operator, error) {
	ctx, stop := context.WithCancel(ctx)
	o := &operator{wire: &wire{point: point, die: stop}, stop: stop, ended: make(chan struct{})}
	account := w.plane.ServiceAccountConfig("validation-operator-system", "validation-operator-controller-manager")
	account.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) { return o.wire.roundTrip(next, r) })
	})
	manager, err := w.newManager(ctx, account, namespace, log)
	if err != nil {
		stop()
		return nil, err
	}
	go func() {
		defer close(o.ended)
		defer stop()
		o.err = manager.Start(ctx)
	}()
	return o, nil
}

func (w *world) newManager(ctx context.Context, account *rest.Config, namespace string, log *log) (ctrl.Manager, error) {
	inCache, forever := controller.CacheOptions(), time.Duration(-1)
	inCache.DefaultNamespaces = map[string]cache.Config{namespace: {}}
	manager, err := ctrl.NewManager(account, ctrl.Options{
		Scheme:                  w.scheme,
		Cache:                   inCache,
		MapperProvider:          func(*rest.Config, *http.Client) (meta.RESTMapper, error) { return w.k8s.RESTMapper(), nil },
		Metrics:                 metricsserver.Options{BindAddress: "0"},
		HealthProbeBindAddress:  "0",
		GracefulShutdownTimeout: &forever,
		Controller:              config.Controller{SkipNameValidation: new(true)},
		Logger:                  zap.New(zap.WriteTo(log), zap.UseDevMode(true)),
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

// crashPoint is the write at which an operator dies: the first is 1, and 0 is none.
type crashPoint struct {
	write int
	sent  bool // dies after the write, without its answer
}

// errDead is what a process that was killed would not live to see.
var errDead = errors.New("the process is dead")

// wire is all that ties an operator to the API server. It counts the writes, and is cut at the crash point. A write that was refused, most
// often because the run had changed since it was read, and one that repeats another to the letter leave the cluster as it is: dying there is
// dying at the write that follows, and they come and go with the speed of the caches. They do not count, and neither does progress, which
// is written where something takes 10 s, and which nothing is decided by.
type wire struct {
	point crashPoint
	die   func()

	mu     sync.Mutex
	writes []string
	made   map[string]bool
	status *v1alpha1.ValidationRunStatus // as it was written last, without progress
	last   string                        // the write that the process died at
	dead   bool
}

func (w *wire) roundTrip(next http.RoundTripper, r *http.Request) (*http.Response, error) {
	text, err := letter(r)
	if err != nil {
		return nil, err
	}
	if w.isOver(r, text) {
		w.die()
		if r.Body != nil {
			return nil, errors.Join(errDead, r.Body.Close())
		}
		return nil, errDead
	}
	if text == "" {
		return next.RoundTrip(r)
	}
	// Only the answer tells whether this is the one that the process dies of, and it is waited for in any case.
	response, err := next.RoundTrip(r.WithContext(context.WithoutCancel(r.Context())))
	if err != nil || response.StatusCode >= http.StatusBadRequest {
		return response, err
	}
	progress, err := w.isProgress(r, response)
	if err != nil {
		return nil, err
	}
	if !progress && w.isLast(r, text) {
		w.die()
		return nil, errors.Join(errDead, response.Body.Close())
	}
	return response, nil
}

// isProgress says whether a write of status has changed no more than what the operator itself takes for progress.
func (w *wire) isProgress(r *http.Request, response *http.Response) (bool, error) {
	if !strings.HasSuffix(r.URL.Path, "/"+runName+"/status") {
		return false, nil
	}
	data, err := io.ReadAll(response.Body)
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return false, fmt.Errorf("reading an answer: %w", err)
	}
	response.Body = io.NopCloser(bytes.NewReader(data))
	run := &v1alpha1.ValidationRun{}
	if err := json.Unmarshal(data, run); err != nil {
		return false, fmt.Errorf("decoding an answer: %w", err)
	}
	clearProgress(&run.Status)
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.status
	w.status = &run.Status
	return equality.Semantic.DeepEqual(before, w.status), nil
}

// clearProgress takes out of a status what changes from test to test.
func clearProgress(s *v1alpha1.ValidationRunStatus) {
	s.Message, s.Passed, s.Summary = "", "", v1alpha1.Summary{}
	for i := range s.Conditions {
		s.Conditions[i].Message = ""
	}
	for i := range s.Phases {
		p := &s.Phases[i]
		if p.State.Ended() {
			continue
		}
		p.Message, p.Running, p.Summary = "", "", v1alpha1.Summary{}
		if p.FanOut == nil {
			continue
		}
		for k := range p.FanOut.Active {
			a := &p.FanOut.Active[k]
			a.Message, a.Running, a.Summary = "", "", v1alpha1.Summary{}
		}
	}
}

// isOver says whether the process does not live to make a request.
func (w *wire) isOver(r *http.Request, text string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if text != "" && !w.made[text] && !w.point.sent && len(w.writes)+1 == w.point.write {
		w.dead, w.last = true, title(r)
	}
	return w.dead
}

// isLast counts a write, and says whether the process does not live to see the answer.
func (w *wire) isLast(r *http.Request, text string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.made[text] {
		return w.dead
	}
	if w.made == nil {
		w.made = map[string]bool{}
	}
	w.made[text] = true
	w.writes = append(w.writes, title(r))
	if w.point.sent && len(w.writes) == w.point.write {
		w.dead, w.last = true, title(r)
	}
	return w.dead
}

func (w *wire) isDead() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dead
}

func (w *wire) killedAt() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

func (w *wire) written() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.writes)
}

// letter is the whole of a write that may count; it is empty for another request.
func letter(r *http.Request) (string, error) {
	if !isWrite(r) {
		return "", nil
	}
	text := r.Method + " " + r.URL.String() + "\n"
	if r.Body == nil {
		return text, nil
	}
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return "", fmt.Errorf("reading a request: %w", err)
	}
	r.Body = io.NopCloser(bytes.NewReader(data))
	return text + string(data), nil
}

// isWrite says whether a request changes something that counts.
func isWrite(r *http.Request) bool {
	switch r.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		what := about(r.URL.Path)
		return !strings.HasPrefix(what, "events") && !strings.HasPrefix(what, "leases")
	}
	return false
}

// title names a request.
func title(r *http.Request) string { return r.Method + " " + about(r.URL.Path) }

// about is the part of an API path behind the namespace.
func about(path string) string {
	_, behind, _ := strings.Cut(path, "/namespaces/")
	_, what, _ := strings.Cut(behind, "/")
	return what
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// log is what the operators of a story log.
type log struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
