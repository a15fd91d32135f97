package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Mode is how a cluster came to be.
type Mode string

// The modes of a cluster that this tool made. One that existed before has no state.
const (
	ModeSelf Mode = "self-built"
	ModeKind Mode = "kind"
)

// Cluster is what is remembered of a cluster between commands.
type Cluster struct {
	Name       string    `json:"name"`
	Mode       Mode      `json:"mode"`
	Created    time.Time `json:"created"`
	Complete   bool      `json:"complete"`         // `up` came to its end
	Copy       string    `json:"copy,omitempty"`   // of the kubeconfig, where the user wanted one
	Assets     string    `json:"assets,omitempty"` // folder of executables
	Kubernetes string    `json:"kubernetes"`       // version

	// Of a self-built cluster only.
	Boot        string             `json:"boot,omitempty"`   // of the machine: after another one nothing is left but files
	Subnet      string             `json:"subnet,omitempty"` // between host and cluster
	PauseImage  string             `json:"pauseImage,omitempty"`
	Snapshotter string             `json:"snapshotter,omitempty"`
	Servers     map[string]Process `json:"servers,omitempty"`
}

// ErrNoCluster says that there is no state of a cluster of that name.
var ErrNoCluster = errors.New("no such cluster")

// Load reads what is remembered of a cluster.
func Load(p Paths) (Cluster, error) {
	content, err := os.ReadFile(p.File(stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return Cluster{}, fmt.Errorf("cluster %q: %w", p.Name, ErrNoCluster)
	}
	if err != nil {
		return Cluster{}, fmt.Errorf("reading the cluster's state: %w", err)
	}
	var c Cluster
	if err := json.Unmarshal(content, &c); err != nil {
		return Cluster{}, fmt.Errorf("reading the cluster's state: %w", err)
	}
	return c, nil
}

const stateFile = "cluster.json"

// Save writes what is to be remembered of a cluster.
func Save(p Paths, c Cluster) error {
	return writeJSON(p.File(stateFile), c)
}

// Names lists the clusters that have a folder, whether whole or not.
func Names(cache string) ([]string, error) { return folders(Clusters(cache)) }

// DataNames lists the clusters that have data.
func DataNames() ([]string, error) { return folders(DataRoot) }

func folders(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing clusters: %w", err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// writeJSON replaces a file in one step, so that a reader or a crash never meets half of it.
func writeJSON(path string, v any) error {
	content, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("writing %s: %w", filepath.Base(path), err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("writing %s: %w", filepath.Base(path), err)
	}
	temporary := path + ".tmp"
	if err := os.WriteFile(temporary, append(content, '\n'), 0o600); err != nil {
		return fmt.Errorf("writing %s: %w", filepath.Base(path), err)
	}
	if err := os.Rename(temporary, path); err != nil {
		return fmt.Errorf("writing %s: %w", filepath.Base(path), err)
	}
	return nil
}

// Dead names the servers that were started and do not run.
func (c Cluster) Dead() ([]string, error) {
	var dead []string
	for name, process := range c.Servers {
		alive, err := process.Alive()
		if err != nil {
			return nil, err
		}
		if !alive {
			dead = append(dead, name)
		}
	}
	slices.Sort(dead)
	return dead, nil
}
