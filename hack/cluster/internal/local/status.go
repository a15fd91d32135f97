package local

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/validation-operator/validation-operator/hack/cluster/internal/state"
)

// Status is what can be said about one cluster.
type Status struct {
	Name       string
	Mode       state.Mode
	Ready      bool
	Problem    string // why it is not
	Kubeconfig string
}

// Statuses looks at the clusters of the given names, or at all.
func (m Machine) Statuses(ctx context.Context, names ...string) ([]Status, error) {
	if len(names) == 0 {
		all, err := state.Names(m.Cache)
		if err != nil {
			return nil, err
		}
		names = all
	}
	var found []Status
	for _, name := range names {
		s, err := m.status(ctx, name)
		if err != nil {
			return nil, err
		}
		found = append(found, s)
	}
	return found, nil
}

func (m Machine) status(ctx context.Context, name string) (Status, error) {
	p, err := state.For(m.Cache, name)
	if err != nil {
		return Status{}, err
	}
	s := Status{Name: name, Kubeconfig: p.Kubeconfig()}
	c, err := state.Load(p)
	if errors.Is(err, state.ErrNoCluster) {
		s.Problem = "there is no such cluster"
		return s, nil
	}
	if err != nil {
		s.Problem = err.Error() + "; `up` makes it anew"
		return s, nil //nolint:nilerr // what is wrong with the cluster is the answer
	}
	s.Mode = c.Mode
	if err := m.check(ctx, p, c); err != nil {
		s.Problem = err.Error()
		return s, nil //nolint:nilerr // what is wrong with the cluster is the answer
	}
	s.Ready = true
	return s, nil
}

func (m Machine) check(ctx context.Context, p state.Paths, c state.Cluster) error {
	if !c.Complete {
		return errors.New("`up` did not come to its end")
	}
	if c.Mode == state.ModeKind {
		return kindReady(ctx, p)
	}
	dead, err := c.Dead()
	if err != nil {
		return err
	}
	if len(dead) > 0 {
		return fmt.Errorf("not running: %s; `up` mends it", strings.Join(dead, ", "))
	}
	r, err := m.runner(p, c)
	if err != nil {
		return err
	}
	return r.ready(ctx)
}

// Names lists what Down can take down: clusters with a folder of their own, and data that an interrupted command has left.
func (m Machine) Names() ([]string, error) {
	names, err := state.Names(m.Cache)
	if err != nil {
		return nil, err
	}
	data, err := state.DataNames()
	if err != nil {
		return nil, err
	}
	names = append(names, data...)
	slices.Sort(names)
	return slices.Compact(names), nil
}
