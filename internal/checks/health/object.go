package health

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
)

// judges are of the kinds whose state takes more than conditions to tell.
var judges = map[string]func(*unstructured.Unstructured) error{
	"Deployment.apps":        judge(Deployment),
	"DaemonSet.apps":         judge(DaemonSet),
	"StatefulSet.apps":       judge(StatefulSet),
	"ReplicaSet.apps":        judge(replicaSet),
	"ReplicationController.": judge(replicationController),
	"Job.batch":              judge(job),
	"CronJob.batch":          judge(cronJob),
	"Pod.":                   judge(pod),
	"PersistentVolumeClaim.": judge(claim),
	"Namespace.":             judge(namespace),
	"CustomResourceDefinition.apiextensions.k8s.io": judgeDefinition,
}

// Object says what stands against an object that has to be there, by what is known of its kind, and else by its own conditions. One that is
// being deleted will not be there.
func Object(object *unstructured.Unstructured) []string {
	kind := object.GroupVersionKind().GroupKind()
	known, found := judges[kind.Kind+"."+kind.Group]
	if !found {
		return Conditions(object)
	}
	if object.GetDeletionTimestamp() != nil {
		return Conditions(object)
	}
	if err := known(object); err != nil {
		return []string{err.Error()}
	}
	return nil
}

// judge is the judge of a typed object for one whose type is not known.
func judge[T any](of func(*T) error) func(*unstructured.Unstructured) error {
	return func(object *unstructured.Unstructured) error {
		typed := new(T)
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, typed); err != nil {
			return fmt.Errorf("it cannot be read: %w", err)
		}
		return of(typed)
	}
}

func replicaSet(r *appsv1.ReplicaSet) error {
	return replicas(ptr.Deref(r.Spec.Replicas, 1), r.Generation, r.Status.ObservedGeneration, r.Status.AvailableReplicas)
}

func replicationController(r *corev1.ReplicationController) error {
	return replicas(ptr.Deref(r.Spec.Replicas, 1), r.Generation, r.Status.ObservedGeneration, r.Status.AvailableReplicas)
}

func replicas(desired int32, generation, observed int64, available int32) error {
	switch {
	case desired == 0:
		return errNoneDesired
	case observed < generation:
		return unseen(generation, observed)
	case available < desired:
		return fmt.Errorf("%d of %d replicas are available", available, desired)
	}
	return nil
}

func job(j *batchv1.Job) error {
	for _, c := range j.Status.Conditions {
		if c.Status != corev1.ConditionTrue {
			continue
		}
		switch c.Type {
		case batchv1.JobComplete:
			return nil
		case batchv1.JobFailed:
			return fmt.Errorf("it has failed (%s: %s)", c.Reason, c.Message)
		default:
		}
	}
	return fmt.Errorf("it is not complete: %d active, %d succeeded and %d failed pods", j.Status.Active, j.Status.Succeeded, j.Status.Failed)
}

func cronJob(c *batchv1.CronJob) error {
	if ptr.Deref(c.Spec.Suspend, false) {
		return fmt.Errorf("it is suspended")
	}
	return nil
}

func pod(p *corev1.Pod) error {
	if p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodRunning && PodReady(p) {
		return nil
	}
	return fmt.Errorf("it is neither ready nor succeeded: %s", DescribePod(p))
}

func claim(c *corev1.PersistentVolumeClaim) error {
	if c.Status.Phase != corev1.ClaimBound {
		return fmt.Errorf("it is %s", c.Status.Phase)
	}
	return nil
}

func namespace(n *corev1.Namespace) error {
	if n.Status.Phase != corev1.NamespaceActive {
		return fmt.Errorf("it is %s", n.Status.Phase)
	}
	return nil
}

func judgeDefinition(object *unstructured.Unstructured) error {
	for _, problem := range definition(object) {
		return fmt.Errorf("%s", problem)
	}
	return nil
}

// Definition says what keeps a CustomResourceDefinition from being at rest.
func Definition(crd *unstructured.Unstructured, now time.Time) []string {
	if crd.GetDeletionTimestamp() != nil {
		return Unrest(crd, now)
	}
	return definition(crd)
}

// definition says what stands against a CustomResourceDefinition. One without conditions has not been looked at by anybody.
func definition(crd *unstructured.Unstructured) []string {
	problems := Conditions(crd)
	if len(problems) == 0 && !ConditionTrue(crd, string(apiextensionsv1.Established)) {
		return []string{"it does not say that it is established"}
	}
	return problems
}
