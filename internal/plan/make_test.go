package plan

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/report"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// What the API server makes of what a decision asks for.

// make makes what a decision asks for, or refuses it, and says which, and whether the step has to be taken again.
func (w *world) make(d Decision, seen *Observed) (what string, again bool) {
	if len(w.run.Finalizers) == 0 {
		w.run.Finalizers = []string{v1alpha1.Finalizer}
		w.touch()
	}
	switch {
	case len(d.Unkept(seen)) > 0:
		var kept []string
		for _, k := range d.Unkept(seen) {
			kept = append(kept, w.keep(k, seen))
		}
		return strings.Join(kept, "; "), false
	case d.Store:
		return w.store(d, seen)
	case d.Freeze:
		return w.freeze(d, seen), false
	case d.Setup:
		return w.setup(d, seen), false
	case d.Capture:
		return w.capture(d, seen), false
	case d.FreezeNodes != nil:
		return w.freezeNodes(d, seen), false
	}
	seen.RefusedJobs = map[workload.Item]*Block{}
	var did []string
	for _, c := range d.Create {
		did = append(did, w.create(c, seen))
	}
	return strings.Join(did, "; "), false
}

// freeze makes room and freezes the spec.
func (w *world) freeze(d Decision, seen *Observed) string {
	what := "freeze"
	if seen.SpecChanged {
		w.wrong("a spec is frozen for attempt %d, which validates another one", d.Status.Attempt)
	}
	if d.Status.Attempt > 1 {
		for _, pruned := range w.prune(&d.Status) {
			what += "; " + pruned
		}
	}
	if block := w.refusal("freeze"); block != nil {
		seen.Refused = block
		return what + " (refused)"
	}
	in := w.put(workload.InputName(w.run, d.Status.Attempt, workload.InputSpec), workload.ComponentInput, d.Status.Attempt, []byte(w.encodedSpec()))
	w.book.froze(w, d.Status.Attempt)
	seen.Frozen = []v1alpha1.Input{{Name: workload.InputSpec, ConfigMap: in.Name}}
	return what
}

// setup freezes the other inputs.
func (w *world) setup(d Decision, seen *Observed) string {
	if w.run.Spec.Suspend || w.run.Spec.Cancel {
		w.t.Errorf("inputs are frozen for a run that is suspended or cancelled\n%s", w.said.String())
	}
	if block := w.refusal("setup"); block != nil {
		seen.Refused = block
		return "setup (refused)"
	}
	frozen := seen.Frozen[:1:1]
	for _, source := range workload.Sources(&w.run.Spec) {
		if why := w.sourceMissing(source.Input); why != "" {
			seen.Refused = &Block{Reason: v1alpha1.ReasonInputMissing, Message: why}
			return "setup (refused)"
		}
		in := w.put(workload.InputName(w.run, d.Status.Attempt, source.Input), workload.ComponentInput, d.Status.Attempt, nil)
		frozen = append(frozen, v1alpha1.Input{Name: source.Input, ConfigMap: in.Name})
	}
	seen.Frozen = frozen
	w.observeDocuments(d.Status.Attempt, seen)
	return "setup"
}

// put makes a ConfigMap, or finds it.
func (w *world) put(name, component string, attempt int64, data []byte) *simConfigMap {
	if w.configMaps[name] == nil {
		w.configMaps[name] = &simConfigMap{Child: Child{Name: name, Component: component, Attempt: attempt}, data: data}
		w.touch()
	}
	return w.configMaps[name]
}

func (w *world) create(c Creation, seen *Observed) string {
	item := c.Item
	what := "create " + label(item)
	if block := w.refusal(what); block != nil {
		seen.RefusedJobs[item] = block
		return what + " (refused)"
	}
	w.mayCreate(c)
	w.touch()
	job := &simJob{name: workload.JobName(w.run, item), item: item, script: w.script(item), phase: c.Phase.DeepCopy()}
	w.jobs = append(w.jobs, job)
	w.book.created[item]++
	w.book.lives[job.name] = job
	seen.Jobs = append(seen.Jobs, Job{Name: job.name, Item: job.item})
	for _, s := range job.script.steps(w, job) {
		w.after(s.second, func() {
			if slices.Contains(w.jobs, job) && !job.deleting {
				s.do()
			}
		})
	}
	return what
}

