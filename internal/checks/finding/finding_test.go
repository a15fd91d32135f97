package finding

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/validation-operator/validation-operator/internal/checks/constraint"
)

// recorder is a test that keeps what is said to it.
type recorder struct {
	testing.TB
	said []string
}

func (r *recorder) Helper()                   {}
func (r *recorder) add(kind, text string)     { r.said = append(r.said, kind+" "+text) }
func (r *recorder) Attr(key, value string)    { r.add("attr", key+"="+value) }
func (r *recorder) Log(args ...any)           { r.add("log", fmt.Sprint(args...)) }
func (r *recorder) Logf(f string, a ...any)   { r.add("log", fmt.Sprintf(f, a...)) }
func (r *recorder) Error(args ...any)         { r.add("error", fmt.Sprint(args...)) }
func (r *recorder) Errorf(f string, a ...any) { r.add("error", fmt.Sprintf(f, a...)) }
func (r *recorder) Skip(args ...any)          { r.add("skip", fmt.Sprint(args...)) }

func outcome(holds bool, severity constraint.Severity, remediation string) constraint.Outcome {
	return constraint.Outcome{
		Constraint: constraint.Constraint{Name: "x.p99", Value: "<= 1s", Severity: severity, Remediation: remediation, Line: 3},
		Actual:     "2s", Holds: holds, Mend: "wait",
	}
}

func TestSay(t *testing.T) {
	forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "nodes"}, "", errors.New("no"))
	tests := map[string]struct {
		make func(*Finding)
		want []string
	}{
		"a pass with a value over two lines": {
			func(f *Finding) { f.Measure("a", "1\n2"); f.Note("seen %d", 2) },
			[]string{"attr a=1 2", "log seen 2"},
		},
		"two problems with one remedy": {
			func(f *Finding) { f.Fail("a", "b", "c"); f.Fail("d", "e", "c") },
			[]string{"attr remediation=c", "error expected a; found b. To mend: c", "error expected d; found e. To mend: c"},
		},
		"not applicable": {
			func(f *Finding) { f.NotApplicable("there is no %s", "GPU") },
			[]string{"attr skip=not-applicable", "skip not applicable: there is no GPU"},
		},
		"without the right": {
			func(f *Finding) { f.Refused("list nodes", forbidden) },
			[]string{"attr skip=could-not-run",
				"skip could not run: nodes is forbidden: no. To mend: give the run's ServiceAccount the right to list nodes"},
		},
		"with an API server that does not answer": {
			func(f *Finding) { f.Refused("list nodes", errors.New("timeout")) },
			[]string{"attr remediation=look into the API server's log for the request", "error expected the API server to let the validator " +
				"list nodes; found timeout. To mend: look into the API server's log for the request"},
		},
		"two parts that could not run, and one that is not there": {
			func(f *Finding) {
				f.CouldNotRun("no pods")
				f.CouldNotRun("no nodes")
				f.CouldNotRun("no pods")
				f.NotApplicable("there is no GPU")
			},
			[]string{"attr skip=could-not-run", "skip could not run: no pods; no nodes"},
		},
		"a default that does not hold": {
			func(f *Finding) { f.Constraints = append(f.Constraints, outcome(false, "", "buy")) },
			[]string{"attr remediation=buy", "attr x.p99=2s", "attr x.p99.expected=<= 1s",
				`attr constraint/x.p99={"expected":"<= 1s","actual":"2s","passed":false,"severity":"error","remediation":"buy"}`,
				"error expected x.p99 <= 1s (recipe line 3); found 2s. To mend: buy"},
		},
		"a failure outweighs a part that could not run": {
			func(f *Finding) { f.Fail("a", "b", "c"); f.CouldNotRun("no pods") },
			[]string{"attr remediation=c", "error expected a; found b. To mend: c", "log could not run: no pods"},
		},
		"a constraint that holds": {
			func(f *Finding) { f.Constraints = append(f.Constraints, outcome(true, constraint.Error, "")) },
			[]string{"attr x.p99=2s", "attr x.p99.expected=<= 1s", `attr constraint/x.p99={"expected":"<= 1s","actual":"2s",` +
				`"passed":true,"severity":"error","remediation":"wait"}`, "log x.p99 <= 1s (recipe line 3) holds: found 2s"},
		},
		"a constraint that does not hold, with the recipe's remedy": {
			func(f *Finding) { f.Constraints = append(f.Constraints, outcome(false, constraint.Error, "buy")) },
			[]string{"attr remediation=buy", "attr x.p99=2s", "attr x.p99.expected=<= 1s",
				`attr constraint/x.p99={"expected":"<= 1s","actual":"2s","passed":false,"severity":"error","remediation":"buy"}`,
				"error expected x.p99 <= 1s (recipe line 3); found 2s. To mend: buy"},
		},
		"a warning": {
			func(f *Finding) { f.Constraints = append(f.Constraints, outcome(false, constraint.Warning, "")) },
			[]string{"attr remediation=wait", "attr x.p99=2s", "attr x.p99.expected=<= 1s",
				`attr constraint/x.p99={"expected":"<= 1s","actual":"2s","passed":false,"severity":"warning","remediation":"wait"}`,
				"log warning: expected x.p99 <= 1s (recipe line 3); found 2s. To mend: wait"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var f Finding
			tt.make(&f)
			r := &recorder{}
			f.Say(r)
			if diff := cmp.Diff(tt.want, r.said); diff != "" {
				t.Errorf("said (-want +got):\n%s", diff)
			}
			fails := strings.Contains(strings.Join(r.said, "\n"), "error ")
			if f.Failed() != fails {
				t.Errorf("Failed = %t, while it says so: %t", f.Failed(), fails)
			}
			if f.Passed() != (!fails && f.Skip == "") {
				t.Errorf("Passed = %t for %q", f.Passed(), r.said)
			}
		})
	}
}

