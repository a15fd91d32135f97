package local

import (
	"context"
	"path/filepath"

	"github.com/validation-operator/validation-operator/hack/cluster/internal/command"
	"github.com/validation-operator/validation-operator/hack/cluster/internal/state"
)

// kindUsable reports whether there is a Docker engine that answers (its client alone is no engine) and kind.
func kindUsable(ctx context.Context) bool {
	if !command.Exists("kind") || !command.Exists("docker") {
		return false
	}
	_, err := command.Run(ctx, "docker", "info")
	return err == nil
}

func (m Machine) kindUp(ctx context.Context, p state.Paths) (state.Cluster, error) {
	kubectl, err := m.Kubectl()
	if err != nil {
		return state.Cluster{}, err
	}
	c := state.Cluster{Name: p.Name, Mode: state.ModeKind, Created: m.Now()}
	if filepath.IsAbs(kubectl) {
		c.Assets = filepath.Dir(kubectl)
	}
	if err := state.Save(p, c); err != nil {
		return state.Cluster{}, err
	}
	m.Log.Say("a Docker engine runs here: using kind")
	if err := m.Log.Do("kind create cluster", func() error {
		_, err := command.Run(ctx, "kind", "create", "cluster", "--name", p.Node(), "--kubeconfig", p.Kubeconfig(), "--wait", "3m")
		return err
	}); err != nil {
		return state.Cluster{}, err
	}
	if err := kindReady(ctx, p); err != nil {
		return state.Cluster{}, err
	}
	c.Complete = true
	return c, state.Save(p, c)
}

func kindReady(ctx context.Context, p state.Paths) error {
	_, err := command.Run(ctx, "docker", "exec", p.Node()+"-control-plane",
		"kubectl", "--kubeconfig=/etc/kubernetes/admin.conf", "wait", "--for=condition=Ready", "node", "--all", "--timeout=60s")
	return err
}

func kindDelete(ctx context.Context, p state.Paths) error {
	_, err := command.Run(ctx, "kind", "delete", "cluster", "--name", p.Node(), "--kubeconfig", p.Kubeconfig())
	return err
}
