package network

import (
	"runtime"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestLeftOut(t *testing.T) {
	info := func(system, architecture string) func(*corev1.Node) {
		return func(n *corev1.Node) {
			n.Status.NodeInfo = corev1.NodeSystemInfo{OperatingSystem: system, Architecture: architecture}
		}
	}
	tolerant := corev1.PodSpec{Tolerations: []corev1.Toleration{{Key: "gpu", Operator: corev1.TolerationOpExists}}}
	picky := corev1.PodSpec{NodeSelector: map[string]string{"pool": "gpu"}}
	tests := map[string]struct {
		change func(*corev1.Node)
		own    corev1.PodSpec
		want   string
	}{
		"an ordinary node":          {info("linux", runtime.GOARCH), corev1.PodSpec{}, ""},
		"cordoned":                  {cordoned, corev1.PodSpec{}, "it is cordoned"},
		"not ready":                 {notReady, corev1.PodSpec{}, "Ready is False (: )"},
		"tainted":                   {tainted, corev1.PodSpec{}, "it is tainted gpu:NoSchedule"},
		"tainted, and tolerated":    {tainted, tolerant, ""},
		"Windows without a taint":   {info("windows", runtime.GOARCH), corev1.PodSpec{}, "its operating system is windows"},
		"another architecture":      {info("linux", "s390x"), corev1.PodSpec{}, "its architecture is s390x, and the validator's is " + runtime.GOARCH},
		"of another pool":           {nil, picky, "the validator's nodeSelector or affinity leaves it out"},
		"of the pool that is meant": {func(n *corev1.Node) { n.Labels = map[string]string{"pool": "gpu"} }, picky, ""},
		"virtual":                   {func(n *corev1.Node) { n.Labels = map[string]string{"type": "virtual-kubelet"} }, corev1.PodSpec{}, "it is a virtual node"},
		"disliked": {func(n *corev1.Node) {
			n.Spec.Taints = []corev1.Taint{{Key: "rather", Effect: corev1.TaintEffectPreferNoSchedule}}
		}, corev1.PodSpec{}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := leftOut(node("x", tt.change), &tt.own); got != tt.want {
				t.Errorf("leftOut = %q, want %q", got, tt.want)
			}
		})
	}
}
