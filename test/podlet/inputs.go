package podlet

import (
	"context"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
)

// rootCAConfigMap is in every pod that has a token, and in every namespace soon after its creation.
const rootCAConfigMap = "kube-root-ca.crt"

// input is a ConfigMap or Secret that a pod cannot start without.
type input struct {
	secret bool
	name   string
	keys   []string // each must be there
	volume bool     // for a volume, not for the environment: the messages differ
}

// volumeInputs are those of a volume.
func volumeInputs(volume *corev1.Volume) []input {
	var inputs []input
	add := func(secret bool, name string, optional *bool, items []corev1.KeyToPath) {
		if optional != nil && *optional {
			return
		}
		in := input{secret: secret, name: name, volume: true}
		for _, item := range items {
			in.keys = append(in.keys, item.Key)
		}
		inputs = append(inputs, in)
	}
	switch {
	case volume.ConfigMap != nil:
		add(false, volume.ConfigMap.Name, volume.ConfigMap.Optional, volume.ConfigMap.Items)
	case volume.Secret != nil:
		add(true, volume.Secret.SecretName, volume.Secret.Optional, volume.Secret.Items)
	case volume.Projected != nil:
		for _, source := range volume.Projected.Sources {
			if s := source.ConfigMap; s != nil {
				add(false, s.Name, s.Optional, s.Items)
			}
			if s := source.Secret; s != nil {
				add(true, s.Name, s.Optional, s.Items)
			}
		}
	}
	return inputs
}

// envInputs are those of a container's environment.
func envInputs(spec *corev1.Container) []input {
	var inputs []input
	add := func(secret bool, name string, optional *bool, keys ...string) {
		if optional == nil || !*optional {
			inputs = append(inputs, input{secret: secret, name: name, keys: keys})
		}
	}
	for _, from := range spec.EnvFrom {
		if s := from.ConfigMapRef; s != nil {
			add(false, s.Name, s.Optional)
		}
		if s := from.SecretRef; s != nil {
			add(true, s.Name, s.Optional)
		}
	}
	for _, env := range spec.Env {
		if env.ValueFrom == nil {
			continue
		}
		if s := env.ValueFrom.ConfigMapKeyRef; s != nil {
			add(false, s.Name, s.Optional, s.Key)
		}
		if s := env.ValueFrom.SecretKeyRef; s != nil {
			add(true, s.Name, s.Optional, s.Key)
		}
	}
	return inputs
}

// awaitInput returns true when an input is there, and false if the pod is to end before. It reports what is wrong each time
// that this changes.
func (p *pod) awaitInput(in input, report func(problem string)) bool {
	if in.name == rootCAConfigMap && p.node.hasRootCA(p.key.Namespace) {
		return true
	}
	var data map[string]string
	err := p.node.tell(p.ctx, func(ctx context.Context) (err error) {
		data, err = p.node.read(ctx, p.key.Namespace, in)
		return err
	})
	if err != nil {
		if p.ctx.Err() == nil {
			p.node.options.Logf("pod %s: reading %s: %v", p.key, in.name, err)
		}
		return false
	}
	if problem := in.problem(p.key.Namespace, data); problem != "" && !p.awaitMended(in, problem, report) {
		return false
	}
	if in.name == rootCAConfigMap {
		p.node.noteRootCA(p.key.Namespace)
	}
	return true
}

// awaitMended watches an input that has a problem until it has none.
func (p *pod) awaitMended(in input, problem string, report func(problem string)) bool {
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	p.node.running.Go(func() { // It ends with this function.
		select {
		case <-p.stopping:
			cancel()
		case <-ctx.Done():
		}
	})
	report(problem)
	for ctx.Err() == nil {
		var watcher watch.Interface
		err := p.node.tell(ctx, func(ctx context.Context) (err error) {
			watcher, err = p.node.watchInput(ctx, p.key.Namespace, in) // It begins with what is there.
			return err
		})
		if err != nil {
			if ctx.Err() == nil {
				p.node.options.Logf("pod %s: watching %s: %v", p.key, in.name, err)
			}
			return false
		}
		for event := range watcher.ResultChan() {
			data := contents(event.Object)
			switch event.Type {
			case watch.Added, watch.Modified:
			case watch.Deleted:
				data = nil
			default: // The watch is about to end.
				continue
			}
			now := in.problem(p.key.Namespace, data)
			if now == "" {
				watcher.Stop()
				return true
			}
			if now != problem {
				report(now)
				problem = now
			}
		}
	}
	return false
}

func (n *Node) watchInput(ctx context.Context, namespace string, in input) (watch.Interface, error) {
	options := metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector(metav1.ObjectNameField, in.name).String()}
	if in.secret {
		return n.client.CoreV1().Secrets(namespace).Watch(ctx, options)
	}
	return n.client.CoreV1().ConfigMaps(namespace).Watch(ctx, options)
}

// read returns an input's contents; nil if it is not there.
func (n *Node) read(ctx context.Context, namespace string, in input) (map[string]string, error) {
	var object runtime.Object
	var err error
	if in.secret {
		object, err = n.client.CoreV1().Secrets(namespace).Get(ctx, in.name, metav1.GetOptions{})
	} else {
		object, err = n.client.CoreV1().ConfigMaps(namespace).Get(ctx, in.name, metav1.GetOptions{})
	}
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return contents(object), nil
}

// contents returns the keys of a ConfigMap or Secret; nil for anything else.
func contents(object runtime.Object) map[string]string {
	data := map[string]string{}
	switch o := object.(type) {
	case *corev1.ConfigMap:
		maps.Copy(data, o.Data)
		for key, value := range o.BinaryData {
			data[key] = string(value)
		}
	case *corev1.Secret:
		for key, value := range o.Data {
			data[key] = string(value)
		}
	default:
		return nil
	}
	return data
}

// problem is what a kubelet says of an input that is not as it must be; empty if it is. No contents are those of an input
// that is not there.
func (in input) problem(namespace string, contents map[string]string) string {
	kind, prefix := "configmap", "configmap references non-existent config key"
	if in.secret {
		kind, prefix = "secret", "references non-existent secret key"
	}
	if contents == nil {
		return fmt.Sprintf("%s %q not found", kind, in.name)
	}
	missing := slices.IndexFunc(in.keys, func(key string) bool {
		_, ok := contents[key]
		return !ok
	})
	switch {
	case missing < 0:
		return ""
	case in.volume:
		return prefix + ": " + in.keys[missing]
	case in.secret:
		return fmt.Sprintf("couldn't find key %v in Secret %v/%v", in.keys[missing], namespace, in.name)
	default:
		return fmt.Sprintf("couldn't find key %v in ConfigMap %v/%v", in.keys[missing], namespace, in.name)
	}
}

func (n *Node) hasRootCA(namespace string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.rootCAs[namespace]
}

func (n *Node) noteRootCA(namespace string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.rootCAs[namespace] = true
}
