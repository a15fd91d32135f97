package offer

import (
	"testing"

	resourcev1 "k8s.io/api/resource/v1"
)

const driver = "gpu.example.com"

func device(name, kind string) resourcev1.Device {
	return resourcev1.Device{Name: name, Attributes: map[resourcev1.QualifiedName]resourcev1.DeviceAttribute{"type": {StringValue: &kind}}}
}

func slice(node string, generation, of int64, devices ...resourcev1.Device) *resourcev1.ResourceSlice {
	return &resourcev1.ResourceSlice{Spec: resourcev1.ResourceSliceSpec{
		Driver: driver, NodeName: &node, Devices: devices,
		Pool: resourcev1.ResourcePool{Name: node, Generation: generation, ResourceSliceCount: of},
	}}
}

func class(expressions ...string) *resourcev1.DeviceClass {
	c := &resourcev1.DeviceClass{}
	for _, expression := range expressions {
		c.Spec.Selectors = append(c.Spec.Selectors, resourcev1.DeviceSelector{CEL: &resourcev1.CELDeviceSelector{Expression: expression}})
	}
	return c
}

func TestFree(t *testing.T) {
	gpus := class(`device.driver == 'gpu.example.com' && device.attributes['gpu.example.com'].type == 'gpu'`)
	tainted := device("gpu-0", "gpu")
	tainted.Taints = []resourcev1.DeviceTaint{{Key: "broken", Effect: resourcev1.DeviceTaintEffectNoSchedule}}
	noted := device("gpu-0", "gpu")
	noted.Taints = []resourcev1.DeviceTaint{{Key: "worn", Effect: resourcev1.DeviceTaintEffectNone}}
	qualified := device("gpu-0", "mig")
	gpu := "gpu"
	qualified.Attributes["gpu.example.com/type"] = resourcev1.DeviceAttribute{StringValue: &gpu}
	two := []*resourcev1.ResourceSlice{slice("a", 1, 1, device("gpu-0", "gpu"), device("mig-0", "mig")), slice("b", 1, 1, device("gpu-0", "gpu"))}
	tests := map[string]struct {
		slices  []*resourcev1.ResourceSlice
		class   *resourcev1.DeviceClass
		used    string
		devices int
		want    Free
	}{
		"all":               {two, gpus, "", 3, Free{Devices: 2, Nodes: 2, Known: true}},
		"one is used":       {two, gpus, "b/gpu-0", 3, Free{Devices: 1, Nodes: 1, Known: true}},
		"a part is used":    {two, gpus, "a/mig-0", 3, Free{Devices: 1, Nodes: 1, Known: true}},
		"those of no class": {two, class(`device.driver == "other.example.com"`), "", 3, Free{Known: true}},
		"of several selectors": {two, class(`device.driver == "gpu.example.com"`, `device.attributes["gpu.example.com"].type == "mig"`), "", 3,
			Free{Devices: 1, Nodes: 1, Known: true}},
		"of a class that takes all": {two, class(), "", 3, Free{Devices: 3, Nodes: 2, Known: true}},
		"of a class that asks for more": {two, class(`device.driver == "gpu.example.com" && device.capacity["gpu.example.com"].memory > quantity("8Gi")`),
			"", 3, Free{}},
		"of a class without an expression": {two, &resourcev1.DeviceClass{Spec: resourcev1.DeviceClassSpec{Selectors: []resourcev1.DeviceSelector{{}}}},
			"", 3, Free{}},
		"an older generation is left behind": {
			[]*resourcev1.ResourceSlice{slice("a", 2, 1, device("gpu-0", "gpu")), slice("a", 1, 1, device("gpu-1", "gpu"))},
			gpus, "", 1, Free{Devices: 1, Nodes: 1, Known: true}},
		"a newer generation comes": {
			[]*resourcev1.ResourceSlice{slice("a", 1, 1, device("gpu-1", "gpu")), slice("a", 2, 1, device("mig-0", "mig"))},
			gpus, "", 1, Free{Known: true}},
		"a pool that is not all there": {[]*resourcev1.ResourceSlice{slice("a", 1, 2, device("gpu-0", "gpu"))}, gpus, "", 1, Free{Known: true}},
		"a pool of two slices": {
			[]*resourcev1.ResourceSlice{slice("a", 1, 2, device("gpu-0", "gpu")), slice("a", 1, 2, device("gpu-1", "gpu"))},
			gpus, "", 2, Free{Devices: 2, Nodes: 1, Known: true}},
		"a tainted device":           {[]*resourcev1.ResourceSlice{slice("a", 1, 1, tainted)}, gpus, "", 1, Free{Known: true}},
		"a taint that says little":   {[]*resourcev1.ResourceSlice{slice("a", 1, 1, noted)}, gpus, "", 1, Free{Devices: 1, Nodes: 1, Known: true}},
		"an attribute with a domain": {[]*resourcev1.ResourceSlice{slice("a", 1, 1, qualified)}, gpus, "", 1, Free{Devices: 1, Nodes: 1, Known: true}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			offers := Offers{}
			for _, s := range tt.slices {
				offers.Add(s)
			}
			if got := offers[driver].Devices(); got != tt.devices {
				t.Errorf("%d devices, want %d", got, tt.devices)
			}
			if got := offers[driver].Free(driver, tt.class, map[string]bool{tt.used: true}); got != tt.want {
				t.Errorf("free = %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestProof(t *testing.T) {
	tests := map[string]struct {
		free  Free
		words string
		want  bool
	}{
		"every node is without":     {Free{Devices: 1, Nodes: 1}, "0/2 nodes are available: 2 cannot allocate all claims.", true},
		"nothing is free":           {Free{}, "0/2 nodes are available: 2 cannot allocate all claims.", false},
		"devices that all reach":    {Free{Devices: 1}, "0/2 nodes are available: 2 cannot allocate all claims.", true},
		"the node may be full":      {Free{Devices: 1, Nodes: 1}, "0/3 nodes are available: 1 Insufficient cpu, 2 cannot allocate all claims.", false},
		"one of two is not full":    {Free{Devices: 2, Nodes: 2}, "0/3 nodes are available: 1 Insufficient cpu, 2 cannot allocate all claims.", true},
		"the node may be off":       {Free{Devices: 1, Nodes: 1}, "0/2 nodes are available: 1 cannot allocate all claims, 1 node(s) had untolerated taint(s). no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.", false},
		"with words on preemption":  {Free{Devices: 1, Nodes: 1}, "0/1 nodes are available: 1 cannot allocate all claims. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.", true},
		"words of another kind":     {Free{Devices: 1, Nodes: 1}, "all nodes are unavailable", false},
		"no words":                  {Free{Devices: 1, Nodes: 1}, "", false},
		"another scheduler's count": {Free{Devices: 1, Nodes: 1}, "0/x nodes are available: 1 cannot allocate all claims.", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := tt.free.Proof(tt.words); got != tt.want {
				t.Errorf("proof = %t, want %t", got, tt.want)
			}
		})
	}
}
