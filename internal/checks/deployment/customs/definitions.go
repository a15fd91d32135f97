// Package customs looks at the kinds that were added to a cluster, and at their resources. It asks through a client that it is given,
// changes nothing, and must not import a phase's checks.
package customs

import (
	"context"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
)

// releaseName is the annotation by which Helm says to what release an object belongs.
const releaseName = "meta.helm.sh/release-name"

var definitions = schema.GroupVersionResource{Group: apiextensionsv1.GroupName, Version: "v1", Resource: "customresourcedefinitions"}

// The pages: a definition may have a megabyte of schemas, and of resources nobody knows.
const (
	definitionsPage = 20
	resourcesPage   = 100
)

// Defined are the cluster's definitions of kinds, as far as a check reads them. Those that a check of another run has made for as long as it
// runs are none of them.
func Defined(ctx context.Context, f *finding.Finding, client dynamic.Interface) []unstructured.Unstructured {
	var found []unstructured.Unstructured
	err := each(ctx, client.Resource(definitions), definitionsPage, func(crd *unstructured.Unstructured) {
		if _, made := crd.GetLabels()[cluster.CheckLabel]; !made {
			found = append(found, slim(crd))
		}
	})
	switch {
	case err != nil:
		f.Refused("list CustomResourceDefinitions", err)
		return nil
	case len(found) == 0:
		f.NotApplicable("the cluster has no CustomResourceDefinitions")
	}
	return found
}

// slim is what is read of a definition. Thousands of schemas would take more memory than a validator has.
func slim(crd *unstructured.Unstructured) unstructured.Unstructured {
	kept := unstructured.Unstructured{Object: map[string]any{"apiVersion": crd.GetAPIVersion(), "kind": crd.GetKind()}}
	keep := func(path ...string) {
		if value, found, err := unstructured.NestedFieldNoCopy(crd.Object, path...); found && err == nil {
			// Of maps that are made here, none is in the way.
			_ = unstructured.SetNestedField(kept.Object, value, path...)
		}
	}
	for _, name := range []string{"name", "labels", "generation", "deletionTimestamp", "finalizers"} {
		keep("metadata", name)
	}
	keep("metadata", "annotations", releaseName)
	keep("spec", "group")
	keep("spec", "names")
	keep("spec", "scope")
	keep("status", "conditions")
	all, _, _ := unstructured.NestedFieldNoCopy(crd.Object, "spec", "versions")
	versions, _ := all.([]any)
	told := make([]any, 0, len(versions))
	for _, item := range versions {
		if version, ok := item.(map[string]any); ok {
			told = append(told, map[string]any{"name": version["name"], "served": version["served"], "storage": version["storage"]})
		}
	}
	_ = unstructured.SetNestedSlice(kept.Object, told, "spec", "versions")
	return kept
}

// each calls do for each object of a kind, page by page.
func each(ctx context.Context, in dynamic.ResourceInterface, size int64, do func(*unstructured.Unstructured)) error {
	options := metav1.ListOptions{Limit: size}
	for {
		page, err := in.List(ctx, options)
		if err != nil {
			return err
		}
		for i := range page.Items {
			do(&page.Items[i])
		}
		if options.Continue = page.GetContinue(); options.Continue == "" {
			return nil
		}
	}
}
