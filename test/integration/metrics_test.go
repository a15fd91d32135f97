package integration

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strconv"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/test/controlplane"
)

// freeAddress is one of the loopback that nobody listens on.
func freeAddress() string {
	GinkgoHelper()
	port, err := controlplane.Port()
	Expect(err).NotTo(HaveOccurred())
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}

// newToken makes a ServiceAccount and a token of it.
func newToken(ctx context.Context, namespace, name string) string {
	GinkgoHelper()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	Expect(k8s.Create(ctx, account)).To(Succeed())
	request := &authenticationv1.TokenRequest{}
	Expect(k8s.SubResource("token").Create(ctx, account, request)).To(Succeed())
	return request.Status.Token
}

// scrape reads the operator's metrics with a token, as Prometheus does.
func scrape(ctx context.Context, token string) (int, string) {
	GinkgoHelper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+operator.metrics+"/metrics", http.NoBody)
	Expect(err).NotTo(HaveOccurred())
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	insecure := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // the operator signs its own certificate
	}}
	response, err := insecure.Do(request)
	Expect(err).NotTo(HaveOccurred())
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	Expect(err).NotTo(HaveOccurred())
	return response.StatusCode, string(body)
}

var _ = Describe("The metrics", func() {
	var namespace string

	BeforeEach(func(ctx SpecContext) { namespace = newNamespace(ctx) })

	It("are for those who may read them, and tell of a run by name only where it asks", func(ctx SpecContext) {
		reader := newToken(ctx, namespace, "prometheus")
		binding := &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: namespace + "-metrics"},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "validation-operator-metrics-reader"},
			Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: namespace, Name: "prometheus"}},
		}
		Expect(k8s.Create(ctx, binding)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { Expect(k8s.Delete(ctx, binding)).To(Succeed()) })

		node.Script("registry.test/metrics", *tests(good))
		quiet := newRun(namespace, "quiet", "registry.test/metrics")
		watched := newRun(namespace, "watched", "registry.test/metrics", func(r *v1alpha1.ValidationRun) {
			r.Labels = map[string]string{v1alpha1.LabelMetrics: "true"}
		})
		for _, run := range []*v1alpha1.ValidationRun{quiet, watched} {
			Expect(k8s.Create(ctx, run)).To(Succeed())
			complete(ctx, run, 1)
		}

		for token, want := range map[string]int{
			"":                                     http.StatusUnauthorized,
			"made-up":                              http.StatusInternalServerError, // what controller-runtime makes of it
			newToken(ctx, namespace, "a-stranger"): http.StatusForbidden,
		} {
			status, body := scrape(ctx, token)
			Expect(status).To(Equal(want))
			Expect(body).NotTo(ContainSubstring("validation_operator"))
		}
		of := `{namespace="` + namespace + `",run="watched"`
		Eventually(ctx, func(g Gomega) {
			status, body := scrape(ctx, reader)
			g.Expect(status).To(Equal(http.StatusOK))
			g.Expect(body).To(SatisfyAll(
				MatchRegexp(`(?m)^validation_operator_attempts_started_total\{cause="First"\} ([2-9]|[1-9]\d+)$`),
				MatchRegexp(`(?m)^validation_operator_attempts_completed_total\{verdict="Passed"\} ([2-9]|[1-9]\d+)$`),
				MatchRegexp(`(?m)^validation_operator_phases_completed_total\{reason="",state="Passed"\} ([2-9]|[1-9]\d+)$`),
				MatchRegexp(`(?m)^validation_operator_log_read_bytes_total [1-9]`),
				MatchRegexp(`(?m)^validation_operator_result_size_bytes_count [1-9]`),
				MatchRegexp(`(?m)^validation_operator_runs\{state="Passed"\} [1-9]`),
				MatchRegexp(`(?m)^validation_operator_jobs_active \d`),
				MatchRegexp(`(?m)^validation_operator_logs_followed \d`),
				ContainSubstring("validation_operator_run_last_passed_timestamp_seconds"+of),
				ContainSubstring("validation_operator_run_verdict"+of+`,verdict="Passed"} 1`),
				Not(ContainSubstring("quiet")),
			))
		}).Should(Succeed())
	})
})
