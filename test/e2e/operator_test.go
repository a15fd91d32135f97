package e2e

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

var _ = Describe("The installed operator", func() {
	collectOnFailure(func() string { return operatorNamespace })

	It("runs with no more than it needs", func(ctx SpecContext) {
		system := &corev1.Namespace{}
		Expect(k8s.Get(ctx, client.ObjectKey{Name: operatorNamespace}, system)).To(Succeed())
		Expect(system.Labels).To(HaveKeyWithValue("pod-security.kubernetes.io/enforce", "restricted"))

		pod := operatorPod(ctx)
		Expect(pod.Spec.SecurityContext.RunAsNonRoot).To(HaveValue(BeTrue()))
		Expect(pod.Spec.Containers).To(HaveLen(1))
		manager := pod.Spec.Containers[0]
		Expect(manager.SecurityContext.ReadOnlyRootFilesystem).To(HaveValue(BeTrue()))
		Expect(manager.Resources.Limits).To(And(HaveKey(corev1.ResourceCPU), HaveKey(corev1.ResourceMemory)))
		Expect(manager.LivenessProbe).NotTo(BeNil())
		Expect(manager.ReadinessProbe).NotTo(BeNil())
	})

	It("shows its metrics to the authorised alone", func(ctx SpecContext) {
		namespace := newNamespace(ctx, "restricted")
		for _, name := range []string{"scraper", "stranger"} {
			account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
			Expect(k8s.Create(ctx, account)).To(Succeed())
		}
		binding := &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: namespace},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "validation-operator-metrics-reader"},
			Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: "scraper"}},
		}
		Expect(k8s.Create(ctx, binding)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { Expect(k8s.Delete(ctx, binding)).To(Succeed()) })

		for who, want := range map[string]int{"": http.StatusUnauthorized, token(ctx, namespace, "stranger"): http.StatusForbidden} {
			Eventually(ctx, func(g Gomega) {
				status, _, err := scrape(ctx, who)
				g.Expect(err).NotTo(HaveOccurred())
				if status == http.StatusOK {
					StopTrying("metrics are shown to whom they are not for").Now()
				}
				g.Expect(status).To(Equal(want))
			}).WithTimeout(patience).Should(Succeed(), "the operator is ready before it listens for scrapers")
		}
		scraper := token(ctx, namespace, "scraper")
		Eventually(ctx, func(g Gomega) {
			status, text, err := scrape(ctx, scraper)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(status).To(Equal(http.StatusOK))
			g.Expect(text).To(ContainSubstring(`controller_runtime_reconcile_total{controller="validationrun"`))
		}).WithTimeout(patience).Should(Succeed(), "its rights are known by and by")
	})
})

// operatorPod is the operator's one pod, once it is ready and those before it are gone: a rollout's status may be that of before, and specs
// that kill the operator may have run.
func operatorPod(ctx context.Context) *corev1.Pod {
	GinkgoHelper()
	var pods corev1.PodList
	Eventually(ctx, func(g Gomega) {
		g.Expect(k8s.List(ctx, &pods, client.InNamespace(operatorNamespace), client.MatchingLabels{"control-plane": "controller-manager"})).To(Succeed())
		g.Expect(pods.Items).To(ConsistOf(And(HaveField("DeletionTimestamp", BeNil()), HaveField("Status.Conditions", ContainElement(
			And(HaveField("Type", corev1.PodReady), HaveField("Status", corev1.ConditionTrue)))))))
	}).WithTimeout(patience).Should(Succeed())
	return &pods.Items[0]
}

// scrapePatience is how long one scrape may take, its forward included.
const scrapePatience = time.Minute

// scrape forwards the port of the operator's metrics and scrapes it once. Each scrape has a forward of its own, as kubectl's ends for good
// with the first connection that the pod refuses.
func scrape(ctx context.Context, token string) (status int, text string, err error) {
	ctx, cancel := context.WithTimeout(ctx, scrapePatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "kubectl", "-n", operatorNamespace, "port-forward", "deployment/"+operatorName, ":8443")
	var warnings strings.Builder
	cmd.Stderr = &warnings
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, "", err
	}
	if err := cmd.Start(); err != nil {
		return 0, "", err
	}
	defer func() {
		cancel()
		_ = cmd.Wait() // it was killed
		if err != nil {
			err = fmt.Errorf("%w\n%s", err, &warnings)
		}
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return 0, "", fmt.Errorf("forwarding a port: %w", err)
	}
	address := regexp.MustCompile(`127\.0\.0\.1:\d+`).FindString(line)
	if address == "" {
		return 0, "", fmt.Errorf("forwarding a port: no address in %q", line)
	}
	return metrics(ctx, address, token)
}

func token(ctx context.Context, namespace, account string) string {
	GinkgoHelper()
	return strings.TrimSpace(kubectl(ctx, "-n", namespace, "create", "token", account))
}

// metrics gets the operator's metrics from where they are reachable here.
func metrics(ctx context.Context, address, token string) (status int, text string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+address+"/metrics", http.NoBody)
	if err != nil {
		return 0, "", err
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	// The operator makes its certificate itself; whom it lets in is what is looked at.
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, string(body), err
}
