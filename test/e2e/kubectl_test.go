package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

const manifest = `
apiVersion: validation.aicr.dev/v1alpha1
kind: ValidationRun
metadata:
  name: h100-training
spec:
  validator:
    image: validation-operator.local/e2e:dev
    imagePullPolicy: IfNotPresent
  phases:
  - name: readiness
    goTest:
      package: ./behave
      run: ^(TestPlain|TestNotApplicable)$
  - name: deployment
    goTest:
      package: ./misbehave
      run: ^(TestBefore|TestFails)$
  - name: conformance
    container:
      command: [program.test, exit, "0"]
`

// inTime bounds what kubectl waits for.
var inTime = "--timeout=" + patience.String()

var _ = Describe("kubectl", func() {
	var namespace string
	collectOnFailure(func() string { return namespace })

	It("is all that a user needs", func(ctx SpecContext) {
		namespace = newNamespace(ctx, "restricted")
		user := func(args ...string) string {
			GinkgoHelper()
			return kubectl(ctx, append([]string{"-n", namespace}, args...)...)
		}
		get := func(path string) string {
			GinkgoHelper()
			return user("get", "validationrun", "h100-training", "-o", "jsonpath="+path)
		}
		file := filepath.Join(GinkgoT().TempDir(), "run.yaml")
		Expect(os.WriteFile(file, []byte(manifest), 0o600)).To(Succeed())

		By("apply and wait")
		Expect(user("apply", "-f", file)).To(ContainSubstring("created"))
		user("wait", "--for=condition=Complete", inTime, "validationrun/h100-training")
		user("wait", "--for=jsonpath={.status.verdict}=Failed", "--timeout=30s", "validationrun/h100-training")

		By("get")
		table := []string{"NAME STATUS PASSED PHASE ATTEMPT AGE", "h100-training Failed 2/4 1"}
		for _, kind := range []string{"validationruns", "vrun", "validation"} {
			Expect(rows(user("get", kind))).To(HaveExactElements(Equal(table[0]), HavePrefix(table[1])))
		}
		wide := rows(user("get", "vrun", "-o", "wide"))
		Expect(wide).To(HaveExactElements(HaveSuffix("MESSAGE"), And(ContainSubstring("TestFails"), ContainSubstring("deployment"))))

		By("describe")
		Eventually(ctx, tryKubectl).WithArguments("-n", namespace, "describe", "validationrun", "h100-training").WithTimeout(patience).Should(And(
			ContainSubstring("TestsFailed"), ContainSubstring("3 of 8 GPUs are missing"), ContainSubstring("PhasePassed"),
			ContainSubstring("EarlierPhase"), ContainSubstring("PhaseFailed"),
		), "events are written by and by")

		By("explain")
		Expect(user("explain", "validationrun.spec.phases.goTest")).To(And(
			ContainSubstring("GROUP:      validation.aicr.dev"), ContainSubstring("expectedTests"), ContainSubstring("skips"),
		))
		Expect(user("explain", "vrun", "--recursive")).To(ContainSubstring("observedGeneration"))

		By("the result")
		Expect(user("get", "configmap", get("{.status.results[0].configMap}"), "-o", "yaml")).To(And(
			ContainSubstring("verdict: Failed"), ContainSubstring("3 of 8 GPUs are missing"),
		))

		By("apply again, which writes nothing")
		awaitRun(ctx, newRun(namespace, "h100-training"), HaveField("Finalizers", BeEmpty()))
		version := get("{.metadata.resourceVersion}")
		Expect(user("apply", "-f", file)).To(ContainSubstring("unchanged"))
		user("apply", "-f", file)
		Expect(get("{.metadata.resourceVersion} {.status.attempt}")).To(Equal(version + " 1"))

		By("edit, which starts the next attempt")
		user("patch", "validationrun", "h100-training", "--type=merge", "-p", `{"spec":{"trigger":"commit 2"}}`)
		user("wait", "--for=jsonpath={.status.attempt}=2", inTime, "validationrun/h100-training")
		user("wait", "--for=condition=Complete", inTime, "validationrun/h100-training")
		Expect(get("{.status.results[*].configMap}")).To(Equal("h100-training-result-2"))

		By("delete, which leaves nothing")
		Expect(labelled(ctx, namespace)).To(ContainElements(HavePrefix("job.batch/"), HavePrefix("pod/"), HavePrefix("configmap/")))
		user("delete", inTime, "validationrun", "h100-training")
		Eventually(ctx, labelled).WithArguments(namespace).WithTimeout(patience).Should(BeEmpty())
	})

	It("deletes a run that runs, with all that belongs to it", func(ctx SpecContext) {
		namespace = newNamespace(ctx, "restricted")
		run := newRun(namespace, "deleted", tests("program", "TestGate"))
		Expect(k8s.Create(ctx, run)).To(Succeed())
		awaitRun(ctx, run, HaveField("Status.Phases", ContainElement(HaveField("Running", "TestGate"))))
		kubectl(ctx, "-n", namespace, "delete", inTime, "validationrun", run.Name)
		Eventually(ctx, labelled).WithArguments(namespace).WithTimeout(patience).Should(BeEmpty())
	})
})

// rows are the lines of a table, with single blanks.
func rows(table string) (out []string) {
	for line := range strings.Lines(table) {
		out = append(out, strings.Join(strings.Fields(line), " "))
	}
	return out
}

// labelled are all objects in a namespace, of whatever kind, that are labelled for a run.
func labelled(ctx context.Context, namespace string) ([]string, error) {
	kinds, err := tryKubectl(ctx, "api-resources", "--verbs=list", "--namespaced", "-o", "name")
	if err != nil {
		return nil, err
	}
	found, err := tryKubectl(ctx, "-n", namespace, "get", strings.Join(strings.Fields(kinds), ","), "-l", "validation.aicr.dev/run",
		"-o", "name", "--ignore-not-found")
	return strings.Fields(found), err
}
