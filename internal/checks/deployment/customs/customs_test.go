package customs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"
	"sigs.k8s.io/yaml"

	"github.com/validation-operator/validation-operator/internal/checks/finding"
)

func objectOf(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	data, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(data); err != nil {
		t.Fatal(err)
	}
	return object
}

// definition is one of a kind of the group x.example; more is of its metadata.
func definition(t *testing.T, kind, scope, more string) *unstructured.Unstructured {
	t.Helper()
	plural := strings.ToLower(kind) + "s"
	return objectOf(t, fmt.Sprintf(`
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: %s.x.example
  resourceVersion: "7"
  managedFields: [{manager: helm}]
  generation: 2
  %s
spec:
  group: x.example
  names: {plural: %s, singular: %s, kind: %s, listKind: %sList}
  scope: %s
  conversion: {strategy: Webhook, webhook: {clientConfig: {caBundle: QUJD}}}
  versions:
  - {name: v1beta1, served: true, storage: false, schema: {openAPIV3Schema: {type: object}}}
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}, additionalPrinterColumns: [{name: A, type: string, jsonPath: .a}]}
status:
  acceptedNames: {plural: %s, kind: %s}
  storedVersions: [v1]
  conditions: [{type: Established, status: "True"}]
`, plural, more, plural, strings.ToLower(kind), kind, kind, scope, plural, kind))
}

// resource is one of such a kind, ready or not.
func resource(t *testing.T, kind, namespace, name, ready string) *unstructured.Unstructured {
	t.Helper()
	return objectOf(t, fmt.Sprintf(`{apiVersion: x.example/v1, kind: %s, metadata: {namespace: %q, name: %s},
		status: {conditions: [{type: Ready, status: %q, reason: R, message: m}]}}`, kind, namespace, name, ready))
}

func clientOf(objects ...*unstructured.Unstructured) *fake.FakeDynamicClient {
	kinds := map[schema.GroupVersionResource]string{definitions: "CustomResourceDefinitionList"}
	all := make([]runtime.Object, 0, len(objects))
	for _, object := range objects {
		all = append(all, object)
		if kind, found, _ := unstructured.NestedString(object.Object, "spec", "names", "kind"); found {
			kinds[schema.GroupVersionResource{Group: "x.example", Version: "v1", Resource: strings.ToLower(kind) + "s"}] = kind + "List"
		}
	}
	return fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), kinds, all...)
}

func TestRound(t *testing.T) {
	gizmo, gear := definition(t, "Gizmo", "Namespaced", ""), definition(t, "Gear", "Cluster", "")
	owned := definition(t, "Gear", "Cluster", "labels: {app.kubernetes.io/part-of: x}")
	checks := definition(t, "Gizmo", "Namespaced", "labels: {validation.aicr.dev/check: TestCRDLifecycle}")
	tests := map[string]struct {
		objects []*unstructured.Unstructured
		skip    finding.Skip
		words   []string
	}{
		"well":       {[]*unstructured.Unstructured{gizmo, resource(t, "Gizmo", "ns", "a", "True")}, "", nil},
		"one is not": {[]*unstructured.Unstructured{gizmo, resource(t, "Gizmo", "ns", "a", "False")}, "", []string{"Gizmo ns/a to be well; found Ready is False"}},
		"one elsewhere": {[]*unstructured.Unstructured{gizmo, resource(t, "Gizmo", "other", "a", "False")}, finding.NotApplicable,
			[]string{"no custom resources"}},
		"of the whole cluster, by name": {[]*unstructured.Unstructured{gear, resource(t, "Gear", "", "x", "False")}, "", []string{"Gear x to be well"}},
		"of the whole cluster, of somebody": {[]*unstructured.Unstructured{gear, resource(t, "Gear", "", "z", "False")}, finding.NotApplicable,
			[]string{"no custom resources"}},
		"of the whole cluster, by its kind": {[]*unstructured.Unstructured{owned, resource(t, "Gear", "", "z", "False")}, "", []string{"Gear z to be well"}},
		"no kinds":                          {nil, finding.NotApplicable, []string{"no custom resources"}},
		"of another run's check":            {[]*unstructured.Unstructured{checks, resource(t, "Gizmo", "ns", "a", "False")}, finding.NotApplicable, []string{"no custom resources"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var f finding.Finding
			round := Round{Finding: &f, Client: clientOf(tt.objects...), Namespaces: []string{"ns"}, Components: []string{"x"}}
			round.Make(t.Context())
			wantFinding(t, &f, tt.skip, tt.words...)
		})
	}
}

