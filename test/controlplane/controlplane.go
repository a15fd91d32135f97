// Package controlplane starts a Kubernetes control plane without a node: etcd, kube-apiserver and
// kube-controller-manager, from the folder that KUBEBUILDER_ASSETS names. Admission is that of a real cluster, Pod
// Security and ServiceAccounts included, and the API server trusts and reaches the kubelets of package podlet.
//
// One control plane serves all processes of a test suite: the one that starts it hands a Connection to the others.
//
// The package knows nothing of the operator under test, and must not import anything of it.
package controlplane

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// assetsVariable names the folder of the servers' executables, as it does for envtest.
const assetsVariable = "KUBEBUILDER_ASSETS"

// Options says what differs from the defaults.
type Options struct {
	// CRDPaths are files and folders of CustomResourceDefinitions to install; each must exist.
	CRDPaths []string
	// AuditLog records every request in the file that Connection.AuditLogPath names.
	AuditLog bool
	// ControllerManagerQPS is the rate limit of kube-controller-manager's clients, with twice as much as burst; 1000 by
	// default. Kubernetes' own default is 20.
	ControllerManagerQPS int
	// ConcurrentJobSyncs is how many Jobs are worked on at once; 50 by default. Kubernetes' own default is 5.
	ConcurrentJobSyncs int
	// APIServerArgs and ControllerManagerArgs are further flags, without the leading dashes; they replace ours.
	APIServerArgs, ControllerManagerArgs map[string]string
	// WithoutControllers leaves kube-controller-manager out, and so everything that controllers do.
	WithoutControllers bool
	// StartTimeout is how long each server may take to become healthy, and the CRDs to be served; two minutes by default, for busy
	// machines.
	StartTimeout time.Duration
}

// ControlPlane is a running control plane.
type ControlPlane struct {
	Connection
	// Dir is a temporary folder with the servers' logs; Stop removes it.
	Dir string

	options      Options
	environment  *envtest.Environment
	manager      *server
	managerFlags map[string]string
	logs         []*os.File
}

// Start starts a control plane and returns when it is ready. Whatever it started before an error it has stopped.
func Start(options Options) (_ *ControlPlane, err error) {
	if os.Getenv(assetsVariable) == "" {
		return nil, fmt.Errorf("%s is not set: it names the folder with etcd, kube-apiserver and kube-controller-manager; "+
			"`make test` sets it", assetsVariable)
	}
	options.setDefaults()
	dir, err := os.MkdirTemp("", "controlplane-")
	if err != nil {
		return nil, fmt.Errorf("creating a temporary folder: %w", err)
	}
	c := &ControlPlane{Dir: dir, options: options}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Stop())
		}
	}()
	if c.kubelets, err = newAuthority(); err != nil {
		return nil, err
	}
	if err := atFreePorts(c.startAPIServer); err != nil {
		return nil, err
	}
	if options.WithoutControllers {
		return c, nil
	}
	if err := c.configureManager(); err != nil {
		return nil, err
	}
	if err := c.startManager(Port); err != nil {
		return nil, err
	}
	return c, nil
}

func (o *Options) setDefaults() {
	if o.ControllerManagerQPS == 0 {
		o.ControllerManagerQPS = 1000
	}
	if o.ConcurrentJobSyncs == 0 {
		o.ConcurrentJobSyncs = 50
	}
	if o.StartTimeout == 0 {
		o.StartTimeout = 2 * time.Minute
	}
}

// atFreePorts starts servers, and again where somebody who asks nobody has taken a port that was drawn for them.
func atFreePorts(start func() error) (err error) {
	for range 3 {
		if err = start(); err == nil || !strings.Contains(err.Error(), "address already in use") {
			return err
		}
	}
	return err
}

