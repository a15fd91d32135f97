package workload

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

// user is the numeric user and group of validators by default, that of distroless images' nonroot.
const user = 65532

func podSpec(run *v1alpha1.ValidationRun, phase *v1alpha1.Phase, item Item) (corev1.PodSpec, error) {
	v := Merge(run.Spec.Validator, phase.Validator)
	b := podBuilder{run: run, phase: phase, item: item, validator: v}
	b.spec = corev1.PodSpec{
		RestartPolicy:                corev1.RestartPolicyNever,
		ServiceAccountName:           ServiceAccountName(run),
		AutomountServiceAccountToken: new(false),
		EnableServiceLinks:           new(false),
		ActiveDeadlineSeconds:        new(StartDeadline(phase)),
		NodeSelector:                 v.NodeSelector,
		PriorityClassName:            v.PriorityClassName,
	}
	if v.RuntimeClassName != "" {
		b.spec.RuntimeClassName = new(v.RuntimeClassName)
	}
	for _, s := range v.ImagePullSecrets {
		b.spec.ImagePullSecrets = append(b.spec.ImagePullSecrets, corev1.LocalObjectReference{Name: s.Name})
	}
	for _, step := range []func() error{b.scheduling, b.security, b.volumes, b.containers} {
		if err := step(); err != nil {
			return corev1.PodSpec{}, fmt.Errorf("building pod of phase %s: %w", phase.Name, err)
		}
	}
	return b.spec, nil
}

// podBuilder fills a pod's spec step by step.
type podBuilder struct {
	run       *v1alpha1.ValidationRun
	phase     *v1alpha1.Phase
	item      Item
	validator v1alpha1.Validator
	spec      corev1.PodSpec
	mounts    []corev1.VolumeMount
}

func (b *podBuilder) scheduling() (err error) {
	if b.spec.Tolerations, err = convert[[]corev1.Toleration](b.validator.Tolerations); err != nil {
		return err
	}
	defer b.pin()
	if b.validator.Affinity != nil {
		b.spec.Affinity, err = convert[*corev1.Affinity](b.validator.Affinity)
		return err
	}
	b.spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
		PreferredDuringSchedulingIgnoredDuringExecution: []corev1.PreferredSchedulingTerm{{
			Weight: 100,
			Preference: corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{{
				Key: "nvidia.com/gpu.present", Operator: corev1.NodeSelectorOpDoesNotExist,
			}}},
		}},
	}}
	return nil
}

// pin leaves the scheduler one node, which it still has to find fit: spec.nodeName would go past it, and past taints and what is free.
func (b *podBuilder) pin() {
	if b.item.Node == "" || b.spec.Affinity == nil {
		return
	}
	if b.spec.Affinity.NodeAffinity == nil {
		b.spec.Affinity.NodeAffinity = &corev1.NodeAffinity{}
	}
	affinity := b.spec.Affinity.NodeAffinity
	is := corev1.NodeSelectorRequirement{Key: metav1.ObjectNameField, Operator: corev1.NodeSelectorOpIn, Values: []string{b.item.Node}}
	if affinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		affinity.RequiredDuringSchedulingIgnoredDuringExecution = &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{}}}
	}
	// One of the terms has to hold, and so each of them has to name the node.
	terms := affinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms
	for i := range terms {
		terms[i].MatchFields = append(terms[i].MatchFields, is)
	}
}

