package faults

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/report"
	"github.com/validation-operator/validation-operator/internal/verdict"
	"github.com/validation-operator/validation-operator/internal/workload"
	"github.com/validation-operator/validation-operator/test/controlplane"
)

// record is what the API server has recorded of a namespace.
type record struct {
	events []controlplane.AuditEvent // successful writes, in the order in which they were completed
	runs   map[types.UID][]*v1alpha1.ValidationRun
	jobs   []*batchv1.Job // the operators', in the order in which they were created
	pods   []*corev1.Pod
	maps   map[string]*corev1.ConfigMap // as they were created
	starts int64                        // of operators
}

// holdInvariants holds what must be true of every run, whatever befell it, against the audit log of a namespace in which so many operators
// were started.
func holdInvariants(namespace string, starts int64) {
	GinkgoHelper()
	r := readRecord(namespace)
	r.starts = starts
	Expect(r.runs).NotTo(BeEmpty(), "nothing is recorded of %s", namespace)
	r.hold()
}

func (r *record) hold() {
	GinkgoHelper()
	r.createsEachJobOnce()
	r.runsOneJobAtATime()
	for _, states := range r.runs {
		r.neverTakesBack(states)
		r.startsInOrder(states)
		r.passesOnProof(states)
		r.agreesWithResults(states)
		r.endsInTime(states)
		r.writesLittle(states)
	}
}

func readRecord(namespace string) *record {
	GinkgoHelper()
	events, err := controlplane.ReadAudit(plane.AuditLogPath, namespace)
	Expect(err).NotTo(HaveOccurred())
	r := &record{runs: map[types.UID][]*v1alpha1.ValidationRun{}, maps: map[string]*corev1.ConfigMap{}}
	for _, e := range events {
		if e.Code >= 300 {
			continue
		}
		r.events = append(r.events, e)
		switch {
		case e.Resource == "validationruns":
			run := &v1alpha1.ValidationRun{}
			if decode(e, run) && run.UID != "" {
				r.runs[run.UID] = append(r.runs[run.UID], run)
			}
		case e.Resource == "jobs" && e.Verb == "create" && byOperator(e):
			job := &batchv1.Job{}
			if decode(e, job) {
				r.jobs = append(r.jobs, job)
			}
		case e.Resource == "pods" && e.Subresource == "status":
			pod := &corev1.Pod{}
			if decode(e, pod) {
				r.pods = append(r.pods, pod)
			}
		case e.Resource == "configmaps" && e.Verb == "create":
			cm := &corev1.ConfigMap{}
			if decode(e, cm) {
				r.maps[cm.Name+"/"+cm.Labels[v1alpha1.LabelRunUID]] = cm
			}
		}
	}
	for _, states := range r.runs {
		slices.SortFunc(states, func(a, b *v1alpha1.ValidationRun) int {
			return cmp.Compare(version(a.ResourceVersion), version(b.ResourceVersion))
		})
	}
	return r
}

func decode(e controlplane.AuditEvent, into any) bool {
	GinkgoHelper()
	if len(e.Response) == 0 || strings.Contains(string(e.Response[:min(len(e.Response), 64)]), `"kind":"Status"`) {
		return false
	}
	Expect(json.Unmarshal(e.Response, into)).To(Succeed(), e.URI)
	return true
}

func version(text string) int64 {
	n, _ := strconv.ParseInt(text, 10, 64) // the API server's own
	return n
}

// byOperator says whether an operator made a request.
func byOperator(e controlplane.AuditEvent) bool {
	return strings.HasPrefix(e.User, "system:serviceaccount:"+operatorNamespace+":")
}

// createsEachJobOnce: a Job's name says what it is for, and there is never a second one for that.
func (r *record) createsEachJobOnce() {
	GinkgoHelper()
	seen := map[string]int{}
	for _, e := range r.events {
		if e.Resource == "jobs" && e.Verb == "create" && byOperator(e) {
			seen[e.Name]++
		}
	}
	for name, n := range seen {
		Expect(n).To(Equal(1), "creations of Job %s", name)
	}
}

