package controller

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/plan"
)

// refusal is an answer of the API server that a decision has to take into account, in contrast to an error that is simply tried again.
type refusal struct{ block plan.Block }

func (r *refusal) Error() string { return r.block.Reason + ": " + r.block.Message }

// refused sorts the errors of a creation.
func refused(what string, err error) error { return refusedTo("creating "+what, err) }

// refusedTo sorts the errors of a write.
func refusedTo(doing string, err error) error {
	block := plan.Block{Message: fmt.Sprintf("%s: %s", doing, err)}
	switch {
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		block.Reason, block.Message, block.Final = v1alpha1.ReasonPodNotCreated, "the namespace is being deleted", true
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err), apierrors.IsRequestEntityTooLargeError(err):
		block.Reason, block.Final = v1alpha1.ReasonInvalidSpec, true
	case apierrors.IsForbidden(err) && strings.Contains(err.Error(), "exceeded quota"):
		block.Reason = v1alpha1.ReasonQuotaExceeded
	case apierrors.IsForbidden(err):
		// Not final: rights that were taken away can be given back.
		block.Reason = v1alpha1.ReasonForbidden
	case apierrors.IsInternalError(err) && strings.Contains(err.Error(), "failed calling webhook"):
		block.Reason = v1alpha1.ReasonPodNotCreated
	case strings.Contains(err.Error(), "denied the request"), strings.Contains(err.Error(), "denied request: "):
		// A webhook and a policy that say no give the answer a code of their own choice.
		block.Reason = v1alpha1.ReasonForbidden
	default:
		return fmt.Errorf("%s: %w", doing, err)
	}
	return &refusal{block: block}
}