func wantFinding(t *testing.T, f *finding.Finding, skip finding.Skip, words ...string) {
	t.Helper()
	text := f.Why + fmt.Sprint(f.Problems)
	if f.Skip != skip || skip == "" && f.Failed() != (len(words) > 0) {
		t.Errorf("skip = %q, failed = %t, want %q with %q: %s", f.Skip, f.Failed(), skip, words, text)
	}
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("says %q, want %q in it", text, word)
		}
	}
}

func TestKindsThatMayNotBeListed(t *testing.T) {
	client := clientOf(definition(t, "Gizmo", "Namespaced", ""), definition(t, "Gear", "Cluster", ""))
	client.PrependReactor("list", "gizmos", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: "gizmos"}, "", errors.New("no rule"))
	})
	var f finding.Finding
	round := Round{Finding: &f, Client: client, Namespaces: []string{"ns"}}
	round.Make(t.Context())
	wantFinding(t, &f, finding.CouldNotRun, "may not list gizmos.x.example")
}

// Once its time is up the check asks for nothing more: each answer would be the same.
func TestRoundThatRunsOutOfTime(t *testing.T) {
	client := clientOf(definition(t, "Gizmo", "Namespaced", ""), definition(t, "Gear", "Cluster", ""), definition(t, "Gadget", "Namespaced", ""))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	asked := 0
	client.PrependReactor("list", "*", func(action clienttesting.Action) (bool, runtime.Object, error) {
		if action.GetResource() == definitions {
			return false, nil, nil
		}
		asked++
		cancel()
		return true, nil, fmt.Errorf("listing: %w", ctx.Err())
	})
	var f finding.Finding
	round := Round{Finding: &f, Client: client, Namespaces: []string{"a", "b", "c"}}
	round.Make(ctx)
	if asked != 1 {
		t.Errorf("%d lists were asked for, want one", asked)
	}
	wantFinding(t, &f, finding.CouldNotRun, "its time was up", "0 of 3 kinds")
	if f.Failed() {
		t.Errorf("fails with %v", f.Problems)
	}
}

func TestDefined(t *testing.T) {
	var f finding.Finding
	client := clientOf(definition(t, "Gizmo", "Namespaced", `labels: {a: b}
  annotations: {meta.helm.sh/release-name: x, kubectl.kubernetes.io/last-applied-configuration: "{}"}
  finalizers: [a/b]`),
		definition(t, "Gear", "Cluster", "labels: {validation.aicr.dev/check: TestCRDLifecycle}"))
	found := Defined(t.Context(), &f, client)
	if len(found) != 1 {
		t.Fatalf("%d definitions, want the one that is of no check", len(found))
	}
	want := objectOf(t, `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: gizmos.x.example
  generation: 2
  labels: {a: b}
  annotations: {meta.helm.sh/release-name: x}
  finalizers: [a/b]
spec:
  group: x.example
  names: {plural: gizmos, singular: gizmo, kind: Gizmo, listKind: GizmoList}
  scope: Namespaced
  versions:
  - {name: v1beta1, served: true, storage: false}
  - {name: v1, served: true, storage: true}
status:
  conditions: [{type: Established, status: "True"}]
`)
	if diff := cmp.Diff(want.Object, found[0].Object); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
}
