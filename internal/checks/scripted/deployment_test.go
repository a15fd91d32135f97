package scripted

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/deployment"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/internal/checks/recipe"
	"github.com/validation-operator/validation-operator/test/podlet"
)

type recipeCheck = func(context.Context, *cluster.Bench, *recipe.Recipe) *finding.Finding

const (
	works  = "registry.test/component:v1.4.2"
	broken = "registry.test/broken:v1.4.2"
)

// component is a namespace in which the validator may look around.
func component(t *testing.T) string {
	t.Helper()
	world.node.Script(works, podlet.Runs(podlet.Hang()))
	name, err := world.plane.CreateNamespace(t.Context(), "component-", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := world.admin.RbacV1().RoleBindings(name).Create(t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "validator-components"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "validator-components"},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Name: account, Namespace: runNamespace}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := world.admin.CoreV1().Namespaces().Delete(context.WithoutCancel(t.Context()), name, metav1.DeleteOptions{}); err != nil {
			t.Log(err)
		}
	})
	// The API server's authorizer watches bindings, and is a moment behind.
	eventually(t, func() bool {
		return may(t, authorizationv1.ResourceAttributes{Verb: "list", Resource: "pods", Namespace: name})
	})
	return name
}

// deployed is a Deployment of one replica in the namespace. If its image works, it is there when deployed returns.
func deployed(t *testing.T, namespace, name, image string, labels map[string]string) {
	t.Helper()
	deployments := world.admin.AppsV1().Deployments(namespace)
	selector := map[string]string{"app": name}
	if _, err := deployments.Create(t.Context(), &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: selector},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: selector},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: image}}},
			},
		},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if image == broken {
		eventually(t, func() bool {
			// Until the controller has counted its pod, a Deployment is not rolled out for another reason.
			d, err := deployments.Get(t.Context(), name, metav1.GetOptions{})
			if err != nil || d.Status.UpdatedReplicas != 1 {
				return false
			}
			pods, err := world.admin.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "app=" + name})
			return err == nil && len(pods.Items) == 1 && len(pods.Items[0].Status.ContainerStatuses) == 1 &&
				pods.Items[0].Status.ContainerStatuses[0].State.Waiting != nil &&
				strings.Contains(pods.Items[0].Status.ContainerStatuses[0].State.Waiting.Reason, "Image")
		})
		return
	}
	eventually(t, func() bool {
		d, err := deployments.Get(t.Context(), name, metav1.GetOptions{})
		return err == nil && d.Status.AvailableReplicas == 1 && d.Status.ObservedGeneration == d.Generation
	})
}

