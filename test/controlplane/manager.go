package controlplane

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// controllers are those that Jobs, their pods and a namespace's whole life need.
var controllers = []string{
	"clusterrole-aggregation-controller",
	"garbage-collector-controller",
	"job-controller",
	"namespace-controller",
	"node-lifecycle-controller",
	"pod-garbage-collector-controller",
	"resourcequota-controller",
	"root-ca-certificate-publisher-controller",
	"serviceaccount-controller",
	"serviceaccount-token-controller",
	"taint-eviction-controller",
	"ttl-after-finished-controller",
}

// managerUser is kube-controller-manager's name in the audit log.
const managerUser = "system:kube-controller-manager"

// KillControllerManager takes kube-controller-manager away, as a crash would.
func (c *ControlPlane) KillControllerManager() { c.manager.kill() }

// StartControllerManager brings kube-controller-manager back, and returns when it is healthy.
func (c *ControlPlane) StartControllerManager() error { return c.startManager(Port) }

// startManager starts kube-controller-manager at a port that is drawn for it, and returns when it is healthy.
func (c *ControlPlane) startManager(draw func() (int, error)) error {
	return atFreePorts(func() error {
		port, err := draw()
		if err != nil {
			return err
		}
		c.manager.args = c.managerArgs(port)
		c.manager.health = fmt.Sprintf("https://127.0.0.1:%d/healthz", port)
		return c.manager.start()
	})
}

// managerArgs is kube-controller-manager's command line.
func (c *ControlPlane) managerArgs(port int) []string {
	flags := maps.Clone(c.managerFlags)
	flags["secure-port"] = strconv.Itoa(port)
	maps.Copy(flags, c.options.ControllerManagerArgs)
	args := make([]string, 0, len(flags))
	for _, flag := range slices.Sorted(maps.Keys(flags)) {
		args = append(args, "--"+flag+"="+flags[flag])
	}
	return args
}

// configureManager prepares kube-controller-manager; the API server must be running.
func (c *ControlPlane) configureManager() error {
	user, err := c.environment.AddUser(envtest.User{Name: managerUser, Groups: []string{"system:masters"}}, &rest.Config{})
	if err != nil {
		return fmt.Errorf("adding user %s: %w", managerUser, err)
	}
	content, err := user.KubeConfig()
	if err != nil {
		return fmt.Errorf("encoding the kubeconfig of %s: %w", managerUser, err)
	}
	kubeconfig, err := c.write("kube-controller-manager.kubeconfig", content)
	if err != nil {
		return err
	}
	rootCA, err := c.write("root-ca.crt", c.Config.CAData)
	if err != nil {
		return err
	}
	api := c.environment.ControlPlane.GetAPIServer()
	certificates := filepath.Join(c.Dir, "kube-controller-manager")
	c.managerFlags = map[string]string{
		"kubeconfig":                       kubeconfig,
		"authentication-kubeconfig":        kubeconfig,
		"authorization-kubeconfig":         kubeconfig,
		"service-account-private-key-file": filepath.Join(api.CertDir, "sa-signer.key"),
		"root-ca-file":                     rootCA,
		"controllers":                      strings.Join(controllers, ","),
		"leader-elect":                     "false",
		"bind-address":                     "127.0.0.1",
		"cert-dir":                         certificates,
		"kube-api-qps":                     strconv.Itoa(c.options.ControllerManagerQPS),
		"kube-api-burst":                   strconv.Itoa(2 * c.options.ControllerManagerQPS),
		"concurrent-job-syncs":             strconv.Itoa(c.options.ConcurrentJobSyncs),
	}
	c.manager = &server{
		path:        filepath.Join(os.Getenv(assetsVariable), "kube-controller-manager"),
		log:         filepath.Join(c.Dir, "kube-controller-manager.log"),
		certificate: filepath.Join(certificates, "kube-controller-manager.crt"),
		timeout:     c.options.StartTimeout,
	}
	return nil
}
