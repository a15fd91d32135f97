package v1alpha1

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// A pattern is enough to know that an amount decodes, because it leaves out the exponents and signs of a general quantity. CEL could check
// those, but only at a cost that the schema has no budget for.

// Amount is a Kubernetes quantity, such as 500m, 2 or 1Gi, without sign or exponent.
//
// +kubebuilder:validation:XIntOrString
// +kubebuilder:validation:MaxLength=32
// +kubebuilder:validation:Minimum=0
// +kubebuilder:validation:Maximum=2147483647
// +kubebuilder:validation:Pattern=`^[0-9]{1,15}(\.[0-9]{1,9})?([KMGTPE]i|[mkMGTPE])?$`
type Amount intstr.IntOrString

// MarshalJSON gives the number or the string as it was given.
func (a Amount) MarshalJSON() ([]byte, error) { return intstr.IntOrString(a).MarshalJSON() }

// UnmarshalJSON takes a number or a string.
func (a *Amount) UnmarshalJSON(data []byte) error { return (*intstr.IntOrString)(a).UnmarshalJSON(data) }

// Quantity is the amount as the core API has it.
func (a *Amount) Quantity() (resource.Quantity, error) {
	text := (*intstr.IntOrString)(a).String()
	q, err := resource.ParseQuantity(text)
	if err != nil {
		return q, fmt.Errorf("%q is no quantity: %w", text, err)
	}
	return q, nil
}
