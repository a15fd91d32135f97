package podlog

import (
	"context"
	"errors"
	"io"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// NewSource reads logs through the API server. The client must have no overall timeout, which would cut every follow.
func NewSource(client kubernetes.Interface) Source { return clientSource{client: client} }

type clientSource struct{ client kubernetes.Interface }

// Open opens the log by the API server's pods/log.
func (s clientSource) Open(ctx context.Context, r Request) (io.ReadCloser, error) {
	options := &corev1.PodLogOptions{Container: r.Container, Follow: r.Follow, Timestamps: true}
	if !r.Since.IsZero() {
		options.SinceTime = new(metav1.NewTime(r.Since))
	}
	if r.TailLines > 0 {
		options.TailLines = new(r.TailLines)
	}
	if r.LimitBytes > 0 {
		options.LimitBytes = new(r.LimitBytes)
	}
	return s.client.CoreV1().Pods(r.Namespace).GetLogs(r.Pod, options).Stream(ctx)
}

// podGone tells the pod's own absence from that of its node, and from a kubelet that does not know the pod yet: all three are
// NotFound, and only the first is final.
func podGone(err error) bool {
	status := apierrors.APIStatus(nil)
	if !apierrors.IsNotFound(err) || !errors.As(err, &status) {
		return false
	}
	details := status.Status().Details
	return details != nil && details.Kind == "pods"
}
