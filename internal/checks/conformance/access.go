package conformance

import (
	"context"
	"slices"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/pod-security-admission/api"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/internal/checks/probe"
)

// action is something that a client may or may not do, with a request that does no harm where it may.
type action struct {
	attributes authorizationv1.ResourceAttributes
	try        func(context.Context, kubernetes.Interface) error
}

var (
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

// AccessDenied proves that access is denied where no rule grants it: of what the validator's ServiceAccount may not do,
// according to the API server itself, a real request is refused as well.
func AccessDenied(ctx context.Context, b *cluster.Bench) *finding.Finding {
	f := &finding.Finding{}
	denied := 0
	for _, a := range []action{makeAdministrators, readSystemSecrets} {
		review, err := b.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, &authorizationv1.SelfSubjectAccessReview{
			Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &a.attributes},
		}, metav1.CreateOptions{})
		if err != nil {
			f.Refused("create SelfSubjectAccessReviews", err)
			return f
		}
		if review.Status.Allowed {
			f.Note("the ServiceAccount may %s %s, which a validator need not", a.attributes.Verb, a.attributes.Resource)
			continue
		}
		denied++
		switch err := a.try(ctx, b); {
		case err == nil:
			f.Fail("to be forbidden to "+a.attributes.Verb+" "+a.attributes.Resource, outcome(err),
				"see that the API server runs with the RBAC authorizer")
		case !isDenial(err):
			f.CouldNotRun("whether it is forbidden to %s %s cannot be told: %v. %s", a.attributes.Verb, a.attributes.Resource, err, answerMend)
		}
	}
	if denied == 0 {
		f.Fail("a ServiceAccount that may not do everything", "one that may, so that nothing can be denied",
			"give the run one with the rights that its checks need")
	}
	return f
}

// AnonymousDenied proves that a client without an identity gets no Secrets.
func AnonymousDenied(ctx context.Context, b *cluster.Bench) *finding.Finding {
	f := &finding.Finding{}
	client, err := kubernetes.NewForConfig(rest.AnonymousClientConfig(b.Config))
	if err != nil {
		f.CouldNotRun("making a client without an identity: %v", err)
		return f
	}
	switch err := readSystemSecrets.try(ctx, client); {
	case err == nil:
		f.Fail("a client without an identity to be refused", outcome(err),
			"look for bindings to system:anonymous and system:unauthenticated")
	case !isDenial(err):
		f.CouldNotRun("whether a client without an identity is refused cannot be told: %v. %s", err, answerMend)
	}
	return f
}

const answerMend = "To mend: see what the API server or the network is busy with, and run it again"

// isDenial reports whether a request was denied for want of a right. One without an answer was neither denied nor let through.
func isDenial(err error) bool { return apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) }

// PodSecurity proves that the namespace's Pod Security level is enforced: an ordinary pod is accepted, and the same pod with a
// privileged container is refused. Both are dry runs, so neither is ever started.
func PodSecurity(ctx context.Context, b *cluster.Bench) *finding.Finding {
	f := &finding.Finding{}
	namespace, err := b.CoreV1().Namespaces().Get(ctx, b.Namespace, metav1.GetOptions{})
	if err != nil {
		f.Refused("get the namespace "+b.Namespace, err)
		return f
	}
	level := namespace.Labels[api.EnforceLevelLabel]
	f.Measure("pod-security.enforce", level)
	if !slices.Contains([]string{string(api.LevelRestricted), string(api.LevelBaseline)}, level) {
		f.NotApplicable("the namespace %s is not labeled to enforce Pod Security restricted or baseline", b.Namespace)
		return f
	}
	pod, err := b.Pod(cluster.Probe{What: "security", Run: probe.None})
	if err != nil {
		f.Refused("get pods in "+b.Namespace, err)
		return f
	}
	pods := b.CoreV1().Pods(b.Namespace)
	switch _, err := pods.Create(ctx, pod, metav1.CreateOptions{DryRun: dryRun}); {
	case violates(err):
		f.Fail("a pod that is within Pod Security restricted to be accepted", outcome(err), "see what changes pods before they are admitted")
		return f
	case err != nil:
		f.Refused("create pods in "+b.Namespace, err)
		return f
	}
	pod.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{Privileged: new(true)}
	switch _, err := pods.Create(ctx, pod, metav1.CreateOptions{DryRun: dryRun}); {
	case violates(err):
	case apierrors.IsForbidden(err):
		// Who else forbids it keeps Pod Security from being asked.
		f.CouldNotRun("a privileged pod is forbidden by somebody else: %v. To mend: exempt the namespace %s there for as long as it is validated",
			err, b.Namespace)
	case err != nil:
		f.Refused("create pods in "+b.Namespace, err)
	default:
		f.Fail("a privileged pod to be forbidden in a namespace that enforces "+level, outcome(err),
			"see that the admission plug-in PodSecurity is on and exempts nobody here")
	}
	return f
}

// violates reports whether it was Pod Security that forbade a pod.
func violates(err error) bool {
	return apierrors.IsForbidden(err) && strings.Contains(err.Error(), "violates PodSecurity")
}