// security gives what Pod Security "restricted" asks for, where the run does not give its own.
func (b *podBuilder) security() (err error) {
	if b.validator.PodSecurityContext != nil {
		b.spec.SecurityContext, err = convert[*corev1.PodSecurityContext](b.validator.PodSecurityContext)
		return err
	}
	b.spec.SecurityContext = &corev1.PodSecurityContext{
		RunAsNonRoot:   new(true),
		RunAsUser:      ptr.To[int64](user),
		RunAsGroup:     ptr.To[int64](user),
		FSGroup:        ptr.To[int64](user),
		SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
	return nil
}

func (b *podBuilder) containerSecurity() (*corev1.SecurityContext, error) {
	if b.validator.SecurityContext != nil {
		return convert[*corev1.SecurityContext](b.validator.SecurityContext)
	}
	return &corev1.SecurityContext{
		AllowPrivilegeEscalation: new(false),
		Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
	}, nil
}

func (b *podBuilder) containers() error {
	security, err := b.containerSecurity()
	if err != nil {
		return err
	}
	env, err := b.env()
	if err != nil {
		return err
	}
	resources, err := resources(b.validator.Resources)
	if err != nil {
		return err
	}
	if b.phase.Name == v1alpha1.PhasePreflight {
		resources = withoutDevices(resources) // all that it does is to list
	}
	command, args := validatorCommand(b.phase)
	validator := corev1.Container{
		Name: ValidatorContainer, Image: b.validator.Image, ImagePullPolicy: corev1.PullPolicy(b.validator.ImagePullPolicy),
		Command: command, Args: args, Env: env, Resources: resources, SecurityContext: security,
		VolumeMounts:             append(slices.Clone(b.mounts), corev1.VolumeMount{Name: tokenVolume, MountPath: tokenPath, ReadOnly: true}),
		TerminationMessagePolicy: corev1.TerminationMessageReadFile,
	}
	if b.phase.GoTest != nil {
		validator.TerminationMessagePolicy = corev1.TerminationMessageFallbackToLogsOnError
	}
	b.spec.Containers = []corev1.Container{validator}
	if !Lists(b.phase, b.item) {
		return nil
	}
	list := *validator.DeepCopy()
	list.Name = ListContainer
	list.Command, list.Args = listCommand(b.phase.GoTest), nil
	list.Env = append(list.Env, corev1.EnvVar{Name: "AICR_LIST_ONLY", Value: "1"})
	list.VolumeMounts = b.mounts
	list.Resources = withoutDevices(resources)
	b.spec.InitContainers = []corev1.Container{list}
	return nil
}

func (b *podBuilder) env() ([]corev1.EnvVar, error) {
	env := []corev1.EnvVar{{
		Name:      "AICR_NAMESPACE",
		ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.namespace"}},
	}, {
		Name:      "NODE_NAME",
		ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "spec.nodeName"}},
	}}
	for _, input := range Mounted(&b.run.Spec, b.phase.Name) {
		env = append(env, corev1.EnvVar{Name: "AICR_" + strings.ToUpper(input) + "_PATH", Value: inputPath(input) + "/" + keyOf(input)})
	}
	own, err := convert[[]corev1.EnvVar](b.validator.Env)
	return append(env, own...), err
}

func resources(from v1alpha1.ResourceRequirements) (out corev1.ResourceRequirements, err error) {
	if out.Requests, err = resourceList(from.Requests); err != nil {
		return out, fmt.Errorf("requests: %w", err)
	}
	if out.Limits, err = resourceList(from.Limits); err != nil {
		return out, fmt.Errorf("limits: %w", err)
	}
	return out, nil
}

func resourceList(from map[string]v1alpha1.Amount) (corev1.ResourceList, error) {
	if len(from) == 0 {
		return nil, nil
	}
	out := corev1.ResourceList{}
	for name, amount := range from {
		q, err := amount.Quantity()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out[corev1.ResourceName(name)] = q
	}
	return out, nil
}

// withoutDevices leaves out extended resources: listing tests needs no GPU.
func withoutDevices(r corev1.ResourceRequirements) corev1.ResourceRequirements {
	device := func(name corev1.ResourceName, _ resource.Quantity) bool { return strings.Contains(string(name), "/") }
	r = *r.DeepCopy()
	maps.DeleteFunc(r.Requests, device)
	maps.DeleteFunc(r.Limits, device)
	return r
}
