package health

import (
	"fmt"
	"strings"

	resourcev1 "k8s.io/api/resource/v1"
)

// Devices are the GPUs that DRA drivers offer on a node.
type Devices struct {
	Offered int
	// Tainted says which of them are tainted, as drivers do with a fault.
	Tainted []string
}

// GPUDevices are those of each node that has any, by the node's name.
func GPUDevices(published []resourcev1.ResourceSlice) map[string]Devices {
	newest, nodes := generations(published), map[string]Devices{}
	for i := range published {
		spec := &published[i].Spec
		if !strings.HasPrefix(spec.Driver, "gpu.") || spec.NodeName == nil {
			continue
		}
		// What a driver has published before may be there for a while, with devices that are gone.
		if spec.Pool.Generation < newest[poolOf(spec)] {
			continue
		}
		devices := nodes[*spec.NodeName]
		devices.Offered += len(spec.Devices)
		devices.Tainted = append(devices.Tainted, tainted(spec)...)
		nodes[*spec.NodeName] = devices
	}
	return nodes
}

// tainted says which devices no pod is given, or is left with.
func tainted(spec *resourcev1.ResourceSliceSpec) []string {
	var problems []string
	for _, device := range spec.Devices {
		for _, taint := range device.Taints {
			if taint.Effect == resourcev1.DeviceTaintEffectNoSchedule || taint.Effect == resourcev1.DeviceTaintEffectNoExecute {
				problems = append(problems, fmt.Sprintf("device %s of %s is tainted %s=%s:%s",
					device.Name, spec.Driver, taint.Key, taint.Value, taint.Effect))
			}
		}
	}
	return problems
}

// pool is a driver's name for a set of devices.
type pool struct{ driver, name string }

func poolOf(spec *resourcev1.ResourceSliceSpec) pool { return pool{spec.Driver, spec.Pool.Name} }

// generations are the latest ones of all pools.
func generations(published []resourcev1.ResourceSlice) map[pool]int64 {
	newest := map[pool]int64{}
	for i := range published {
		spec := &published[i].Spec
		newest[poolOf(spec)] = max(newest[poolOf(spec)], spec.Pool.Generation)
	}
	return newest
}
