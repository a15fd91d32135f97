package e2e

import (
	"context"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

var _ = Describe("The operator, killed while a phase runs", func() {
	var namespace string
	collectOnFailure(func() string { return namespace })
	var run *v1alpha1.ValidationRun
	var job types.UID

	BeforeEach(func(ctx SpecContext) {
		quiet(ctx)
		namespace = newNamespace(ctx, "restricted")
		run = newRun(namespace, "crash", tests("program", "TestFails", "TestGate", "TestLast"))
		Expect(k8s.Create(ctx, run)).To(Succeed())
		awaitRun(ctx, run, HaveField("Status.Phases", ContainElement(HaveField("Running", "TestGate"))))
		job = theJob(ctx, namespace).UID
	})

	endsAsUndisturbed := func(ctx context.Context) {
		GinkgoHelper()
		run = complete(ctx, run)
		Expect(run.Status.Verdict).To(Equal(v1alpha1.VerdictFailed), run.Status.Message)
		Expect(run.Status.Attempt).To(BeEquivalentTo(1))
		Expect(run.Status.Summary).To(Equal(v1alpha1.Summary{Total: 3, Passed: 2, Failed: 1}))
		Expect(run.Status.Failures).To(ConsistOf(And(HaveField("Test", "TestFails"), HaveField("Message", ContainSubstring("2 of 4 links are down")))))
		Expect(theJob(ctx, namespace).UID).To(Equal(job), "there was never another Job")
		Expect(run.Status.Phases[0].Jobs).To(HaveLen(1))
	}

	It("comes to the same verdict after SIGKILL, though the validator ends while it is away", func(ctx SpecContext) {
		pod := operatorPod(ctx)
		sigkill(ctx, pod)
		openGate(ctx, run)
		isBack(ctx, pod)
		endsAsUndisturbed(ctx)
	})

	It("comes to the same verdict after its pod is deleted by force, once another has taken over", func(ctx SpecContext) {
		pod := operatorPod(ctx)
		kubectl(ctx, "-n", operatorNamespace, "delete", "pod", pod.Name, "--grace-period=0", "--force")
		kubectl(ctx, "-n", operatorNamespace, "rollout", "status", "deployment/"+operatorName, "--timeout=5m")
		next := operatorPod(ctx)
		Expect(next.UID).NotTo(Equal(pod.UID))
		// It is ready before it leads, and leads only once the lease of the one before it has run out.
		lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: operatorNamespace, Name: leaseName}}
		await(ctx, lease, &coordinationv1.LeaseList{}, HaveField("Spec.HolderIdentity", HaveValue(HavePrefix(next.Name+"_"))))
		openGate(ctx, run)
		endsAsUndisturbed(ctx)
	})
})

// theJob is the one Job in a namespace.
func theJob(ctx context.Context, namespace string) batchv1.Job {
	GinkgoHelper()
	var jobs batchv1.JobList
	Expect(k8s.List(ctx, &jobs, client.InNamespace(namespace))).To(Succeed())
	Expect(jobs.Items).To(HaveLen(1))
	return jobs.Items[0]
}

// openGate lets a run's TestGate go on.
func openGate(ctx context.Context, run *v1alpha1.ValidationRun) {
	GinkgoHelper()
	kubectl(ctx, "-n", run.Namespace, "exec", "job/"+theJob(ctx, run.Namespace).Name, "-c", "validator", "--", "program.test", "open")
}

// isBack waits until a pod of the operator's, whose process was killed, is ready again. On a busy machine it may have ended once more
// meanwhile, for a lease that it could not renew or a probe that it did not answer in time.
func isBack(ctx context.Context, pod *corev1.Pod) {
	GinkgoHelper()
	await(ctx, pod, &corev1.PodList{}, HaveField("Status.ContainerStatuses", ConsistOf(And(
		HaveField("RestartCount", BeNumerically(">", pod.Status.ContainerStatuses[0].RestartCount)), HaveField("Ready", BeTrue()),
	))))
}

// sigkill kills the processes of a pod's only container, from where they can be killed: the node's own process namespace.
func sigkill(ctx context.Context, pod *corev1.Pod) {
	GinkgoHelper()
	_, container, found := strings.Cut(pod.Status.ContainerStatuses[0].ContainerID, "://")
	Expect(found).To(BeTrue())
	killer := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: newNamespace(ctx, "privileged"), Name: "killer"},
		Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever, HostPID: true, NodeName: pod.Spec.NodeName,
			Containers: []corev1.Container{{
				Name: "kill", Image: image, ImagePullPolicy: corev1.PullIfNotPresent, Command: []string{"program.test", "kill", container},
				SecurityContext: &corev1.SecurityContext{RunAsUser: new(int64(0))},
			}},
		},
	}
	Eventually(ctx, func() error { return k8s.Create(ctx, killer) }).WithTimeout(patience).
		Should(Succeed(), "its namespace's default ServiceAccount comes by and by")
	await(ctx, killer, &corev1.PodList{}, HaveField("Status.Phase", corev1.PodSucceeded))
}
