// Package benchmark measures the operator against a real API server and Job controller and a scripted kubelet, side by side with
// as many bare Jobs of the same pods in the same program.
//
//	go test -run '^$' -bench . ./test/benchmark
//	go test -run '^$' -bench Runs/goTest -benchtime 3x -timeout 0 ./test/benchmark -runs=2000
//	go test -run '^$' -bench . -timeout 0 ./test/benchmark -manager=default
//
// All of it shares the machine, so that ratios say more than rates: each round of BenchmarkRuns does the bare Jobs first, and
// -benchtime 3x alternates the two three times. CPU time, that of all servers together, says most where others use the
// machine too. A run is over when its verdict is in status, which waits for the end of its pod; a bare Job when it is Complete.
//
// In a profile of -cpuprofile the tag part tells the operator from the kubelet, and what has none is the load:
//
//	go tool pprof -tagfocus part=operator -top cpu.out
//
// The package fails for a wrong verdict, and for nothing that has to do with time, but that a round that hangs is given up.
package benchmark

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/pprof"
	"sync"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/test/controlplane"
	"github.com/validation-operator/validation-operator/test/podlet"
)

var (
	runs         = flag.Int("runs", 100, "how many runs, and how many bare Jobs per phase of them, make a round")
	phases       = flag.Int("phases", 1, "how many phases a run has, one after the other")
	limits       = flag.String("manager", "tuned", "kube-controller-manager's limits: tuned, or default as in Kubernetes")
	operatorLog  = flag.String("operator-log", "", "file for the operator's log, which is made and thrown away otherwise")
	operatorHeap = flag.String("operator-heap", "", "file for a heap profile while all runs of a round are in the operator's cache")
)

// managers are kube-controller-manager's limits by the name that the results show.
var managers = map[string]struct {
	name    string
	options controlplane.Options
}{
	"tuned": {
		name:    "qps=1000,burst=2000,syncs=50",
		options: controlplane.Options{ControllerManagerQPS: 1000, ConcurrentJobSyncs: 50},
	},
	"default": {
		name: "qps=20,burst=30,syncs=5",
		options: controlplane.Options{
			ControllerManagerQPS: 20, ConcurrentJobSyncs: 5, ControllerManagerArgs: map[string]string{"kube-api-burst": "30"},
		},
	},
}

// cluster is what all benchmarks share.
type cluster struct {
	plane  *controlplane.ControlPlane
	node   *podlet.Node
	scheme *runtime.Scheme
	config *rest.Config // of those who make the load and look at what becomes of it
	client client.Client
	pods   *podClock
	specs  map[string]*batchv1.JobSpec // of the bare Jobs, by variant
}

// shared starts the cluster when the first benchmark needs it.
var shared struct {
	once    sync.Once
	err     error
	cluster cluster
}

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if err := shared.cluster.stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// start returns the cluster.
func start(b testing.TB) *cluster {
	b.Helper()
	shared.once.Do(func() { shared.err = shared.cluster.start(b.Context()) })
	if shared.err != nil {
		b.Fatal(shared.err)
	}
	return &shared.cluster
}

func (c *cluster) start(ctx context.Context) (err error) {
	manager, ok := managers[*limits]
	if !ok {
		return fmt.Errorf("-manager is tuned or default, not %q", *limits)
	}
	log := io.Discard
	if *operatorLog != "" {
		if log, err = os.Create(*operatorLog); err != nil {
			return fmt.Errorf("creating the operator's log: %w", err)
		}
	}
	ctrl.SetLogger(zap.New(zap.WriteTo(log)))

	options := manager.options
	options.CRDPaths = []string{"../../config/crd/bases"}
	if c.plane, err = controlplane.Start(options); err != nil {
		return err
	}
	c.scheme = runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(c.scheme); err != nil {
			return fmt.Errorf("building the scheme: %w", err)
		}
	}
	c.config = ownConnection(c.plane.Config, "h2")
	if c.client, err = client.New(c.config, client.Options{Scheme: c.scheme}); err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	if err := c.startKubelet(ctx); err != nil {
		return err
	}
	return c.plane.InstallAccess(ctx, "../../config/install.yaml")
}

func (c *cluster) startKubelet(ctx context.Context) (err error) {
	c.pods, c.specs = &podClock{}, map[string]*batchv1.JobSpec{}
	connection := c.plane.Connection
	connection.Config = rest.CopyConfig(c.plane.Config)
	connection.Config.Wrap(c.pods.transport)
	pprof.Do(ctx, pprof.Labels("part", "kubelet"), func(context.Context) {
		c.node, err = podlet.Start(&connection, podlet.Options{})
	})
	return err
}

func (c *cluster) stop() error {
	var errs []error
	if c.node != nil {
		errs = append(errs, c.node.Stop())
	}
	if c.plane != nil {
		errs = append(errs, c.plane.Stop())
	}
	return errors.Join(errs...)
}

// ownConnection is a configuration that shares no connection with others: clients with equal TLS settings do.
func ownConnection(config *rest.Config, protocols ...string) *rest.Config {
	config = rest.CopyConfig(config)
	config.NextProtos = protocols
	return config
}
