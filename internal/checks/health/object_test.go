package health

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

func objectOf(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	object := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &object.Object); err != nil {
		t.Fatal(err)
	}
	// As a client reads it: whole numbers are of type int64.
	data, err := object.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if err := object.UnmarshalJSON(data); err != nil {
		t.Fatal(err)
	}
	return object
}

func TestObject(t *testing.T) {
	tests := map[string]struct{ object, want string }{
		"a ConfigMap exists":               {"{apiVersion: v1, kind: ConfigMap}", ""},
		"an object on its way out":         {"{apiVersion: v1, kind: ConfigMap, metadata: {deletionTimestamp: '2026-01-02T03:04:05Z', finalizers: [a/b]}}", `deleted since 2026-01-02T03:04:05Z, held by ["a/b"]`},
		"a Deployment is judged as such":   {"{apiVersion: apps/v1, kind: Deployment, metadata: {generation: 2}, status: {observedGeneration: 1}}", "generation 1 of 2"},
		"a kind of the same name is not":   {"{apiVersion: x.example/v1, kind: Deployment, metadata: {generation: 2}}", ""},
		"a Deployment on its way out":      {"{apiVersion: apps/v1, kind: Deployment, metadata: {deletionTimestamp: '2026-01-02T03:04:05Z'}}", "being deleted"},
		"a ReplicaSet that is short":       {"{apiVersion: apps/v1, kind: ReplicaSet, spec: {replicas: 2}, status: {availableReplicas: 1}}", "1 of 2 replicas are available"},
		"a ReplicaSet that is whole":       {"{apiVersion: apps/v1, kind: ReplicaSet, spec: {replicas: 2}, status: {availableReplicas: 2}}", ""},
		"a ReplicationController of none":  {"{apiVersion: v1, kind: ReplicationController, spec: {replicas: 0}}", "no replicas are desired"},
		"a Job that is complete":           {"{apiVersion: batch/v1, kind: Job, status: {conditions: [{type: Complete, status: 'True'}]}}", ""},
		"a Job that has failed":            {"{apiVersion: batch/v1, kind: Job, status: {conditions: [{type: Failed, status: 'True', reason: BackoffLimitExceeded}]}}", "it has failed (BackoffLimitExceeded"},
		"a Job that runs":                  {"{apiVersion: batch/v1, kind: Job, status: {active: 1}}", "not complete: 1 active"},
		"a CronJob":                        {"{apiVersion: batch/v1, kind: CronJob}", ""},
		"a CronJob that is suspended":      {"{apiVersion: batch/v1, kind: CronJob, spec: {suspend: true}}", "suspended"},
		"a pod that is ready":              {"{apiVersion: v1, kind: Pod, status: {phase: Running, conditions: [{type: Ready, status: 'True'}]}}", ""},
		"a pod that is not":                {"{apiVersion: v1, kind: Pod, status: {phase: Running}}", "neither ready nor succeeded: Running"},
		"a claim without a volume":         {"{apiVersion: v1, kind: PersistentVolumeClaim, status: {phase: Pending}}", "it is Pending"},
		"a namespace on its way out":       {"{apiVersion: v1, kind: Namespace, status: {phase: Terminating}}", "it is Terminating"},
		"a definition nobody has seen":     {"{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition}", "does not say that it is established"},
		"a definition":                     {"{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, status: {conditions: [{type: Established, status: 'True'}]}}", ""},
		"a definition in conflict":         {"{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, status: {conditions: [{type: NamesAccepted, status: 'False', reason: KindConflict}]}}", "NamesAccepted is False (KindConflict"},
		"something that is ready":          {"{apiVersion: x.example/v1, kind: X, status: {conditions: [{type: Ready, status: 'True'}]}}", ""},
		"something that is not":            {"{apiVersion: x.example/v1, kind: X, status: {conditions: [{type: Ready, status: 'False'}]}}", "Ready is False"},
		"something that does not know":     {"{apiVersion: x.example/v1, kind: X, status: {conditions: [{type: Available, status: Unknown}]}}", "Available is Unknown"},
		"something that is stalled":        {"{apiVersion: x.example/v1, kind: X, status: {conditions: [{type: Stalled, status: 'True'}]}}", "Stalled is True"},
		"something that progresses":        {"{apiVersion: x.example/v1, kind: X, status: {conditions: [{type: Progressing, status: 'True'}, {type: Degraded, status: 'False'}]}}", ""},
		"ready, of an older generation":    {"{apiVersion: x.example/v1, kind: X, metadata: {generation: 3}, status: {conditions: [{type: Ready, status: 'True', observedGeneration: 2}]}}", "Ready was said of generation 2 of 3"},
		"its controller lags behind":       {"{apiVersion: x.example/v1, kind: X, metadata: {generation: 3}, status: {observedGeneration: 2}}", "generation 2 of 3"},
		"a GPU policy that is ready":       {"{apiVersion: nvidia.com/v1, kind: ClusterPolicy, status: {state: ready}}", ""},
		"a GPU policy that is not":         {"{apiVersion: nvidia.com/v1, kind: ClusterPolicy, status: {state: notReady}}", "its state is notReady"},
		"a GPU policy that nobody saw":     {"{apiVersion: nvidia.com/v1, kind: ClusterPolicy, spec: {}}", "its operator has not looked at it"},
		"a GPU driver that nobody saw":     {"{apiVersion: nvidia.com/v1alpha1, kind: NVIDIADriver}", "its operator has not looked at it"},
		"a GPU policy that is not wanted":  {"{apiVersion: nvidia.com/v1, kind: ClusterPolicy, status: {state: ignored}}", ""},
		"a graph that is deployed":         {"{apiVersion: nvidia.com/v1alpha1, kind: DynamoGraphDeployment, status: {state: successful}}", ""},
		"a graph that has no state":        {"{apiVersion: nvidia.com/v1alpha1, kind: DynamoGraphDeployment}", ""},
		"a graph that is not ready":        {"{apiVersion: nvidia.com/v1alpha1, kind: DynamoGraphDeployment, status: {state: pending, conditions: [{type: Ready, status: 'False'}]}}", "Ready is False"},
		"a network policy that is ready":   {"{apiVersion: mellanox.com/v1alpha1, kind: NicClusterPolicy, status: {state: ready}}", ""},
		"a network policy that is another": {"{apiVersion: mellanox.com/v1alpha1, kind: NicClusterPolicy, status: {state: ignore}}", ""},
		"a network policy that is not":     {"{apiVersion: mellanox.com/v1alpha1, kind: NicClusterPolicy, status: {state: notReady, reason: no MOFED}}", "its state is notReady (no MOFED)"},
		"a network policy in error":        {"{apiVersion: mellanox.com/v1alpha1, kind: NicClusterPolicy, status: {state: error}}", "its state is error"},
		"a network policy that nobody saw": {"{apiVersion: mellanox.com/v1alpha1, kind: NicClusterPolicy}", "its operator has not looked at it"},
		"a namesake of another group":      {"{apiVersion: x.example/v1, kind: ClusterPolicy}", ""},
		"a state of somebody else's":       {"{apiVersion: x.example/v1, kind: X, status: {state: notReady}}", ""},
		"conditions in a shape of its own": {"{apiVersion: x.example/v1, kind: X, status: {conditions: [Ready, 3]}}", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := strings.Join(Object(objectOf(t, tt.object)), "; ")
			if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("found %q, want %q", got, tt.want)
			}
		})
	}
}

