package cluster

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

func benchOf(objects ...runtime.Object) (*Bench, *fake.Clientset) {
	client := fake.NewClientset(objects...)
	return At(client, nil, selfPod()).Bench("TestX/part"), client
}

func role(age time.Duration, labels, annotations map[string]string) *rbacv1.ClusterRole {
	return &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{
		Name: "fixed", UID: "old", Labels: labels, Annotations: annotations, CreationTimestamp: metav1.NewTime(time.Now().Add(-age)),
	}}
}

func TestClearRemovesLastInFirstOut(t *testing.T) {
	b, client := benchOf()
	in := client.CoreV1().ConfigMaps("ns")
	for _, name := range []string{"a", "b"} {
		made, err := Make(t.Context(), b, in, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}})
		if err != nil {
			t.Fatal(err)
		}
		if made.Labels[CheckLabel] != "TestX" || len(made.OwnerReferences) != 1 {
			t.Errorf("made %+v, want one that names its check and belongs to the validator's pod", made.ObjectMeta)
		}
	}
	var deleted []string
	client.PrependReactor("delete", "configmaps", func(action clienttesting.Action) (bool, runtime.Object, error) {
		deleted = append(deleted, action.(clienttesting.DeleteAction).GetName())
		return false, nil, nil
	})
	b.Clear(t.Errorf)
	if len(deleted) != 2 || deleted[0] != "b" || deleted[1] != "a" {
		t.Errorf("deleted %q, want b and then a", deleted)
	}
	if len(b.undo.steps) != 0 {
		t.Errorf("%d steps are left to undo", len(b.undo.steps))
	}
}

func TestClearLeavesAloneWhatWasRefused(t *testing.T) {
	b, client := benchOf()
	client.PrependReactor("create", "configmaps", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: "configmaps"}, "a", errors.New("no"))
	})
	_, err := Make(t.Context(), b, client.CoreV1().ConfigMaps("ns"), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"}})
	if !apierrors.IsForbidden(err) {
		t.Errorf("error = %v, want the refusal", err)
	}
	b.Clear(t.Errorf)
	for _, action := range client.Actions() {
		if action.GetVerb() == "delete" {
			t.Error("deleted what was never created")
		}
	}
}

func TestMakeAlone(t *testing.T) {
	check := map[string]string{CheckLabel: "TestX"}
	aged := func(age time.Duration, labels map[string]string) func() *rbacv1.ClusterRole {
		return func() *rbacv1.ClusterRole { return role(age, labels, nil) }
	}
	heldBy := func(holder string) func() *rbacv1.ClusterRole {
		return func() *rbacv1.ClusterRole {
			return role(time.Minute, check, map[string]string{ownerAnnotation: holder})
		}
	}
	ended := selfPod()
	ended.Name, ended.UID, ended.Status.Phase = "ended", "e", corev1.PodFailed
	tests := map[string]struct {
		there func() *rbacv1.ClusterRole
		// removedAfter is when the other run is over; 0 for never.
		removedAfter time.Duration
		want         error
	}{
		"nobody has the name":                              {},
		"another run has it for a while":                   {there: aged(time.Minute, check), removedAfter: 10 * time.Second},
		"another run keeps it":                             {there: aged(time.Minute, check), want: ErrTaken},
		"a killed run has left it behind":                  {there: aged(time.Hour, check)},
		"a run whose pod is gone has left it behind":       {there: heldBy("ns/gone/x")},
		"a run whose pod has come anew has left it behind": {there: heldBy("ns/validator/x")},
		"a run whose pod has ended has left it behind":     {there: heldBy("ns/ended/e")},
		"a run whose pod goes on keeps it":                 {there: heldBy("ns/validator/u"), want: ErrTaken},
		"a run in another namespace keeps it":              {there: heldBy("other/gone/x"), want: ErrTaken},
		"a stranger has it":                                {there: aged(time.Hour, nil), want: ErrTaken},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				objects := []runtime.Object{selfPod(), ended}
				if tt.there != nil {
					objects = append(objects, tt.there())
				}
				b, client := benchOf(objects...)
				in := client.RbacV1().ClusterRoles()
				if tt.removedAfter > 0 {
					time.AfterFunc(tt.removedAfter, func() {
						if err := in.Delete(context.WithoutCancel(t.Context()), "fixed", metav1.DeleteOptions{}); err != nil {
							t.Error(err)
						}
					})
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				made, err := MakeAlone(ctx, b, in, &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "fixed"}})
				if !errors.Is(err, tt.want) {
					t.Fatalf("error = %v, want %v", err, tt.want)
				}
				// By its label others leave alone what is there for a moment.
				if err == nil && made.Labels[CheckLabel] != "TestX" {
					t.Errorf("made %+v, want it to name its check", made.ObjectMeta)
				}
				b.Clear(t.Errorf)
				left, err := in.Get(t.Context(), "fixed", metav1.GetOptions{})
				if tt.want != nil && err != nil {
					t.Errorf("what belongs to somebody else is gone: %v", err)
				}
				if tt.want == nil && (!apierrors.IsNotFound(err) || made.GetName() != "fixed") {
					t.Errorf("after the check there is %v, %v, want nothing", left, err)
				}
			})
		})
	}
}

// An object that has come by the name since is not the check's.
func TestClearKeepsANamesakeOfAnotherRun(t *testing.T) {
	b, client := benchOf()
	in := client.RbacV1().ClusterRoles()
	if _, err := MakeAlone(t.Context(), b, in, &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "fixed"}}); err != nil {
		t.Fatal(err)
	}
	if err := in.Delete(t.Context(), "fixed", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	other := role(0, map[string]string{CheckLabel: "TestX"}, map[string]string{ownerAnnotation: "another pod"})
	if _, err := in.Create(t.Context(), other, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	b.Clear(t.Errorf)
	if _, err := in.Get(t.Context(), "fixed", metav1.GetOptions{}); err != nil {
		t.Errorf("the other run's object is gone: %v", err)
	}
}
