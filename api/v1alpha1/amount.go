package v1alpha1

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// A pattern is enough to know that a string decodes as an amount, because it leaves out the exponents and signs of a general quantity. CEL
// could check those, but only at a cost that the schema has no budget for: it takes a value that is an integer or a string to be as long
// as a whole request. So the rule checks the range of integers, for which the API server heeds no minimum and maximum here, and of strings
// just enough to meet most mistakes with words.

// Amount is a Kubernetes quantity, such as 500m, 2 or 1Gi, without sign or exponent.
//
// +kubebuilder:validation:XIntOrString
// +kubebuilder:validation:MaxLength=32
// +kubebuilder:validation:Pattern=`^[0-9]{1,15}(\.[0-9]{1,9})?([KMGTPE]i|[mkMGTPE])?$`
// +kubebuilder:validation:XValidation:rule="type(self) == int ? self >= 0 && self <= 2147483647 : ['0','1','2','3','4','5','6','7','8','9'].exists(d, self.startsWith(d)) && ['0','1','2','3','4','5','6','7','8','9','m','k','M','G','T','P','E','Ki','Mi','Gi','Ti','Pi','Ei'].exists(u, self.endsWith(u))",message="must be a number from 0 to 2147483647, or a string such as '500m', '0.5' or '1Gi', without sign or exponent"
type Amount intstr.IntOrString

// MarshalJSON gives the number or the string as it was given.
func (a Amount) MarshalJSON() ([]byte, error) { return intstr.IntOrString(a).MarshalJSON() }

// UnmarshalJSON takes a number or a string.
func (a *Amount) UnmarshalJSON(data []byte) error {
	return (*intstr.IntOrString)(a).UnmarshalJSON(data)
}

// Quantity is the amount as the core API has it.
func (a *Amount) Quantity() (resource.Quantity, error) {
	text := (*intstr.IntOrString)(a).String()
	q, err := resource.ParseQuantity(text)
	if err != nil {
		return q, fmt.Errorf("%q is no quantity: %w", text, err)
	}
	return q, nil
}
