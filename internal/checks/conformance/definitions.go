package conformance

import (
	"context"
	"fmt"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/internal/checks/health"
)

const (
	widgetKind = "CheckWidget"
	crdMend    = "see the API server's log, and kubectl get crd checkwidgets.check.validation.aicr.dev -o yaml for its conditions"
)

var (
	definitions = schema.GroupVersionResource{Group: apiextensionsv1.GroupName, Version: "v1", Resource: "customresourcedefinitions"}
	// widgets is the kind that a check adds to the API for as long as it runs. The name is fixed, so that rights can be limited to it.
	widgets = schema.GroupVersionResource{Group: "check.validation.aicr.dev", Version: "v1", Resource: "checkwidgets"}
)

// CRDLifecycle proves that the API can be extended: a new kind is established and served, an object that its schema forbids is
// refused, status is a part of its own, and the kind goes with its objects when it is deleted.
func CRDLifecycle(ctx context.Context, b *cluster.Bench) *finding.Finding {
	f := &finding.Finding{}
	client, err := b.Dynamic()
	if err != nil {
		f.CouldNotRun("%v", err)
		return f
	}
	crds := cluster.Objects{ResourceInterface: client.Resource(definitions)}
	definition, err := widgetDefinition()
	if err != nil {
		f.CouldNotRun("%v", err)
		return f
	}
	crd, err := cluster.MakeAlone(ctx, b, crds, definition)
	if err != nil {
		return refused(f, "create CustomResourceDefinitions, and get, watch and delete that of the name "+definition.GetName(), err)
	}
	crd, err = cluster.Await(ctx, crds, crd, func(crd *unstructured.Unstructured) (bool, error) {
		return health.ConditionTrue(crd, string(apiextensionsv1.Established)), nil
	})
	if apierrors.IsForbidden(err) {
		f.Refused("watch the CustomResourceDefinition "+definition.GetName(), err)
		return f
	}
	if err != nil {
		f.Fail("a new kind to be established", fmt.Sprintf("%v; %v", health.Conditions(crd), err), crdMend)
		return f
	}
	if !custom(ctx, b, f, cluster.Objects{ResourceInterface: client.Resource(widgets).Namespace(b.Namespace)}) {
		return f
	}
	if err := crds.Delete(ctx, crd.GetName(), metav1.DeleteOptions{}); err != nil {
		f.Refused("delete the CustomResourceDefinition "+crd.GetName(), err)
		return f
	}
	if err := gone(ctx, crds, crd); err != nil {
		f.Fail("the kind to go once it is deleted", "it still there: "+err.Error(), crdMend)
	}
	return f
}

// custom tries out objects of the new kind.
func custom(ctx context.Context, b *cluster.Bench, f *finding.Finding, in cluster.Objects) bool {
	widget := widgetOf(int64(1))
	created := widget
	// Established is a moment ahead of served.
	is, answer := ask(ctx, func(ctx context.Context) (err error) {
		created, err = cluster.Make(ctx, b, in, widget)
		return err
	}, func(err error) bool { return !apierrors.IsNotFound(err) })
	if !is || answer != nil {
		f.Refused("create "+widgets.GroupResource().String()+" in "+b.Namespace, answer)
		return false
	}
	switch _, err := in.Create(ctx, widgetOf("large"), metav1.CreateOptions{DryRun: dryRun}); {
	case err == nil:
		f.Fail("an object that the kind's schema forbids to be refused as invalid", outcome(err), crdMend)
		return false
	case !apierrors.IsInvalid(err):
		f.Refused("create "+widgets.GroupResource().String()+" in "+b.Namespace, err)
		return false
	}
	return statusApart(ctx, f, in, created)
}

// statusApart demands that a write of status changes status alone.
func statusApart(ctx context.Context, f *finding.Finding, in cluster.Objects, widget *unstructured.Unstructured) bool {
	changed := widget.DeepCopy()
	changed.Object["spec"] = map[string]any{"size": int64(2)}
	changed.Object["status"] = map[string]any{"seen": true}
	found, err := in.UpdateStatus(ctx, changed, metav1.UpdateOptions{})
	if err != nil {
		f.Refused("update the status of "+widgets.GroupResource().String(), err)
		return false
	}
	size, _, _ := unstructured.NestedInt64(found.Object, "spec", "size")
	seen, _, _ := unstructured.NestedBool(found.Object, "status", "seen")
	if size != 1 || !seen {
		f.Fail("a write of the status to change the status and not the spec, size 1 and seen true",
			fmt.Sprintf("size %d and seen %t", size, seen), crdMend)
		return false
	}
	return true
}

func widgetOf(size any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": widgets.GroupVersion().String(), "kind": widgetKind,
		"metadata": map[string]any{"name": cluster.Name("widget")},
		"spec":     map[string]any{"size": size},
	}}
}

func widgetDefinition() (*unstructured.Unstructured, error) {
	definition := &apiextensionsv1.CustomResourceDefinition{
		TypeMeta:   metav1.TypeMeta{APIVersion: definitions.GroupVersion().String(), Kind: "CustomResourceDefinition"},
		ObjectMeta: metav1.ObjectMeta{Name: widgets.Resource + "." + widgets.Group},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: widgets.Group,
			Scope: apiextensionsv1.NamespaceScoped,
			Names: apiextensionsv1.CustomResourceDefinitionNames{
				Plural: widgets.Resource, Singular: "checkwidget", Kind: widgetKind, ListKind: widgetKind + "List",
			},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
				Name: widgets.Version, Served: true, Storage: true,
				Subresources: &apiextensionsv1.CustomResourceSubresources{Status: &apiextensionsv1.CustomResourceSubresourceStatus{}},
				Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: new(object(map[string]apiextensionsv1.JSONSchemaProps{
					"spec":   object(map[string]apiextensionsv1.JSONSchemaProps{"size": {Type: "integer"}}),
					"status": object(map[string]apiextensionsv1.JSONSchemaProps{"seen": {Type: "boolean"}}),
				}))},
			}},
		},
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(definition)
	if err != nil {
		return nil, fmt.Errorf("encoding the definition of the check's own kind: %w", err)
	}
	return &unstructured.Unstructured{Object: content}, nil
}

func object(properties map[string]apiextensionsv1.JSONSchemaProps) apiextensionsv1.JSONSchemaProps {
	return apiextensionsv1.JSONSchemaProps{Type: "object", Properties: properties}
}
