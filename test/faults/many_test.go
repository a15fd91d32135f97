package faults

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/test/podlet"
)

// manyRuns is the variable that says how many runs are created at once.
const manyRuns = "FAULTS_RUNS"

func many() int {
	if n, err := strconv.Atoi(os.Getenv(manyRuns)); err == nil {
		return n
	}
	return 100
}

var _ = Describe("Many runs", func() {
	It("are created at once, all pass, and are deleted at once", func(ctx SpecContext) {
		play(ctx, scene{idle: true}, func(s *story) {
			operator := s.replica(false)
			image := s.image("quick", podlet.Runs())
			limit := 2*time.Minute + time.Duration(many())*time.Second/2
			before := memory(operator.Command.Process.Pid)
			began := time.Now()
			s.createMany(ctx, many(), image)
			Eventually(ctx, func(g Gomega) {
				var all v1alpha1.ValidationRunList
				g.Expect(k8s.List(ctx, &all, client.InNamespace(s.namespace))).To(Succeed())
				verdicts := map[v1alpha1.Verdict]int{}
				for _, run := range all.Items {
					verdicts[run.Status.Verdict]++
				}
				g.Expect(verdicts).To(Equal(map[v1alpha1.Verdict]int{v1alpha1.VerdictPassed: many()}))
			}).WithTimeout(limit).WithPolling(500 * time.Millisecond).Should(Succeed())
			passed := time.Now()
			Expect(k8s.DeleteAllOf(ctx, &v1alpha1.ValidationRun{}, client.InNamespace(s.namespace))).To(Succeed())
			Eventually(ctx, func(g Gomega) {
				g.Expect(childrenOf(ctx, g, s.namespace)).To(BeEmpty())
			}).WithTimeout(limit).WithPolling(500 * time.Millisecond).Should(Succeed())
			AddReportEntry("many runs", fmt.Sprintf("%d runs passed in %s and were gone %s later; the operator's memory: %s before, %s after",
				many(), passed.Sub(began).Round(time.Second), time.Since(passed).Round(time.Second), before, memory(operator.Command.Process.Pid)),
				ReportEntryVisibilityAlways)
			s.end(ctx)
			operator.Kill().Wait()
		})
	})
})

// createMany creates runs as fast as it goes.
func (s *story) createMany(ctx context.Context, n int, image string) {
	GinkgoHelper()
	// There is room for all of them: nobody waits for creators that have all given up.
	names := make(chan string, n)
	for i := range n {
		names <- fmt.Sprintf("many-%04d", i)
	}
	close(names)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			defer GinkgoRecover()
			for name := range names {
				s.run(ctx, name, phases(smoke("only", image)))
			}
		})
	}
	all.Wait()
}

// memory is what a process has in memory, and had at most.
func memory(pid int) string {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return "unknown"
	}
	var out []string
	for line := range strings.Lines(string(status)) {
		if name, value, _ := strings.Cut(line, ":"); name == "VmRSS" || name == "VmHWM" {
			out = append(out, name+" "+strings.TrimSpace(value))
		}
	}
	return strings.Join(out, ", ")
}
