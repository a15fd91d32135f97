// Package e2e runs the operator as users install it, on a cluster with a real kubelet: real images, real logs, real faults. It asks for the
// three images to be in the cluster, for KUBECONFIG and for kubectl in the PATH; what it finds out it finds out by their means alone.
package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/format"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

const (
	operatorNamespace = "validation-operator-system"
	operatorName      = "validation-operator-controller-manager"
	leaseName         = "validation-operator.validation.aicr.dev"
	// image holds the test binaries of testdata/checks.
	image = "validation-operator.local/e2e:dev"
	// patience is how long anything may take. The longest has to wait for a pod's deadline and its grace period, which are minutes; as much
	// again is for a machine that is slow, or busy with others.
	patience = 8 * time.Minute
	// namespacePrefix is what the names of the specs' namespaces begin with.
	namespacePrefix = "e2e-"
)

var k8s client.WithWatch

func TestE2E(t *testing.T) {
	RegisterFailHandler(Fail)
	format.MaxLength = 0
	SetDefaultEventuallyTimeout(time.Minute)
	SetDefaultEventuallyPollingInterval(200 * time.Millisecond)
	config, reporter := GinkgoConfiguration()
	reporter.Verbose = testing.Verbose()
	RunSpecs(t, "The operator on a real kubelet", config, reporter)
}

var _ = BeforeSuite(func(ctx SpecContext) {
	config, err := ctrl.GetConfig()
	Expect(err).NotTo(HaveOccurred())
	scheme := runtime.NewScheme()
	Expect(clientgoscheme.AddToScheme(scheme)).To(Succeed())
	Expect(v1alpha1.AddToScheme(scheme)).To(Succeed())
	k8s, err = client.NewWithWatch(config, client.Options{Scheme: scheme, FieldOwner: "e2e"})
	Expect(err).NotTo(HaveOccurred())

	before := kubectl(ctx, "get", "deployments", "-A", "-l", "control-plane=controller-manager", "-o", "name")
	kubectl(ctx, "apply", "--server-side", "-k", "../../config/local")
	deployment := "deployment/" + operatorName
	if strings.Contains(before, operatorName) { // an image of the same name may have been loaded since
		kubectl(ctx, "-n", operatorNamespace, "rollout", "restart", deployment)
	}
	kubectl(ctx, "-n", operatorNamespace, "rollout", "status", deployment, "--timeout=5m")
})

// kubectl runs kubectl as a user would, and returns what it prints on standard output.
func kubectl(ctx context.Context, args ...string) string {
	GinkgoHelper()
	out, err := tryKubectl(ctx, args...)
	Expect(err).NotTo(HaveOccurred())
	return out
}

// tryKubectl is kubectl for what is tried again where it fails.
func tryKubectl(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "kubectl", args...)
	var warnings strings.Builder
	cmd.Stderr = &warnings
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("kubectl %s: %w\n%s%s", strings.Join(args, " "), err, out, &warnings)
	}
	return string(out), nil
}

// newNamespace makes a namespace that goes with the spec. Pod Security is enforced in it, restricted if nothing else is asked for.
func newNamespace(ctx context.Context, level string) string {
	GinkgoHelper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		GenerateName: namespacePrefix, Labels: map[string]string{"pod-security.kubernetes.io/enforce": level},
	}}
	Expect(k8s.Create(ctx, namespace)).To(Succeed())
	DeferCleanup(func(ctx SpecContext) { Expect(k8s.Delete(ctx, namespace)).To(Succeed()) })
	return namespace.Name
}

// folder is where a failed spec's evidence is kept.
func folder(spec string) (string, error) {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, spec)
	path := "../../bin/e2e/" + name
	return path, os.MkdirAll(path, 0o755)
}