// unitOf is what a Job is for: a phase of a run, or an item of one.
func (r *record) unitOf(job string) string {
	unit := job[:strings.LastIndex(job, "-")]
	if i := slices.IndexFunc(r.jobs, func(j *batchv1.Job) bool { return j.Name == job }); i >= 0 {
		unit += "/" + r.jobs[i].Labels[v1alpha1.LabelCheck] + "/" + r.jobs[i].Annotations[v1alpha1.AnnotationNode]
	}
	return unit
}

// runsOneJobAtATime: no pod of an earlier Job of a phase, or of an item of it, is alive once a later one is created.
func (r *record) runsOneJobAtATime() {
	GinkgoHelper()
	latest, superseded := map[string]string{}, map[string]string{}
	for _, e := range r.events {
		switch {
		case e.Resource == "jobs" && e.Verb == "create" && byOperator(e):
			unit := r.unitOf(e.Name)
			if earlier := latest[unit]; earlier != "" {
				superseded[earlier] = e.Name
			}
			latest[unit] = e.Name
		case e.Resource == "pods" && e.Subresource == "status":
			pod := &corev1.Pod{}
			if !decode(e, pod) || len(pod.OwnerReferences) == 0 || pod.Status.Phase != corev1.PodRunning {
				continue
			}
			Expect(superseded).NotTo(HaveKey(pod.OwnerReferences[0].Name), "pod %s runs beside the Job that came after its own", pod.Name)
		}
	}
}

// neverTakesBack: what status has once said of an attempt, of one of its phases, or of an item, it says for ever.
func (r *record) neverTakesBack(states []*v1alpha1.ValidationRun) {
	GinkgoHelper()
	verdicts, phases, outcomes := map[int64]v1alpha1.Verdict{}, map[string]v1alpha1.PhaseState{}, map[string]string{}
	for _, run := range states {
		s := run.Status
		if earlier, said := verdicts[s.Attempt]; said {
			Expect(s.Verdict).To(Equal(earlier), "verdict of attempt %d of %s", s.Attempt, run.Name)
		} else if s.Verdict != "" {
			verdicts[s.Attempt] = s.Verdict
		}
		for _, p := range s.Phases {
			key := strconv.FormatInt(s.Attempt, 10) + "/" + p.Name
			if state, said := phases[key]; said {
				Expect(p.State).To(Equal(state), "phase %s of %s", key, run.Name)
			} else if p.State.Ended() {
				phases[key] = p.State
			}
			if p.FanOut == nil {
				continue
			}
			// What has an outcome is a letter, and anything may become of a dot.
			Expect(p.FanOut.Outcomes).To(MatchRegexp("^"+outcomes[key]), "items of phase %s of %s", key, run.Name)
			outcomes[key] = p.FanOut.Outcomes
		}
	}
}

// startsInOrder: a phase starts only once status says how the one before it ended.
func (r *record) startsInOrder(states []*v1alpha1.ValidationRun) {
	GinkgoHelper()
	for _, run := range states {
		for i, p := range run.Status.Phases {
			if i > 0 && (p.State == v1alpha1.PhaseRunning || len(p.Jobs) > 0) {
				Expect(run.Status.Phases[i-1].State.Ended()).To(BeTrue(), "phase %s of %s has started", p.Name, run.Name)
			}
		}
	}
}

