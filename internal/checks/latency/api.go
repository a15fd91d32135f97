package latency

import (
	"context"
	"fmt"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/constraint"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
)

// alone is one client with nothing else to do; warmUp pays for its connection.
var (
	alone  = load{clients: 1, requests: 200}
	warmUp = load{clients: 1, requests: 5}
)

// Requests measures the API server's answers to one client: half of its requests read a pod, half list ConfigMaps.
func Requests(demanded constraint.Constraint) func(context.Context, *cluster.Bench) *finding.Finding {
	return func(ctx context.Context, b *cluster.Bench) *finding.Finding {
		f := &finding.Finding{}
		own, err := b.Own()
		if err != nil {
			f.Refused("get pods in the namespace "+b.Namespace, fmt.Errorf("finding the validator's own pod: %w", err))
			return f
		}
		request := func(ctx context.Context, _, i int) error {
			if i%2 == 1 {
				_, err := b.CoreV1().ConfigMaps(b.Namespace).List(ctx, metav1.ListOptions{Limit: 50})
				return err
			}
			_, err := b.CoreV1().Pods(own.Namespace).Get(ctx, own.Name, metav1.GetOptions{})
			return err
		}
		var samples []time.Duration
		for _, series := range []load{warmUp, alone} {
			if samples, err = series.run(ctx, request); err != nil {
				f.Refused("get pods and list configmaps in the namespace "+b.Namespace, err)
				return f
			}
		}
		judge(f, demanded, samples, "look at the load of the API server and of its storage, etcd's disk first, and at what else asks it much")
		return f
	}
}

// usual is what a busy cluster has at any time: sixteen controllers at work. It takes a healthy API server a second or two.
var usual = load{clients: 16, requests: 60}

// worker is one of the clients: it reads a pod, lists ConfigMaps, and changes a ConfigMap of its own.
type worker struct {
	bench *cluster.Bench
	self  *corev1.Pod
	own   *corev1.ConfigMap
}

// UnderLoad measures the API server's answers to many clients at once.
func UnderLoad(demanded constraint.Constraint) func(context.Context, *cluster.Bench) *finding.Finding {
	return func(ctx context.Context, b *cluster.Bench) *finding.Finding {
		f := &finding.Finding{}
		workers, err := hire(ctx, b, usual.clients)
		if err != nil {
			f.Refused("get pods and create configmaps in the namespace "+b.Namespace, err)
			return f
		}
		start := time.Now()
		samples, err := usual.run(ctx, func(ctx context.Context, client, i int) error { return workers[client].request(ctx, i) })
		if err != nil {
			f.Refused("get pods and list and update configmaps in the namespace "+b.Namespace, err)
			return f
		}
		f.Measure("api-requests-per-second", int(float64(len(samples))/time.Since(start).Seconds()))
		judge(f, demanded, samples, fmt.Sprintf("look at the API server's CPU, at etcd's disk, at the latency of webhooks, and in "+
			"apiserver_flowcontrol_* whether requests of %d clients are queued", usual.clients))
		return f
	}
}

func hire(ctx context.Context, b *cluster.Bench, n int) ([]*worker, error) {
	self, err := b.Own()
	if err != nil {
		return nil, fmt.Errorf("finding the validator's own pod: %w", err)
	}
	workers := make([]*worker, n)
	for i := range workers {
		own, err := cluster.Make(ctx, b, b.CoreV1().ConfigMaps(b.Namespace), &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: cluster.Name("load")},
		})
		if err != nil {
			return nil, err
		}
		workers[i] = &worker{bench: b, self: self, own: own}
	}
	return workers, nil
}

func (w *worker) request(ctx context.Context, i int) (err error) {
	configMaps := w.bench.CoreV1().ConfigMaps(w.bench.Namespace)
	switch i % 3 {
	case 0:
		_, err = w.bench.CoreV1().Pods(w.self.Namespace).Get(ctx, w.self.Name, metav1.GetOptions{})
	case 1:
		_, err = configMaps.List(ctx, metav1.ListOptions{Limit: 50})
	default:
		w.own.Data = map[string]string{"request": strconv.Itoa(i)}
		w.own, err = configMaps.Update(ctx, w.own, metav1.UpdateOptions{})
	}
	return err
}