// recipeOf reads a recipe with a component x in the namespace.
func recipeOf(t *testing.T, namespace, validation, resources string) *recipe.Recipe {
	t.Helper()
	text := "kind: RecipeResult\napiVersion: aicr.nvidia.com/v1alpha1\n" + validation
	text += fmt.Sprintf("componentRefs:\n- name: x\n  namespace: %s\n", namespace)
	if resources != "" {
		text += "  expectedResources:\n" + resources
	}
	path := filepath.Join(t.TempDir(), "recipe.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(recipe.PathVariable, path)
	return recipe.Read(t)
}

func expected(kind, name string) string { return fmt.Sprintf("  - {kind: %s, name: %s}\n", kind, name) }

func version(expression, severity string) string {
	return fmt.Sprintf("validation:\n  deployment:\n    constraints:\n    - {name: x.version, value: %q, severity: %s}\n", expression, severity)
}

func TestDeployedComponentPasses(t *testing.T) {
	namespace := component(t)
	deployed(t, namespace, "x", works, nil)
	r := recipeOf(t, namespace, version("== v1.4", "error"), expected("Deployment", "x"))
	for name, check := range map[string]recipeCheck{
		"ComponentNamespaces": deployment.ComponentNamespaces,
		"NamespaceHealth":     deployment.NamespaceHealth,
		"NoCrashLoops":        deployment.NoCrashLoops,
		"ExpectedResources":   deployment.ExpectedResources,
		"OperatorHealth":      deployment.OperatorHealth,
		"WorkloadVersions":    deployment.WorkloadVersions,
	} {
		t.Run(name, func(t *testing.T) { wantPass(t, check(within(t), validator(t, image), r)) })
		t.Run(name+" without rights", func(t *testing.T) {
			bench := at(t, world.plane.ServiceAccountConfig(runNamespace, "nobody"), selfOf(t, world.plane.Config, image))
			wantSkip(t, check(within(t), bench, r), finding.CouldNotRun, "is forbidden")
		})
		t.Run(name+" without a recipe", func(t *testing.T) {
			wantSkip(t, check(within(t), validator(t, image), &recipe.Recipe{}), finding.NotApplicable, "the recipe")
		})
	}
}

func TestBrokenComponentFails(t *testing.T) {
	namespace := component(t)
	deployed(t, namespace, "x", broken, nil)
	r := recipeOf(t, namespace, version("== v1.4", "error"), expected("Deployment", "x"))
	for name, tt := range map[string]struct {
		check recipeCheck
		found string
	}{
		"NamespaceHealth":   {deployment.NamespaceHealth, "to be at rest; found container main waits in"},
		"NoCrashLoops":      {deployment.NoCrashLoops, "to run; found container main waits in"},
		"ExpectedResources": {deployment.ExpectedResources, "to be well; found 0 of 1 replicas are available"},
		"OperatorHealth":    {deployment.OperatorHealth, "Deployment " + namespace + "/x to be rolled out; found 0 of 1 replicas are available"},
	} {
		t.Run(name, func(t *testing.T) { wantFailure(t, tt.check(within(t), validator(t, image), r), tt.found) })
	}
}

func TestMissingComponentFails(t *testing.T) {
	empty := component(t)
	for name, tt := range map[string]struct {
		check recipeCheck
		r     *recipe.Recipe
		found string
	}{
		"ComponentNamespaces": {deployment.ComponentNamespaces, recipeOf(t, "nowhere", "", ""), "the namespace nowhere; found none"},
		"NamespaceHealth":     {deployment.NamespaceHealth, recipeOf(t, "nowhere", "", ""), "the namespace nowhere; found none"},
		"ExpectedResources":   {deployment.ExpectedResources, recipeOf(t, empty, "", expected("DaemonSet", "x")), "found none of that name"},
		"OperatorHealth":      {deployment.OperatorHealth, recipeOf(t, empty, "", ""), "found 0, none of which is to run"},
	} {
		t.Run(name, func(t *testing.T) {
			bench := validator(t, image)
			if name == "ComponentNamespaces" || name == "NamespaceHealth" {
				// Who may not look at a namespace is not told that there is none.
				bench = at(t, world.plane.Config, selfOf(t, world.plane.Config, image))
			}
			wantFailure(t, tt.check(within(t), bench, tt.r), tt.found)
		})
	}
}

func TestWorkloadVersions(t *testing.T) {
	tests := map[string]struct {
		image      string
		labels     map[string]string
		expression string
		severity   string
		actual     string
		failed     bool
		skip       finding.Skip
	}{
		"the tag of the image":                 {works, nil, ">= v1.4.2", "error", "v1.4.2", false, ""},
		"another version":                      {works, nil, "== v2.0.0", "error", "v1.4.2", true, ""},
		"another version, as a warning":        {works, nil, "== v2.0.0", "warning", "v1.4.2", false, ""},
		"the label alone satisfies it":         {works, map[string]string{"app.kubernetes.io/version": "2.0.1"}, "== v2.0", "error", "", false, finding.CouldNotRun},
		"the image alone satisfies it":         {works, map[string]string{"app.kubernetes.io/version": "2.0.1"}, "== v1.4", "error", "", false, finding.CouldNotRun},
		"neither label nor image does":         {works, map[string]string{"app.kubernetes.io/version": "2.0.1"}, "== v3", "error", "v1.4.2 by its image, though labelled 2.0.1", true, ""},
		"label and image differ, and both do":  {works, map[string]string{"app.kubernetes.io/version": "2.0.1"}, ">= v1", "error", "v1.4.2 by its image, though labelled 2.0.1", false, ""},
		"a label that is no version":           {works, map[string]string{"app.kubernetes.io/version": "latest"}, "== v1.4", "error", "", false, finding.CouldNotRun},
		"nothing of the component is there":    {"", nil, "== v1.4", "error", "no workload of x", true, ""},
		"nothing of it is there, as a warning": {"", nil, "== v1.4", "warning", "no workload of x", false, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			namespace := component(t)
			if tt.image != "" {
				deployed(t, namespace, "x-operator", tt.image, tt.labels)
			}
			f := deployment.WorkloadVersions(within(t), validator(t, image), recipeOf(t, namespace, version(tt.expression, tt.severity), ""))
			if f.Failed() != tt.failed || f.Skip != tt.skip {
				t.Errorf("found %s, constraints %+v, want failed = %t, skip = %q", describe(f), f.Constraints, tt.failed, tt.skip)
			}
			if tt.skip == "" && (len(f.Constraints) != 1 || !strings.Contains(f.Constraints[0].Actual, tt.actual)) {
				t.Errorf("constraints = %+v, want one with %q", f.Constraints, tt.actual)
			}
		})
	}
}

