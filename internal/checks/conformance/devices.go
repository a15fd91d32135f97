package conformance

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/internal/checks/health"
	"github.com/validation-operator/validation-operator/internal/checks/probe"
)

// pageSize keeps each answer small in a large cluster.
const pageSize = 500

// DRA proves that devices are handed out by dynamic resource allocation: a pod that claims one device of a class is scheduled,
// gets it, and runs to its end. Each driver that offers devices and has a class is tried.
func DRA(ctx context.Context, b *cluster.Bench) *finding.Finding {
	f := &finding.Finding{}
	offered, err := offers(ctx, b)
	if apierrors.IsNotFound(err) {
		withoutDRA(f, b)
		return f
	}
	if err != nil {
		f.Refused("list ResourceSlices", err)
		return f
	}
	if len(offered) == 0 {
		f.NotApplicable("no driver offers devices in ResourceSlices")
		return f
	}
	classes, err := b.ResourceV1().DeviceClasses().List(ctx, metav1.ListOptions{})
	if err != nil {
		f.Refused("list DeviceClasses", err)
		return f
	}
	for _, driver := range slices.Sorted(maps.Keys(offered)) {
		f.Measure("devices/"+driver, offered[driver])
		class := classOf(classes.Items, driver)
		if class == "" {
			f.Fail("a DeviceClass for the devices of driver "+driver, "none that names it",
				"install the DeviceClasses that come with the driver")
			continue
		}
		claimed(ctx, b, f, offer{driver: driver, class: class, devices: offered[driver]})
	}
	return f
}

// withoutDRA tells an API server that does not know DRA from one that has it in versions which this check does not speak.
func withoutDRA(f *finding.Finding, b *cluster.Bench) {
	versions, err := servedVersions(b, resourcev1.GroupName)
	switch {
	case err != nil:
		f.Refused("discover the API groups", err)
	case len(versions) > 0:
		f.CouldNotRun("the API server has resource.k8s.io in the versions %s alone, and this check speaks v1", strings.Join(versions, ", "))
	default:
		f.NotApplicable("the API server has no resource.k8s.io")
	}
}

// servedVersions are those in which the API server has a group.
func servedVersions(b *cluster.Bench, group string) ([]string, error) {
	groups, err := b.Discovery().ServerGroups()
	if err != nil {
		return nil, fmt.Errorf("asking the API server for its groups: %w", err)
	}
	var versions []string
	for _, g := range groups.Groups {
		if g.Name == group {
			for _, version := range g.Versions {
				versions = append(versions, version.Version)
			}
		}
	}
	return versions, nil
}

// offer is what a driver has.
type offer struct {
	driver, class string
	devices       int
}

// offers counts the devices of each driver.
func offers(ctx context.Context, b *cluster.Bench) (map[string]int, error) {
	devices := map[string]int{}
	options := metav1.ListOptions{Limit: pageSize}
	for {
		page, err := b.ResourceV1().ResourceSlices().List(ctx, options)
		if err != nil {
			return nil, err
		}
		for _, slice := range page.Items {
			devices[slice.Spec.Driver] += len(slice.Spec.Devices)
		}
		if options.Continue = page.Continue; options.Continue == "" {
			maps.DeleteFunc(devices, func(_ string, count int) bool { return count == 0 })
			return devices, nil
		}
	}
}

// classOf is the class of a driver's devices: the one of the driver's name, or the first that mentions it.
func classOf(classes []resourcev1.DeviceClass, driver string) string {
	mentioned := ""
	for _, class := range classes {
		if class.Name == driver {
			return driver
		}
		for _, selector := range class.Spec.Selectors {
			if mentioned == "" && selector.CEL != nil && (strings.Contains(selector.CEL.Expression, `"`+driver+`"`) ||
				strings.Contains(selector.CEL.Expression, "'"+driver+"'")) {
				mentioned = class.Name
			}
		}
	}
	return mentioned
}

