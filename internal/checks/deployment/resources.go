package deployment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/internal/checks/health"
	"github.com/validation-operator/validation-operator/internal/checks/recipe"
)

// ExpectedResources proves that each of the recipe's expectedResources exists and is well: a workload rolled out completely, a Job
// complete, a pod ready or succeeded, a claim bound, and an object of any other kind well by its own conditions, if it has any.
func ExpectedResources(ctx context.Context, b *cluster.Bench, r *recipe.Recipe) *finding.Finding {
	f := &finding.Finding{}
	resources := r.Resources()
	if len(resources) == 0 {
		f.NotApplicable("the recipe names no expected resources")
		return f
	}
	client, err := b.Dynamic()
	if err != nil {
		f.CouldNotRun("%v", err)
		return f
	}
	kinds, err := kindsOf(b.Discovery())
	if err != nil {
		f.Refused("discover the API", err)
		return f
	}
	f.Measure("resources", len(resources))
	for _, resource := range resources {
		expect(ctx, f, client, kinds, resource)
	}
	return f
}

func expect(ctx context.Context, f *finding.Finding, client dynamic.Interface, kinds kinds, r recipe.Resource) {
	where := fmt.Sprintf("%s (recipe line %d)", r, r.Line)
	candidates := kinds.named(r.Kind)
	if len(candidates) == 0 {
		if kinds.incomplete != nil {
			f.CouldNotRun("no API of the cluster that answers has the kind %s, and not all do: %v", r.Kind, kinds.incomplete)
			return
		}
		f.Fail(where, "that no API of the cluster has the kind "+r.Kind, "install the component that defines it, or correct the kind")
		return
	}
	var forbidden error
	for _, k := range candidates {
		var in dynamic.ResourceInterface = client.Resource(k.resource)
		if k.namespaced {
			in = client.Resource(k.resource).Namespace(r.Namespace)
		}
		found, err := in.Get(ctx, r.Name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
		case apierrors.IsForbidden(err):
			forbidden = err
		case err != nil:
			f.Refused("get "+k.resource.GroupResource().String(), err)
			return
		default:
			judge(f, where, r, found)
			return
		}
	}
	if forbidden != nil {
		f.Refused(fmt.Sprintf("get %s in %s", candidates[0].resource.GroupResource(), r.Namespace), forbidden)
		return
	}
	f.Fail(where, "none of that name", "install what brings it")
}

func judge(f *finding.Finding, where string, r recipe.Resource, found *unstructured.Unstructured) {
	problems := health.Object(found)
	for _, problem := range problems {
		f.Fail(where+" to be well", problem, fmt.Sprintf("see kubectl -n %s describe %s %s", r.Namespace, strings.ToLower(r.Kind), r.Name))
	}
}

// kind is one that the cluster serves.
type kind struct {
	name       string
	resource   schema.GroupVersionResource
	namespaced bool
}

// kinds are all that the cluster serves, each in the version that its group prefers.
type kinds struct {
	all []kind
	// incomplete is the error of a group that did not answer.
	incomplete error
}

func kindsOf(client discovery.DiscoveryInterface) (kinds, error) {
	lists, err := client.ServerPreferredResources()
	var partial *discovery.ErrGroupDiscoveryFailed
	if err != nil && !errors.As(err, &partial) {
		return kinds{}, fmt.Errorf("asking the API server for its kinds: %w", err)
	}
	found := kinds{incomplete: err}
	for _, list := range lists {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			return kinds{}, fmt.Errorf("reading the API server's kinds: %w", err)
		}
		for _, resource := range list.APIResources {
			if !strings.Contains(resource.Name, "/") && slices.Contains(resource.Verbs, "get") {
				found.all = append(found.all, kind{resource.Kind, version.WithResource(resource.Name), resource.Namespaced})
			}
		}
	}
	return found, nil
}

// named are the kinds of a name. A recipe writes Kind or Kind.group; of the bare name those of Kubernetes itself hide those of
// others.
func (k kinds) named(name string) []kind {
	bare, group, qualified := strings.Cut(name, ".")
	var own, others []kind
	for _, candidate := range k.all {
		switch {
		case candidate.name != bare || qualified && candidate.resource.Group != group:
		case builtIn(candidate.resource.Group):
			own = append(own, candidate)
		default:
			others = append(others, candidate)
		}
	}
	if len(own) > 0 {
		return own
	}
	return others
}

func builtIn(group string) bool {
	return !strings.Contains(group, ".") || strings.HasSuffix(group, ".k8s.io")
}
