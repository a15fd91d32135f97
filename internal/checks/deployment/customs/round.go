package customs

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/internal/checks/health"
)

// Round is one check's round through the custom resources.
type Round struct {
	Finding *finding.Finding
	Client  dynamic.Interface
	// Namespaces are those whose resources are all looked at. Of the whole cluster it is those that belong to one of Components.
	Namespaces []string
	Components []string

	judged, silent int
	// cut is whether the check's time was up in the middle.
	cut bool
	// unseen are kinds that the validator may not list.
	unseen []string
}

// Make looks at the resources of all kinds.
func (r *Round) Make(ctx context.Context) {
	all := Defined(ctx, r.Finding, r.Client)
	for i := range all {
		if r.kind(ctx, &all[i]); r.cut {
			r.Finding.CouldNotRun("its time was up after the resources of %d of %d kinds. To mend: see what the API server or the network is "+
				"busy with, and run it again", i, len(all))
			break
		}
	}
	r.conclude()
}

// kind looks at the resources of one kind.
func (r *Round) kind(ctx context.Context, crd *unstructured.Unstructured) {
	group, _, _ := unstructured.NestedString(crd.Object, "spec", "group")
	plural, _, _ := unstructured.NestedString(crd.Object, "spec", "names", "plural")
	scope, _, _ := unstructured.NestedString(crd.Object, "spec", "scope")
	version := served(crd)
	if version == "" {
		return
	}
	in := r.Client.Resource(schema.GroupVersionResource{Group: group, Version: version, Resource: plural})
	if scope == string(apiextensionsv1.ClusterScoped) {
		ours := r.belongs(crd)
		r.list(ctx, crd, in, func(object *unstructured.Unstructured) bool { return ours || r.belongs(object) })
		return
	}
	for _, namespace := range r.Namespaces {
		if r.cut {
			return
		}
		r.list(ctx, crd, in.Namespace(namespace), func(*unstructured.Unstructured) bool { return true })
	}
}

func (r *Round) list(
	ctx context.Context, crd *unstructured.Unstructured, in dynamic.ResourceInterface, ours func(*unstructured.Unstructured) bool,
) {
	err := each(ctx, in, resourcesPage, func(object *unstructured.Unstructured) {
		if !ours(object) {
			return
		}
		if r.judged++; !health.Speaks(object) {
			r.silent++
		}
		name := strings.TrimPrefix(object.GetNamespace()+"/"+object.GetName(), "/")
		for _, problem := range health.Unrest(object, time.Now()) {
			r.Finding.Fail(fmt.Sprintf("%s %s to be well", object.GetKind(), name), problem,
				fmt.Sprintf("see kubectl describe %s %s, and the log of its operator", crd.GetName(), object.GetName()))
		}
	})
	switch {
	case err == nil:
	case ctx.Err() != nil:
		// Each further list would fail like this one.
		r.cut = true
	case apierrors.IsForbidden(err):
		r.unseen = append(r.unseen, crd.GetName())
	default:
		r.Finding.Refused("list "+crd.GetName(), err)
	}
}

// belongs reports whether an object is of one of the components.
func (r *Round) belongs(object *unstructured.Unstructured) bool {
	labels := object.GetLabels()
	for _, name := range []string{
		labels["app.kubernetes.io/name"], labels["app.kubernetes.io/instance"], labels["app.kubernetes.io/part-of"],
		object.GetAnnotations()[releaseName], object.GetName(),
	} {
		if slices.Contains(r.Components, name) {
			return true
		}
	}
	return false
}

// conclude says what was not seen: nothing is known of the resources of a kind that may not be listed, so that the check comes to no
// conclusion, unless it has found a fault elsewhere. Nor is it proof that nothing says how it is.
func (r *Round) conclude() {
	f := r.Finding
	f.Measure("custom-resources", r.judged)
	f.Measure("custom-resources.without-conditions", r.silent)
	slices.Sort(r.unseen)
	if unseen := slices.Compact(r.unseen); len(unseen) > 0 {
		f.Measure("custom-resources.not-seen", strings.Join(unseen, ","))
		f.CouldNotRun("the ServiceAccount may not list %s. To mend: give it the right to, in the namespaces %s, or in the whole cluster "+
			"where the kind belongs to no namespace", strings.Join(unseen, ", "), strings.Join(r.Namespaces, ", "))
	}
	switch {
	case f.Failed():
	case r.judged == 0:
		f.NotApplicable("the recipe's components have no custom resources")
	case r.judged == r.silent:
		f.NotApplicable("none of the %d custom resources of the recipe's components says how it is", r.judged)
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
