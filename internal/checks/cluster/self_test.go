package cluster

import (
	"errors"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/validation-operator/validation-operator/internal/checks/finding"
)

// What keeps a check from finding its own pod is no fault of the cluster, and may be over for the next check.
func TestTheOwnPodIsFoundOnce(t *testing.T) {
	review := func(pods ...string) authenticationv1.SelfSubjectReview {
		return authenticationv1.SelfSubjectReview{Status: authenticationv1.SelfSubjectReviewStatus{UserInfo: authenticationv1.UserInfo{
			Extra: map[string]authenticationv1.ExtraValue{podNameKey: pods},
		}}}
	}
	resource := schema.GroupResource{Resource: "selfsubjectreviews"}
	tests := map[string]struct {
		review authenticationv1.SelfSubjectReview
		err    error
		says   string
	}{
		"a token of no pod":           {review: review(), says: "use a projected service account token"},
		"a pod that is not there":     {review: review("elsewhere"), says: `pods "elsewhere" not found`},
		"an API server that is busy":  {err: apierrors.NewTooManyRequests("later", 1), says: "later"},
		"an API server that fails":    {err: apierrors.NewInternalError(errors.New("etcd is away")), says: "etcd is away"},
		"an API server without it":    {err: apierrors.NewNotFound(resource, ""), says: "reviewing the own identity"},
		"without the right to ask it": {err: apierrors.NewForbidden(resource, "", errors.New("no rule")), says: "the right to create configmaps"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			client, asked := fake.NewClientset(selfPod()), 0
			client.PrependReactor("create", "selfsubjectreviews", func(clienttesting.Action) (bool, runtime.Object, error) {
				if asked++; asked == 1 {
					return true, &tt.review, tt.err
				}
				found := review("validator")
				return true, &found, nil
			})
			c := &Cluster{Interface: client, Namespace: "ns", undo: &undo{}}
			c.self = onceFound(c.findSelf)
			b := c.Bench(t.Name())
			_, err := Make(t.Context(), b, client.CoreV1().ConfigMaps("ns"), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"}})
			var f finding.Finding
			f.Refused("create configmaps", err)
			if f.Failed() || f.Skip != finding.CouldNotRun || !strings.Contains(f.Why, tt.says) {
				t.Errorf("found %+v, want %s with %q", f, finding.CouldNotRun, tt.says)
			}
			for range 2 {
				if own, err := b.Own(); err != nil || own.Name != "validator" {
					t.Fatalf("the own pod = %v, %v, want it found", own, err)
				}
			}
			if asked != 2 {
				t.Errorf("asked %d times, want once more after the first was in vain", asked)
			}
		})
	}
	if _, err := (Probe{}).Pod(selfPod()); !errors.As(err, &finding.Unmet{}) {
		t.Errorf("error = %v, want one of what the check lacks", err)
	}
}
