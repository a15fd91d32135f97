package v1alpha1

// Validator is how the pods of a run's validators look.
type Validator struct {
	// image is the validators' image. It may be left out only where every phase
	// has its own.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-a-zA-Z0-9._:/@]+$')",message="must be an image reference, such as registry.example.com/validator:v1"
	Image string `json:"image,omitempty"`

	// imagePullPolicy says when the image is pulled. Empty: Always for the tag
	// latest, else IfNotPresent.
	// +optional
	ImagePullPolicy PullPolicy `json:"imagePullPolicy,omitempty"`

	// imagePullSecrets are Secrets of the run's namespace with the registry's
	// credentials.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=8
	ImagePullSecrets []LocalReference `json:"imagePullSecrets,omitempty"`

	// env are environment variables of the validator. AICR_NAMESPACE,
	// AICR_SNAPSHOT_PATH, AICR_RECIPE_PATH, AICR_LIST_ONLY and
	// AICR_INFRASTRUCTURE are set by the operator.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	Env []EnvVar `json:"env,omitempty"`

	// resources are the validator's requests and limits.
	// +optional
	Resources ResourceRequirements `json:"resources,omitzero"`

	// nodeSelector are labels that the node must carry.
	// +optional
	// +kubebuilder:validation:MaxProperties=16
	// +kubebuilder:validation:XValidation:rule="self.all(k, size(k) <= 317 && size(self[k]) <= 63)",message="a label's key has at most 317 characters and its value at most 63"
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`

	// tolerations are the taints that the validator tolerates.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	Tolerations []Toleration `json:"tolerations,omitempty"`

	// affinity replaces the default one, which prefers nodes without the label
	// nvidia.com/gpu.present. Give {} for none.
	// +optional
	Affinity *Affinity `json:"affinity,omitempty"`

	// priorityClassName is the pods' PriorityClass.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	PriorityClassName string `json:"priorityClassName,omitempty"`

	// runtimeClassName is the pods' RuntimeClass, such as nvidia.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	RuntimeClassName string `json:"runtimeClassName,omitempty"`

	// podSecurityContext replaces the default one, which meets Pod Security
	// "restricted" as user and group 65532.
	// +optional
	PodSecurityContext *PodSecurityContext `json:"podSecurityContext,omitempty"`

	// securityContext replaces the default one of the validator's container, which
	// meets Pod Security "restricted".
	// +optional
	SecurityContext *SecurityContext `json:"securityContext,omitempty"`

	// volumes are further volumes of the pods. An emptyDir at /tmp comes with
	// every pod.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	Volumes []Volume `json:"volumes,omitempty"`

	// volumeMounts say where the volumes are mounted in the validator's container.
	// +optional
	// +listType=map
	// +listMapKey=mountPath
	// +kubebuilder:validation:MaxItems=16
	VolumeMounts []VolumeMount `json:"volumeMounts,omitempty"`
}

// PhaseValidator replaces fields of the run's Validator for one phase. A field
// that is absent leaves the run's; an empty one clears it.
type PhaseValidator struct {
	// image replaces the run's image.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-a-zA-Z0-9._:/@]+$')",message="must be an image reference, such as registry.example.com/validator:v1"
	Image *string `json:"image,omitempty"`

	// imagePullPolicy replaces the run's imagePullPolicy.
	// +optional
	ImagePullPolicy *PullPolicy `json:"imagePullPolicy,omitempty"`

	// imagePullSecrets replaces the run's imagePullSecrets.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=8
	ImagePullSecrets []LocalReference `json:"imagePullSecrets,omitzero"`

	// env replaces the run's env.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	Env []EnvVar `json:"env,omitzero"`

	// resources replaces the run's resources.
	// +optional
	Resources *ResourceRequirements `json:"resources,omitempty"`

	// nodeSelector replaces the run's nodeSelector.
	// +optional
	// +kubebuilder:validation:MaxProperties=16
	// +kubebuilder:validation:XValidation:rule="self.all(k, size(k) <= 317 && size(self[k]) <= 63)",message="a label's key has at most 317 characters and its value at most 63"
	NodeSelector map[string]string `json:"nodeSelector,omitzero"`

	// tolerations replaces the run's tolerations.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	Tolerations []Toleration `json:"tolerations,omitzero"`

	// priorityClassName replaces the run's priorityClassName.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	PriorityClassName *string `json:"priorityClassName,omitempty"`

	// runtimeClassName replaces the run's runtimeClassName.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	RuntimeClassName *string `json:"runtimeClassName,omitempty"`

	// podSecurityContext replaces the run's podSecurityContext.
	// +optional
	PodSecurityContext *PodSecurityContext `json:"podSecurityContext,omitempty"`

	// securityContext replaces the run's securityContext.
	// +optional
	SecurityContext *SecurityContext `json:"securityContext,omitempty"`

	// volumes replaces the run's volumes.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	Volumes []Volume `json:"volumes,omitzero"`

	// volumeMounts replaces the run's volumeMounts.
	// +optional
	// +listType=map
	// +listMapKey=mountPath
	// +kubebuilder:validation:MaxItems=16
	VolumeMounts []VolumeMount `json:"volumeMounts,omitzero"`
}

// PullPolicy says when an image is pulled.
//
// +kubebuilder:validation:Enum=Always;IfNotPresent;Never
type PullPolicy string

// The pull policies of Kubernetes.
const (
	// PullAlways asks the registry each time.
	PullAlways PullPolicy = "Always"
	// PullIfNotPresent pulls what the node does not have.
	PullIfNotPresent PullPolicy = "IfNotPresent"
	// PullNever takes what the node has.
	PullNever PullPolicy = "Never"
)

// LocalReference names an object of the run's namespace.
type LocalReference struct {
	// name is the object's name.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`
}

