package conformance

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/conformance/offer"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/internal/checks/health"
	"github.com/validation-operator/validation-operator/internal/checks/probe"
)

// pageSize keeps each answer small in a large cluster.
const pageSize = 500

// driverTaints are those with which vendors keep pods without a device off the nodes that have some.
var driverTaints = []string{"nvidia.com/gpu", "amd.com/gpu"}

// DRA proves that devices are handed out by dynamic resource allocation: a pod that claims one device of a class is scheduled,
// gets it, and runs to its end. Each driver that offers devices and has a class of its own name is tried: of that alone it is known
// that a claim needs nothing else.
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
	tried, others := triedOf(offered, classes.Items)
	for _, driver := range slices.Sorted(maps.Keys(offered)) {
		f.Measure("devices/"+driver, offered[driver].Devices())
	}
	switch {
	case len(tried) == 0:
		f.CouldNotRun("no DeviceClass is named after a driver, and of the others of %s it is not known what a claim of them needs. To mend: "+
			"make a DeviceClass of the driver's name that selects its devices", strings.Join(others, ", "))
	case len(others) > 0:
		f.Note("no DeviceClass has the name of %s, so that these drivers were not tried", strings.Join(others, ", "))
	}
	for i, d := range tried {
		d.try(ctx, b, f, len(tried)-i)
	}
	return f
}

// driver is a driver that is tried, with the class of its name and what it has.
type driver struct {
	name  string
	class *resourcev1.DeviceClass
	has   offer.Offer
}

