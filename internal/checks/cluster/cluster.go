// Package cluster connects a check with the cluster it runs in: a client with the pod's own identity, objects that are removed
// again whatever happens, waiting by watch, and pods of the validator's own image. It must not import a phase's checks.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/validation-operator/validation-operator/internal/checks/finding"
)

const (
	// NamespaceVariable is the environment variable that names the namespace of the run.
	NamespaceVariable = "AICR_NAMESPACE"
	// CheckLabel is on every object that a check creates; its value is the check's name.
	CheckLabel = "validation.aicr.dev/check"

	// podNameKey is where the API server says which pod a service account's token is bound to.
	podNameKey = "authentication.kubernetes.io/pod-name"
	// serviceHostVariable is in the environment of every pod.
	serviceHostVariable = "KUBERNETES_SERVICE_HOST"
)

// Cluster is the cluster that the checks run in, seen with the identity of their own pod.
type Cluster struct {
	kubernetes.Interface
	// Namespace is the only one in which checks create objects.
	Namespace string
	// Config is what Interface was made of.
	Config *rest.Config

	undo *undo
	self func() (*corev1.Pod, error)
}

var connectOnce = sync.OnceValues(connect)

// Connect returns the cluster. Its first call makes the client; no request is sent.
func Connect(t *testing.T) *Cluster {
	t.Helper()
	c, err := connectOnce()
	if err != nil {
		var f finding.Finding
		f.CouldNotRun("connecting with the cluster: %v", err)
		f.Say(t)
	}
	return c
}

func connect() (*Cluster, error) {
	namespace := os.Getenv(NamespaceVariable)
	if namespace == "" {
		return nil, fmt.Errorf("the environment variable %s is not set; it names the namespace of the run", NamespaceVariable)
	}
	config, err := rest.InClusterConfig()
	if err != nil {
		return nil, fmt.Errorf("reading the pod's identity: %w", err)
	}
	// The API server's own fairness decides; a client that throttles itself would measure its own queue.
	config.QPS = -1
	config.UserAgent = rest.DefaultKubernetesUserAgent()
	config.Wrap(interrupted.silence)
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making the client: %w", err)
	}
	c := &Cluster{Interface: client, Namespace: namespace, Config: config, undo: pending}
	c.self = onceFound(c.findSelf)
	return c, nil
}

// onceFound keeps a pod that was found, and looks again after an error: what kept one check from its own pod need not keep the next.
func onceFound(find func() (*corev1.Pod, error)) func() (*corev1.Pod, error) {
	var mu sync.Mutex
	var found *corev1.Pod
	return func() (*corev1.Pod, error) {
		mu.Lock()
		defer mu.Unlock()
		if found != nil {
			return found, nil
		}
		pod, err := find()
		if err != nil {
			return nil, finding.Unmet{Err: err}
		}
		found = pod
		return found, nil
	}
}

// findSelf asks the API server whose token this is: a host name may be cut short or be somebody else's.
func (c *Cluster) findSelf() (*corev1.Pod, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	reviews := c.AuthenticationV1().SelfSubjectReviews()
	review, err := reviews.Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("reviewing the own identity: %w", err)
	}
	names := review.Status.UserInfo.Extra[podNameKey]
	if len(names) != 1 {
		return nil, errors.New("the API server does not know which pod this token is bound to; use a projected service account token")
	}
	pod, err := c.CoreV1().Pods(c.Namespace).Get(ctx, names[0], metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("getting the pod: %w", err)
	}
	return pod, nil
}

// Context is the test's context, bounded by limit. It knows nothing of the suite's timeout: when that strikes, a wait has not
// been long enough to prove anything.
func Context(t *testing.T, limit time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}