// EnvVar is one environment variable.
//
// +kubebuilder:validation:XValidation:rule="!(has(self.value) && has(self.valueFrom))",message="an environment variable has a value or a valueFrom, not both"
// +kubebuilder:validation:XValidation:rule="!(self.name in ['AICR_NAMESPACE', 'AICR_SNAPSHOT_PATH', 'AICR_RECIPE_PATH', 'AICR_LIST_ONLY', 'AICR_INFRASTRUCTURE'])",message="AICR_NAMESPACE, AICR_SNAPSHOT_PATH, AICR_RECIPE_PATH, AICR_LIST_ONLY and AICR_INFRASTRUCTURE are set by the operator: leave them out",fieldPath=".name"
type EnvVar struct {
	// name is the variable's name.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-._a-zA-Z][-._a-zA-Z0-9]*$')",message="must be the name of an environment variable: letters, digits, dashes, underscores and dots, and no digit first"
	Name string `json:"name,omitempty"`

	// value is its value; $(NAME) is expanded from variables before it.
	// +optional
	// +kubebuilder:validation:MaxLength=8192
	Value string `json:"value,omitempty"`

	// valueFrom takes the value from elsewhere.
	// +optional
	ValueFrom *EnvVarSource `json:"valueFrom,omitempty"`
}

// EnvVarSource is where a variable's value comes from.
//
// +kubebuilder:validation:XValidation:rule="[has(self.configMapKeyRef), has(self.secretKeyRef), has(self.fieldRef)].filter(x, x).size() == 1",message="valueFrom needs exactly one of configMapKeyRef, secretKeyRef and fieldRef"
type EnvVarSource struct {
	// configMapKeyRef takes it from a ConfigMap of the run's namespace.
	// +optional
	ConfigMapKeyRef *OptionalKey `json:"configMapKeyRef,omitempty"`

	// secretKeyRef takes it from a Secret of the run's namespace.
	// +optional
	SecretKeyRef *OptionalKey `json:"secretKeyRef,omitempty"`

	// fieldRef takes it from a field of the pod.
	// +optional
	FieldRef *FieldRef `json:"fieldRef,omitempty"`
}

// OptionalKey is one key of a ConfigMap or Secret.
type OptionalKey struct {
	// name is the object's name.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// key is the key in it.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-._a-zA-Z0-9]+$')",message="must be a key: letters, digits, dashes, underscores and dots, such as token"
	Key string `json:"key,omitempty"`

	// optional says that the pod starts without it, too.
	// +optional
	Optional *bool `json:"optional,omitempty"`
}

// FieldRef is a field of the pod.
type FieldRef struct {
	// fieldPath is the field, such as spec.nodeName or metadata.labels['KEY'].
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^(metadata[.](name|namespace|uid|(labels|annotations)[[].[^]]+.[]])|spec[.](nodeName|serviceAccountName)|status[.](hostIPs?|podIPs?))$')",message="must be metadata.name, metadata.namespace, metadata.uid, metadata.labels['KEY'], metadata.annotations['KEY'], spec.nodeName, spec.serviceAccountName, status.hostIP, status.hostIPs, status.podIP or status.podIPs"
	FieldPath string `json:"fieldPath,omitempty"`
}

// ResourceRequirements are the requests and limits of the validator's
// container.
type ResourceRequirements struct {
	// requests are what the node must have free.
	// +optional
	// +kubebuilder:validation:MaxProperties=16
	// +kubebuilder:validation:XValidation:rule="self.all(k, size(k) <= 317)",message="a resource's name has at most 317 characters"
	Requests map[string]Amount `json:"requests,omitempty"`

	// limits are what the container gets at most. Extended resources such as
	// nvidia.com/gpu are given here; the preflight, which only lists tests, asks
	// for none of them.
	// +optional
	// +kubebuilder:validation:MaxProperties=16
	// +kubebuilder:validation:XValidation:rule="self.all(k, size(k) <= 317)",message="a resource's name has at most 317 characters"
	Limits map[string]Amount `json:"limits,omitempty"`
}