// triedOf are the drivers that have a class of their own name, and the names of the others.
func triedOf(offered offer.Offers, classes []resourcev1.DeviceClass) (tried []driver, others []string) {
	for _, name := range slices.Sorted(maps.Keys(offered)) {
		at := slices.IndexFunc(classes, func(class resourcev1.DeviceClass) bool { return class.Name == name })
		if at < 0 {
			others = append(others, name)
			continue
		}
		tried = append(tried, driver{name: name, class: &classes[at], has: offered[name]})
	}
	return tried, others
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

// offers are the devices of each driver that has some.
func offers(ctx context.Context, b *cluster.Bench) (offer.Offers, error) {
	offered := offer.Offers{}
	options := metav1.ListOptions{Limit: pageSize}
	for {
		page, err := b.ResourceV1().ResourceSlices().List(ctx, options)
		if err != nil {
			return nil, err
		}
		for i := range page.Items {
			offered.Add(&page.Items[i])
		}
		if options.Continue = page.Continue; options.Continue == "" {
			maps.DeleteFunc(offered, func(_ string, o offer.Offer) bool { return o.Devices() == 0 })
			return offered, nil
		}
	}
}

// try has a pod use a device. Of the time that is left the driver has its part, so that one whose pod hangs takes none from the others.
func (d driver) try(ctx context.Context, b *cluster.Bench, f *finding.Finding, left int) {
	if deadline, bounded := ctx.Deadline(); bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/time.Duration(left))
		defer cancel()
	}
	claims := b.ResourceV1().ResourceClaims(b.Namespace)
	claim, err := cluster.Make(ctx, b, claims, &resourcev1.ResourceClaim{
		ObjectMeta: metav1.ObjectMeta{Name: cluster.Name("device")},
		Spec: resourcev1.ResourceClaimSpec{Devices: resourcev1.DeviceClaim{Requests: []resourcev1.DeviceRequest{{
			Name: "device", Exactly: &resourcev1.ExactDeviceRequest{DeviceClassName: d.class.Name},
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
		pod.Spec.Tolerations = deviceTolerations(pod.Spec.Tolerations)
	})
	if err != nil {
		f.Refused("create pods in "+b.Namespace, err)
		return
	}
	ended, err := cluster.Await(ctx, b.CoreV1().Pods(b.Namespace), pod, func(pod *corev1.Pod) (bool, error) {
		return health.PodFinished(pod), nil
	})
	// The time of the driver may be over.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTime)
	defer cancel()
	found, readErr := claims.Get(ctx, claim.Name, metav1.GetOptions{})
	if readErr != nil {
		f.Refused("get ResourceClaims in "+b.Namespace, readErr)
		return
	}
	d.judge(ctx, b, f, found, ended, err)
}

// deviceTolerations are the run's own and those for devices. Nodes that are not ready, cordoned or under pressure take no pod of the
// check: they offer their devices still, and with a toleration of everything they would be the first to be chosen.
func deviceTolerations(own []corev1.Toleration) []corev1.Toleration {
	tolerations := slices.DeleteFunc(slices.Clone(own), func(t corev1.Toleration) bool {
		return t.Key == "" || strings.HasPrefix(t.Key, "node.kubernetes.io/")
	})
	for _, key := range driverTaints {
		tolerations = append(tolerations, corev1.Toleration{Key: key, Operator: corev1.TolerationOpExists})
	}
	return tolerations
}

func (d driver) judge(
	ctx context.Context, b *cluster.Bench, f *finding.Finding, claim *resourcev1.ResourceClaim, pod *corev1.Pod, waited error,
) {
	allocated := claim.Status.Allocation != nil && slices.ContainsFunc(claim.Status.Allocation.Devices.Results,
		func(r resourcev1.DeviceRequestAllocationResult) bool { return r.Driver == d.name })
	switch {
	case waited == nil && pod.Status.Phase == corev1.PodSucceeded && allocated:
	case apierrors.IsForbidden(waited):
		f.Refused("watch pods in "+b.Namespace, waited)
	case waited == nil && pod.Status.Phase == corev1.PodSucceeded:
		f.Fail("the claim of a pod that ran to have a device of driver "+d.name, "no such device allocated",
			"see that the class "+d.class.Name+" selects devices of this driver")
	case pod.Spec.NodeName == "" && d.withoutProof(ctx, b, f, pod):
	case pod.Spec.NodeName == "":
		f.Fail("a pod that claims a device of class "+d.class.Name+" to be scheduled", fmt.Sprintf("it %s: %v", health.DescribePod(pod), waited),
			"see that the class selects devices of the driver "+d.name+", and their taints in its ResourceSlices and in DeviceTaintRules")
	default:
		f.Fail("a pod with a device of driver "+d.name+" to run to its end", fmt.Sprintf("it %s: %v", health.DescribePod(pod), waited),
			"see the log of the driver's kubelet plug-in on node "+pod.Spec.NodeName)
	}
}

// withoutProof reports whether that no node has taken the pod may have a good reason: the devices are others', or the nodes have no room.
func (d driver) withoutProof(ctx context.Context, b *cluster.Bench, f *finding.Finding, pod *corev1.Pod) bool {
	words := cluster.Unschedulable(pod)
	if words == "" {
		return false
	}
	used, err := inUse(ctx, b, d.name)
	if err != nil {
		f.Refused("list ResourceClaims in the cluster, to tell devices in use from devices that cannot be had", err)
		return true
	}
	switch free := d.has.Free(d.name, d.class, used); {
	case !free.Known:
		f.CouldNotRun("which devices of driver %s are of class %s, and whether one is free, cannot be told; no node has taken pod %s: %s",
			d.name, d.class.Name, pod.Name, words)
	case free.Devices == 0:
		f.CouldNotRun("none of the %d devices of driver %s can be shown to be free, and %d are in use; no node has taken pod %s: %s",
			d.has.Devices(), d.name, len(used), pod.Name, words)
	case free.Proof(words):
		return false
	default:
		return cluster.NoRoom(f, pod)
	}
	return true
}

// inUse are the driver's devices that are somebody's.
func inUse(ctx context.Context, b *cluster.Bench, driver string) (map[string]bool, error) {
	used := map[string]bool{}
	options := metav1.ListOptions{Limit: pageSize}
	for {
		page, err := b.ResourceV1().ResourceClaims(metav1.NamespaceAll).List(ctx, options)
		if err != nil {
			return nil, err
		}
		for _, claim := range page.Items {
			if claim.Status.Allocation == nil {
				continue
			}
			for _, r := range claim.Status.Allocation.Devices.Results {
				// Who only looks at a device leaves it to others.
				if r.Driver == driver && !ptr.Deref(r.AdminAccess, false) {
					used[offer.Key(r.Pool, r.Device)] = true
				}
			}
		}
		if options.Continue = page.Continue; options.Continue == "" {
			return used, nil
		}
	}
}