// passesOnProof: a phase is Passed only if the kubelet has said that its validator exited with 0, and a run only if it has such a phase.
// Preflight may do without a Job, where a recipe is all that it reads, and is no proof of anything then.
func (r *record) passesOnProof(states []*v1alpha1.ValidationRun) {
	GinkgoHelper()
	for _, run := range states {
		proofs := 0
		for _, p := range run.Status.Phases {
			fans := p.FanOut != nil && p.FanOut.Items > 0
			switch {
			case p.State != v1alpha1.PhasePassed, p.Name == v1alpha1.PhasePreflight && len(p.Jobs) == 0 && !fans:
				continue
			case fans:
				r.itemsPassOnProof(run, &p)
			default:
				Expect(p.Jobs).NotTo(BeEmpty(), "phase %s of %s is Passed", p.Name, run.Name)
				Expect(r.exits(p.Jobs[len(p.Jobs)-1])).To(And(Not(BeEmpty()), HaveEach(BeZero())), "phase %s of %s is Passed", p.Name, run.Name)
			}
			if p.Name != v1alpha1.PhasePreflight {
				proofs++
			}
		}
		if run.Status.Verdict == v1alpha1.VerdictPassed {
			Expect(proofs).NotTo(BeZero(), "phases that prove that %s is Passed", run.Name)
		}
	}
}

// itemsPassOnProof: the same of each item of a phase that has several. Status names no Jobs of items that have ended; labels do.
func (r *record) itemsPassOnProof(run *v1alpha1.ValidationRun, p *v1alpha1.PhaseStatus) {
	GinkgoHelper()
	last := map[string]string{}
	for _, job := range r.jobs {
		if job.Labels[v1alpha1.LabelRunUID] == string(run.UID) && workload.Attempt(job.Labels) == run.Status.Attempt && job.Labels[v1alpha1.LabelPhase] == p.Name {
			last[r.unitOf(job.Name)] = job.Name
		}
	}
	proven := 0
	for _, job := range last {
		if codes := r.exits(job); len(codes) > 0 && !slices.ContainsFunc(codes, func(code int32) bool { return code != 0 }) {
			proven++
		}
	}
	Expect(p.FanOut.Outcomes).To(And(HaveLen(int(p.FanOut.Items)), MatchRegexp("^[PS]*P[PS]*$")), "phase %s of %s is Passed", p.Name, run.Name)
	Expect(proven).To(BeNumerically(">=", strings.Count(p.FanOut.Outcomes, "P")), "items of phase %s of %s are Passed", p.Name, run.Name)
}

// exits are the exit codes that were said of a Job's validator.
func (r *record) exits(job string) (codes []int32) {
	for _, pod := range r.pods {
		if len(pod.OwnerReferences) == 0 || pod.OwnerReferences[0].Name != job {
			continue
		}
		for _, c := range pod.Status.ContainerStatuses {
			if c.Name == workload.ValidatorContainer && c.State.Terminated != nil {
				codes = append(codes, c.State.Terminated.ExitCode)
			}
		}
	}
	return codes
}

// agreesWithResults: a result that status announces was there before, and says the same.
func (r *record) agreesWithResults(states []*v1alpha1.ValidationRun) {
	GinkgoHelper()
	for _, run := range states {
		s := run.Status
		if len(s.Results) == 0 {
			continue
		}
		var parts []report.Part
		for _, result := range s.Results {
			cm := r.maps[result.ConfigMap+"/"+string(run.UID)]
			Expect(cm).NotTo(BeNil(), "%s announces ConfigMap %s", run.Name, result.ConfigMap)
			parts = append(parts, report.Part{Name: cm.Name, Data: cm.Data, BinaryData: cm.BinaryData, SHA256: result.SHA256})
		}
		text, err := report.ReadFile(parts, report.FileName)
		Expect(err).NotTo(HaveOccurred(), run.Name)
		var result report.Result
		Expect(yaml.UnmarshalStrict(text, &result)).To(Succeed())
		Expect(result.Verdict).To(Equal(s.Verdict), run.Name)
		Expect(result.Attempt).To(Equal(s.Attempt), run.Name)
		Expect(result.Summary).To(Equal(s.Summary), run.Name)
		for i, p := range result.Phases {
			Expect(p.State).To(Equal(s.Phases[i].State), "phase %s of %s", p.Name, run.Name)
			if p.State == v1alpha1.PhasePassed && len(p.Tests) > 0 {
				Expect(p.Tests).To(HaveEach(HaveField("Status", BeElementOf(verdict.Passed, verdict.Skipped))), "phase %s of %s is Passed", p.Name, run.Name)
			}
		}
	}
}