// What is wrong is proof, also beside what does not tell.
func TestWrongVersionOutweighsAnUnknownOne(t *testing.T) {
	namespace := component(t)
	deployed(t, namespace, "x-a", works, nil)
	deployed(t, namespace, "x-b", works, map[string]string{"app.kubernetes.io/version": "latest"})
	f := deployment.WorkloadVersions(within(t), validator(t, image), recipeOf(t, namespace, version("== v2.0", "error"), ""))
	if !f.Failed() || len(f.Constraints) != 1 {
		t.Errorf("found %s, constraints %+v, want one that does not hold", describe(f), f.Constraints)
	}
	f = deployment.WorkloadVersions(within(t), validator(t, image), recipeOf(t, namespace, version("== v1.4", "error"), ""))
	if len(f.Constraints) > 0 {
		t.Errorf("constraints = %+v, want none that is said to hold", f.Constraints)
	}
	wantSkip(t, f, finding.CouldNotRun, "x-b")
}

func TestNamespacesWithoutPodsAreNoProof(t *testing.T) {
	r := recipeOf(t, component(t), "", "")
	for name, check := range map[string]recipeCheck{
		"NamespaceHealth": deployment.NamespaceHealth, "NoCrashLoops": deployment.NoCrashLoops,
	} {
		t.Run(name, func(t *testing.T) {
			wantSkip(t, check(within(t), validator(t, image), r), finding.NotApplicable, "there are no pods in the namespaces")
		})
	}
}

func TestIdleWorkloadsFailNothing(t *testing.T) {
	namespace := component(t)
	deployed(t, namespace, "x", works, nil)
	labels := map[string]string{"app": "nowhere"}
	if _, err := world.admin.AppsV1().DaemonSets(namespace).Create(t.Context(), &appsv1.DaemonSet{
		ObjectMeta: metav1.ObjectMeta{Name: "nowhere"},
		Spec: appsv1.DaemonSetSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{
					NodeSelector: map[string]string{"kind-of-node": "none"},
					Containers:   []corev1.Container{{Name: "main", Image: works}},
				},
			},
		},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	r := recipeOf(t, namespace, "", expected("DaemonSet", "nowhere"))
	var f *finding.Finding
	eventually(t, func() bool {
		f = deployment.OperatorHealth(t.Context(), validator(t, image), r)
		return f.Passed()
	})
	if len(f.Notes) != 1 || !strings.Contains(f.Notes[0], "no node matches it") {
		t.Errorf("notes = %q, want one of the DaemonSet", f.Notes)
	}
	// What the recipe expects must run.
	wantFailure(t, deployment.ExpectedResources(within(t), validator(t, image), r), "to be well; found no node matches it")
}

// gadget is a custom resource in some state.
func gadget(t *testing.T, resource schema.GroupVersionResource, namespace string, conditions ...any) *unstructured.Unstructured {
	t.Helper()
	return create(t, resource, namespace, map[string]any{
		"apiVersion": resource.GroupVersion().String(), "kind": "Gadget", "metadata": map[string]any{"name": "x"},
		"status": map[string]any{"conditions": conditions},
	})
}

