package integration

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/verdict"
	"github.com/validation-operator/validation-operator/test/podlet"
)

var _ = Describe("The result", func() {
	var namespace string

	BeforeEach(func(ctx SpecContext) { namespace = newNamespace(ctx) })

	It("of 60 MB of output says how every test ended, and where it was cut", func(ctx SpecContext) {
		const count, each = 600, 100 << 10
		var cases []podlet.GoTestCase
		for i := range count {
			c := podlet.GoTestCase{Name: fmt.Sprintf("TestNumber%03d", i), Output: noise(i, each)}
			if i%100 == 7 {
				c.Outcome = podlet.Fail
			}
			cases = append(cases, c)
		}
		node.Script("registry.test/large", *tests(cases...))
		run := newRun(namespace, "large", "registry.test/large")
		Expect(k8s.Create(ctx, run)).To(Succeed())
		out := settled(ctx, run, 1)
		Expect(out.Status.Verdict).To(Equal(v1alpha1.VerdictFailed))
		Expect(out.Status.Summary).To(Equal(v1alpha1.Summary{Total: count, Passed: count - 6, Failed: 6}))

		result := resultOf(ctx, out)
		Expect(result.Phases).To(HaveLen(1))
		Expect(result.Phases[0].Tests).To(HaveLen(count))
		for i, test := range result.Phases[0].Tests {
			want := verdict.Passed
			if i%100 == 7 {
				want = verdict.Failed
				Expect(test.Output).To(HaveValue(HaveField("Text", MatchRegexp(`\[\.\.\. \d+ bytes cut \.\.\.]`))), test.Name)
			}
			Expect(test).To(And(HaveField("Name", cases[i].Name), HaveField("Status", want)))
			Expect(test.Output).To(HaveValue(HaveField("CutBytes", BeNumerically(">", 0))), "%s: all of it cannot be there", test.Name)
		}
		Expect(result.Omitted).To(HaveValue(And(HaveField("Outputs", BeNumerically(">=", count)), HaveField("Bytes", BeNumerically(">", 50<<20)))))
		AddReportEntry("ConfigMaps", fmt.Sprintf("%d of %v bytes", len(out.Status.Results), sizes(out.Status.Results)))
	})

	It("ends a run all the same when it cannot be stored, which is said", func(ctx SpecContext) {
		node.Script("registry.test/unstorable", podlet.Runs())
		taken := newRun(namespace, "taken", "registry.test/unstorable", container())
		Expect(k8s.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "taken-result-1"}})).To(Succeed())
		Expect(k8s.Create(ctx, taken)).To(Succeed())
		out := settled(ctx, taken, 1)
		Expect(out.Status.Verdict).To(Equal(v1alpha1.VerdictPassed))
		Expect(out.Status.Results).To(BeEmpty())
		Expect(out.Status.Message).To(ContainSubstring("the result could not be stored: ConfigMap taken-result-1 exists and does not belong to this run"))
		Expect(out.Status.LastCompleted).To(HaveValue(HaveField("ConfigMap", "")))
		Eventually(ctx, func(g Gomega) []eventsv1.Event {
			var events eventsv1.EventList
			g.Expect(k8s.List(ctx, &events, client.InNamespace(namespace))).To(Succeed())
			return events.Items
		}).Should(ContainElement(And(HaveField("Type", corev1.EventTypeWarning), HaveField("Reason", "ResultNotStored"),
			HaveField("Regarding.Kind", "ValidationRun"), HaveField("Regarding.UID", out.UID),
			HaveField("Note", ContainSubstring("taken-result-1 exists and does not belong to this run")))))
	})

	It("waits for a quota to be raised", func(ctx SpecContext) {
		quota, full := runWithoutRoom(ctx, namespace)
		Expect(k8s.Patch(ctx, quota, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"hard":{"count/configmaps":"9"}}}`)))).To(Succeed())
		out := settled(ctx, full, 1)
		Expect(out.Status.Verdict).To(Equal(v1alpha1.VerdictPassed))
		Expect(resultOf(ctx, out).Phases).To(ConsistOf(And(HaveField("State", passed), HaveField("Notes", BeEmpty()))))
	})

	It("does not wait for ever for a quota to be raised", func(ctx SpecContext) {
		if !long() {
			Skip("it takes two minutes; " + longVariable + " is not set")
		}
		_, full := runWithoutRoom(ctx, namespace)
		Eventually(ctx, current(ctx, full)).WithTimeout(4 * time.Minute).Should(HaveCondition(v1alpha1.ConditionComplete, metav1.ConditionTrue, "Passed"))
		out := settled(ctx, full, 1)
		Expect(out.Status.Results).To(BeEmpty())
		Expect(out.Status.Message).To(And(ContainSubstring("the result could not be stored"), ContainSubstring("exceeded quota")))
	}, SpecTimeout(5*time.Minute))
})

// longVariable asks for what takes longer than a suite has the time for, when it is set.
const longVariable = "INTEGRATION_LONG"

func long() bool { return os.Getenv(longVariable) != "" }

// runWithoutRoom is a run whose result a quota has no room for.
func runWithoutRoom(ctx context.Context, namespace string) (*corev1.ResourceQuota, *v1alpha1.ValidationRun) {
	GinkgoHelper()
	quota := limitConfigMaps(ctx, namespace, 3) // kube-root-ca.crt, the frozen spec and the evidence of the phase
	node.Script("registry.test/no-room", podlet.Runs())
	run := newRun(namespace, "full", "registry.test/no-room", container())
	Expect(k8s.Create(ctx, run)).To(Succeed())
	eventually(ctx, run, waitsFor(v1alpha1.ReasonQuotaExceeded))
	return quota, run
}

// limitConfigMaps leaves a namespace room for so many ConfigMaps, kube-root-ca.crt included, and returns once that one has been counted.
func limitConfigMaps(ctx context.Context, namespace string, room int64) *corev1.ResourceQuota {
	GinkgoHelper()
	const counted corev1.ResourceName = "count/configmaps"
	quota := &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "few-configmaps"},
		Spec:       corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{counted: *resource.NewQuantity(room, resource.DecimalSI)}},
	}
	Expect(k8s.Create(ctx, quota)).To(Succeed())
	Eventually(ctx, func(g Gomega) {
		g.Expect(k8s.Get(ctx, client.ObjectKeyFromObject(quota), quota)).To(Succeed())
		used, known := quota.Status.Used[counted]
		g.Expect(known).To(BeTrue())
		if used.Value() != 1 {
			// The controller counted by a cache that was behind. It counts again when one is deleted, and else not for minutes.
			other := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "counts-again"}}
			if err := k8s.Create(ctx, other); !apierrors.IsForbidden(err) {
				g.Expect(err).NotTo(HaveOccurred())
				g.Expect(k8s.Delete(ctx, other)).To(Succeed())
			}
		}
		g.Expect(used.Value()).To(BeEquivalentTo(1))
	}).WithPolling(200 * time.Millisecond).Should(Succeed())
	return quota
}

func sizes(results []v1alpha1.Result) (out []int64) {
	for _, r := range results {
		out = append(out, r.Bytes)
	}
	return out
}

// noise is text of a size, in lines, that does not compress well and is the same each time.
func noise(seed, size int) string {
	var out strings.Builder
	for n := 0; out.Len() < size; n++ {
		sum := sha256.Sum256(fmt.Appendf(nil, "%d %d", seed, n))
		out.WriteString("    " + base64.StdEncoding.EncodeToString(sum[:]) + "\n")
	}
	return out.String()
}
