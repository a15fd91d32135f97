// Package integration runs the operator, as a process of its own and with no more rights than it is installed with, against a real API
// server, a real Job controller and a scripted kubelet.
package integration

import (
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/format"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/test/controlplane"
	"github.com/validation-operator/validation-operator/test/podlet"
)

var (
	plane    *controlplane.ControlPlane
	node     *podlet.Node
	operator *process
	k8s      client.WithWatch
)

func TestIntegration(t *testing.T) {
	RegisterFailHandler(Fail)
	format.MaxLength = 0
	SetDefaultEventuallyTimeout(90 * time.Second)
	SetDefaultEventuallyPollingInterval(50 * time.Millisecond) // what is looked at is read from the API server, which has enough to do
	EnforceDefaultTimeoutsWhenUsingContexts()
	RunSpecs(t, "The operator on a scripted kubelet")
}

var _ = BeforeSuite(func(ctx SpecContext) {
	var err error
	plane, err = controlplane.Start(controlplane.Options{CRDPaths: []string{"../../config/crd/bases"}, AuditLog: true})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(plane.Stop()).To(Succeed()) })

	node, err = podlet.Start(&plane.Connection, podlet.Options{})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(node.Stop()).To(Succeed()) })

	scheme := runtime.NewScheme()
	Expect(clientgoscheme.AddToScheme(scheme)).To(Succeed())
	Expect(v1alpha1.AddToScheme(scheme)).To(Succeed())
	k8s, err = client.NewWithWatch(plane.Config, client.Options{Scheme: scheme, FieldOwner: "integration"})
	Expect(err).NotTo(HaveOccurred())

	Expect(plane.InstallAccess(ctx, "../../config/install.yaml")).To(Succeed())
	operator = newProcess(plane)
	operator.start()
	DeferCleanup(func() { operator.kill() })
})