// What keeps a check from asking says nothing of the cluster; what does not answer does.
func TestRefused(t *testing.T) {
	pods := schema.GroupResource{Resource: "pods"}
	forbidden := func(why string) error { return apierrors.NewForbidden(pods, "x", errors.New(why)) }
	denied := func(code int32, reason metav1.StatusReason, why string) error {
		return &apierrors.StatusError{ErrStatus: metav1.Status{Status: metav1.StatusFailure, Code: code, Reason: reason, Message: why}}
	}
	const exempt = "exempt the run's namespace"
	tests := map[string]struct {
		err  error
		mend string
		// fails is whether it stands against the cluster.
		fails bool
	}{
		"no right":    {forbidden("no rule"), "give the run's ServiceAccount the right to create pods", false},
		"no identity": {apierrors.NewUnauthorized("expired"), "give the run's ServiceAccount the right to create pods", false},
		"a webhook of its own code": {
			denied(403, metav1.StatusReasonForbidden, `admission webhook "validation.gatekeeper.sh" denied the request: [probes] no liveness probe`),
			exempt, false},
		"a webhook without a code": {
			denied(400, "", `admission webhook "validate.kyverno.svc-fail" denied the request: require-labels: label team is required`), exempt, false},
		"a policy": {
			denied(422, metav1.StatusReasonInvalid,
				`pods "x" is forbidden: ValidatingAdmissionPolicy 'registries' with binding 'all' denied request: registry is not allowed`), exempt, false},
		"a quota that is used up": {
			forbidden("exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2"), "raise that ResourceQuota", false},
		"a quota that asks for more": {
			forbidden("failed quota: strict: must specify limits.ephemeral-storage for: probe"), "LimitRange", false},
		"a limit": {
			forbidden("maximum cpu usage per Container is 100m, but limit is 500m"), "LimitRange", false},
		"a limit of the ratio": {
			forbidden("cpu max limit to request ratio per Container is 2, but provided ratio is 50.000000"), "LimitRange", false},
		"a security context constraint": {
			forbidden(`unable to validate against any security context constraint: [provider restricted-v2: .spec.securityContext.fsGroup]`),
			"SecurityContextConstraints", false},
		"Pod Security": {
			forbidden(`violates PodSecurity "restricted:latest": unrestricted capabilities`), "see what changes pods", false},
		"a namespace that goes": {
			forbidden("unable to create new content in namespace ns because it is being terminated"), "in a namespace that stays", false},
		"a webhook that does not know dry runs": {
			apierrors.NewBadRequest(`admission webhook "old" does not support dry run`), "sideEffects", false},
		"something that the check itself lacks": {fmt.Errorf("making a pod: %w", Unmet{errors.New("no such pod")}), "no such pod", false},
		"the end of the check's time":           {fmt.Errorf("waiting: %w", context.DeadlineExceeded), "its time was up", false},
		"a check that was ended":                {fmt.Errorf("waiting: %w", context.Canceled), "its time was up", false},
		"a webhook that does not answer": {
			apierrors.NewInternalError(errors.New(`failed calling webhook "x": failed to call webhook: Post "https://x": context deadline exceeded`)),
			"look into the API server's log", true},
		"a webhook that answers nonsense": {
			apierrors.NewInternalError(errors.New(`failed calling webhook "x": an error on the server ("denied the request") has prevented it`)),
			"look into the API server's log", true},
		"an API server without an answer": {errors.New("connection reset"), "look into the API server's log", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var f Finding
			f.Refused("create pods", tt.err)
			said := f.Why + fmt.Sprint(f.Problems)
			if f.Failed() != tt.fails || tt.fails == (f.Skip == CouldNotRun) {
				t.Errorf("failed = %t, skip = %q, want a failure: %t", f.Failed(), f.Skip, tt.fails)
			}
			if !strings.Contains(said, tt.mend) {
				t.Errorf("says %q, want %q in it", said, tt.mend)
			}
		})
	}
}

func TestSayIsBounded(t *testing.T) {
	var f Finding
	for i := range 500 {
		f.Fail("a", "b", fmt.Sprintf("remedy %d, ä", i))
	}
	r := &recorder{}
	f.Say(r)
	if len(r.said) != 1+maxProblems+1 || r.said[len(r.said)-1] != "error and 480 more of the kind" {
		t.Errorf("said %d lines, the last %q", len(r.said), r.said[len(r.said)-1])
	}
	if value := strings.TrimPrefix(r.said[0], "attr remediation="); len(value) > maxAttr || !strings.HasSuffix(value, "…") {
		t.Errorf("the attribute has %d bytes: %q", len(value), value)
	}
}
