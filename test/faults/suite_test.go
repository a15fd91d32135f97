// Package faults disturbs the operator, and everything around it, on purpose: its caches lag, its answers get lost, its rights are taken
// away, its clock is wrong, the API server is gone. Each story runs in a namespace of its own with an operator of its own; after it, the
// API server's audit log is held against what must be true of every run.
package faults

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/format"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/test/controlplane"
	"github.com/validation-operator/validation-operator/test/podlet"
)

// crds is where the CRD is.
const crds = "../../config/crd/bases"

// auditPolicy keeps the bodies of all that the invariants are about.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
omitManagedFields: true
rules:
- level: None
  verbs: [get, list, watch]
- level: None
  resources: [{group: coordination.k8s.io}, {group: events.k8s.io}, {group: "", resources: [events, nodes, nodes/status]}]
- level: RequestResponse
  resources: [{group: validation.aicr.dev}, {group: "", resources: [pods/status, configmaps]}]
- level: RequestResponse
  verbs: [create]
  resources: [{group: batch, resources: [jobs]}]
- level: Metadata
`

var (
	plane  *controlplane.ControlPlane
	node   *podlet.Node
	k8s    client.WithWatch
	scheme = runtime.NewScheme()
)

func TestFaults(t *testing.T) {
	RegisterFailHandler(Fail)
	format.MaxLength = 0
	SetDefaultEventuallyTimeout(90 * time.Second)
	SetDefaultEventuallyPollingInterval(50 * time.Millisecond)
	EnforceDefaultTimeoutsWhenUsingContexts()
	RunSpecs(t, "The operator under faults")
}

var _ = BeforeSuite(func(ctx SpecContext) {
	ctrl.SetLogger(zap.New(zap.WriteTo(GinkgoWriter), zap.UseDevMode(true)))
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, apiextensionsv1.AddToScheme, v1alpha1.AddToScheme} {
		Expect(add(scheme)).To(Succeed())
	}
	policy := filepath.Join(GinkgoT().TempDir(), "policy.yaml")
	Expect(os.WriteFile(policy, []byte(auditPolicy), 0o600)).To(Succeed())
	var err error
	plane, err = controlplane.Start(controlplane.Options{
		CRDPaths: []string{crds}, AuditLog: true, APIServerArgs: map[string]string{"audit-policy-file": policy},
	})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(plane.Stop()).To(Succeed()) })
	k8s, err = client.NewWithWatch(plane.Config, client.Options{Scheme: scheme, FieldOwner: "faults"})
	Expect(err).NotTo(HaveOccurred())

	elsewhere := podlet.InNamespaces(skewed)
	node = startNode(podlet.Options{Schedules: func(pod *corev1.Pod) bool { return !elsewhere(pod) }})
	Expect(plane.InstallAccess(ctx, "../../config/install.yaml")).To(Succeed())
})

func startNode(options podlet.Options) *podlet.Node {
	GinkgoHelper()
	options.Logf = func(format string, args ...any) { fmt.Fprintf(GinkgoWriter, format+"\n", args...) }
	n, err := podlet.Start(&plane.Connection, options)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(n.Stop()).To(Succeed()) })
	return n
}

// atOnce plays stories side by side, as most of the time of each is waiting.
func atOnce(stories ...func()) {
	var all sync.WaitGroup
	for _, story := range stories {
		all.Go(func() {
			defer GinkgoRecover()
			story()
		})
	}
	all.Wait()
}
