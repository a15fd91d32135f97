package scripted

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
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

// Only a request that was let through was not denied.
func TestAccessWithoutAnAnswerIsNoProof(t *testing.T) {
	tests := map[string]answer{
		"an API server that is busy":   {status: http.StatusTooManyRequests, reason: metav1.StatusReasonTooManyRequests, message: "later"},
		"an API server that fails":     {status: http.StatusInternalServerError, reason: metav1.StatusReasonInternalError, message: "etcd is away"},
		"an API server that times out": {status: http.StatusGatewayTimeout, reason: metav1.StatusReasonTimeout, message: "took too long"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			config := world.plane.ServiceAccountConfig(runNamespace, account)
			config.Wrap(tt.to(http.MethodPost, "/clusterroles?dryRun").wrap)
			f := conformance.AccessDenied(within(t), at(t, config, selfOf(t, world.plane.Config, image)))
			wantSkip(t, f, finding.CouldNotRun, tt.message)

			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				response, err := tt.to(http.MethodGet, "/secrets").wrap(nil).RoundTrip(r)
				if err != nil {
					t.Error(err)
					return
				}
				defer response.Body.Close()
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(response.StatusCode)
				_, _ = io.Copy(w, response.Body)
			}))
			defer server.Close()
			bench := cluster.At(world.admin, &rest.Config{Host: server.URL}, selfOf(t, world.plane.Config, image)).Bench(t.Name())
			wantSkip(t, conformance.AnonymousDenied(within(t), bench), finding.CouldNotRun, tt.message)
		})
	}
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

// Somebody else's policy about all objects of the cluster keeps a check from what it wants to see.
func TestPoliciesOfOthersAreNoFault(t *testing.T) {
	t.Parallel()
	having := func(thing *sync.Mutex) func(*testing.T) {
		return func(t *testing.T) { alone(t, thing) }
	}
	kyverno := answer{status: http.StatusBadRequest, message: `admission webhook "validate.kyverno.svc-fail" denied the request: no label team`}
	policy := answer{status: http.StatusUnprocessableEntity, reason: metav1.StatusReasonInvalid,
		message: `objects "x" is forbidden: ValidatingAdmissionPolicy 'team' with binding 'all' denied request: no label team`}
	offered := func(t *testing.T) {
		alone(t, &devices)
		offer(t, driver)
	}
	tests := map[string]struct {
		check   check
		answer  answer
		prepare func(*testing.T)
	}{
		"a policy and Kyverno":            {conformance.AdmissionPolicy, kyverno.to(http.MethodPost, "/configmaps?dryRun"), having(&policies)},
		"a webhook and a policy":          {conformance.WebhookLifecycle, policy.to(http.MethodPost, "/configmaps?dryRun"), nil},
		"a kind's schema and Kyverno":     {conformance.CRDLifecycle, kyverno.to(http.MethodPost, "/checkwidgets?dryRun"), having(&widgets)},
		"a privileged pod and Kyverno":    {conformance.PodSecurity, kyverno.to(http.MethodPost, "/pods?dryRun").after(1), nil},
		"an ordinary pod and a policy":    {conformance.PodSecurity, policy.to(http.MethodPost, "/pods?dryRun"), nil},
		"an immutable object and Kyverno": {conformance.ImmutableConfigMap, kyverno.to(http.MethodPut, "/configmaps/"), nil},
		"an immutable object and policy":  {conformance.ImmutableConfigMap, policy.to(http.MethodPut, "/configmaps/"), nil},
		"a Service and Kyverno":           {conformance.ServiceEndpoints, kyverno.to(http.MethodPost, "/services"), nil},
		"a claim and a policy":            {conformance.DRA, policy.to(http.MethodPost, "/resourceclaims"), offered},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.prepare != nil {
				tt.prepare(t)
			}
			config := world.plane.ServiceAccountConfig(runNamespace, account)
			config.Wrap(tt.answer.wrap)
			wantSkip(t, tried(t, ample, tt.check, at(t, config, selfOf(t, world.plane.Config, image))), finding.CouldNotRun, "exempt")
		})
	}
}

// An API server that does not answer has neither accepted nor refused anything.
func TestAdmissionWithoutAnAnswerIsNoProof(t *testing.T) {
	t.Parallel()
	alone(t, &policies)
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
	f := tried(t, brief, conformance.AdmissionPolicy, at(t, config, selfOf(t, world.plane.Config, image)))
	wantSkip(t, f, finding.CouldNotRun, "no answer in time")
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
	t.Parallel()
	alone(t, &widgets)
	tests := map[string]struct {
		edit  edit
		found string
		// limit is short for what would never end.
		limit time.Duration
	}{
		"the kind is never established": {
			edit{path: "customresourcedefinitions", from: `"type":"Established"`, to: `"type":"Considered"`},
			"a new kind to be established", brief,
		},
		"status is no part of its own": {
			edit{path: "/status", from: `"size":1`, to: `"size":2`},
			"size 1 and seen true; found size 2 and seen true", 3 * time.Minute,
		},
		"the schema is not heeded": {
			edit{path: "checkwidgets?dryRun", status: http.StatusCreated, from: `"kind":"Status"`, to: `"kind":"CheckWidget"`},
			"that the kind's schema forbids to be refused as invalid; found that it was accepted", 3 * time.Minute,
		},
		"the kind stays": {
			edit{path: "watch=true", from: `"DELETED"`, to: `"MODIFIED"`},
			"the kind to go once it is deleted; found it still there", ample,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			config := rest.CopyConfig(world.plane.ServiceAccountConfig(runNamespace, account))
			config.Wrap(tt.edit.wrap)
			config.ContentType = "application/json"
			bench := at(t, config, selfOf(t, world.plane.Config, image))
			wantFailure(t, tried(t, tt.limit, conformance.CRDLifecycle, bench), tt.found)
		})
	}
}
