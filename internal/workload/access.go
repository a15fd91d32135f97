package workload

import (
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

// ServiceAccountName is the ServiceAccount that the run's validators run as.
func ServiceAccountName(run *v1alpha1.ValidationRun) string {
	if run.Spec.ServiceAccountName != "" {
		return run.Spec.ServiceAccountName
	}
	return AccessName(run)
}

// ServiceAccount is the run's own identity.
func ServiceAccount(run *v1alpha1.ValidationRun) *corev1.ServiceAccount {
	return &corev1.ServiceAccount{
		ObjectMeta:                   Meta(run, AccessName(run), ComponentAccess, 0),
		AutomountServiceAccountToken: new(false),
	}
}

// RoleBinding gives the run's own identity the rights of the ClusterRole validation-check in the run's namespace.
func RoleBinding(run *v1alpha1.ValidationRun) *rbacv1.RoleBinding {
	name := AccessName(run)
	return &rbacv1.RoleBinding{
		ObjectMeta: Meta(run, name, ComponentAccess, 0),
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: v1alpha1.CheckClusterRole},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: name, Namespace: run.Namespace}},
	}
}
