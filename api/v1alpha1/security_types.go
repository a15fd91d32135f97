package v1alpha1

// The types in this file are those of the pod that validators need, under the
// names of the core API, with a bound on every number, list and string: one
// value that does not decode would stop the operator's list of all runs.

// PodSecurityContext is the part of a pod's security context that validators
// need.
type PodSecurityContext struct {
	// runAsUser is the numeric user.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2147483647
	RunAsUser *int64 `json:"runAsUser,omitempty"`

	// runAsGroup is the numeric group.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2147483647
	RunAsGroup *int64 `json:"runAsGroup,omitempty"`

	// runAsNonRoot makes the kubelet refuse a container that would run as root.
	// +optional
	RunAsNonRoot *bool `json:"runAsNonRoot,omitempty"`

	// fsGroup is the group that owns the volumes.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2147483647
	FSGroup *int64 `json:"fsGroup,omitempty"`

	// supplementalGroups are further groups.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:Minimum=0
	// +kubebuilder:validation:items:Maximum=2147483647
	SupplementalGroups []int64 `json:"supplementalGroups,omitempty"`

	// seccompProfile is the seccomp profile.
	// +optional
	SeccompProfile *SeccompProfile `json:"seccompProfile,omitempty"`
}

// SecurityContext is the part of a container's security context that
// validators need.
type SecurityContext struct {
	// capabilities are added to and dropped from the runtime's default ones.
	// +optional
	Capabilities *Capabilities `json:"capabilities,omitempty"`

	// privileged runs the container with all rights of the host's root.
	// +optional
	Privileged *bool `json:"privileged,omitempty"`

	// allowPrivilegeEscalation lets a process gain more rights than its parent.
	// +optional
	AllowPrivilegeEscalation *bool `json:"allowPrivilegeEscalation,omitempty"`

	// readOnlyRootFilesystem mounts the image read-only.
	// +optional
	ReadOnlyRootFilesystem *bool `json:"readOnlyRootFilesystem,omitempty"`

	// runAsUser is the numeric user.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2147483647
	RunAsUser *int64 `json:"runAsUser,omitempty"`

	// runAsGroup is the numeric group.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2147483647
	RunAsGroup *int64 `json:"runAsGroup,omitempty"`

	// runAsNonRoot makes the kubelet refuse the container if it would run as root.
	// +optional
	RunAsNonRoot *bool `json:"runAsNonRoot,omitempty"`

	// seccompProfile is the seccomp profile.
	// +optional
	SeccompProfile *SeccompProfile `json:"seccompProfile,omitempty"`
}

// Capabilities are POSIX capabilities by name, without CAP_.
type Capabilities struct {
	// add are capabilities to add.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=48
	// +kubebuilder:validation:items:MaxLength=64
	Add []string `json:"add,omitempty"`

	// drop are capabilities to drop, ALL for all.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=48
	// +kubebuilder:validation:items:MaxLength=64
	Drop []string `json:"drop,omitempty"`
}

// SeccompProfile is a seccomp profile.
//
// +kubebuilder:validation:XValidation:rule="(self.type == 'Localhost') == has(self.localhostProfile)",message="localhostProfile is required with type Localhost, and only there"
type SeccompProfile struct {
	// type is the kind of profile.
	// +required
	// +kubebuilder:validation:Enum=RuntimeDefault;Unconfined;Localhost
	Type string `json:"type,omitempty"`

	// localhostProfile is the profile's path on the node, below the kubelet's
	// seccomp folder.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	LocalhostProfile *string `json:"localhostProfile,omitempty"`
}
