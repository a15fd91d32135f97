// Package v1alpha1 is the API of the Validation Operator, group validation.aicr.dev: the ValidationRun, its conditions, its
// reasons and the labels of everything that is made for a run. It imports Kubernetes API types alone, no client.
//
// +kubebuilder:object:generate=true
// +groupName=validation.aicr.dev
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var (
	// GroupVersion is the group and version of these types.
	GroupVersion = schema.GroupVersion{Group: "validation.aicr.dev", Version: "v1alpha1"}

	schemeBuilder = runtime.NewSchemeBuilder(addKnownTypes)

	// AddToScheme adds these types to a scheme.
	AddToScheme = schemeBuilder.AddToScheme
)

func addKnownTypes(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion, &ValidationRun{}, &ValidationRunList{})
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