func TestUnrest(t *testing.T) {
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	tests := map[string]struct {
		definition           bool
		metadata, conditions string
		want                 string
	}{
		"at rest":              {false, "", "{type: Ready, status: 'True'}", ""},
		"not ready":            {false, "", "{type: Ready, status: 'False'}", "Ready is False"},
		"being deleted":        {false, "deletionTimestamp: '2026-01-02T11:58:00Z', finalizers: [a/b]", "", ""},
		"not ready, and going": {false, "deletionTimestamp: '2026-01-02T11:58:00Z'", "{type: Ready, status: 'False'}", ""},
		"held in its deletion": {false, "deletionTimestamp: '2026-01-02T11:50:00Z', finalizers: [a/b]", "",
			`it is being deleted since 2026-01-02T11:50:00Z, held by ["a/b"]`},
		"a kind":                      {true, "", "{type: Established, status: 'True'}", ""},
		"a kind that nobody has seen": {true, "", "", "does not say that it is established"},
		"a kind that goes":            {true, "deletionTimestamp: '2026-01-02T11:58:00Z'", "{type: NamesAccepted, status: 'False'}", ""},
		"a kind that is held":         {true, "deletionTimestamp: '2026-01-02T11:50:00Z'", "{type: Established, status: 'True'}", "being deleted"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			judge := Unrest
			if tt.definition {
				judge = Definition
			}
			object := objectOf(t, "{apiVersion: x.example/v1, kind: X, metadata: {"+tt.metadata+"}, status: {conditions: ["+tt.conditions+"]}}")
			got := strings.Join(judge(object, now), "; ")
			if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("found %q, want %q", got, tt.want)
			}
		})
	}
}

func TestSpeaks(t *testing.T) {
	tests := map[string]struct {
		object string
		want   bool
	}{
		"a condition":             {"{apiVersion: x.example/v1, kind: X, status: {conditions: [{type: Ready, status: 'True'}]}}", true},
		"a condition of its own":  {"{apiVersion: x.example/v1, kind: X, status: {conditions: [{type: Painted, status: 'True'}]}}", false},
		"a state":                 {"{apiVersion: mellanox.com/v1alpha1, kind: NicClusterPolicy, status: {state: ready}}", true},
		"a state of another kind": {"{apiVersion: nvidia.com/v1alpha1, kind: DynamoGraphDeployment, status: {state: successful}}", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := Speaks(objectOf(t, tt.object)); got != tt.want {
				t.Errorf("Speaks = %t, want %t", got, tt.want)
			}
		})
	}
}
