package health

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestUntolerated(t *testing.T) {
	taint := func(effect corev1.TaintEffect) []corev1.Taint {
		return []corev1.Taint{{Key: "gpu", Value: "h100", Effect: effect}}
	}
	exists := []corev1.Toleration{{Key: "gpu", Operator: corev1.TolerationOpExists}}
	tests := map[string]struct {
		taints      []corev1.Taint
		tolerations []corev1.Toleration
		want        string
	}{
		"no taint":         {nil, nil, ""},
		"not tolerated":    {taint(corev1.TaintEffectNoSchedule), nil, "gpu=h100:NoSchedule"},
		"evicts":           {taint(corev1.TaintEffectNoExecute), nil, "gpu=h100:NoExecute"},
		"disliked":         {taint(corev1.TaintEffectPreferNoSchedule), nil, ""},
		"tolerated":        {taint(corev1.TaintEffectNoSchedule), exists, ""},
		"of another value": {taint(corev1.TaintEffectNoSchedule), []corev1.Toleration{{Key: "gpu", Value: "a100"}}, "gpu=h100:NoSchedule"},
		"everything goes":  {taint(corev1.TaintEffectNoExecute), []corev1.Toleration{{Operator: corev1.TolerationOpExists}}, ""},
		"one of two tolerated": {append(taint(corev1.TaintEffectNoSchedule), corev1.Taint{Key: "a", Effect: corev1.TaintEffectNoSchedule}), exists,
			"a:NoSchedule"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := ""
			if taint := Untolerated(&corev1.Node{Spec: corev1.NodeSpec{Taints: tt.taints}}, tt.tolerations); taint != nil {
				got = taint.ToString()
			}
			if got != tt.want {
				t.Errorf("Untolerated = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestSelected(t *testing.T) {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n", Labels: map[string]string{"pool": "gpu", "gpus": "8"}}}
	asks := func(key string, operator corev1.NodeSelectorOperator, values ...string) corev1.NodeSelectorTerm {
		return corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{{Key: key, Operator: operator, Values: values}}}
	}
	pinned := func(term corev1.NodeSelectorTerm) corev1.NodeSelectorTerm {
		term.MatchFields = []corev1.NodeSelectorRequirement{
			{Key: metav1.ObjectNameField, Operator: corev1.NodeSelectorOpIn, Values: []string{"another"}}}
		return term
	}
	tests := map[string]struct {
		selector map[string]string
		terms    []corev1.NodeSelectorTerm
		want     bool
	}{
		"nothing is asked for":         {nil, nil, true},
		"a label":                      {map[string]string{"pool": "gpu"}, nil, true},
		"another value":                {map[string]string{"pool": "cpu"}, nil, false},
		"a term":                       {nil, []corev1.NodeSelectorTerm{asks("pool", corev1.NodeSelectorOpIn, "cpu", "gpu")}, true},
		"a term that does not hold":    {nil, []corev1.NodeSelectorTerm{asks("pool", corev1.NodeSelectorOpNotIn, "gpu")}, false},
		"one of two terms":             {nil, []corev1.NodeSelectorTerm{asks("a", corev1.NodeSelectorOpExists), asks("gpus", corev1.NodeSelectorOpGt, "4")}, true},
		"fewer":                        {nil, []corev1.NodeSelectorTerm{asks("gpus", corev1.NodeSelectorOpLt, "4")}, false},
		"what is not there":            {nil, []corev1.NodeSelectorTerm{asks("a", corev1.NodeSelectorOpDoesNotExist)}, true},
		"the selector and a term":      {map[string]string{"pool": "cpu"}, []corev1.NodeSelectorTerm{asks("pool", corev1.NodeSelectorOpExists)}, false},
		"a term that asks nothing":     {nil, []corev1.NodeSelectorTerm{{}}, false},
		"one that cannot be read":      {nil, []corev1.NodeSelectorTerm{asks("gpus", corev1.NodeSelectorOpGt, "many")}, false},
		"pinned elsewhere":             {nil, []corev1.NodeSelectorTerm{pinned(corev1.NodeSelectorTerm{})}, true},
		"pinned elsewhere in its pool": {nil, []corev1.NodeSelectorTerm{pinned(asks("pool", corev1.NodeSelectorOpIn, "cpu"))}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			pod := &corev1.PodSpec{NodeSelector: tt.selector}
			if tt.terms != nil {
				pod.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
					RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: tt.terms}}}
			}
			if got := Selected(node, pod); got != tt.want {
				t.Errorf("Selected = %t, want %t", got, tt.want)
			}
		})
	}
	if !Selected(node, &corev1.PodSpec{Affinity: &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{}}}) {
		t.Error("an affinity that requires nothing leaves a node out")
	}
}
