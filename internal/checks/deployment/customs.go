package deployment

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/internal/checks/health"
	"github.com/validation-operator/validation-operator/internal/checks/recipe"
)

var definitions = schema.GroupVersionResource{Group: apiextensionsv1.GroupName, Version: "v1", Resource: "customresourcedefinitions"}

func unstructuredItems(l *unstructured.UnstructuredList) []unstructured.Unstructured { return l.Items }

// defined are the cluster's definitions of kinds.
func defined(ctx context.Context, f *finding.Finding, client dynamic.Interface) []unstructured.Unstructured {
	var found []unstructured.Unstructured
	err := each(ctx, client.Resource(definitions).List, unstructuredItems,
		func(crd *unstructured.Unstructured) { found = append(found, *crd) })
	switch {
	case err != nil:
		f.Refused("list CustomResourceDefinitions", err)
		return nil
	case len(found) == 0:
		f.NotApplicable("the cluster has no CustomResourceDefinitions")
	}
	return found
}

// CRDsEstablished proves that every kind that was added to the API is there to be used: established, its names accepted, and not on
// its way out.
func CRDsEstablished(ctx context.Context, b *cluster.Bench) *finding.Finding {
	f := &finding.Finding{}
	client, err := b.Dynamic()
	if err != nil {
		f.CouldNotRun("%v", err)
		return f
	}
	crds := defined(ctx, f, client)
	f.Measure("crds", len(crds))
	for _, crd := range crds {
		for _, problem := range health.Definition(&crd) {
			f.Fail("CustomResourceDefinition "+crd.GetName()+" to be established", problem,
				"see kubectl get crd "+crd.GetName()+" -o yaml; a conflict of names goes when one of the two kinds goes")
		}
	}
	return f
}

// CustomResourceConditions proves that the custom resources of the recipe's components are well by their own conditions: those in
// the components' namespaces, and those of the whole cluster that belong to a component by name, label or release. Resources that
// have no conditions say nothing, and are counted.
func CustomResourceConditions(ctx context.Context, b *cluster.Bench, r *recipe.Recipe) *finding.Finding {
	f := &finding.Finding{}
	all := namespaces(f, r)
	if f.Skip != "" {
		return f
	}
	client, err := b.Dynamic()
	if err != nil {
		f.CouldNotRun("%v", err)
		return f
	}
	c := customs{f: f, client: client, namespaces: all}
	for _, component := range r.Components {
		c.components = append(c.components, component.Name)
	}
	for _, crd := range defined(ctx, f, client) {
		c.kind(ctx, &crd)
	}
	c.conclude()
	return f
}

// customs is the round of one check through the custom resources.
type customs struct {
	f          *finding.Finding
	client     dynamic.Interface
	namespaces []string
	components []string

	judged, silent int
	// unseen are kinds that the validator may not list.
	unseen []string
}

// kind looks at the resources of one kind.
func (c *customs) kind(ctx context.Context, crd *unstructured.Unstructured) {
	group, _, _ := unstructured.NestedString(crd.Object, "spec", "group")
	plural, _, _ := unstructured.NestedString(crd.Object, "spec", "names", "plural")
	scope, _, _ := unstructured.NestedString(crd.Object, "spec", "scope")
	version := served(crd)
	if version == "" {
		return
	}
	in := c.client.Resource(schema.GroupVersionResource{Group: group, Version: version, Resource: plural})
	if scope == string(apiextensionsv1.ClusterScoped) {
		ours := c.belongs(crd)
		c.list(ctx, crd, in, func(object *unstructured.Unstructured) bool { return ours || c.belongs(object) })
		return
	}
	for _, namespace := range c.namespaces {
		c.list(ctx, crd, in.Namespace(namespace), func(*unstructured.Unstructured) bool { return true })
	}
}

func (c *customs) list(
	ctx context.Context, crd *unstructured.Unstructured, in dynamic.ResourceInterface, ours func(*unstructured.Unstructured) bool,
) {
	err := each(ctx, in.List, unstructuredItems, func(object *unstructured.Unstructured) {
		if !ours(object) {
			return
		}
		if c.judged++; !health.Speaks(object) {
			c.silent++
		}
		name := strings.TrimPrefix(object.GetNamespace()+"/"+object.GetName(), "/")
		for _, problem := range health.Conditions(object) {
			c.f.Fail(fmt.Sprintf("%s %s to be well", object.GetKind(), name), problem,
				fmt.Sprintf("see kubectl describe %s %s, and the log of its operator", crd.GetName(), object.GetName()))
		}
	})
	switch {
	case err == nil:
	case apierrors.IsForbidden(err):
		c.unseen = append(c.unseen, crd.GetName())
	default:
		c.f.Refused("list "+crd.GetName(), err)
	}
}

// belongs reports whether an object is of one of the components.
func (c *customs) belongs(object *unstructured.Unstructured) bool {
	labels := object.GetLabels()
	for _, name := range []string{
		labels[nameLabel], labels[instanceLabel], labels["app.kubernetes.io/part-of"], object.GetAnnotations()[releaseName], object.GetName(),
	} {
		if slices.Contains(c.components, name) {
			return true
		}
	}
	return false
}

// conclude says what was not seen: nothing is known of the resources of a kind that may not be listed, so that the check comes to no
// conclusion, unless it has found a fault elsewhere. Nor is it proof that nothing says how it is.
func (c *customs) conclude() {
	c.f.Measure("custom-resources", c.judged)
	c.f.Measure("custom-resources.without-conditions", c.silent)
	slices.Sort(c.unseen)
	if unseen := slices.Compact(c.unseen); len(unseen) > 0 {
		c.f.Measure("custom-resources.not-seen", strings.Join(unseen, ","))
		c.f.CouldNotRun("the ServiceAccount may not list %s. To mend: give it the right to, in the namespaces %s, or in the whole cluster "+
			"where the kind belongs to no namespace", strings.Join(unseen, ", "), strings.Join(c.namespaces, ", "))
	}
	switch {
	case c.f.Failed():
	case c.judged == 0:
		c.f.NotApplicable("the recipe's components have no custom resources")
	case c.judged == c.silent:
		c.f.NotApplicable("none of the %d custom resources of the recipe's components says how it is", c.judged)
	}
}

// served is a version in which a kind is served, its storage version if possible.
func served(crd *unstructured.Unstructured) string {
	versions, _, _ := unstructured.NestedSlice(crd.Object, "spec", "versions")
	name := ""
	for _, item := range versions {
		version, ok := item.(map[string]any)
		if !ok || version["served"] != true {
			continue
		}
		if text, ok := version["name"].(string); ok && (name == "" || version["storage"] == true) {
			name = text
		}
	}
	return name
}
