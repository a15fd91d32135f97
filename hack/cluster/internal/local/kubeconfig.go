package local

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/validation-operator/validation-operator/hack/cluster/internal/node"
	"github.com/validation-operator/validation-operator/hack/cluster/internal/state"
)

func writeKubeconfig(p state.Paths, n node.Node) error {
	k := node.Kubeconfig{Cluster: n.Name, Server: n.URL()}
	for file, content := range map[string]*[]byte{"ca.crt": &k.Authority, "admin.crt": &k.Certificate, "admin.key": &k.Key} {
		read, err := os.ReadFile(n.PKI(file))
		if err != nil {
			return fmt.Errorf("writing the kubeconfig: %w", err)
		}
		*content = read
	}
	rendered, err := k.Render()
	if err != nil {
		return err
	}
	if err := os.WriteFile(p.Kubeconfig(), rendered, 0o600); err != nil {
		return fmt.Errorf("writing the kubeconfig: %w", err)
	}
	return nil
}

// copyKubeconfig writes the kubeconfig where the user wants it, but never over another one.
func copyKubeconfig(p state.Paths, c state.Cluster, target string) error {
	if target == "" {
		return nil
	}
	content, err := os.ReadFile(p.Kubeconfig())
	if err != nil {
		return fmt.Errorf("copying the kubeconfig: %w", err)
	}
	there, err := os.ReadFile(target)
	switch {
	case err == nil && bytes.Equal(there, content):
	case err == nil && target != c.Copy:
		return fmt.Errorf("copying the kubeconfig: %s exists already: choose another --kubeconfig, or remove it", target)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("copying the kubeconfig: %w", err)
	default:
		if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
			return fmt.Errorf("copying the kubeconfig: %w", err)
		}
		if err := os.WriteFile(target, content, 0o600); err != nil {
			return fmt.Errorf("copying the kubeconfig: %w", err)
		}
	}
	c.Copy = target
	return state.Save(p, c)
}

// removeCopy removes the copy of the kubeconfig unless somebody has changed it.
func removeCopy(p state.Paths, c state.Cluster) error {
	if c.Copy == "" {
		return nil
	}
	content, err := os.ReadFile(p.Kubeconfig())
	if err != nil {
		return nil //nolint:nilerr // without the original nobody can say that the copy is ours
	}
	there, err := os.ReadFile(c.Copy)
	if err != nil || !bytes.Equal(there, content) {
		return nil //nolint:nilerr // gone, or somebody else's by now
	}
	return os.Remove(c.Copy)
}
