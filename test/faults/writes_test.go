package faults

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/test/podlet"
)

// twoPhases is a run with everything in it that is written: a list of tests, a retry, two phases.
func (s *story) twoPhases(ctx context.Context, name string) *v1alpha1.ValidationRun {
	GinkgoHelper()
	return s.run(ctx, name, phases(
		retried(suite("first", s.image(name+"-first", preemptedOnce()))), smoke("second", s.image(name+"-second", podlet.Runs())),
	))
}

var _ = Describe("Writes", func() {
	It("that meet conflicts, whose answers are lost, or that are refused for a while, happen once", func(ctx SpecContext) {
		atOnce(func() {
			var conflicts, n atomic.Int32
			play(ctx, scene{fault: func(c call, next func() (*http.Response, error)) (*http.Response, error) {
				if c.Method != http.MethodPatch || c.resource != "validationruns" || n.Add(1)%2 == 0 {
					return next()
				}
				// Somebody else was faster.
				run := &v1alpha1.ValidationRun{}
				run.Namespace, run.Name = namespaceOf(c), c.name
				label := fmt.Appendf(nil, `{"metadata":{"labels":{"seen":"%d"}}}`, n.Load())
				_ = k8s.Patch(ctx, run, client.RawPatch(types.MergePatchType, label)) // one that is gone cannot be labelled
				response, err := next()
				if err == nil && response.StatusCode == http.StatusConflict {
					conflicts.Add(1)
				}
				return response, err
			}}, func(s *story) {
				passes(ctx, s.twoPhases(ctx, "conflicts"), 1)
				Expect(conflicts.Load()).To(BeNumerically(">", 3))
			})
		}, func() {
			var dropped atomic.Int32
			first := times(4)
			play(ctx, scene{fault: func(c call, next func() (*http.Response, error)) (*http.Response, error) {
				if !c.writes() || !first(c.what()) {
					return next()
				}
				dropped.Add(1)
				return lost(next())
			}}, func(s *story) {
				passes(ctx, s.twoPhases(ctx, "lost"), 1)
				Expect(dropped.Load()).To(BeNumerically(">", 10))
			})
		}, func() {
			play(ctx, scene{}, func(s *story) {
				open := make(chan struct{})
				run := s.run(ctx, "early", phases(suite("first", s.image("first", tests(good, until(open)))), smoke("second", s.image("second", podlet.Runs()))))
				runs(ctx, run, "first")
				var refused kinds
				s.link.meet(refusing(&refused))
				s.link.tear()
				other := s.twoPhases(ctx, "late")
				close(open)
				passes(ctx, run, 1)
				passes(ctx, other, 1)
				Expect(refused.all()).To(ContainElements(always))
			})
		})
	})
})

// always are the kinds of requests that an operator makes whose watches were torn, to bring a run with a retry to its end. What it asks for
// besides depends on who is faster.
var always = []string{
	"GET validationruns/", "GET jobs/", "GET pods/", "GET pods/log", "GET configmaps/",
	"POST serviceaccounts/", "POST rolebindings/", "POST configmaps/", "POST jobs/",
	"PATCH validationruns/", "PATCH validationruns/status", "DELETE configmaps/",
}

// kinds are kinds of requests, in the order in which they came.
type kinds struct {
	mu   sync.Mutex
	seen []string
}

// add adds one, and returns how many there are.
func (k *kinds) add(what string) (n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.seen = append(k.seen, what)
	return len(k.seen)
}

func (k *kinds) all() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.seen)
}

// refusing is an API server that answers the first request of each kind with an error.
func refusing(refused *kinds) fault {
	first := times(1)
	codes := []int{http.StatusInternalServerError, http.StatusTooManyRequests, http.StatusServiceUnavailable}
	return func(c call, next func() (*http.Response, error)) (*http.Response, error) {
		if !first(c.what()) {
			return next()
		}
		if code := codes[refused.add(c.what())%len(codes)]; code != http.StatusTooManyRequests {
			return refuse(c, code), nil
		}
		return refuse(c, http.StatusTooManyRequests, "Retry-After", "1"), nil
	}
}

// times says yes to each thing that it is asked about, so many times.
func times(most int) func(what string) bool {
	var mu sync.Mutex
	seen := map[string]int{}
	return func(what string) bool {
		mu.Lock()
		defer mu.Unlock()
		seen[what]++
		return seen[what] <= most
	}
}

var _ = Describe("Watches", func() {
	It("that break and have expired lead to what happened meanwhile", func(ctx SpecContext) {
		play(ctx, scene{}, func(s *story) {
			open := make(chan struct{})
			run := s.run(ctx, "unobserved", phases(suite("first", s.image("first", tests(good, until(open)))), smoke("second", s.image("second", podlet.Runs()))))
			lone := s.run(ctx, "job-deleted", phases(smoke("only", s.image("only", podlet.Runs(podlet.Hang())))))
			runs(ctx, run, "first")
			job := runs(ctx, lone, "only").Status.Phases[0].Jobs[0]

			By("breaking them, and letting none begin")
			s.link.meet(func(c call, next func() (*http.Response, error)) (*http.Response, error) {
				if c.Method == http.MethodGet && c.name == "" {
					return refuse(c, http.StatusServiceUnavailable), nil
				}
				return next()
			})
			s.link.tear()
			close(open)
			s.validatorEnds(ctx, run)
			s.deleteJob(ctx, job)

			By("saying that what they ask for is too old")
			var mu sync.Mutex
			expired := map[string]bool{}
			s.link.meet(func(c call, next func() (*http.Response, error)) (*http.Response, error) {
				mu.Lock()
				defer mu.Unlock()
				if c.watch && !expired[c.resource] {
					expired[c.resource] = true
					return refuse(c, http.StatusGone), nil
				}
				return next()
			})
			passes(ctx, run, 1)
			out := settled(ctx, lone, 1)
			Expect(out.Status.Phases[0]).To(And(HaveField("State", v1alpha1.PhaseError), HaveField("Reason", v1alpha1.ReasonJobDeleted)))
			mu.Lock()
			defer mu.Unlock()
			Expect(expired).To(HaveLen(3))
		})
	})
})
