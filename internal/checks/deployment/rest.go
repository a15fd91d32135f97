package deployment

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/internal/checks/health"
	"github.com/validation-operator/validation-operator/internal/checks/recipe"
)

// NamespaceHealth proves that the namespaces of the recipe's components are at rest: each exists and is Active, no pod in them is
// pending, not ready, failed or held in its deletion for long, and every claim of storage is bound.
func NamespaceHealth(ctx context.Context, b *cluster.Bench, r *recipe.Recipe) *finding.Finding {
	f := ComponentNamespaces(ctx, b, r)
	if f.Skip != "" || f.Failed() {
		return f
	}
	var tally health.Tally
	f = eachPod(ctx, b, r, "to be at rest", func(pod *corev1.Pod) []string {
		if tally.Add(pod) {
			return nil // until it is known whether another runs in its place
		}
		return health.PodUnrest(pod, time.Now())
	})
	for _, pod := range tally.Displaced() {
		if pod.Replaced {
			f.Note("pod %s was ended by the cluster, and another runs in its place: %s", pod.Name, pod.Why)
			continue
		}
		f.Fail(fmt.Sprintf("pod %s to be at rest", pod.Name), "it has failed, and none runs in its place: "+pod.Why,
			"see the events of its workload, and delete the pod if that is to run no more")
	}
	for _, namespace := range r.Namespaces() {
		claims(ctx, b, f, namespace, &tally)
	}
	return f
}

// claims judges the claims of storage in a namespace. One that no pod uses may be one that waits for the first; only its class tells.
func claims(ctx context.Context, b *cluster.Bench, f *finding.Finding, namespace string, tally *health.Tally) {
	classes := sync.OnceValues(func() ([]storagev1.StorageClass, error) {
		var all []storagev1.StorageClass
		err := each(ctx, b.StorageV1().StorageClasses().List, func(l *storagev1.StorageClassList) []storagev1.StorageClass { return l.Items },
			func(class *storagev1.StorageClass) { all = append(all, *class) })
		return all, err
	})
	err := each(ctx, b.CoreV1().PersistentVolumeClaims(namespace).List,
		func(l *corev1.PersistentVolumeClaimList) []corev1.PersistentVolumeClaim { return l.Items },
		func(claim *corev1.PersistentVolumeClaim) {
			problem := health.ClaimProblem(claim, time.Now())
			if problem == "" {
				return
			}
			if claim.Status.Phase == corev1.ClaimPending && claim.Spec.StorageClassName != nil && !tally.Uses(claim) {
				all, err := classes()
				if err != nil {
					f.Refused("list StorageClasses of the cluster, to tell a claim that waits for its first pod", err)
					return
				}
				if health.AwaitsPod(claim, all) {
					f.Note("claim %s/%s waits for a first pod to use it", namespace, claim.Name)
					return
				}
			}
			f.Fail(fmt.Sprintf("claim %s/%s to be bound", namespace, claim.Name), problem,
				fmt.Sprintf("see kubectl -n %s describe pvc %s", namespace, claim.Name))
		})
	refused(f, "list PersistentVolumeClaims", namespace, err)
}
