package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/verdict"
)

// spread lays out a phase's items, once it is known which there are.
func (u *unit) spread() bool {
	st, p := u.stage, u.status
	switch trouble, over := u.runTimeout(); {
	case u.ending != nil:
		u.notRun(Block{Reason: u.ending.Reason, Message: u.ending.Message})
		return false
	case over:
		u.end(u.judge(nil, trouble))
		return false
	case u.wish.Suspend:
		p.State, p.Reason, p.Message, p.StartTime = v1alpha1.PhasePending, "", "", nil
		return false
	case st.invalid != "":
		u.refuse(v1alpha1.ReasonInvalidSpec, st.invalid)
		return false
	}
	if !u.equipped() || st.Name == v1alpha1.PhasePreflight && !u.legit() || !u.fit() {
		return false
	}
	items := u.items(st)
	f := &v1alpha1.FanOutStatus{Items: int32(len(items)), Outcomes: strings.Repeat(string(letterPending), len(items))}
	switch {
	case st.Nodes != nil && len(u.seen.Nodes[st.Name].Nodes) == 0:
		u.refuse(v1alpha1.ReasonNoNodes, "no node matches "+selection(st.Nodes)+": change it, or label the nodes")
		return false
	case len(items) == 0 && st.Name != v1alpha1.PhasePreflight:
		u.refuse(v1alpha1.ReasonInvalidSpec, fmt.Sprintf("phase %s has a Job for each check, and names no checks", st.Name))
		return false
	case len(items) > maxItems:
		u.refuse(v1alpha1.ReasonInvalidSpec, st.crowd(len(u.seen.Nodes[st.Name].Nodes), len(items)))
		return false
	}
	if st.Nodes != nil {
		f.Nodes, f.MatchingNodes = int32(len(u.seen.Nodes[st.Name].Nodes)), int32(u.seen.Nodes[st.Name].Matching)
	}
	p.FanOut = f
	return true
}

// crowd says what to change about a phase of more Jobs than status has room for.
func (st *stage) crowd(nodes, jobs int) string {
	if st.Isolation != v1alpha1.IsolationCheck {
		return fmt.Sprintf("phase %s is to run on %d nodes, and %d Jobs are more than %d: set nodes.maxNodes", st.Name, nodes, jobs, maxItems)
	}
	return fmt.Sprintf("%d checks on %d nodes are %d Jobs, more than %d: set nodes.maxNodes, or isolation Phase",
		len(st.GoTest.Checks), nodes, jobs, maxItems)
}

// refuse ends the unit for a reason that no waiting mends.
func (u *unit) refuse(reason, message string) {
	u.end(u.judge(nil, &verdict.Trouble{Reason: reason, Message: message}))
}

// fit says whether the nodes of a phase are known, or it runs on any.
func (u *unit) fit() bool {
	if _, known := u.seen.Nodes[u.stage.Name]; known || u.stage.Nodes == nil {
		return true
	}
	if u.FreezeNodes == nil { // otherwise another phase has asked, and this one's turn comes when that is made
		u.FreezeNodes = &NodesOf{Phase: u.stage.Name, Selection: *u.stage.Nodes}
	}
	u.refused(u.seen.RefusedNodes[u.stage.Name])
	return false
}

func selection(n *v1alpha1.NodeSelection) string {
	var labels []string
	for key, value := range n.Selector {
		labels = append(labels, key+"="+string(value))
	}
	slices.Sort(labels)
	text := "nodes.selector " + strings.Join(labels, ",")
	if len(labels) == 0 {
		text = "the empty nodes.selector"
	}
	if len(n.Exclude) > 0 {
		text += fmt.Sprintf(" that nodes.exclude (%d) leaves", len(n.Exclude))
	}
	return text
}
