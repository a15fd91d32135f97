package conformance

import (
	"context"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/internal/checks/probe"
)

const (
	metricsAPI = "metrics.k8s.io/v1beta1"
	// scaled is the least number of replicas that the autoscaler is told to keep, of a Deployment that starts with one.
	scaled = 2
)

// HPA proves that workloads are scaled: an autoscaler takes hold of a Deployment with one replica and raises it to the minimum of
// two. Where the cluster has the metrics API, the autoscaler must come to read the pods' metrics as well.
func HPA(ctx context.Context, b *cluster.Bench) *finding.Finding {
	f := &finding.Finding{}
	deployment := scalable(ctx, b, f)
	if deployment == nil {
		return f
	}
	scalers := b.AutoscalingV2().HorizontalPodAutoscalers(b.Namespace)
	scaler, err := cluster.Make(ctx, b, scalers, &autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Name: deployment.Name},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: deployment.Name},
			MinReplicas:    new(int32(scaled)), MaxReplicas: scaled + 1,
			Metrics: []autoscalingv2.MetricSpec{{
				Type: autoscalingv2.ResourceMetricSourceType,
				Resource: &autoscalingv2.ResourceMetricSource{
					Name:   corev1.ResourceCPU,
					Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: new(int32(80))},
				},
			}},
		},
	})
	if err != nil {
		f.Refused("create HorizontalPodAutoscalers in "+b.Namespace, err)
		return f
	}
	if !comesTo(ctx, b, f, scaler, autoscalingv2.AbleToScale, nil,
		"see that the kube-controller-manager runs its horizontal-pod-autoscaler-controller, and its log") {
		return f
	}
	found, err := cluster.Await(ctx, b.AppsV1().Deployments(b.Namespace), deployment, func(d *appsv1.Deployment) (bool, error) {
		return ptr.Deref(d.Spec.Replicas, 1) == scaled, nil
	})
	if apierrors.IsForbidden(err) {
		f.Refused("watch Deployments in "+b.Namespace, err)
		return f
	}
	if err != nil {
		f.Fail(fmt.Sprintf("the autoscaler to raise Deployment %s to %d replicas", deployment.Name, scaled),
			fmt.Sprintf("%d: %v", ptr.Deref(found.Spec.Replicas, 1), err),
			"see kubectl -n "+b.Namespace+" describe hpa for what refuses the change, an admission policy for instance")
		return f
	}
	metrics(ctx, b, f, scaler, deployment.Spec.Selector.MatchLabels)
	return f
}

// metrics demands that the autoscaler reads metrics of the pods, where there are any.
func metrics(
	ctx context.Context, b *cluster.Bench, f *finding.Finding, scaler *autoscalingv2.HorizontalPodAutoscaler, pods labels.Set,
) {
	_, err := b.Discovery().ServerResourcesForGroupVersion(metricsAPI)
	f.Measure("metrics-api", err == nil)
	switch {
	case apierrors.IsNotFound(err):
		f.Note("the cluster has no metrics API, so that whether the autoscaler can read metrics was not looked at")
	case err != nil:
		f.Fail("the metrics API, which is registered, to answer", err.Error(),
			"see kubectl get apiservice v1beta1.metrics.k8s.io, and the pods of the metrics server")
	default:
		comesTo(ctx, b, f, scaler, autoscalingv2.ScalingActive, pods, "see that the metrics server runs, and kubectl top pods")
	}
}

// scalable makes a Deployment of one small pod that waits.
func scalable(ctx context.Context, b *cluster.Bench, f *finding.Finding) *appsv1.Deployment {
	labels := map[string]string{"validation.aicr.dev/probe": cluster.Name("scaled")}
	pod, err := b.Pod(cluster.Probe{What: "scaled", Run: probe.Wait, Labels: labels})
	if err != nil {
		f.Refused("get pods in "+b.Namespace, err)
		return nil
	}
	// Pods of a Deployment run until they are removed.
	pod.Spec.RestartPolicy, pod.Spec.ActiveDeadlineSeconds = corev1.RestartPolicyAlways, nil
	if !admitted(ctx, b, f, pod) {
		return nil
	}
	deployment, err := cluster.Make(ctx, b, b.AppsV1().Deployments(b.Namespace), &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: pod.Name},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(1)),
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: pod.Spec},
		},
	})
	if err != nil {
		f.Refused("create Deployments in "+b.Namespace, err)
		return nil
	}
	return deployment
}

// comesTo waits for a condition of the autoscaler, which it may need pods for that run.
func comesTo(
	ctx context.Context, b *cluster.Bench, f *finding.Finding, scaler *autoscalingv2.HorizontalPodAutoscaler,
	wanted autoscalingv2.HorizontalPodAutoscalerConditionType, pods labels.Set, mend string,
) bool {
	found, err := cluster.Await(ctx, b.AutoscalingV2().HorizontalPodAutoscalers(b.Namespace), scaler,
		func(scaler *autoscalingv2.HorizontalPodAutoscaler) (bool, error) {
			for _, condition := range scaler.Status.Conditions {
				if condition.Type == wanted {
					return condition.Status == corev1.ConditionTrue, nil
				}
			}
			return false, nil
		})
	switch {
	case apierrors.IsForbidden(err):
		f.Refused("watch HorizontalPodAutoscalers in "+b.Namespace, err)
	case err != nil && pods != nil && noRoomFor(ctx, b, f, pods):
	case err != nil:
		f.Fail(fmt.Sprintf("the autoscaler to come to %s", wanted), scalerSays(found)+": "+err.Error(), mend)
	default:
		return true
	}
	return false
}

func scalerSays(scaler *autoscalingv2.HorizontalPodAutoscaler) string {
	if len(scaler.Status.Conditions) == 0 {
		return "no condition at all"
	}
	var said []string
	for _, c := range scaler.Status.Conditions {
		said = append(said, fmt.Sprintf("%s %s (%s: %s)", c.Type, c.Status, c.Reason, c.Message))
	}
	return strings.Join(said, "; ")
}