// script is the life of a Job's pod.
func (w *world) script(item workload.Item) script {
	if w.write != nil {
		return w.write(item)
	}
	asked := item.Phase
	if item.Phase == v1alpha1.PhasePreflight {
		asked = item.Check // its test binary is that of the phase
	}
	for _, l := range []string{label(item), label(workload.Item{Phase: item.Phase, Check: item.Check, Node: item.Node})} {
		if s, ok := w.scripts[l]; ok {
			return s
		}
	}
	return w.scripts[asked]
}

// keep keeps the evidence of a phase, or finds what an earlier pass has kept of it.
func (w *world) keep(k Keeping, seen *Observed) string {
	did := "keep " + label(k.As)
	data, err := report.EncodePhase(k.Phase)
	if err != nil {
		w.t.Fatal(err)
	}
	name := workload.EvidenceName(w.run, k.As)
	if w.configMaps[name] != nil {
		did += " (kept before)"
	}
	kept, err := report.DecodePhase(w.put(name, workload.ComponentEvidence, k.As.Attempt, data).data)
	if err != nil {
		w.t.Fatal(err)
	}
	if Outweighs(&k.Phase, &kept) {
		delete(w.configMaps, name)
		w.put(name, workload.ComponentEvidence, k.As.Attempt, data)
		kept = k.Phase
	}
	if seen.Kept == nil {
		seen.Kept = map[workload.Item]*report.Phase{}
	}
	seen.Kept[k.As] = &kept
	return did
}

// store stores the result of an attempt. One that an earlier pass stored and that says otherwise is replaced, by the next step.
func (w *world) store(d Decision, seen *Observed) (what string, again bool) {
	if w.refuseStore != nil {
		if block := w.refuseStore(); block != nil {
			seen.StoreRefused = block
			return "store (refused)", false
		}
	}
	w.checkVerdict(&d.Status)
	w.checkRecorded(&d.Status)
	data, err := json.Marshal(resultOf(&d.Status))
	if err != nil {
		w.t.Fatal(err)
	}
	name := workload.ResultName(w.run, d.Status.Attempt)
	if cm := w.put(name, workload.ComponentResult, d.Status.Attempt, data); string(cm.data) != string(data) {
		delete(w.configMaps, name)
		w.touch()
		return "", true
	}
	seen.Stored = []v1alpha1.Result{{ConfigMap: name}}
	return "store", false
}

// resultOf is what a result says.
func resultOf(s *v1alpha1.ValidationRunStatus) v1alpha1.ValidationRunStatus {
	return v1alpha1.ValidationRunStatus{Attempt: s.Attempt, Verdict: s.Verdict, Message: s.Message, Summary: s.Summary, Phases: s.Phases}
}

// prune deletes what nothing names any more.
func (w *world) prune(status *v1alpha1.ValidationRunStatus) (did []string) {
	var children []Child
	for _, name := range slices.Sorted(maps.Keys(w.configMaps)) {
		children = append(children, w.configMaps[name].Child)
	}
	for _, name := range Superfluous(w.run, status, children) {
		did = append(did, "prune "+w.short(name))
		delete(w.configMaps, name)
	}
	return did
}

// short is a ConfigMap in the transcript: without the hash where it has one.
func (w *world) short(name string) string {
	if cm := w.configMaps[name]; cm.Component == workload.ComponentEvidence {
		return fmt.Sprintf("evidence of %d", cm.Attempt)
	}
	return name
}

func (w *world) refusal(what string) *Block {
	if w.refuse == nil {
		return nil
	}
	return w.refuse(what)
}

// label is a Job in the transcript.
func label(item workload.Item) string {
	out := item.Phase
	if item.Check != "" || item.Node != "" {
		out += "[" + key{item.Check, item.Node}.String() + "]"
	}
	if item.Unlisted {
		out += "/unlisted"
	}
	if item.Restart > 0 {
		out += fmt.Sprintf("+%d", item.Restart)
	}
	if item.Attempt > 1 {
		out += fmt.Sprintf("@%d", item.Attempt)
	}
	return out
}

func (w *world) job(name string) *simJob {
	for _, job := range w.jobs {
		if job.name == name {
			return job
		}
	}
	w.t.Fatalf("there is no Job %s\n%s", name, w.said.String())
	return nil
}
