package plan

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/recipe"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// What phases of several Jobs meet in a world: their recipe, their nodes, what is captured.

// laidOut are the phases of an attempt as they go, and what they were worked out from.
type laidOut struct {
	spec   string
	recipe *recipe.Recipe
	stages []stage
}

// stage is a phase of the attempt as it goes, of its frozen spec or of its recipe; nil where nothing says any more what it is.
func (w *world) stage(name string) *stage {
	now := laidOut{recipe: w.recipeOf(w.run.Status.Attempt)}
	if frozen := w.configMaps[workload.InputName(w.run, w.run.Status.Attempt, workload.InputSpec)]; frozen != nil {
		now.spec = string(frozen.data)
	} else {
		now.spec = w.encodedSpec()
	}
	if now.spec != w.laidOut.spec || now.recipe != w.laidOut.recipe {
		spec := &v1alpha1.ValidationRunSpec{}
		if err := json.Unmarshal([]byte(now.spec), spec); err != nil {
			w.t.Fatal(err)
		}
		spec.SetDefaults()
		now.stages = stages(spec, now.recipe)
		w.laidOut = now
	}
	all := w.laidOut.stages
	i := slices.IndexFunc(all, func(st stage) bool { return st.Name == name })
	if i < 0 {
		return nil
	}
	return &all[i]
}

// recipeOf is the recipe that an attempt froze, nil where it has none.
func (w *world) recipeOf(attempt int64) *recipe.Recipe {
	if w.configMaps[workload.InputName(w.run, attempt, workload.InputRecipe)] == nil {
		return nil
	}
	return &w.recipe
}

// observeDocuments reads the frozen recipe and the frozen snapshot.
func (w *world) observeDocuments(attempt int64, seen *Observed) {
	if w.run.Spec.Recipe == nil {
		return
	}
	seen.Recipe = w.recipeOf(attempt)
	if w.run.Spec.Snapshot != nil && w.configMaps[workload.InputName(w.run, attempt, workload.InputSnapshot)] != nil {
		seen.Snapshot = &w.snapshot
	}
}

func nodesName(w *world, attempt int64, phase string) string {
	return workload.InputName(w.run, attempt, "nodes-"+phase)
}

// observeNodes reads the nodes that phases which go on run on, and those that there are.
func (w *world) observeNodes(seen *Observed) {
	seen.Nodes = map[string]Nodes{}
	for _, p := range w.run.Status.Phases {
		if p.FanOut == nil || p.FanOut.Nodes == 0 || p.State.Ended() {
			continue
		}
		w.observePresent(seen)
		if cm := w.configMaps[nodesName(w, w.run.Status.Attempt, p.Name)]; cm != nil {
			seen.Nodes[p.Name] = decodeNodes(w, cm.data)
		}
	}
}

func (w *world) observePresent(seen *Observed) {
	seen.Present = map[string]Node{}
	for _, n := range w.nodes {
		seen.Present[n.Name] = n
	}
}

func decodeNodes(w *world, data []byte) (nodes Nodes) {
	if err := json.Unmarshal(data, &nodes); err != nil {
		w.t.Fatal(err)
	}
	return nodes
}

// freezeNodes writes down which nodes a phase runs on: all that it does not exclude.
func (w *world) freezeNodes(d Decision, seen *Observed) string {
	of := d.FreezeNodes
	what := "freeze nodes of " + of.Phase
	if block := w.refusal(what); block != nil {
		if seen.RefusedNodes == nil {
			seen.RefusedNodes = map[string]*Block{}
		}
		seen.RefusedNodes[of.Phase] = block
		return what + " (refused)"
	}
	var chosen Nodes
	for _, n := range w.nodes {
		if !slices.Contains(of.Selection.Exclude, n.Name) {
			chosen.Nodes = append(chosen.Nodes, n)
		}
	}
	chosen.Matching = len(chosen.Nodes)
	data, err := json.Marshal(chosen)
	if err != nil {
		w.t.Fatal(err)
	}
	cm := w.put(nodesName(w, d.Status.Attempt, of.Phase), workload.ComponentInput, d.Status.Attempt, data)
	if seen.Nodes == nil {
		seen.Nodes = map[string]Nodes{}
	}
	seen.Nodes[of.Phase] = decodeNodes(w, cm.data)
	w.observePresent(seen)
	return what
}

