package scripted

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/rest"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/conformance"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
)

// A validator without any rights must not accuse the cluster, and has proven nothing.
func TestWithoutRightsChecksCouldNotRun(t *testing.T) {
	free := map[string]bool{"AccessDenied": true, "AnonymousDenied": true}
	for name, check := range conforming {
		t.Run(name, func(t *testing.T) {
			self := selfOf(t, world.plane.Config, image)
			f := check(within(t), at(t, world.plane.ServiceAccountConfig(runNamespace, "nobody"), self))
			if free[name] {
				wantPass(t, f)
				return
			}
			wantSkip(t, f, finding.CouldNotRun, "forbidden")
		})
	}
}

func TestAnonymousClientsThatGetSecretsFail(t *testing.T) {
	roles, bindings := world.admin.RbacV1().ClusterRoles(), world.admin.RbacV1().ClusterRoleBindings()
	const name = "anonymous-secrets"
	if _, err := roles.Create(t.Context(), &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"list"}}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := bindings.Create(t.Context(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: "system:anonymous"}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, err := range []error{
			roles.Delete(context.WithoutCancel(t.Context()), name, metav1.DeleteOptions{}),
			bindings.Delete(context.WithoutCancel(t.Context()), name, metav1.DeleteOptions{}),
		} {
			if err != nil {
				t.Error(err)
			}
		}
	})
	bench := validator(t, image)
	var f *finding.Finding
	eventually(t, func() bool {
		f = conformance.AnonymousDenied(t.Context(), bench)
		return f.Failed()
	})
	wantFailure(t, f, "a client without an identity to be refused; found that it was accepted")
}

func TestPodSecurityIsNotApplicableWithoutALevel(t *testing.T) {
	if _, err := world.plane.CreateNamespace(t.Context(), "lax", nil); err != nil {
		t.Fatal(err)
	}
	self := selfOf(t, world.plane.Config, image).DeepCopy()
	self.Namespace = "lax"
	wantSkip(t, conformance.PodSecurity(t.Context(), at(t, world.plane.Config, self)), finding.NotApplicable, "not labeled")
}

// That somebody else forbids a privileged pod is no proof that Pod Security would.
func TestPodSecurityThatIsNotAskedIsNoProof(t *testing.T) {
	config := world.plane.ServiceAccountConfig(runNamespace, account)
	config.ContentType = "application/json"
	config.Wrap(edit{path: "/pods?dryRun", from: "violates PodSecurity", to: "is denied by a policy"}.wrap)
	f := conformance.PodSecurity(within(t), at(t, config, selfOf(t, world.plane.Config, image)))
	wantSkip(t, f, finding.CouldNotRun, "forbidden by somebody else")
}

// An API server that does not answer has not accepted anything.
func TestAdmissionWithoutAnAnswerFails(t *testing.T) {
	config := world.plane.ServiceAccountConfig(runNamespace, account)
	config.Wrap(func(transport http.RoundTripper) http.RoundTripper {
		return roundTripper(func(request *http.Request) (*http.Response, error) {
			if strings.Contains(request.URL.String(), "configmaps?dryRun") {
				<-request.Context().Done()
				return nil, request.Context().Err()
			}
			return transport.RoundTrip(request)
		})
	})
	f := conformance.AdmissionPolicy(briefly(t), at(t, config, selfOf(t, world.plane.Config, image)))
	wantFailure(t, f, "to be refused because of the policy check-policy.validation.aicr.dev; found no answer in time")
}

// No API server gives in here; a client that plays one does.
func TestMutableImmutableConfigMapFails(t *testing.T) {
	self := selfOf(t, world.plane.Config, image)
	bench := cluster.At(fake.NewClientset(), world.plane.Config, self).Bench(t.Name())
	f := conformance.ImmutableConfigMap(t.Context(), bench)
	wantFailure(t, f, "immutable ConfigMap to be refused as invalid; found that it was accepted")
	wantFailure(t, f, `the same after the change of an immutable ConfigMap; found "after"`)
}

// A definition of the name that no check has made stays, and is no fault of the cluster.
func TestCRDLifecycleLeavesAStrangersDefinition(t *testing.T) {
	in := dynamicOf(t).Resource(definitions)
	stranger := definitionOf("check.validation.aicr.dev", "v1", "CheckWidget", true)
	if _, err := in.Create(t.Context(), stranger, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	f := conformance.CRDLifecycle(within(t), validator(t, image))
	wantSkip(t, f, finding.CouldNotRun, "there is another one of that name, which no check has made")
	if err := in.Delete(t.Context(), stranger.GetName(), metav1.DeleteOptions{}); err != nil {
		t.Errorf("the stranger's definition is no longer there: %v", err)
	}
	eventually(t, func() bool {
		_, err := in.Get(t.Context(), stranger.GetName(), metav1.GetOptions{})
		return apierrors.IsNotFound(err)
	})
}

// The API server's answers are edited on their way, so that it seems not to do what no API server fails to do.
func TestCRDLifecycleThatStopsHalfwayFails(t *testing.T) {
	tests := map[string]struct {
		edit  edit
		found string
	}{
		"the kind is never established": {
			edit{path: "customresourcedefinitions", from: `"type":"Established"`, to: `"type":"Considered"`},
			"a new kind to be established",
		},
		"status is no part of its own": {
			edit{path: "/status", from: `"size":1`, to: `"size":2`},
			"size 1 and seen true; found size 2 and seen true",
		},
		"the schema is not heeded": {
			edit{path: "checkwidgets?dryRun", status: http.StatusCreated, from: `"kind":"Status"`, to: `"kind":"CheckWidget"`},
			"that the kind's schema forbids to be refused as invalid; found that it was accepted",
		},
		"the kind stays": {
			edit{path: "watch=true", from: `"DELETED"`, to: `"MODIFIED"`},
			"the kind to go once it is deleted; found it still there",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			config := rest.CopyConfig(world.plane.ServiceAccountConfig(runNamespace, account))
			config.Wrap(tt.edit.wrap)
			config.ContentType = "application/json"
			ctx := bounded(t, 5*time.Second)
			wantFailure(t, conformance.CRDLifecycle(ctx, at(t, config, selfOf(t, world.plane.Config, image))), tt.found)
		})
	}
}
