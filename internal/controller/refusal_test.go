package controller

import (
	"context"
	"errors"
	"net/http"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

var jobs = schema.GroupResource{Group: "batch", Resource: "jobs"}

func terminatingNamespace() error {
	err := apierrors.NewForbidden(jobs, "j", errors.New("unable to create new content in namespace ns because it is being terminated"))
	details := err.ErrStatus.Details
	details.Causes = append(details.Causes, metav1.StatusCause{Type: corev1.NamespaceTerminatingCause, Field: "metadata.namespace"})
	return err
}

// denied is what the API server answers when a webhook or a policy says no: with a code and a reason of theirs, which may be none.
func denied(code int32, reason metav1.StatusReason, message string) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{Status: metav1.StatusFailure, Code: code, Reason: reason, Message: message}}
}

const (
	byWebhook = `admission webhook "w" denied the request: no`
	byPolicy  = `configmaps "x" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no`
)

func TestRefused(t *testing.T) {
	kind := schema.GroupKind{Group: "batch", Kind: "Job"}
	tests := []struct {
		name string
		err  error
		want string // the reason, with ! where it is final; empty for what is simply tried again
	}{
		{"invalid", apierrors.NewInvalid(kind, "j", nil), v1alpha1.ReasonInvalidSpec + "!"},
		{"bad request", apierrors.NewBadRequest("strict decoding error"), v1alpha1.ReasonInvalidSpec + "!"},
		{"too large", apierrors.NewRequestEntityTooLargeError("limit is 3145728"), v1alpha1.ReasonInvalidSpec + "!"},
		{"a quota", apierrors.NewForbidden(jobs, "j", errors.New("exceeded quota: q, requested: count/jobs.batch=1")), v1alpha1.ReasonQuotaExceeded},
		{"rights", apierrors.NewForbidden(jobs, "j", errors.New(`User "x" cannot create resource "jobs"`)), v1alpha1.ReasonForbidden},
		{"a webhook that says no", denied(http.StatusForbidden, "", byWebhook), v1alpha1.ReasonForbidden},
		{"a webhook that says conflict", denied(http.StatusConflict, metav1.StatusReasonConflict, byWebhook), v1alpha1.ReasonForbidden},
		{"a webhook that says error", denied(http.StatusInternalServerError, "", byWebhook), v1alpha1.ReasonForbidden},
		{"a webhook that says unavailable", denied(http.StatusServiceUnavailable, "", byWebhook), v1alpha1.ReasonForbidden},
		{"a webhook that says gone", denied(http.StatusGone, "", byWebhook), v1alpha1.ReasonForbidden},
		{"a webhook that says something", denied(499, "", byWebhook), v1alpha1.ReasonForbidden},
		{"a webhook that says nothing", denied(http.StatusBadRequest, "", `admission webhook "w" denied the request without explanation`),
			v1alpha1.ReasonInvalidSpec + "!"},
		{"a policy that says no", denied(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid, byPolicy), v1alpha1.ReasonInvalidSpec + "!"},
		{"a policy that says unauthorized", denied(http.StatusUnauthorized, metav1.StatusReasonUnauthorized, byPolicy), v1alpha1.ReasonForbidden},
		{"a namespace that goes", terminatingNamespace(), v1alpha1.ReasonPodNotCreated + "!"},
		{"a webhook that is down", apierrors.NewInternalError(errors.New(`failed calling webhook "w": connection refused`)), v1alpha1.ReasonPodNotCreated},
		{"an internal error", apierrors.NewInternalError(errors.New("etcdserver: no leader")), ""},
		{"too many requests", apierrors.NewTooManyRequests("slow down", 1), ""},
		{"a timeout of the server", apierrors.NewServerTimeout(jobs, "create", 1), ""},
		{"a timeout", apierrors.NewTimeoutError("request did not complete", 1), ""},
		{"unavailable", apierrors.NewServiceUnavailable("starting"), ""},
		{"unauthorized", apierrors.NewUnauthorized("token expired"), ""},
		{"no namespace", apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, "ns"), ""},
		{"the pass took too long", context.DeadlineExceeded, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := refused("Job j", test.err)
			got := ""
			if r, ok := errors.AsType[*refusal](err); ok {
				if got = r.block.Reason; r.block.Final {
					got += "!"
				}
				if r.block.Message == "" {
					t.Error("no message")
				}
			} else if !errors.Is(err, test.err) {
				t.Errorf("%v does not wrap %v", err, test.err)
			}
			if got != test.want {
				t.Errorf("refused for %q, want %q: %v", got, test.want, err)
			}
		})
	}
}
