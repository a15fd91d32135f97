package cluster

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"
)

// Creator is the part of a typed client that Make needs; client.CoreV1().Pods(namespace) is one.
type Creator[T metav1.Object] interface {
	Create(ctx context.Context, obj T, opts metav1.CreateOptions) (T, error)
	Delete(ctx context.Context, name string, opts metav1.DeleteOptions) error
}

// Name is a new name for an object of a check.
func Name(what string) string { return "check-" + what + "-" + rand.String(8) }

func remove[T metav1.Object](ctx context.Context, in Creator[T], name string) error {
	// Jobs would otherwise leave their pods behind.
	err := in.Delete(ctx, name, metav1.DeleteOptions{PropagationPolicy: new(metav1.DeletePropagationBackground)})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// adopt makes the validator's pod the owner of an object that the check has given no other owner. It does not block the
// owner's deletion, which would take the right to change the pod's finalizers.
func adopt(obj metav1.Object, owner *corev1.Pod, check string) {
	label(obj, check)
	if len(obj.GetOwnerReferences()) == 0 {
		obj.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: owner.Name, UID: owner.UID}})
	}
}
