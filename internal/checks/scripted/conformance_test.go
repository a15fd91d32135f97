package scripted

import (
	"testing"

	"github.com/validation-operator/validation-operator/internal/checks/conformance"
	"github.com/validation-operator/validation-operator/test/podlet"
)

// checks of the conformance phase that need nothing special to pass.
var conforming = map[string]check{
	"JobCompletes":       conformance.JobCompletes,
	"ConfigMapMount":     conformance.ConfigMapMount,
	"ImmutableConfigMap": conformance.ImmutableConfigMap,
	"ServiceEndpoints":   conformance.ServiceEndpoints,
	"GarbageCollection":  conformance.GarbageCollection,
	"AccessDenied":       conformance.AccessDenied,
	"AnonymousDenied":    conformance.AnonymousDenied,
	"PodSecurity":        conformance.PodSecurity,
	"HPA":                conformance.HPA,
	"AdmissionPolicy":    conformance.AdmissionPolicy,
	"WebhookLifecycle":   conformance.WebhookLifecycle,
	"CRDLifecycle":       conformance.CRDLifecycle,
	"APIServerMetrics":   conformance.APIServerMetrics,
}

func TestConformingClusterPasses(t *testing.T) {
	for name, check := range conforming {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantPass(t, check(within(t), validator(t, image)))
		})
	}
}

// What controllers would have done does not happen, and nothing is turned down.
func TestBareAPIServerFails(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		check check
		found string
	}{
		"JobCompletes":      {conformance.JobCompletes, "0 active, 0 ready and 0 failed pods"},
		"ConfigMapMount":    {conformance.ConfigMapMount, "it Pending"},
		"ServiceEndpoints":  {conformance.ServiceEndpoints, "it Pending"},
		"GarbageCollection": {conformance.GarbageCollection, "to go with its owner; found it still there"},
		"AccessDenied":      {conformance.AccessDenied, "one that may, so that nothing can be denied"},
		"PodSecurity":       {conformance.PodSecurity, "to be forbidden in a namespace that enforces restricted; found that it was accepted"},
		"HPA":               {conformance.HPA, "to come to AbleToScale; found no condition at all"},
		"AdmissionPolicy":   {conformance.AdmissionPolicy, "to be refused because of the policy check-policy.validation.aicr.dev; found that it was accepted"},
		"WebhookLifecycle":  {conformance.WebhookLifecycle, "to be refused because of the webhook check-webhook.validation.aicr.dev; found that it was accepted"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantFailure(t, tried(t, brief, tt.check, bare(t)), tt.found)
		})
	}
}

func TestPodsThatMisbehaveFail(t *testing.T) {
	world.node.Script("registry.test/fails", podlet.Runs(podlet.Exit(1)))
	world.node.Script("registry.test/lies", podlet.Runs(podlet.TerminationMessage(`{"/mounted/left/key":"x"}`)))
	tests := map[string]struct {
		check        check
		image, found string
	}{
		"a Job whose pod fails":         {conformance.JobCompletes, "registry.test/fails", "0 succeeded, 1 failed"},
		"a reader that fails":           {conformance.ConfigMapMount, "registry.test/fails", "to succeed; found it Failed"},
		"a reader that reads otherwise": {conformance.ConfigMapMount, "registry.test/lies", "the pod to read map"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { wantFailure(t, tt.check(within(t), validator(t, tt.image)), tt.found) })
	}
}
