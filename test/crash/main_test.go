// Package crash kills the operator before and after every write that it makes, and proves that its successor brings the run to the same end.
//
// For each story the operator first runs undisturbed, and its writes are counted. Then the story is told anew for each of them, twice: once
// the write never leaves the process that dies at it, once it arrives and nobody learns the answer. From that moment no request of that
// process reaches the API server any more. The next process starts once it is gone, and is left alone. How the run ends is compared with
// how it ended undisturbed: status, children, results, letter by letter but for times, UIDs and what is made of them. The audit log then
// shows that no Job was made twice, and that nothing that status had recorded changed.
//
// Leases and Events are not counted: there is no lease, and Events are said to people, in the background, and may be lost. Nor are writes
// that change nothing, or nothing but progress, see wire.
package crash

import (
	"sync"
	"testing"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/test/controlplane"
	"github.com/validation-operator/validation-operator/test/podlet"
)

// atOnce is how many stories are told side by side. Each is mostly waiting.
const atOnce = 24

// world is what all stories share.
type world struct {
	plane  *controlplane.ControlPlane
	node   *podlet.Node
	scheme *runtime.Scheme
	k8s    client.WithWatch
	cast   cast
	places chan struct{}

	mu       sync.Mutex
	tellings []*telling
}

func TestCrash(t *testing.T) {
	w := newWorld(t)
	var told sync.WaitGroup
	for _, s := range stories {
		// All at once, whatever -parallel says: places bounds them.
		told.Go(func() { t.Run(s.name, func(t *testing.T) { w.sweep(t, s) }) })
	}
	told.Wait()
	w.checkAudit(t)
}

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Setenv("GOGC", "400")        // of the servers: most of what they do is short-lived
	ctrl.SetLogger(logr.Discard()) // each operator has a log of its own
	klog.SetLogger(logr.Discard())
	w := &world{scheme: runtime.NewScheme(), places: make(chan struct{}, atOnce)}
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		must(t, add(w.scheme))
	}
	var err error
	w.plane, err = controlplane.Start(controlplane.Options{CRDPaths: []string{"../../config/crd/bases"}, AuditLog: true})
	must(t, err)
	t.Cleanup(func() { must(t, w.plane.Stop()) })
	w.node, err = podlet.Start(&w.plane.Connection, podlet.Options{Logf: t.Logf})
	must(t, err)
	t.Cleanup(func() { must(t, w.node.Stop()) })
	w.k8s, err = client.NewWithWatch(w.plane.Config, client.Options{Scheme: w.scheme, FieldOwner: "crash"})
	must(t, err)
	must(t, w.plane.InstallAccess(t.Context(), "../../config/install.yaml"))
	for _, s := range stories {
		for phase, script := range s.scripts(&w.cast) {
			w.node.Script(s.image(phase), script)
		}
	}
	return w
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
