package controller

import (
	"slices"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/plan"
)

// kin is what a pass knows of a run's Jobs and pods: what each is for, and whose. It is put together once, so that a pass over thousands of
// them takes as many steps.
type kin struct {
	*roster
	run  *v1alpha1.ValidationRun
	pods map[string][]*corev1.Pod
}

func (r *Reconciler) kinOf(run *v1alpha1.ValidationRun, pods []corev1.Pod) *kin {
	return &kin{roster: rosterOf(run), run: run, pods: byJob(pods)}
}

// byJob are pods by the names of their Jobs.
func byJob(pods []corev1.Pod) map[string][]*corev1.Pod {
	out := make(map[string][]*corev1.Pod, len(pods))
	for i := range pods {
		if owner := metav1.GetControllerOfNoCopy(&pods[i]); owner != nil && owner.Kind == "Job" {
			out[owner.Name] = append(out[owner.Name], &pods[i])
		}
	}
	return out
}

// podsOf are the pods of a Job. One of another Job of the same name is none of its: where the Job is there, its UID tells.
func podsOf(job *batchv1.Job, pods []*corev1.Pod) (out []plan.Pod) {
	for _, pod := range pods {
		if owner := metav1.GetControllerOfNoCopy(pod); job.UID == "" || owner.UID == job.UID {
			out = append(out, plan.Look(pod))
		}
	}
	slices.SortFunc(out, func(a, b plan.Pod) int { return strings.Compare(a.Name, b.Name) })
	return out
}
