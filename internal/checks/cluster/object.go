package cluster

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"
)

// Creator is the part of a typed client that Create needs; client.CoreV1().Pods(namespace) is one.
type Creator[T metav1.Object] interface {
	Create(ctx context.Context, obj T, opts metav1.CreateOptions) (T, error)
	Delete(ctx context.Context, name string, opts metav1.DeleteOptions) error
}

// Name is a new name for an object of a check.
func Name(what string) string { return "check-" + what + "-" + rand.String(8) }

// Create creates an object in the run's namespace, with a name from Name. It is removed when the test ends or when a signal ends
// the process; as it belongs to the validator's pod, the garbage collector removes it where neither came about.
func Create[T metav1.Object](ctx context.Context, t *testing.T, c *Cluster, in Creator[T], obj T) T {
	t.Helper()
	adopt(obj, c.Self(t), t.Name())

	what := fmt.Sprintf("%T %s", obj, obj.GetName())
	undo, err := c.undo.push(what, func(ctx context.Context) error { return remove(ctx, in, obj.GetName()) })
	if err != nil {
		// Only a signal closes the stack, and after one no check may come to a conclusion.
		interrupted.hold()
		t.Fatalf("creating %s: %v", what, err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), undoBudget)
		defer cancel()
		if err := undo(ctx); err != nil {
			t.Logf("%v; it goes with the validator's pod", err)
		}
	})
	created, err := in.Create(ctx, obj, metav1.CreateOptions{})
	if err != nil {
		t.Fatalf("creating %s: %v", what, err)
	}
	return created
}

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
func adopt(obj metav1.Object, owner *corev1.Pod, test string) {
	check, _, _ := strings.Cut(test, "/")
	labels := maps.Clone(obj.GetLabels())
	if labels == nil {
		labels = map[string]string{}
	}
	labels[CheckLabel] = check[:min(len(check), 63)]
	obj.SetLabels(labels)
	if len(obj.GetOwnerReferences()) == 0 {
		obj.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: owner.Name, UID: owner.UID}})
	}
}
