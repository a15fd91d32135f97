package plan

import (
	"fmt"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/verdict"
)

// left is what it means for the unit that its node has left the cluster, nil where it has not.
func (u *unit) left() *verdict.Trouble {
	if u.node == "" || u.seen.Present == nil {
		return nil
	}
	if _, there := u.seen.Present[u.node]; there {
		return nil
	}
	return &verdict.Trouble{Reason: v1alpha1.ReasonNodeLost, Message: fmt.Sprintf("node %s has left the cluster", u.node)}
}

// unfit is why the unit's node takes no Job. It is final for what was so when the phase began: that node is accounted for and not
// waited for.
func (u *unit) unfit() *Block {
	if u.node == "" {
		return nil
	}
	if trouble := u.left(); trouble != nil {
		return &Block{Reason: trouble.Reason, Message: trouble.Message, Final: true}
	}
	for _, n := range u.seen.Nodes[u.stage.Name].Nodes {
		if b := n.unfit(); n.Name == u.node && b != nil {
			b.Final = true
			b.Message += ": exclude it by nodes.exclude to leave it out"
			return b
		}
	}
	now := u.seen.Present[u.node]
	return now.unfit()
}

func (n Node) unfit() *Block {
	switch {
	case n.NotReady:
		return &Block{Reason: v1alpha1.ReasonNodeNotReady, Message: fmt.Sprintf("node %s is not ready", n.Name)}
	case n.Cordoned:
		return &Block{Reason: v1alpha1.ReasonNodeUnschedulable, Message: fmt.Sprintf("node %s is cordoned", n.Name)}
	}
	return nil
}

// Ailing is 1 for a node that takes no Job, and 0 for one that does.
func (n Node) Ailing() int {
	if n.Cordoned || n.NotReady {
		return 1
	}
	return 0
}