func is(kind, status string) map[string]any {
	return map[string]any{"type": kind, "status": status, "reason": "Testing", "message": "of a test"}
}

// grant lets the validator read the test's own kind.
func grant(t *testing.T) {
	t.Helper()
	roles, bindings := world.admin.RbacV1().ClusterRoles(), world.admin.RbacV1().ClusterRoleBindings()
	if _, err := roles.Create(t.Context(), &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: "gadgets"},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{"test.example"}, Resources: []string{"gadgets"}, Verbs: []string{"get", "list"}}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := bindings.Create(t.Context(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "gadgets"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "gadgets"},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Name: account, Namespace: runNamespace}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, err := range []error{
			roles.Delete(context.WithoutCancel(t.Context()), "gadgets", metav1.DeleteOptions{}),
			bindings.Delete(context.WithoutCancel(t.Context()), "gadgets", metav1.DeleteOptions{}),
		} {
			if err != nil {
				t.Error(err)
			}
		}
	})
	eventually(t, func() bool { return mayList(t, "gadgets") })
}

func TestCustomResources(t *testing.T) {
	t.Run("are not applicable without definitions", func(t *testing.T) {
		eventually(t, func() bool {
			list, err := dynamicOf(t).Resource(definitions).List(t.Context(), metav1.ListOptions{})
			return err == nil && len(list.Items) == 0
		})
		wantSkip(t, deployment.CRDsEstablished(within(t), validator(t, image)), finding.NotApplicable, "no CustomResourceDefinitions")
	})
	namespace := component(t)
	resource := define(t, definitionOf("test.example", "v1", "Gadget", true))
	r := recipeOf(t, namespace, "", expected("Gadget", "x"))
	t.Run("cannot be judged without the right to list them", func(t *testing.T) {
		f := deployment.CustomResourceConditions(within(t), validator(t, image), r)
		wantSkip(t, f, finding.CouldNotRun, "may not list gadgets.test.example")
		wantSkip(t, deployment.ExpectedResources(within(t), validator(t, image), r), finding.CouldNotRun, "is forbidden")
	})
	grant(t)
	t.Run("are not applicable without any", func(t *testing.T) {
		wantSkip(t, deployment.CustomResourceConditions(within(t), validator(t, image), r), finding.NotApplicable, "no custom resources")
		wantFailure(t, deployment.ExpectedResources(within(t), validator(t, image), r), "found none of that name")
	})
	t.Run("pass", func(t *testing.T) {
		gadget(t, resource, namespace, is("Ready", "True"), is("Degraded", "False"))
		wantPass(t, deployment.CustomResourceConditions(within(t), validator(t, image), r))
		wantPass(t, deployment.ExpectedResources(within(t), validator(t, image), r))
		wantPass(t, deployment.CRDsEstablished(within(t), validator(t, image)))
	})
	for name, condition := range map[string]map[string]any{
		"Ready is False (Testing: of a test)":   is("Ready", "False"),
		"Available is Unknown":                  is("Available", "Unknown"),
		"Degraded is True (Testing: of a test)": is("Degraded", "True"),
	} {
		t.Run("fail where "+name, func(t *testing.T) {
			gadget(t, resource, namespace, condition)
			wantFailure(t, deployment.CustomResourceConditions(within(t), validator(t, image), r), name)
			wantFailure(t, deployment.ExpectedResources(within(t), validator(t, image), r), name)
		})
	}
	t.Run("that say nothing are no proof", func(t *testing.T) {
		gadget(t, resource, namespace)
		f := deployment.CustomResourceConditions(within(t), validator(t, image), r)
		wantSkip(t, f, finding.NotApplicable, "none of the 1 custom resources")
		wantMeasured(t, f, "custom-resources.without-conditions", "1")
	})
	t.Run("elsewhere are not the component's", func(t *testing.T) {
		gadget(t, resource, "default", is("Ready", "False"))
		wantSkip(t, deployment.CustomResourceConditions(within(t), validator(t, image), r), finding.NotApplicable, "no custom resources")
	})
	t.Run("of a kind whose name is taken fail", func(t *testing.T) {
		in := dynamicOf(t).Resource(definitions)
		rival := definitionOf("test.example", "v1", "Widget", true)
		rival.SetName("rivals.test.example")
		for field, value := range map[string]string{"plural": "rivals", "singular": "gadget", "kind": "Gadget", "listKind": "GadgetList"} {
			if err := unstructured.SetNestedField(rival.Object, value, "spec", "names", field); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := in.Create(t.Context(), rival, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		// A definition of which nothing is said yet fails as well.
		const taken = "rivals.test.example to be established; found NamesAccepted is False"
		bench := validator(t, image)
		var f *finding.Finding
		eventually(t, func() bool {
			f = deployment.CRDsEstablished(t.Context(), bench)
			return slices.ContainsFunc(f.Problems, func(p finding.Problem) bool { return strings.Contains(p.String(), taken) })
		})
		wantFailure(t, f, taken)
		if err := in.Delete(t.Context(), rival.GetName(), metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
}

// A kind that may not be listed keeps the check from a conclusion, whosever it is: its resources may be in the components' namespaces.
func TestUnseenCustomResources(t *testing.T) {
	namespace := component(t)
	gadgets := define(t, definitionOf("test.example", "v1", "Gadget", true))
	grant(t)
	gadget(t, gadgets, namespace, is("Ready", "True"))
	r := recipeOf(t, namespace, "", "")
	t.Run("of nobody known", func(t *testing.T) {
		define(t, definitionOf("other.example", "v1", "Gizmo", true))
		f := deployment.CustomResourceConditions(within(t), validator(t, image), r)
		wantSkip(t, f, finding.CouldNotRun, "may not list gizmos.other.example. To mend: give it the right to, in the namespaces "+namespace)
		wantMeasured(t, f, "custom-resources.not-seen", "gizmos.other.example")
	})
	t.Run("of a component", func(t *testing.T) {
		definition := definitionOf("other.example", "v1", "Gizmo", true)
		definition.SetLabels(map[string]string{"app.kubernetes.io/part-of": "x"})
		define(t, definition)
		f := deployment.CustomResourceConditions(within(t), validator(t, image), r)
		wantSkip(t, f, finding.CouldNotRun, "may not list gizmos.other.example")
	})
}

// Of the whole cluster, what bears the component's name is its own.
func TestClusterWideCustomResourcesBelongByName(t *testing.T) {
	namespace := component(t)
	resource := define(t, definitionOf("test.example", "v1", "Gadget", false))
	grant(t)
	r := recipeOf(t, namespace, "", "")
	gadget(t, resource, "", is("Ready", "False"))
	wantFailure(t, deployment.CustomResourceConditions(within(t), validator(t, image), r), "Gadget x to be well; found Ready is False")
}

func TestExpectedResourcesOfAnUnknownKindFail(t *testing.T) {
	r := recipeOf(t, component(t), "", expected("Gizmo", "x"))
	wantFailure(t, deployment.ExpectedResources(within(t), validator(t, image), r), "no API of the cluster has the kind Gizmo")
}

func TestNamespaceThatIsOnItsWayOutFails(t *testing.T) {
	namespace := component(t)
	namespaces := world.admin.CoreV1().Namespaces()
	found, err := namespaces.Get(t.Context(), namespace, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	found.Finalizers = []string{"test.example/keep"}
	if found, err = namespaces.Update(t.Context(), found, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := namespaces.Delete(t.Context(), namespace, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	r := recipeOf(t, namespace, "", "")
	bench := at(t, world.plane.Config, selfOf(t, world.plane.Config, image))
	for _, check := range []recipeCheck{deployment.ComponentNamespaces, deployment.NamespaceHealth} {
		wantFailure(t, check(within(t), bench, r), "to be Active; found Terminating")
	}
	eventually(t, func() bool {
		if found, err = namespaces.Get(t.Context(), namespace, metav1.GetOptions{}); err != nil {
			return true
		}
		found.Finalizers = nil
		_, err = namespaces.Update(t.Context(), found, metav1.UpdateOptions{})
		return err == nil
	})
}
