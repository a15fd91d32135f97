package podlet

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Env returns a variable of the container's environment; empty if it has no such variable. References $(…) are not expanded.
func (p *Process) Env(name string) string {
	for _, env := range slices.Backward(p.Container.Env) {

		switch {
		case env.Name != name:
		case env.ValueFrom == nil:
			return env.Value
		case env.ValueFrom.FieldRef != nil:
			return p.field(env.ValueFrom.FieldRef.FieldPath)
		case env.ValueFrom.ConfigMapKeyRef != nil:
			ref := env.ValueFrom.ConfigMapKeyRef
			return p.read(input{name: ref.Name})[ref.Key]
		case env.ValueFrom.SecretKeyRef != nil:
			ref := env.ValueFrom.SecretKeyRef
			return p.read(input{name: ref.Name, secret: true})[ref.Key]
		}
	}
	for _, from := range slices.Backward(p.Container.EnvFrom) {

		key, ok := strings.CutPrefix(name, from.Prefix)
		if !ok {
			continue
		}
		var data map[string]string
		if from.ConfigMapRef != nil {
			data = p.read(input{name: from.ConfigMapRef.Name})
		} else if from.SecretRef != nil {
			data = p.read(input{name: from.SecretRef.Name, secret: true})
		}
		if value, ok := data[key]; ok {
			return value
		}
	}
	return ""
}

// field is a field of the pod that its containers may ask for.
func (p *Process) field(name string) string {
	switch name {
	case "metadata.name":
		return p.Pod.Name
	case "metadata.namespace":
		return p.Pod.Namespace
	case "metadata.uid":
		return string(p.Pod.UID)
	case "spec.nodeName":
		return p.Pod.Spec.NodeName
	case "spec.serviceAccountName":
		return p.Pod.Spec.ServiceAccountName
	case "status.hostIP":
		return hostIP
	case "status.podIP":
		return p.container.pod.address
	}
	for prefix, values := range map[string]map[string]string{
		"metadata.labels['":      p.Pod.Labels,
		"metadata.annotations['": p.Pod.Annotations,
	} {
		if key, ok := strings.CutPrefix(name, prefix); ok {
			return values[strings.TrimSuffix(key, "']")]
		}
	}
	return ""
}

// read returns the contents of a ConfigMap or Secret as they are now.
func (p *Process) read(in input) (data map[string]string) {
	pod := p.container.pod
	err := pod.node.tell(pod.ctx, func(ctx context.Context) (err error) {
		data, err = pod.node.read(ctx, pod.key.Namespace, in)
		return err
	})
	if err != nil && pod.ctx.Err() == nil {
		pod.node.options.Logf("pod %s: reading %s: %v", pod.key, in.name, err)
	}
	return data
}

// ReadFile reads a file of a mounted ConfigMap, Secret or projection of them. There are no other files.
func (p *Process) ReadFile(name string) ([]byte, error) {
	var mount *corev1.VolumeMount
	inside := ""
	for i, m := range p.Container.VolumeMounts {
		rest, ok := strings.CutPrefix(name, path.Clean(m.MountPath))
		if ok && (rest == "" || rest[0] == '/') && (mount == nil || len(m.MountPath) > len(mount.MountPath)) {
			mount, inside = &p.Container.VolumeMounts[i], rest
		}
	}
	if mount == nil {
		return nil, fmt.Errorf("reading %s: no volume is mounted there: %w", name, fs.ErrNotExist)
	}
	inside = strings.TrimPrefix(path.Join(mount.SubPath, inside), "/")
	for _, volume := range p.Pod.Spec.Volumes {
		if volume.Name != mount.Name {
			continue
		}
		if content, ok := p.files(&volume)[inside]; ok {
			return []byte(content), nil
		}
	}
	return nil, fmt.Errorf("reading %s: volume %s has no file %s: %w", name, mount.Name, inside, fs.ErrNotExist)
}

// files are a volume's files by their path within it.
func (p *Process) files(volume *corev1.Volume) map[string]string {
	files := map[string]string{}
	add := func(in input, items []corev1.KeyToPath) {
		contents := p.read(in)
		for _, item := range items {
			if content, ok := contents[item.Key]; ok {
				files[item.Path] = content
			}
		}
		if len(items) > 0 {
			return
		}
		maps.Copy(files, contents)
	}
	switch {
	case volume.ConfigMap != nil:
		add(input{name: volume.ConfigMap.Name}, volume.ConfigMap.Items)
	case volume.Secret != nil:
		add(input{name: volume.Secret.SecretName, secret: true}, volume.Secret.Items)
	case volume.Projected != nil:
		for _, source := range volume.Projected.Sources {
			if s := source.ConfigMap; s != nil {
				add(input{name: s.Name}, s.Items)
			}
			if s := source.Secret; s != nil {
				add(input{name: s.Name, secret: true}, s.Items)
			}
		}
	}
	return files
}