// tardy is how late an attempt may end after its timeout.
const tardy = 2 * time.Minute

// endsInTime: an attempt ends within its timeout, and a little; what was suspended of it does not count. Neither it nor a phase ends
// before it has begun.
func (r *record) endsInTime(states []*v1alpha1.ValidationRun) {
	GinkgoHelper()
	for _, run := range states {
		s := run.Status
		if s.CompletionTime == nil {
			continue
		}
		spec := run.Spec.DeepCopy()
		spec.SetDefaults()
		limit := spec.Timeout.Duration + time.Duration(s.SuspendedSeconds)*time.Second + tardy
		Expect(s.CompletionTime.Sub(s.StartTime.Time)).To(And(BeNumerically(">=", 0), BeNumerically("<=", limit)), "attempt %d of %s", s.Attempt, run.Name)
		for _, p := range s.Phases {
			Expect(p.State.Ended()).To(BeTrue(), "phase %s of attempt %d of %s, which has ended", p.Name, s.Attempt, run.Name)
			if p.StartTime != nil && p.CompletionTime != nil {
				Expect(p.CompletionTime.Sub(p.StartTime.Time)).To(BeNumerically(">=", 0), "phase %s of %s", p.Name, run.Name)
			}
		}
	}
}

// progressEvery is how often the progress of a phase is written at most.
const progressEvery = 10 * time.Second

// writesLittle: an operator writes what internal/README.md says under API writes, and no more. Beside what allowed counts that is progress:
// every 10 s, and once more from each operator that starts, since it does not know when the one before it wrote any. A run that is seen
// before its first attempt is allowed those of one more: what is written twice, for a lost answer or a cache that is behind.
func (r *record) writesLittle(states []*v1alpha1.ValidationRun) {
	GinkgoHelper()
	last := states[len(states)-1]
	perAttempt := map[int64]int64{}
	for _, run := range states {
		perAttempt[run.Status.Attempt] = max(perAttempt[run.Status.Attempt], allowed(&run.Status))
	}
	bound := r.starts
	for _, n := range perAttempt {
		bound += n
	}
	var writes []string
	var first, latest time.Time
	for _, e := range r.events {
		if byOperator(e) && (e.Name == last.Name || strings.HasPrefix(e.Name, last.Name+"-")) {
			if writes = append(writes, e.Verb+" "+e.Resource+"/"+e.Subresource+" "+e.Name); len(writes) == 1 {
				first = e.Received
			}
			latest = e.Received
		}
	}
	bound += int64(latest.Sub(first) / progressEvery)
	Expect(len(writes)).To(BeNumerically("<=", bound), "writes about %s:\n%s", last.Name, strings.Join(writes, "\n"))
}

// allowed is what an attempt may write that has come so far: about ten times itself, for the finalizer, its identity, its frozen inputs, its
// first status, the result, and what it takes away; six times for each run of a phase or of an item; once for the nodes of a phase that
// chose some; and once for each failure that is read, as the checkpoint of its log.
func allowed(s *v1alpha1.ValidationRunStatus) int64 {
	n := 10 + int64(s.Summary.Failed)
	for _, p := range s.Phases {
		switch {
		case p.FanOut == nil:
			n += 6 * int64(1+p.Restarts)
		case p.FanOut.Nodes > 0:
			n += 6*int64(p.FanOut.Items+p.Retries) + 1
		default:
			n += 6 * int64(p.FanOut.Items+p.Retries)
		}
	}
	return n
}
