package scripted

import (
	"testing"
	"time"

	"github.com/validation-operator/validation-operator/internal/checks/conformance"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
)

// measured is what a metrics server says of the node.
func measured(age time.Duration, usage map[string]any) map[string]any {
	return map[string]any{
		"apiVersion": "metrics.k8s.io/v1beta1", "kind": "NodeMetrics", "metadata": map[string]any{"name": "podlet"},
		"timestamp": time.Now().Add(-age).UTC().Format(time.RFC3339), "window": "15s", "usage": usage,
	}
}

func TestNodeMetrics(t *testing.T) {
	t.Parallel()
	t.Run("is not applicable without the metrics API", func(t *testing.T) {
		wantSkip(t, conformance.NodeMetrics(within(t), validator(t, image)), finding.NotApplicable, "no metrics API")
	})
	resource := define(t, definitionOf("metrics.k8s.io", "v1beta1", "NodeMetrics", false))
	whole := map[string]any{"cpu": "120m", "memory": "1Gi"}
	tests := map[string]struct {
		metrics map[string]any
		found   string
	}{
		"passes":                         {measured(time.Second, whole), ""},
		"fails where a node is missing":  {nil, "nothing of node podlet"},
		"fails where the use is missing": {measured(time.Second, map[string]any{"cpu": "120m"}), "of node podlet the use of map[cpu:120m] alone"},
		"fails where they are old":       {measured(time.Hour, whole), "metrics of node podlet that are 1h0m"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if tt.metrics != nil {
				create(t, resource, "", tt.metrics)
			}
			f := conformance.NodeMetrics(within(t), validator(t, image))
			if tt.found == "" {
				wantPass(t, f)
				return
			}
			wantFailure(t, f, tt.found)
		})
	}
	t.Run("could not run where no node is healthy", func(t *testing.T) {
		create(t, resource, "", measured(time.Second, whole))
		config := world.plane.ServiceAccountConfig(runNamespace, account)
		config.ContentType = "application/json"
		config.Wrap(edit{path: "/api/v1/nodes", from: `"type":"Ready","status":"True"`, to: `"type":"Ready","status":"Unknown"`}.wrap)
		f := conformance.NodeMetrics(within(t), at(t, config, selfOf(t, world.plane.Config, image)))
		wantSkip(t, f, finding.CouldNotRun, "none of 1 nodes is healthy")
	})
	// The group is there, and nobody in it tells of pods.
	t.Run("an autoscaler that reads none fails", func(t *testing.T) {
		f := tried(t, ample, conformance.HPA, validator(t, image))
		wantFailure(t, f, "the autoscaler to come to ScalingActive; found")
	})
}

func TestAPIServerMetricsOfSomethingElseFail(t *testing.T) {
	self := selfOf(t, world.plane.Config, image)
	config := world.plane.ServiceAccountConfig(runNamespace, account)
	config.Wrap(edit{path: "/metrics", from: "apiserver_request_total", to: "proxy_request_total"}.wrap)
	wantFailure(t, conformance.APIServerMetrics(within(t), at(t, config, self)), "to count its requests as apiserver_request_total; found none among")
}

// The autoscaler says that it is able to, and the Deployment is not seen to change.
func TestHPAThatRaisesNothingFails(t *testing.T) {
	t.Parallel()
	config := world.plane.ServiceAccountConfig(runNamespace, account)
	config.ContentType = "application/json"
	config.Wrap(edit{path: "/deployments?", from: `"replicas":2`, to: `"replicas":1`}.wrap)
	f := tried(t, ample, conformance.HPA, at(t, config, selfOf(t, world.plane.Config, image)))
	wantFailure(t, f, "to 2 replicas; found 1: waited")
}