// claimed has a pod use a device.
func claimed(ctx context.Context, b *cluster.Bench, f *finding.Finding, o offer) {
	claims := b.ResourceV1().ResourceClaims(b.Namespace)
	claim, err := cluster.Make(ctx, b, claims, &resourcev1.ResourceClaim{
		ObjectMeta: metav1.ObjectMeta{Name: cluster.Name("device")},
		Spec: resourcev1.ResourceClaimSpec{Devices: resourcev1.DeviceClaim{Requests: []resourcev1.DeviceRequest{{
			Name: "device", Exactly: &resourcev1.ExactDeviceRequest{DeviceClassName: o.class},
		}}}},
	})
	if err != nil {
		f.Refused("create ResourceClaims in "+b.Namespace, err)
		return
	}
	pod, err := start(ctx, b, cluster.Probe{What: "device", Run: probe.None}, func(pod *corev1.Pod) {
		pod.Spec.ResourceClaims = []corev1.PodResourceClaim{{Name: "device", ResourceClaimName: &claim.Name}}
		pod.Spec.Containers[0].Resources.Claims = []corev1.ResourceClaim{{Name: "device"}}
		// The device decides about the node.
		pod.Spec.NodeSelector, pod.Spec.Affinity = nil, nil
		pod.Spec.Tolerations = append(pod.Spec.Tolerations, corev1.Toleration{Operator: corev1.TolerationOpExists})
	})
	if err != nil {
		f.Refused("create pods in "+b.Namespace, err)
		return
	}
	ended, err := cluster.Await(ctx, b.CoreV1().Pods(b.Namespace), pod, func(pod *corev1.Pod) (bool, error) {
		return health.PodFinished(pod), nil
	})
	found, readErr := claims.Get(ctx, claim.Name, metav1.GetOptions{})
	if readErr != nil && ctx.Err() != nil {
		found = claim
	} else if readErr != nil {
		f.Refused("get ResourceClaims in "+b.Namespace, readErr)
		return
	}
	o.judge(ctx, b, f, found, ended, err)
}

func (o offer) judge(
	ctx context.Context, b *cluster.Bench, f *finding.Finding, claim *resourcev1.ResourceClaim, pod *corev1.Pod, waited error,
) {
	allocated := claim.Status.Allocation != nil && slices.ContainsFunc(claim.Status.Allocation.Devices.Results,
		func(r resourcev1.DeviceRequestAllocationResult) bool { return r.Driver == o.driver })
	switch {
	case waited == nil && pod.Status.Phase == corev1.PodSucceeded && allocated:
	case apierrors.IsForbidden(waited):
		f.Refused("watch pods in "+b.Namespace, waited)
	case waited == nil && pod.Status.Phase == corev1.PodSucceeded:
		f.Fail("the claim of a pod that ran to have a device of driver "+o.driver, "no such device allocated",
			"see that the class "+o.class+" selects devices of this driver")
	case pod.Spec.NodeName == "" && o.inUse(ctx, b, f):
	case pod.Spec.NodeName == "":
		f.Fail("a pod that claims a device of class "+o.class+" to be scheduled", fmt.Sprintf("it %s: %v", health.DescribePod(pod), waited),
			"see that the class selects devices of the driver "+o.driver+", and their taints in its ResourceSlices")
	default:
		f.Fail("a pod with a device of driver "+o.driver+" to run to its end", fmt.Sprintf("it %s: %v", health.DescribePod(pod), waited),
			"see the log of the driver's kubelet plug-in on node "+pod.Spec.NodeName)
	}
}

// inUse reports whether every device of the driver is somebody's, which is no fault of the cluster, or cannot be told.
func (o offer) inUse(ctx context.Context, b *cluster.Bench, f *finding.Finding) bool {
	// The time of the check itself may be over.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTime)
	defer cancel()
	used := map[string]bool{}
	options := metav1.ListOptions{Limit: pageSize}
	for {
		page, err := b.ResourceV1().ResourceClaims(metav1.NamespaceAll).List(ctx, options)
		if err != nil {
			f.Refused("list ResourceClaims in the cluster, to tell devices in use from devices that cannot be had", err)
			return true
		}
		for _, claim := range page.Items {
			if claim.Status.Allocation == nil {
				continue
			}
			for _, r := range claim.Status.Allocation.Devices.Results {
				if r.Driver == o.driver {
					used[r.Pool+"/"+r.Device] = true
				}
			}
		}
		if options.Continue = page.Continue; options.Continue == "" {
			break
		}
	}
	if len(used) < o.devices {
		return false
	}
	f.CouldNotRun("all %d devices of driver %s are in use", o.devices, o.driver)
	return true
}
