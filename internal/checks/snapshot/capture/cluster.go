package capture

import (
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/version"
)

const (
	typeK8s = "K8s"
	typeGPU = "GPU"
	typeOS  = "OS"
)

// Server is what the API server says of itself.
func Server(info *version.Info) Subtype {
	return newSubtype(typeK8s, "server", given(map[string]string{
		"version": info.GitVersion, "platform": info.Platform, "goVersion": info.GoVersion,
	}))
}

// Node is what a node's kubelet says of it.
func Node(node *corev1.Node) Subtype {
	info := node.Status.NodeInfo
	data := map[string]string{
		"source-node":          node.Name,
		"provider-id":          node.Spec.ProviderID,
		"provider":             provider(node.Spec.ProviderID),
		"container-runtime-id": info.ContainerRuntimeVersion,
		"kubelet-version":      info.KubeletVersion,
		"kernel-version":       info.KernelVersion,
		"operating-system":     info.OperatingSystem,
		"os-image":             info.OSImage,
		"architecture":         info.Architecture,
	}
	if name, version, found := strings.Cut(info.ContainerRuntimeVersion, "://"); found {
		data["container-runtime-name"], data["container-runtime-version"] = name, version
	}
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourcePods} {
		if quantity, found := node.Status.Allocatable[name]; found {
			data["allocatable."+string(name)] = amount(name, quantity)
		}
	}
	return newSubtype(typeK8s, "node", given(data))
}

// amount is a quantity as constraints compare it: thousandths of a processor would read as minutes.
func amount(of corev1.ResourceName, quantity resource.Quantity) string {
	if of == corev1.ResourceCPU {
		return strconv.FormatFloat(quantity.AsApproximateFloat64(), 'f', -1, 64)
	}
	return quantity.String()
}

// provider is the managed Kubernetes of the cloud that a node's provider ID names.
func provider(id string) string {
	scheme, _, found := strings.Cut(id, "://")
	switch {
	case strings.HasPrefix(id, "ocid1."):
		return "oke"
	case !found:
		return ""
	case scheme == "aws":
		return "eks"
	case scheme == "gce":
		return "gke"
	case scheme == "azure":
		return "aks"
	}
	return strings.ToLower(scheme)
}

// Images collects the images that pods use: each one's last path element, and its tag, or all of its tags.
type Images map[string][]string

// Add counts a pod's images in.
func (i Images) Add(pod *corev1.Pod) {
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for _, container := range containers {
			name, tag := splitImage(container.Image)
			if name != "" && !slices.Contains(i[name], tag) {
				i[name] = append(i[name], tag)
			}
		}
	}
}

// Subtype is what was collected.
func (i Images) Subtype() Subtype {
	data := make(map[string]string, len(i))
	for name, tags := range i {
		data[name] = strings.Join(slices.Sorted(slices.Values(tags)), ",")
	}
	return newSubtype(typeK8s, "image", data)
}

// splitImage takes an image's reference apart. One without a tag is known by its digest, or else is the latest.
func splitImage(image string) (name, tag string) {
	image, digest, _ := strings.Cut(image, "@")
	name = image[strings.LastIndexByte(image, '/')+1:]
	name, tag, _ = strings.Cut(name, ":")
	switch {
	case tag != "":
		return name, tag
	case digest != "":
		return name, digest
	}
	return name, "latest"
}

// GPUs are what the labels of a node tell of its GPUs, set by the discovery of GPU features. Without any there is nothing.
func GPUs(node *corev1.Node) []Subtype {
	label := func(name string) string { return node.Labels["nvidia.com/"+name] }
	if label("gpu.present") != "true" && label("gpu.count") == "" {
		return nil
	}
	version := func(whole string, parts ...string) string {
		if value := label(whole); value != "" {
			return value
		}
		var numbers []string
		for _, part := range parts {
			if value := label(part); value != "" {
				numbers = append(numbers, value)
			}
		}
		return strings.Join(numbers, ".")
	}
	driver := version("cuda.driver-version.full", "cuda.driver.major", "cuda.driver.minor", "cuda.driver.rev")
	hardware := map[string]string{
		"gpu-present":      "true",
		"gpu-count":        label("gpu.count"),
		"model":            label("gpu.product"),
		"driver-loaded":    strconv.FormatBool(driver != ""),
		"detection-source": "node-labels",
	}
	smi := map[string]string{
		"gpu-count":        label("gpu.count"),
		"driver":           driver,
		"cuda-version":     version("cuda.runtime-version.full", "cuda.runtime.major", "cuda.runtime.minor"),
		"gpu.model":        label("gpu.product"),
		"gpu.memory":       label("gpu.memory"),
		"gpu.architecture": label("gpu.family"),
		"mig.capable":      label("mig.capable"),
		"mig.strategy":     label("mig.strategy"),
	}
	return []Subtype{newSubtype(typeGPU, "hardware", given(hardware)), newSubtype(typeGPU, "smi", given(smi))}
}
