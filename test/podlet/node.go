// Package podlet is a scripted kubelet: a node on which containers are Go values. It binds pods to itself, writes their
// status as a kubelet does, and serves their logs to the API server, so that a whole Kubernetes but for the containers
// takes part in a test, and each of its faults is a line of the test.
//
// How an image's containers behave is a Script:
//
//	node, err := podlet.Start(&plane.Connection, podlet.Options{})
//	node.Script("registry.test/slow", podlet.Runs(podlet.Print("begun\n"), podlet.Gate(open), podlet.Exit(1)))
//	node.Script("registry.test/suite", podlet.GoTest{Tests: []podlet.GoTestCase{
//		{Name: "TestNodes"},
//		{Name: "TestGPU", Outcome: podlet.Fail, Output: "no GPU\n"},
//	}}.Script())
//
// An image without a Script cannot be pulled, until it gets one.
//
// The package knows nothing of the operator under test, and must not import anything of it but package controlplane.
package podlet

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/validation-operator/validation-operator/test/controlplane"
)

// Options says what differs from the defaults.
type Options struct {
	// Name is the node's; "podlet" by default.
	Name string
	// Nodes are further nodes that this one process stands for: pods whose affinity names one of them run on it.
	Nodes []string
	// Labels are those of each node, besides its host name, operating system and architecture.
	Labels map[string]string
	// Schedules says whether this node also plays the scheduler for a pod; nil is for every pod. Processes that share a
	// control plane tell their pods apart by it, with InNamespaces for instance.
	Schedules func(*corev1.Pod) bool
	// RotateLogsAt is the size in bytes at which a container's log is rotated, 10 MiB on most nodes; 0 is never.
	RotateLogsAt int64
	// Now is the node's clock; time.Now by default. It gives the stamps of status and logs; timers run in real time.
	Now func() time.Time
	// Logf is told what a kubelet would log as an error; it goes to the standard logger by default.
	Logf func(format string, args ...any)
}

// Node is a running podlet: one node, or several.
type Node struct {
	options Options
	client  kubernetes.Interface
	tls     *tls.Config
	port    int

	ctx     context.Context // ends with Stop
	cancel  context.CancelFunc
	running sync.WaitGroup // everything that must have ended when Stop returns

	mu        sync.Mutex
	scripts   map[string]Script
	published chan struct{}       // closed when there is a new script
	machines  map[string]*machine // by the names of their nodes
	changed   chan struct{}       // closed when one of them is another
	pods      map[types.NamespacedName]*pod
	unbound   map[types.UID]context.CancelFunc
	rootCAs   map[string]bool // namespaces that have their kube-root-ca.crt
	addresses int             // given out to pods so far
	server    *http.Server    // nil while the node is lost
	online    chan struct{}   // closed while the node is not lost

	registered bool
}

// Start registers a node and returns when pods can run on it.
func Start(plane *controlplane.Connection, options Options) (*Node, error) {
	options.setDefaults()
	config := rest.CopyConfig(plane.Config)
	config.QPS = -1
	config.ContentType = "application/vnd.kubernetes.protobuf"
	config.UserAgent = "podlet/" + options.Name
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	n := &Node{
		options:   options,
		client:    client,
		scripts:   map[string]Script{},
		published: make(chan struct{}),
		machines:  map[string]*machine{options.Name: {}},
		changed:   make(chan struct{}),
		pods:      map[types.NamespacedName]*pod{},
		unbound:   map[types.UID]context.CancelFunc{},
		rootCAs:   map[string]bool{},
		online:    make(chan struct{}),
	}
	for _, name := range options.Nodes {
		n.machines[name] = &machine{}
	}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	if n.tls, err = plane.KubeletTLS(options.Name); err != nil {
		return nil, err
	}
	close(n.online)
	if err := n.serve(); err != nil {
		return nil, err
	}
	if err := n.register(); err != nil {
		return nil, errors.Join(err, n.Stop())
	}
	n.registered = true
	n.running.Go(n.heartbeat)
	if err := n.watchPods(); err != nil {
		return nil, errors.Join(err, n.Stop())
	}
	return n, nil
}

func (o *Options) setDefaults() {
	if o.Name == "" {
		o.Name = "podlet"
	}
	if o.Schedules == nil {
		o.Schedules = func(*corev1.Pod) bool { return true }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logf == nil {
		o.Logf = log.Printf
	}
}

// Name is the node's name.
func (n *Node) Name() string { return n.options.Name }

// Script says how containers of an image behave that start from now on. It may replace an earlier one, and lets pods go on
// that could not pull the image.
func (n *Node) Script(image string, script Script) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.scripts[image] = script
	close(n.published)
	n.published = make(chan struct{})
}

// script returns an image's script, and a channel that is closed when a script is published after that.
func (n *Node) script(image string) (_ Script, ok bool, published <-chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	script, ok := n.scripts[image]
	return script, ok, n.published
}

// Stop ends all containers without a trace in the API, removes the node and returns when nothing of it runs any more.
func (n *Node) Stop() error {
	n.cancel()
	n.mu.Lock()
	server := n.server
	n.server = nil
	n.mu.Unlock()
	var err error
	if server != nil {
		err = closeServer(server)
	}
	n.running.Wait()
	if n.registered {
		err = errors.Join(err, n.unregister())
	}
	if err != nil {
		return fmt.Errorf("stopping node %s: %w", n.options.Name, err)
	}
	return nil
}

// closeServer waits for answers that are being given: their context has ended.
func closeServer(server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), goodbyeLimit)
	defer cancel()
	if server.Shutdown(ctx) == nil {
		return nil
	}
	return server.Close() // somebody does not read what is being sent
}

// serve opens the kubelet's endpoint, at the port that it had before.
func (n *Node) serve() error {
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", n.port))
	if err != nil {
		return fmt.Errorf("opening the endpoint of node %s: %w", n.options.Name, err)
	}
	n.port = listener.Addr().(*net.TCPAddr).Port
	mux := http.NewServeMux()
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", n.serveLog)
	server := &http.Server{
		Handler:           mux,
		TLSConfig:         n.tls.Clone(),
		ReadHeaderTimeout: time.Minute,
		ErrorLog:          log.New(logWriter(n.options.Logf), "", 0),
		BaseContext:       func(net.Listener) context.Context { return n.ctx },
	}
	n.mu.Lock()
	n.server = server
	n.mu.Unlock()
	n.running.Go(func() {
		if err := server.ServeTLS(listener, "", ""); !errors.Is(err, http.ErrServerClosed) {
			n.options.Logf("node %s: serving: %v", n.options.Name, err)
		}
	})
	return nil
}

type logWriter func(format string, args ...any)

func (w logWriter) Write(line []byte) (int, error) {
	w("%s", line)
	return len(line), nil
}
