// Package offer reads what the drivers of dynamic resource allocation offer, and which of it is free for sure. It is pure: it asks no
// cluster, and must import no check.
package offer

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	resourcev1 "k8s.io/api/resource/v1"
)

// Offers is what each driver offers, by its name.
type Offers map[string]Offer

// Offer is what one driver offers, by the name of the pool.
type Offer map[string]*pool

// pool is a pool in its newest generation.
type pool struct {
	generation int64
	// missing are the slices that have not been seen yet.
	missing int64
	// nodes are those whose devices these are; none for devices that more than one node reaches.
	nodes   []string
	devices []resourcev1.Device
}

// Add takes in a slice. Of a pool the newest generation alone counts: a driver leaves older slices behind while it changes them.
func (o Offers) Add(slice *resourcev1.ResourceSlice) {
	driver, is := slice.Spec.Driver, slice.Spec.Pool
	if o[driver] == nil {
		o[driver] = Offer{}
	}
	found := o[driver][is.Name]
	if found == nil || found.generation < is.Generation {
		found = &pool{generation: is.Generation, missing: is.ResourceSliceCount}
		o[driver][is.Name] = found
	}
	if found.generation > is.Generation {
		return
	}
	found.missing--
	found.devices = append(found.devices, slice.Spec.Devices...)
	if slice.Spec.NodeName != nil && !slices.Contains(found.nodes, *slice.Spec.NodeName) {
		found.nodes = append(found.nodes, *slice.Spec.NodeName)
	}
}

// Devices is how many devices there are.
func (o Offer) Devices() int {
	count := 0
	for _, p := range o {
		count += len(p.devices)
	}
	return count
}

// Key is how a device is told from all others of its driver.
func Key(pool, device string) string { return pool + "/" + device }

// Free is what of a driver's devices is free for sure.
type Free struct {
	// Devices are those of the class; Nodes is how many nodes have some.
	Devices, Nodes int
	// Known is false where it cannot be told which devices the class selects.
	Known bool
}

// Free tells which devices of a class are nobody's and can be had. Devices may be parts of each other, so that those of a pool of which
// anything is used do not count, nor those that are tainted, nor those of a pool that is not all there.
func (o Offer) Free(driver string, class *resourcev1.DeviceClass, used map[string]bool) Free {
	free := Free{Known: true}
	for name, p := range o {
		if p.missing > 0 || slices.ContainsFunc(p.devices, func(d resourcev1.Device) bool { return used[Key(name, d.Name)] }) {
			continue
		}
		count := 0
		for i := range p.devices {
			is, known := selects(class, driver, &p.devices[i])
			if !known {
				return Free{}
			}
			if is && !tainted(&p.devices[i]) {
				count++
			}
		}
		free.Devices += count
		if count > 0 {
			free.Nodes += len(p.nodes)
		}
	}
	return free
}

func tainted(device *resourcev1.Device) bool {
	return slices.ContainsFunc(device.Taints, func(t resourcev1.DeviceTaint) bool { return t.Effect != resourcev1.DeviceTaintEffectNone })
}

var (
	byDriver    = regexp.MustCompile(`^device\.driver\s*==\s*["']([^"']*)["']$`)
	byAttribute = regexp.MustCompile(`^device\.attributes\[["']([^"']*)["']\]\.(\w+)\s*==\s*["']([^"']*)["']$`)
)

// selects reports whether a class selects a device of the driver. It reads selectors that ask for a driver and for attributes that are a
// text, as those of most drivers do; of others known is false.
func selects(class *resourcev1.DeviceClass, driver string, device *resourcev1.Device) (is, known bool) {
	is = true
	for _, selector := range class.Spec.Selectors {
		if selector.CEL == nil {
			return false, false
		}
		for term := range strings.SplitSeq(selector.CEL.Expression, "&&") {
			term = strings.TrimSpace(term)
			if of := byDriver.FindStringSubmatch(term); of != nil {
				is = is && of[1] == driver
			} else if of := byAttribute.FindStringSubmatch(term); of != nil {
				is = is && has(device, driver, of[1], of[2], of[3])
			} else {
				return false, false
			}
		}
	}
	return is, true
}

// has reports whether a device has an attribute of that value. One without a domain is in the driver's.
func has(device *resourcev1.Device, driver, domain, name, value string) bool {
	attribute, found := device.Attributes[resourcev1.QualifiedName(domain+"/"+name)]
	if !found && domain == driver {
		attribute = device.Attributes[resourcev1.QualifiedName(name)]
	}
	return attribute.StringValue != nil && *attribute.StringValue == value
}

// noClaim is what the scheduler says of a node whose devices do not do for a claim.
const noClaim = "cannot allocate all claims"

var (
	nodesAvailable = regexp.MustCompile(`^0/(\d+) nodes are available: (.*)$`)
	nodesWith      = regexp.MustCompile(`^(\d+) (.*)$`)
)

// Proof reports whether the scheduler's words prove that it has left free devices lying: it has said so of so many nodes that at least one
// of those with free devices is among them. Nodes that it turns down for another reason, being full or not ready, may be those that have them.
func (f Free) Proof(words string) bool {
	said := nodesAvailable.FindStringSubmatch(words)
	if said == nil || f.Devices == 0 {
		return false
	}
	all, err := strconv.Atoi(said[1])
	if err != nil {
		return false
	}
	// What follows is about preemption.
	reasons, _, _ := strings.Cut(said[2], ". ")
	without := 0
	for reason := range strings.SplitSeq(strings.TrimSuffix(reasons, "."), ", ") {
		if of := nodesWith.FindStringSubmatch(reason); len(of) > 2 && of[2] == noClaim {
			count, err := strconv.Atoi(of[1])
			if err != nil {
				return false
			}
			without += count
		}
	}
	return max(f.Nodes, 1)+without > all
}
