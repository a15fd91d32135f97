// Command operator is the Validation Operator's manager.
package main

import (
	"crypto/tls"
	"flag"
	"fmt"
	"os"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	_ "k8s.io/client-go/plugin/pkg/client/auth"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/controller"
	"github.com/validation-operator/validation-operator/internal/metrics"
)

// gracefulShutdown leaves time for the lease to be released within the pod's grace period of 30 s.
const gracefulShutdown = 20 * time.Second

// options are the manager's flags.
type options struct {
	leaderElect    bool
	metricsAddress string
	secureMetrics  bool
	probeAddress   string
	pprofAddress   string
	concurrency    int
	log            zap.Options
}

func (o *options) bind(flags *flag.FlagSet) {
	flags.BoolVar(&o.leaderElect, "leader-elect", false, "work only while holding a Lease, so that several replicas can stand by")
	flags.StringVar(&o.metricsAddress, "metrics-bind-address", "0", "address of the metrics endpoint /metrics, such as :8443; 0 for none")
	flags.BoolVar(&o.secureMetrics, "metrics-secure", true,
		"serve metrics over HTTPS, to those who may get the nonResourceURL /metrics, such as by the ClusterRole metrics-reader; "+
			"false serves them over HTTP, to everybody who reaches the address")
	flags.StringVar(&o.probeAddress, "health-probe-bind-address", ":8081", "address of /healthz and /readyz; 0 for none")
	flags.StringVar(&o.pprofAddress, "pprof-bind-address", "0",
		"address of Go's profiles at /debug/pprof/, such as 127.0.0.1:8082; 0 for none. It asks nobody who they are: keep it on the loopback, "+
			"and reach it by kubectl port-forward")
	flags.IntVar(&o.concurrency, "max-concurrent-reconciles", controller.DefaultConcurrency, "how many runs are worked on at once")
	o.log.BindFlags(flags)
}

func main() {
	var o options
	o.bind(flag.CommandLine)
	flag.Parse()
	ctrl.SetLogger(zap.New(zap.UseFlagOptions(&o.log)))
	if err := run(o); err != nil {
		ctrl.Log.Error(err, "Operator failed")
		os.Exit(1)
	}
}

func run(o options) error {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return fmt.Errorf("building the scheme: %w", err)
		}
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("finding a cluster: %w", err)
	}
	mgr, err := ctrl.NewManager(config, o.manager(scheme))
	if err != nil {
		return fmt.Errorf("making the manager: %w", err)
	}
	ctx := ctrl.SetupSignalHandler()
	counts, err := metrics.New(ctrlmetrics.Registry)
	if err != nil {
		return err
	}
	reconciler, err := controller.New(mgr)
	if err != nil {
		return err
	}
	reconciler.Metrics, reconciler.Concurrency = counts, o.concurrency
	if err := reconciler.SetupWithManager(ctx, mgr); err != nil {
		return fmt.Errorf("setting up the controller: %w", err)
	}
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return fmt.Errorf("adding the health check: %w", err)
	}
	if err := mgr.AddReadyzCheck("ping", healthz.Ping); err != nil {
		return fmt.Errorf("adding the ready check: %w", err)
	}
	return mgr.Start(ctx)
}

func (o *options) manager(scheme *runtime.Scheme) ctrl.Options {
	serve := metricsserver.Options{
		BindAddress:   o.metricsAddress,
		SecureServing: o.secureMetrics,
		// HTTP/2 has had denial-of-service flaws that a metrics endpoint need not risk (GHSA-qppj-fm5r-hxr3).
		TLSOpts: []func(*tls.Config){func(c *tls.Config) { c.NextProtos = []string{"http/1.1"} }},
	}
	if o.secureMetrics {
		serve.FilterProvider = filters.WithAuthenticationAndAuthorization
	}
	graceful := gracefulShutdown
	return ctrl.Options{
		GracefulShutdownTimeout:       &graceful,
		Scheme:                        scheme,
		Cache:                         controller.CacheOptions(),
		Metrics:                       serve,
		HealthProbeBindAddress:        o.probeAddress,
		PprofBindAddress:              o.pprofAddress,
		LeaderElection:                o.leaderElect,
		LeaderElectionID:              "validation-operator.validation.aicr.dev",
		LeaderElectionReleaseOnCancel: true,
	}
}
