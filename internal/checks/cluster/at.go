package cluster

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// At is a cluster seen from outside of a pod: self stands for the validator's. The checks' own tests run them so.
func At(client kubernetes.Interface, config *rest.Config, self *corev1.Pod) *Cluster {
	return &Cluster{
		Interface: client, Namespace: self.Namespace, Config: config, undo: &undo{},
		self: func() (*corev1.Pod, error) { return self, nil },
	}
}

// Dynamic is a client for kinds that only the cluster knows.
func (c *Cluster) Dynamic() (dynamic.Interface, error) {
	client, err := dynamic.NewForConfig(c.Config)
	if err != nil {
		return nil, fmt.Errorf("making the dynamic client: %w", err)
	}
	return client, nil
}

// Objects is a collection of a dynamic client in the shape of a typed one, for Make, MakeAlone and Await.
type Objects struct{ dynamic.ResourceInterface }

// Create creates an object.
func (o Objects) Create(
	ctx context.Context, obj *unstructured.Unstructured, opts metav1.CreateOptions,
) (*unstructured.Unstructured, error) {
	return o.ResourceInterface.Create(ctx, obj, opts)
}

// Get reads an object.
func (o Objects) Get(ctx context.Context, name string, opts metav1.GetOptions) (*unstructured.Unstructured, error) {
	return o.ResourceInterface.Get(ctx, name, opts)
}

// Delete deletes an object.
func (o Objects) Delete(ctx context.Context, name string, opts metav1.DeleteOptions) error {
	return o.ResourceInterface.Delete(ctx, name, opts)
}

// Watch watches objects.
func (o Objects) Watch(ctx context.Context, opts metav1.ListOptions) (watch.Interface, error) {
	return o.ResourceInterface.Watch(ctx, opts)
}
