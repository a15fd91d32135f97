package health

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Tally is what the pods of some namespaces tell of one another and of the claims there, once all were added.
type Tally struct {
	// claims are those that pods use, and living the workloads that have a pod which has not ended.
	claims, living map[string]bool
	displaced      []Displaced
}

// Displaced is a pod that the cluster has ended: it was evicted or preempted, or its node was shut down. Such a pod is left to be looked
// at, while another runs in its place.
type Displaced struct {
	// Name is the pod's, with its namespace.
	Name, Why string
	// Replaced is whether its workload has a pod that has not ended.
	Replaced bool

	workload string
}

// Add reads a pod. It reports whether that is one that was displaced, of which Displaced tells in the end.
func (t *Tally) Add(pod *corev1.Pod) bool {
	if t.claims == nil {
		t.claims, t.living = map[string]bool{}, map[string]bool{}
	}
	for _, volume := range pod.Spec.Volumes {
		switch {
		case volume.PersistentVolumeClaim != nil:
			t.claims[pod.Namespace+"/"+volume.PersistentVolumeClaim.ClaimName] = true
		case volume.Ephemeral != nil:
			t.claims[pod.Namespace+"/"+pod.Name+"-"+volume.Name] = true
		}
	}
	workload := workloadOf(pod)
	if workload == "" {
		return false
	}
	if pod.DeletionTimestamp == nil && !PodFinished(pod) {
		t.living[workload] = true
	}
	// Where containers are started again, a pod does not fail by itself.
	if pod.DeletionTimestamp != nil || pod.Status.Phase != corev1.PodFailed || pod.Spec.RestartPolicy == corev1.RestartPolicyNever {
		return false
	}
	t.displaced = append(t.displaced, Displaced{Name: pod.Namespace + "/" + pod.Name, Why: DescribePod(pod), workload: workload})
	return true
}

// workloadOf names what runs a pod; empty for a Job, which itself decides what its pods' ends mean, and for nobody. A Deployment runs pods
// by one ReplicaSet for each of its generations.
func workloadOf(pod *corev1.Pod) string {
	owner := metav1.GetControllerOf(pod)
	if owner == nil || owner.Kind == "Job" {
		return ""
	}
	return pod.Namespace + "/" + owner.Kind + "/" + strings.TrimSuffix(owner.Name, "-"+pod.Labels["pod-template-hash"])
}

// Displaced are the pods that were displaced.
func (t *Tally) Displaced() []Displaced {
	for i := range t.displaced {
		t.displaced[i].Replaced = t.living[t.displaced[i].workload]
	}
	return t.displaced
}

// Uses reports whether a pod uses a claim.
func (t *Tally) Uses(claim *corev1.PersistentVolumeClaim) bool {
	return t.claims[claim.Namespace+"/"+claim.Name]
}

// AwaitsPod reports whether a claim is one for which there is no volume before a pod uses it.
func AwaitsPod(claim *corev1.PersistentVolumeClaim, classes []storagev1.StorageClass) bool {
	for i := range classes {
		mode := classes[i].VolumeBindingMode
		if claim.Spec.StorageClassName != nil && classes[i].Name == *claim.Spec.StorageClassName {
			return mode != nil && *mode == storagev1.VolumeBindingWaitForFirstConsumer
		}
	}
	return false
}