// capture freezes what the operator's own phase has captured.
func (w *world) capture(d Decision, seen *Observed) string {
	if block := w.refusal("capture"); block != nil {
		seen.CaptureRefused = block
		return "capture (refused)"
	}
	cm := w.put(workload.InputName(w.run, d.Status.Attempt, workload.InputSnapshot), workload.ComponentInput, d.Status.Attempt, nil)
	seen.Captured = &v1alpha1.Input{Name: workload.InputSnapshot, ConfigMap: cm.Name}
	seen.Snapshot = &w.snapshot
	return "capture"
}

// observeGoneItems adds the Jobs that status names for items that have not ended, and that are not there.
func (w *world) observeGoneItems(seen *Observed) {
	for _, p := range w.run.Status.Phases {
		if p.FanOut == nil || p.State.Ended() {
			continue
		}
		for _, a := range p.FanOut.Active {
			for _, unlisted := range []bool{false, true} {
				item := workload.Item{
					Attempt: w.run.Status.Attempt, Phase: p.Name, Check: a.Check, Node: a.Node, Restart: a.Restarts, Unlisted: unlisted,
				}
				name := workload.JobName(w.run, item)
				there := slices.ContainsFunc(seen.Jobs, func(j Job) bool { return j.Name == name })
				if !there && slices.Contains(a.Jobs, name) {
					seen.Jobs = append(seen.Jobs, Job{Name: name, Item: item, Gone: true, Pods: w.remembered(name, nil)})
				}
			}
		}
	}
}

// leave takes a node out of the cluster, with the Jobs' pods on it.
func (w *world) leave(node string) {
	w.nodes = slices.DeleteFunc(w.nodes, func(n Node) bool { return n.Name == node })
	w.say("         node %s leaves", node)
	for _, job := range w.jobs {
		if job.item.Node == node && !job.finished {
			w.removePod(job)
		}
	}
	w.touch()
}

// itemsOf are the items of a phase in the order of its outcomes.
func (w *world) itemsOf(attempt int64, phase string) []key {
	st := w.stage(phase)
	if st == nil {
		return nil
	}
	s := &step{seen: Observed{Nodes: map[string]Nodes{}}}
	if cm := w.configMaps[nodesName(w, attempt, phase)]; cm != nil {
		s.seen.Nodes[phase] = decodeNodes(w, cm.data)
	}
	return s.items(st)
}

// counts says whether a Job is of the run that counts of what it is for, by status.
func (w *world) counts(p *v1alpha1.PhaseStatus, item workload.Item) bool {
	if p.FanOut == nil {
		return item.Restart == p.Restarts
	}
	for _, a := range p.FanOut.Active {
		if a.Check == item.Check && a.Node == item.Node {
			return a.Restarts == item.Restart
		}
	}
	n := slices.Index(w.itemsOf(item.Attempt, p.Name), key{item.Check, item.Node})
	return n >= 0 && n < len(p.FanOut.Outcomes) && p.FanOut.Outcomes[n] == letterPending && item.Restart == 0
}

// items are the items of a phase in the transcript: their outcomes, and which of them run.
func items(f *v1alpha1.FanOutStatus) string {
	if f == nil {
		return ""
	}
	out := f.Outcomes
	var active []string
	for _, a := range f.Active {
		text := key{a.Check, a.Node}.String()
		if a.Restarts > 0 {
			text += fmt.Sprintf("+%d", a.Restarts)
		}
		if a.State == v1alpha1.PhasePending {
			text += " pending"
		}
		if a.Reason != "" {
			text += " " + a.Reason
		}
		active = append(active, strings.TrimSpace(text))
	}
	if len(active) > 0 {
		out += " " + strings.Join(active, ", ")
	}
	return out
}
