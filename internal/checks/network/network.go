// Package network has what the checks of the cluster's network do: names of Services, addresses of Services, pods on one node that
// reach pods on another. It makes pods of the validator's own image, and must not import a phase's checks.
package network

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/rand"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/internal/checks/health"
	"github.com/validation-operator/validation-operator/internal/checks/probe"
)

const (
	// selectorLabel selects the pods of one check's Service.
	selectorLabel = "validation.aicr.dev/probe"
	servicePort   = 80
)

// work is one check at work: what it has to do it with, and what it has found so far. Its methods report whether the check can go
// on; where not, the finding says why.
type work struct {
	*cluster.Bench
	finding.Finding
	// pins says that the check puts its pods on nodes of its choice, each of which it can do without.
	pins bool
}

// pod makes the pod of a probe; change may change it before.
func (w *work) pod(ctx context.Context, p cluster.Probe, change func(*corev1.Pod)) (*corev1.Pod, bool) {
	planned, err := w.Pod(p)
	if err != nil {
		w.Refused("get pods in the namespace "+w.Namespace, fmt.Errorf("finding the validator's own pod: %w", err))
		return nil, false
	}
	if change != nil {
		change(planned)
	}
	created, err := cluster.Make(ctx, w.Bench, w.CoreV1().Pods(w.Namespace), planned)
	if err != nil {
		w.Refused("create pods in the namespace "+w.Namespace, err)
		return nil, false
	}
	return created, true
}

// server makes a pod that answers with the text; change may change it before.
func (w *work) server(ctx context.Context, text string, labels map[string]string, change func(*corev1.Pod)) (*corev1.Pod, bool) {
	return w.pod(ctx, cluster.Probe{What: "server", Run: probe.Serve, Labels: labels}, func(pod *corev1.Pod) {
		setEnv(pod, probe.AnswerVariable, text)
		if change != nil {
			change(pod)
		}
	})
}

// ready waits until a server's pod is ready and has an address.
func (w *work) ready(ctx context.Context, pod *corev1.Pod) (*corev1.Pod, bool) {
	seen := w.await(ctx, pod, serves)
	return seen.pod, w.isReady(seen)
}

// serves reports whether a server's pod is ready and has an address, or never will be.
func serves(pod *corev1.Pod) bool {
	return health.PodReady(pod) && pod.Status.PodIP != "" || health.PodFinished(pod)
}

// seen is a pod as it was seen last in a wait for it, and what the wait came to.
type seen struct {
	pod *corev1.Pod
	err error
}

func (w *work) await(ctx context.Context, pod *corev1.Pod, done func(*corev1.Pod) bool) seen {
	last, err := cluster.Await(ctx, w.CoreV1().Pods(w.Namespace), pod, func(pod *corev1.Pod) (bool, error) { return done(pod), nil })
	return seen{pod: last, err: err}
}

// isReady demands of a server that was waited for that it is ready.
func (w *work) isReady(s seen) bool {
	is := s.err == nil && health.PodReady(s.pod)
	if !is {
		w.stuck(s.pod, "be ready", s.err)
	}
	return is
}

// message waits until a pod has ended, and decodes its termination message.
func (w *work) message(ctx context.Context, pod *corev1.Pod, into any) bool {
	return w.decode(w.await(ctx, pod, health.PodFinished), into)
}

// decode decodes the termination message of a pod whose end was waited for.
func (w *work) decode(s seen, into any) bool {
	last := s.pod
	if s.err != nil || last.Status.Phase != corev1.PodSucceeded {
		w.stuck(last, "succeed", s.err)
		return false
	}
	text := ""
	for _, status := range last.Status.ContainerStatuses {
		if status.State.Terminated != nil && status.Name == last.Spec.Containers[0].Name {
			text = status.State.Terminated.Message
		}
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		w.Fail(fmt.Sprintf("pod %s to report what it found", last.Name), fmt.Sprintf("%q as its termination message", text),
			"see the kubelet's log on the pod's node")
		return false
	}
	return true
}

// stuck says of a pod that it did not come as far as it should.
func (w *work) stuck(pod *corev1.Pod, as string, err error) {
	if apierrors.IsForbidden(err) {
		w.Refused("watch pods in the namespace "+w.Namespace, err)
		return
	}
	if err != nil && w.noRoom(pod) {
		return
	}
	found := "it " + health.DescribePod(pod)
	if err != nil {
		found += ": " + err.Error()
	}
	where := ""
	if pod.Spec.NodeName != "" {
		where = " on node " + pod.Spec.NodeName
	}
	w.Fail(fmt.Sprintf("pod %s%s to %s", pod.Name, where, as), found, "see the events of the namespace "+w.Namespace)
}

// service makes a Service of the pods with the labels.
func (w *work) service(ctx context.Context, selector map[string]string) (*corev1.Service, bool) {
	created, err := cluster.Make(ctx, w.Bench, w.CoreV1().Services(w.Namespace), &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: cluster.Name("network")},
		Spec: corev1.ServiceSpec{Selector: selector, Ports: []corev1.ServicePort{{
			Name: "probe", Port: servicePort, TargetPort: intstr.FromInt32(probe.Port),
		}}},
	})
	if err != nil {
		w.Refused("create services in the namespace "+w.Namespace, err)
		return nil, false
	}
	return created, true
}

// connect makes a pod that asks the targets.
func (w *work) connect(ctx context.Context, targets []probe.Target, change func(*corev1.Pod)) (*corev1.Pod, bool) {
	return w.asking(ctx, cluster.Probe{What: "client", Run: probe.Connect}, targets, change)
}

// asking makes a pod that is told what to ask for.
func (w *work) asking(ctx context.Context, p cluster.Probe, targets any, change func(*corev1.Pod)) (*corev1.Pod, bool) {
	data, err := json.Marshal(targets)
	if err != nil {
		w.CouldNotRun("encoding the targets: %v", err)
		return nil, false
	}
	return w.pod(ctx, p, func(pod *corev1.Pod) {
		setEnv(pod, probe.TargetsVariable, string(data))
		if change != nil {
			change(pod)
		}
	})
}

func setEnv(pod *corev1.Pod, name, value string) {
	container := &pod.Spec.Containers[0]
	container.Env = append(container.Env, corev1.EnvVar{Name: name, Value: value})
}

func newSelector() map[string]string {
	return map[string]string{selectorLabel: cluster.Name("network")}
}

// newAnswer is an answer that nobody else gives.
func newAnswer() string { return rand.String(24) }

func address(ip string, port int) string {
	return "http://" + net.JoinHostPort(ip, strconv.Itoa(port)) + "/"
}
