// Package scripted tries the checks where it is known what they must find: on a control plane with a scripted kubelet, which keeps
// its promises unless a test breaks one, with the rights that config/samples/access grants and no more; and on a bare API server that
// keeps none, since it has no controllers and turns nothing down. It must import nothing of the operator.
package scripted

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/validation-operator/validation-operator/test/controlplane"
	"github.com/validation-operator/validation-operator/test/podlet"
)

const (
	// runNamespace and account are those of config/samples/access.
	runNamespace = "aicr-validation"
	account      = "validator"
	image        = "registry.test/validator"
)

// world is what all tests share.
var world struct {
	plane *controlplane.ControlPlane
	node  *podlet.Node
	admin *kubernetes.Clientset
	bare  *rest.Config
}

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		fmt.Fprintln(os.Stdout, "The checks are tried on a control plane, whose executables KUBEBUILDER_ASSETS names; here they are left out.")
		return 0
	}
	// Tests mostly wait, so that many of them run side by side, however few cores there are. The command line cannot say otherwise: a test
	// that waits for its turn keeps its place, and of few places such tests might take all.
	flag.Parse()
	if err := flag.Set("test.parallel", "24"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	stop, err := begin(context.Background())
	defer stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

func begin(ctx context.Context) (stop func(), err error) {
	var stops []func() error
	stop = func() {
		for _, stop := range slices.Backward(stops) {
			if err := stop(); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}
	}
	world.plane, err = controlplane.Start(controlplane.Options{
		APIServerArgs: map[string]string{
			"feature-gates":  "GenericWorkload=true",
			"runtime-config": "scheduling.k8s.io/v1beta1=true",
		},
		ControllerManagerArgs: map[string]string{
			"controllers": "garbage-collector-controller,job-controller,namespace-controller,serviceaccount-controller," +
				"root-ca-certificate-publisher-controller,deployment-controller,replicaset-controller,daemonset-controller," +
				"statefulset-controller,endpointslice-controller,horizontal-pod-autoscaler-controller,persistentvolume-binder-controller," +
				"persistentvolumeclaim-protection-controller",
			"horizontal-pod-autoscaler-sync-period": "1s",
			"pvclaimbinder-sync-period":             "1s",
		},
	})
	if err != nil {
		return stop, err
	}
	stops = append(stops, world.plane.Stop)
	if world.node, err = podlet.Start(&world.plane.Connection, podlet.Options{}); err != nil {
		return stop, err
	}
	stops = append(stops, world.node.Stop)
	if world.admin, err = kubernetes.NewForConfig(world.plane.Config); err != nil {
		return stop, err
	}
	if err := install(ctx, world.plane.Config, "../../../config/samples/access/namespace.yaml", "../../../config/samples/access/access.yaml"); err != nil {
		return stop, err
	}
	world.node.Script(image, podlet.Runs(probes(newDisk())))

	bare, err := controlplane.Start(controlplane.Options{WithoutControllers: true, APIServerArgs: map[string]string{
		"disable-admission-plugins": "PodSecurity,ValidatingAdmissionPolicy,ValidatingAdmissionWebhook,MutatingAdmissionWebhook,ServiceAccount",
	}})
	if err != nil {
		return stop, fmt.Errorf("starting the bare API server: %w", err)
	}
	stops = append(stops, bare.Stop)
	world.bare = bare.Config
	client, err := kubernetes.NewForConfig(world.bare)
	if err != nil {
		return stop, err
	}
	_, err = client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: runNamespace, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}}, metav1.CreateOptions{})
	return stop, err
}
