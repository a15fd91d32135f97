package health

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestVersion(t *testing.T) {
	of := func(containers ...corev1.Container) corev1.PodTemplateSpec {
		return corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: containers}}
	}
	container := func(name, image string) corev1.Container { return corev1.Container{Name: name, Image: image} }
	proxied := of(container("kube-rbac-proxy", "r.example/kube-rbac-proxy:v0.15.0"), container("manager", "r.example/operator:v1.2.4"))
	annotated := proxied
	annotated.ObjectMeta = metav1.ObjectMeta{Annotations: map[string]string{"kubectl.kubernetes.io/default-container": "manager"}}
	tests := map[string]struct {
		label        string
		template     corev1.PodTemplateSpec
		want, denied string
	}{
		"no label":                            {"", of(container("c", "r.example:5000/operator:v1.2.3")), "v1.2.3", ""},
		"no tag":                              {"v1.2.3", of(container("c", "r.example:5000/operator")), "v1.2.3", ""},
		"neither":                             {"", of(container("c", "operator@sha256:0123")), "", ""},
		"a tag and a digest":                  {"", of(container("c", "operator:v1.2.3@sha256:0123")), "v1.2.3", ""},
		"a tag that agrees":                   {"1.2.3", of(container("c", "operator:v1.2.3")), "1.2.3", ""},
		"a tag with a suffix":                 {"v1.2.3", of(container("c", "operator:v1.2.3-ubi9")), "v1.2.3", ""},
		"a tag that tells less":               {"v1.2.3", of(container("c", "operator:v1.2")), "v1.2.3", ""},
		"a tag that tells more":               {"v1.2", of(container("c", "operator:v1.2.3")), "v1.2", ""},
		"a tag of another build":              {"v1.2.3-a", of(container("c", "operator:v1.2.3-b")), "v1.2.3-b", "v1.2.3-a"},
		"a tag that is no version":            {"v1.2.3", of(container("c", "operator:latest")), "v1.2.3", ""},
		"a label that is none":                {"latest", of(container("c", "operator:v1.2.3")), "latest", ""},
		"an image of an older version":        {"v1.2.3", of(container("c", "operator:v1.2.2")), "v1.2.2", "v1.2.3"},
		"an image of a pre-release":           {"v1.2.3", of(container("c", "operator:v1.2.3-rc.1")), "v1.2.3-rc.1", "v1.2.3"},
		"a proxy before the container":        {"v1.2.4", proxied, "v1.2.4", ""},
		"an old container, and a proxy":       {"v1.2.5", proxied, "v1.2.4", "v1.2.5"},
		"an old container, that is annotated": {"v1.2.5", annotated, "v1.2.4", "v1.2.5"},
		"no label, and a proxy":               {"", annotated, "v1.2.4", ""},
		"several that nothing tells apart": {"v1.2.5", of(container("a", "r.example/a:v0.15.0"), container("b", "r.example/b:v1.2.4")),
			"", "v1.2.5"},
		"several, of which one has the label's": {"v1.2.4", of(container("a", "r.example/a:v0.15.0"), container("b", "r.example/b:v1.2.4")),
			"v1.2.4", ""},
		"several, of which one may have any": {"v1.2.5", of(container("a", "r.example/a:v0.15.0"), container("b", "r.example/b")),
			"v1.2.5", ""},
		"several without a label": {"", of(container("a", "r.example/a"), container("b", "r.example/b:v1.2.4")), "v1.2.4", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got, denied := Version("operator", tt.label, &tt.template); got != tt.want || denied != tt.denied {
				t.Errorf("Version = %q, denied %q; want %q, denied %q", got, denied, tt.want, tt.denied)
			}
		})
	}
}