// startAPIServer starts etcd and the API server, in place of what is left of an earlier try.
func (c *ControlPlane) startAPIServer() error {
	if err := c.stopAPIServer(); err != nil {
		return err
	}
	existing := false // A cluster that the environment's variables point to is never meant.
	c.environment = &envtest.Environment{
		UseExistingCluster:       &existing,
		CRDDirectoryPaths:        c.options.CRDPaths,
		CRDInstallOptions:        envtest.CRDInstallOptions{MaxTime: c.options.StartTimeout},
		ErrorIfCRDPathMissing:    true,
		ControlPlaneStartTimeout: c.options.StartTimeout,
		ControlPlaneStopTimeout:  time.Minute,
	}
	// What envtest would draw is reserved from its own users alone, and may be a connection's before it is a server's, or between two.
	var ports [3]int
	for i := range ports {
		port, err := Port()
		if err != nil {
			return err
		}
		ports[i] = port
	}
	api, etcd := c.environment.ControlPlane.GetAPIServer(), &envtest.Etcd{}
	api.ListenAddr = envtest.ListenAddr{Address: "127.0.0.1", Port: strconv.Itoa(ports[0])}
	etcd.URL = &url.URL{Scheme: "http", Host: "127.0.0.1:" + strconv.Itoa(ports[1])}
	etcd.Configure().Set("listen-peer-urls", "http://127.0.0.1:"+strconv.Itoa(ports[2]))
	// In a folder that is not envtest's own its keys outlive a restart.
	api.CertDir = filepath.Join(c.Dir, "kube-apiserver")
	if err := os.Mkdir(api.CertDir, 0o700); err != nil {
		return fmt.Errorf("creating the API server's folder: %w", err)
	}
	c.environment.ControlPlane.Etcd = etcd
	for _, log := range []struct {
		name string
		set  func(*os.File)
	}{
		{"etcd.log", func(f *os.File) { etcd.Out, etcd.Err = f, f }},
		{"kube-apiserver.log", func(f *os.File) { api.Out, api.Err = f, f }},
	} {
		file, err := os.Create(filepath.Join(c.Dir, log.name))
		if err != nil {
			return fmt.Errorf("creating a log: %w", err)
		}
		c.logs = append(c.logs, file)
		log.set(file)
	}
	if err := c.configureAPIServer(api.Configure()); err != nil {
		return err
	}
	config, err := c.environment.Start()
	if err != nil {
		return fmt.Errorf("starting etcd and kube-apiserver: %w%s%s", err, tail(c.logs[0].Name()), tail(c.logs[1].Name()))
	}
	c.Config = rest.CopyConfig(config)
	c.Config.QPS, c.Config.Burst = -1, 0
	return nil
}

func (c *ControlPlane) configureAPIServer(args *envtest.Arguments) error {
	certificate, key, err := c.kubelets.kubeletClient()
	if err != nil {
		return err
	}
	authority, _, err := c.kubelets.encode()
	if err != nil {
		return err
	}
	flags := map[string]string{"kubelet-preferred-address-types": "InternalIP"}
	files := map[string][]byte{
		"kubelet-client-certificate":    certificate,
		"kubelet-client-key":            key,
		"kubelet-certificate-authority": authority,
	}
	if c.options.AuditLog {
		c.AuditLogPath = filepath.Join(c.Dir, "audit.log")
		files["audit-policy-file"] = []byte(auditPolicy)
		flags["audit-log-path"] = c.AuditLogPath
		flags["audit-log-maxsize"] = "0" // Never rotated: invariants are checked over the whole history.
	}
	for flag, content := range files {
		if flags[flag], err = c.write(flag, content); err != nil {
			return err
		}
	}
	args.Disable("disable-admission-plugins") // envtest disables ServiceAccount.
	for _, set := range []map[string]string{flags, c.options.APIServerArgs} {
		for flag, value := range set {
			args.Set(flag, value)
		}
	}
	return nil
}

// write puts a file that only this user can read into the temporary folder.
func (c *ControlPlane) write(name string, content []byte) (string, error) {
	path := filepath.Join(c.Dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return "", fmt.Errorf("writing a server's file: %w", err)
	}
	return path, nil
}

// Stop ends every server and removes their files. It may be called again.
func (c *ControlPlane) Stop() error {
	var errs []error
	if c.manager != nil {
		errs = append(errs, c.manager.stop())
		c.manager = nil
	}
	errs = append(errs, c.stopAPIServer(), os.RemoveAll(c.Dir))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("stopping the control plane: %w", err)
	}
	return nil
}

// stopAPIServer ends the API server and etcd, if there are any.
func (c *ControlPlane) stopAPIServer() error {
	var errs []error
	if c.environment != nil {
		errs = append(errs, c.environment.Stop(), os.RemoveAll(c.environment.ControlPlane.GetAPIServer().CertDir))
		c.environment = nil
	}
	for _, log := range c.logs {
		errs = append(errs, log.Close())
	}
	c.logs = nil
	return errors.Join(errs...)
}

// tail returns the end of a server's log, set off for an error message.
func tail(path string) string {
	const most = 4 << 10
	data, err := os.ReadFile(path)
	if err != nil || len(data) == 0 {
		return ""
	}
	if len(data) > most {
		data = data[len(data)-most:]
		_, rest, _ := strings.Cut(string(data), "\n")
		data = []byte(rest)
	}
	return fmt.Sprintf("\n--- end of %s:\n%s", filepath.Base(path), data)
}
