package controlplane

import (
	"fmt"
	"maps"
	"net"
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

// RestartControllerManager ends kube-controller-manager as a crash would, and returns when a new one is healthy.
func (c *ControlPlane) RestartControllerManager() error {
	c.manager.kill()
	return c.manager.start()
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
	port, err := freePort()
	if err != nil {
		return err
	}
	api := c.environment.ControlPlane.GetAPIServer()
	flags := map[string]string{
		"kubeconfig":                       kubeconfig,
		"authentication-kubeconfig":        kubeconfig,
		"authorization-kubeconfig":         kubeconfig,
		"service-account-private-key-file": filepath.Join(api.CertDir, "sa-signer.key"),
		"root-ca-file":                     rootCA,
		"controllers":                      strings.Join(controllers, ","),
		"leader-elect":                     "false",
		"bind-address":                     "127.0.0.1",
		"secure-port":                      strconv.Itoa(port),
		"cert-dir":                         filepath.Join(c.Dir, "kube-controller-manager"),
		"kube-api-qps":                     strconv.Itoa(c.options.ControllerManagerQPS),
		"kube-api-burst":                   strconv.Itoa(2 * c.options.ControllerManagerQPS),
		"concurrent-job-syncs":             strconv.Itoa(c.options.ConcurrentJobSyncs),
	}
	maps.Copy(flags, c.options.ControllerManagerArgs)
	args := make([]string, 0, len(flags))
	for _, flag := range slices.Sorted(maps.Keys(flags)) {
		args = append(args, "--"+flag+"="+flags[flag])
	}
	c.manager = &server{
		path:    filepath.Join(os.Getenv(assetsVariable), "kube-controller-manager"),
		args:    args,
		log:     filepath.Join(c.Dir, "kube-controller-manager.log"),
		health:  fmt.Sprintf("https://127.0.0.1:%d/healthz", port),
		timeout: c.options.StartTimeout,
	}
	return nil
}

// freePort finds a port that nobody listens on.
func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("finding a free port: %w", err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	if err := listener.Close(); err != nil {
		return 0, fmt.Errorf("finding a free port: %w", err)
	}
	return port, nil
}
