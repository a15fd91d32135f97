// Package health judges API objects as they were read: is a workload rolled out, is a pod stuck, can a node take work? It is
// pure; it must import neither a client nor a check.
package health

import (
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/utils/ptr"
)

var errNoneDesired = errors.New("no replicas are desired, so nothing runs")

// Deployment says what a Deployment's rollout lacks, or nothing: it is complete when the controller has seen the latest
// generation and every desired replica, of which there must be some, is of that generation and available.
func Deployment(d *appsv1.Deployment) error {
	desired := ptr.Deref(d.Spec.Replicas, 1)
	s := d.Status
	switch {
	case desired == 0:
		return errNoneDesired
	case s.ObservedGeneration < d.Generation:
		return unseen(d.Generation, s.ObservedGeneration)
	case s.UpdatedReplicas < desired:
		return fmt.Errorf("%d of %d replicas are of the current generation", s.UpdatedReplicas, desired)
	case s.Replicas > s.UpdatedReplicas:
		return fmt.Errorf("%d replicas of an older generation are left", s.Replicas-s.UpdatedReplicas)
	case s.AvailableReplicas < desired:
		return fmt.Errorf("%d of %d replicas are available", s.AvailableReplicas, desired)
	}
	return nil
}

// DaemonSet says what a DaemonSet's rollout lacks, or nothing.
func DaemonSet(d *appsv1.DaemonSet) error {
	s := d.Status
	switch {
	case s.ObservedGeneration < d.Generation:
		return unseen(d.Generation, s.ObservedGeneration)
	case s.DesiredNumberScheduled == 0:
		return errors.New("no node matches it, so nothing runs")
	case s.UpdatedNumberScheduled < s.DesiredNumberScheduled:
		return fmt.Errorf("%d of %d pods are of the current generation", s.UpdatedNumberScheduled, s.DesiredNumberScheduled)
	case s.NumberAvailable < s.DesiredNumberScheduled:
		return fmt.Errorf("%d of %d pods are available", s.NumberAvailable, s.DesiredNumberScheduled)
	}
	return nil
}

// StatefulSet says what a StatefulSet's rollout lacks, or nothing. A partition is an unfinished rollout: the replicas below it
// are of an older generation.
func StatefulSet(s *appsv1.StatefulSet) error {
	desired := ptr.Deref(s.Spec.Replicas, 1)
	status := s.Status
	switch {
	case desired == 0:
		return errNoneDesired
	case status.ObservedGeneration < s.Generation:
		return unseen(s.Generation, status.ObservedGeneration)
	case status.UpdatedReplicas < desired:
		return fmt.Errorf("%d of %d replicas are of the current revision", status.UpdatedReplicas, desired)
	case status.AvailableReplicas < desired:
		return fmt.Errorf("%d of %d replicas are available", status.AvailableReplicas, desired)
	}
	return nil
}

func unseen(generation, observed int64) error {
	return fmt.Errorf("its controller has seen generation %d of %d", observed, generation)
}
