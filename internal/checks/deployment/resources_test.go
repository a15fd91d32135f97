package deployment

import (
	"context"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/health"
	"github.com/validation-operator/validation-operator/internal/checks/recipe"
)

// evaluated are the constraints that the checks of this package judge.
var evaluated []string

// requestTime bounds the requests of a check.
const requestTime = time.Minute

// TestExpectedResources proves that each of the recipe's expectedResources exists and is rolled out completely: its controller
// has seen the latest generation, replicas are desired, and all of them are of that generation and available. It needs to get
// Deployments, DaemonSets and StatefulSets in the namespaces that the recipe names.
func TestExpectedResources(t *testing.T) {
	resources := recipe.Read(t).Resources()
	if len(resources) == 0 {
		t.Skip("not applicable: the recipe names no expected resources")
	}
	for _, resource := range resources {
		t.Run(resource.Subtest(), func(t *testing.T) {
			judge, known := judges[resource.Kind]
			if !known {
				t.Fatalf("expected a Deployment, a DaemonSet or a StatefulSet; found kind %s on line %d of the recipe, which this check "+
					"cannot judge. To mend: correct the kind, or leave it to an image that knows it", resource.Kind, resource.Line)
			}
			err := judge(cluster.Context(t, requestTime), cluster.Connect(t), resource)
			switch {
			case apierrors.IsNotFound(err):
				t.Errorf("expected %s (recipe line %d); found none of that name. To mend: install what brings it",
					resource, resource.Line)
			case apierrors.IsForbidden(err):
				t.Errorf("reading %s: %v. To mend: give the run's ServiceAccount the right to get it", resource, err)
			case err != nil:
				t.Errorf("expected %s to be rolled out; found: %v. To mend: see kubectl -n %s describe %s %s",
					resource, err, resource.Namespace, resource.Kind, resource.Name)
			}
		})
	}
}

// judges get a resource and say what its rollout lacks, by its kind.
var judges = map[string]func(context.Context, *cluster.Cluster, recipe.Resource) error{
	"Deployment": func(ctx context.Context, c *cluster.Cluster, r recipe.Resource) error {
		found, err := c.AppsV1().Deployments(r.Namespace).Get(ctx, r.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		return health.Deployment(found)
	},
	"DaemonSet": func(ctx context.Context, c *cluster.Cluster, r recipe.Resource) error {
		found, err := c.AppsV1().DaemonSets(r.Namespace).Get(ctx, r.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		return health.DaemonSet(found)
	},
	"StatefulSet": func(ctx context.Context, c *cluster.Cluster, r recipe.Resource) error {
		found, err := c.AppsV1().StatefulSets(r.Namespace).Get(ctx, r.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		return health.StatefulSet(found)
	},
}
