package v1alpha1

// Volume is a volume of the validators' pods.
//
// +kubebuilder:validation:XValidation:rule="[has(self.configMap), has(self.secret), has(self.emptyDir), has(self.projected), has(self.persistentVolumeClaim)].filter(x, x).size() == 1",message="a volume needs exactly one of configMap, secret, emptyDir, projected and persistentVolumeClaim"
// +kubebuilder:validation:XValidation:rule="!self.name.startsWith('validation-')",message="names of volumes that begin with validation- are the operator's: choose another",fieldPath=".name"
type Volume struct {
	// name is what volumeMounts refer to: a DNS label.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="must be a DNS label: lower-case letters, digits and dashes, such as shared-memory"
	Name string `json:"name,omitempty"`

	// configMap holds the keys of a ConfigMap as files.
	// +optional
	ConfigMap *ConfigMapVolume `json:"configMap,omitempty"`

	// secret holds the keys of a Secret as files.
	// +optional
	Secret *SecretVolume `json:"secret,omitempty"`

	// emptyDir is empty when the pod starts, and gone with it.
	// +optional
	EmptyDir *EmptyDirVolume `json:"emptyDir,omitempty"`

	// projected holds files of several sources.
	// +optional
	Projected *ProjectedVolume `json:"projected,omitempty"`

	// persistentVolumeClaim is an existing claim of the run's namespace.
	// +optional
	PersistentVolumeClaim *ClaimVolume `json:"persistentVolumeClaim,omitempty"`
}

// ConfigMapVolume is a ConfigMap as files.
type ConfigMapVolume struct {
	// name is the ConfigMap's name.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// items are the keys to take, and their paths. Empty: all keys.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	Items []KeyPath `json:"items,omitempty"`

	// optional says that the pod starts without the ConfigMap, too.
	// +optional
	Optional *bool `json:"optional,omitempty"`
}

// SecretVolume is a Secret as files.
type SecretVolume struct {
	// secretName is the Secret's name.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	SecretName string `json:"secretName,omitempty"`

	// items are the keys to take, and their paths. Empty: all keys.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	Items []KeyPath `json:"items,omitempty"`

	// optional says that the pod starts without the Secret, too.
	// +optional
	Optional *bool `json:"optional,omitempty"`
}

// KeyPath is a key and the file it becomes.
type KeyPath struct {
	// key is the key.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Key string `json:"key,omitempty"`

	// path is the file's path in the volume.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Path string `json:"path,omitempty"`
}

// EmptyDirVolume is scratch space.
type EmptyDirVolume struct {
	// medium is Memory for a RAM disk, such as /dev/shm for NCCL. Empty: the
	// node's disk.
	// +optional
	// +kubebuilder:validation:Enum="";Memory
	Medium string `json:"medium,omitempty"`

	// sizeLimit is the most it may hold.
	// +optional
	SizeLimit *Amount `json:"sizeLimit,omitempty"`
}

// ProjectedVolume holds files of several sources.
type ProjectedVolume struct {
	// sources are the sources.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	Sources []ProjectedSource `json:"sources,omitempty"`
}

// ProjectedSource is one source of a projected volume.
//
// +kubebuilder:validation:XValidation:rule="[has(self.configMap), has(self.secret), has(self.serviceAccountToken)].filter(x, x).size() == 1",message="a source needs exactly one of configMap, secret and serviceAccountToken"
type ProjectedSource struct {
	// configMap is a ConfigMap as files.
	// +optional
	ConfigMap *ConfigMapVolume `json:"configMap,omitempty"`

	// secret is a Secret as files.
	// +optional
	Secret *ProjectedSecret `json:"secret,omitempty"`

	// serviceAccountToken is a token of the pod's ServiceAccount.
	// +optional
	ServiceAccountToken *ProjectedToken `json:"serviceAccountToken,omitempty"`
}

// ProjectedSecret is a Secret in a projected volume.
type ProjectedSecret struct {
	// name is the Secret's name.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// items are the keys to take, and their paths. Empty: all keys.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	Items []KeyPath `json:"items,omitempty"`

	// optional says that the pod starts without the Secret, too.
	// +optional
	Optional *bool `json:"optional,omitempty"`
}

// ProjectedToken is a token of the pod's ServiceAccount.
type ProjectedToken struct {
	// audience is whom the token is for. Empty: the API server.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	Audience string `json:"audience,omitempty"`

	// expirationSeconds is how long it is valid.
	// +optional
	// +kubebuilder:validation:Minimum=600
	// +kubebuilder:validation:Maximum=604800
	ExpirationSeconds *int64 `json:"expirationSeconds,omitempty"`

	// path is the file's path in the volume.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Path string `json:"path,omitempty"`
}

// ClaimVolume is an existing PersistentVolumeClaim.
type ClaimVolume struct {
	// claimName is the claim's name.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ClaimName string `json:"claimName,omitempty"`

	// readOnly mounts it read-only.
	// +optional
	ReadOnly bool `json:"readOnly,omitempty"`
}

// VolumeMount says where a volume is mounted.
type VolumeMount struct {
	// name is the volume's name.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name,omitempty"`

	// mountPath is where it is mounted: an absolute path. /data/snapshot and
	// /data/recipe are taken where the run has these inputs.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="self.startsWith('/') && !self.contains(':')",message="must be an absolute path without a colon, such as /etc/ssl/certs"
	MountPath string `json:"mountPath,omitempty"`

	// subPath is the part of the volume that is mounted.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	SubPath string `json:"subPath,omitempty"`

	// readOnly mounts it read-only.
	// +optional
	ReadOnly bool `json:"readOnly,omitempty"`
}
