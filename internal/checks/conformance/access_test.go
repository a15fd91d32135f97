package conformance

import (
	"context"
	"errors"
	"slices"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/pod-security-admission/api"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/probe"
)

// action is something that a client may or may not do, with a request that does no harm where it may.
type action struct {
	attributes authorizationv1.ResourceAttributes
	try        func(context.Context, kubernetes.Interface) error
}

var (
	dryRun = []string{metav1.DryRunAll}

	// makeAdministrators is what no validator should have the right to do.
	makeAdministrators = action{
		attributes: authorizationv1.ResourceAttributes{
			Verb: "create", Group: rbacv1.GroupName, Version: "v1", Resource: "clusterroles",
		},
		try: func(ctx context.Context, client kubernetes.Interface) error {
			_, err := client.RbacV1().ClusterRoles().Create(ctx,
				&rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: cluster.Name("access")}}, metav1.CreateOptions{DryRun: dryRun})
			return err
		},
	}
	readSystemSecrets = action{
		attributes: authorizationv1.ResourceAttributes{
			Verb: "list", Version: "v1", Resource: "secrets", Namespace: metav1.NamespaceSystem,
		},
		try: func(ctx context.Context, client kubernetes.Interface) error {
			_, err := client.CoreV1().Secrets(metav1.NamespaceSystem).List(ctx, metav1.ListOptions{Limit: 1})
			return err
		},
	}
)

// TestAccessDenied proves that access is denied where no rule grants it: of what the validator's ServiceAccount may not do,
// according to the API server itself, a real request is refused as well, and a client without any identity is refused in any
// case. It needs no rights, and it needs to lack some.
func TestAccessDenied(t *testing.T) {
	c, ctx := cluster.Connect(t), cluster.Context(t, requestTime)
	denied := 0
	for _, a := range []action{makeAdministrators, readSystemSecrets} {
		review, err := c.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, &authorizationv1.SelfSubjectAccessReview{
			Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &a.attributes},
		}, metav1.CreateOptions{})
		if err != nil {
			t.Fatalf("asking for the own rights: %v", err)
		}
		if review.Status.Allowed {
			t.Logf("the ServiceAccount may %s %s, which a validator need not", a.attributes.Verb, a.attributes.Resource)
			continue
		}
		denied++
		if err := a.try(ctx, c); !apierrors.IsForbidden(err) {
			t.Errorf("expected to be forbidden to %s %s; found %s. To mend: see that the API server runs with the RBAC authorizer",
				a.attributes.Verb, a.attributes.Resource, outcome(err))
		}
	}
	if denied == 0 {
		t.Error("expected a ServiceAccount that may not do everything; found one that may, so that nothing can be denied. " +
			"To mend: give the run one with the rights that its checks need")
	}
}

// TestAnonymousDenied proves that a client without an identity gets no Secrets. It needs no rights.
func TestAnonymousDenied(t *testing.T) {
	c, ctx := cluster.Connect(t), cluster.Context(t, requestTime)
	client, err := kubernetes.NewForConfig(rest.AnonymousClientConfig(c.Config))
	if err != nil {
		t.Fatalf("making a client without an identity: %v", err)
	}
	if err := readSystemSecrets.try(ctx, client); !apierrors.IsForbidden(err) && !apierrors.IsUnauthorized(err) {
		t.Errorf("expected a client without an identity to be refused; found %s. To mend: look for bindings to system:anonymous and "+
			"system:unauthenticated", outcome(err))
	}
}

func outcome(err error) string {
	if err == nil {
		return "that it is allowed"
	}
	return err.Error()
}

// TestPodSecurity proves that the namespace's Pod Security level is enforced: an ordinary pod is accepted, and the same pod
// with a privileged container is refused. Both are dry runs, so neither is ever started. It needs to get the run's own
// namespace and to create pods there. In a namespace that enforces neither restricted nor baseline it is not applicable.
func TestPodSecurity(t *testing.T) {
	c, ctx := cluster.Connect(t), cluster.Context(t, requestTime)
	namespace, err := c.CoreV1().Namespaces().Get(ctx, c.Namespace, metav1.GetOptions{})
	if err != nil {
		t.Fatalf("getting the namespace %s: %v. To mend: give the run's ServiceAccount the right to get it", c.Namespace, err)
	}
	level := namespace.Labels[api.EnforceLevelLabel]
	t.Attr("pod-security.enforce", level)
	if !slices.Contains([]string{string(api.LevelRestricted), string(api.LevelBaseline)}, level) {
		t.Skipf("not applicable: the namespace %s is not labeled to enforce Pod Security restricted or baseline", c.Namespace)
	}
	pods := c.CoreV1().Pods(c.Namespace)
	pod := newPod(t, c, cluster.Probe{What: "security", Run: probe.None})
	if _, err := pods.Create(ctx, pod, metav1.CreateOptions{DryRun: dryRun}); err != nil {
		t.Fatalf("expected an ordinary pod to be accepted; found: %v", err)
	}
	pod.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{Privileged: new(true)}
	if _, err := pods.Create(ctx, pod, metav1.CreateOptions{DryRun: dryRun}); !apierrors.IsForbidden(err) {
		t.Errorf("expected a privileged pod to be forbidden in a namespace that enforces %s; found %s. "+
			"To mend: see that the admission plug-in PodSecurity is on and exempts nobody here", level, outcome(err))
	}
}

// gone returns once the object is deleted.
func gone[T cluster.Object](ctx context.Context, in cluster.Watcher, obj T) error {
	_, err := cluster.Await(ctx, in, obj, func(T) (bool, error) { return false, nil })
	if errors.Is(err, cluster.ErrDeleted) {
		return nil
	}
	return err
}
