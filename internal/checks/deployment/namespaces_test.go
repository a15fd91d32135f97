package deployment

import (
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/health"
	"github.com/validation-operator/validation-operator/internal/checks/recipe"
)

// pageSize keeps each answer small in a namespace of thousands of pods.
const pageSize = 500

// namespaces are those that the recipe's components live in.
func namespaces(t *testing.T) []string {
	t.Helper()
	namespaces := recipe.Read(t).Namespaces()
	if len(namespaces) == 0 {
		t.Skip("not applicable: the recipe names no namespaces")
	}
	return namespaces
}

// TestComponentNamespaces proves that the namespaces of the recipe's components exist and are not being deleted. It needs to get
// these namespaces, which a Role within each of them can grant.
func TestComponentNamespaces(t *testing.T) {
	c := cluster.Connect(t)
	for _, name := range namespaces(t) {
		t.Run(name, func(t *testing.T) {
			namespace, err := c.CoreV1().Namespaces().Get(cluster.Context(t, requestTime), name, metav1.GetOptions{})
			switch {
			case apierrors.IsNotFound(err):
				t.Errorf("expected the namespace %s; found none. To mend: install the component that the recipe puts there", name)
			case err != nil:
				t.Errorf("getting the namespace %s: %v. To mend: give the run's ServiceAccount the right to get it", name, err)
			case namespace.Status.Phase != corev1.NamespaceActive:
				t.Errorf("expected the namespace %s to be Active; found %s. To mend: wait for its deletion and install again, or see in "+
					"its conditions what holds the deletion up", name, namespace.Status.Phase)
			}
		})
	}
}

// TestNoCrashLoops proves that no pod in the namespaces of the recipe's components crashes again and again or waits for a
// container that cannot be started, for want of its image for instance. It needs to list pods in these namespaces.
func TestNoCrashLoops(t *testing.T) {
	c := cluster.Connect(t)
	for _, namespace := range namespaces(t) {
		t.Run(namespace, func(t *testing.T) {
			ctx, options, pods := cluster.Context(t, requestTime), metav1.ListOptions{Limit: pageSize}, 0
			for {
				list, err := c.CoreV1().Pods(namespace).List(ctx, options)
				if err != nil {
					t.Fatalf("listing pods of %s: %v. To mend: give the run's ServiceAccount the right to list them", namespace, err)
				}
				pods += len(list.Items)
				for _, pod := range list.Items {
					if problems := health.PodProblems(&pod, time.Now()); len(problems) > 0 {
						t.Errorf("expected pod %s/%s to run; found: %s. To mend: see kubectl -n %s describe pod %s, and its logs",
							namespace, pod.Name, strings.Join(problems, "; "), namespace, pod.Name)
					}
				}
				if options.Continue = list.Continue; options.Continue == "" {
					break
				}
			}
			t.Attr("pods", strconv.Itoa(pods))
		})
	}
}
