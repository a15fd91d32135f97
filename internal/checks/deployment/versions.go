package deployment

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/constraint"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/internal/checks/recipe"
)

const (
	phase         = "deployment"
	versionSuffix = ".version"

	nameLabel     = "app.kubernetes.io/name"
	instanceLabel = "app.kubernetes.io/instance"
	versionLabel  = "app.kubernetes.io/version"
	releaseName   = "meta.helm.sh/release-name"
)

// Evaluated are the constraints of the recipe that the checks of this package judge: <component>.version of each component.
func Evaluated(r *recipe.Recipe) []string {
	var names []string
	for _, component := range r.Components {
		names = append(names, component.Name+versionSuffix)
	}
	return names
}

// WorkloadVersions proves that the components have the versions that the recipe's constraints <component>.version demand, as their
// workloads tell: by the label app.kubernetes.io/version, or else by the tag of their image.
func WorkloadVersions(ctx context.Context, b *cluster.Bench, r *recipe.Recipe) *finding.Finding {
	f := &finding.Finding{}
	for _, component := range r.Components {
		demanded, found := constraint.Find(r.For(phase), component.Name+versionSuffix)
		if !found {
			continue
		}
		if component.Namespace == "" {
			f.CouldNotRun("the recipe names no namespace of component %s, where its version could be seen", component.Name)
			continue
		}
		all, err := workloads(ctx, b, component.Namespace)
		if err != nil {
			f.Refused("list Deployments, DaemonSets and StatefulSets in "+component.Namespace, err)
			continue
		}
		compare(f, demanded, component, all)
	}
	if len(f.Constraints) == 0 && f.Skip == "" && !f.Failed() {
		f.NotApplicable("the recipe has no constraint <component>.version in its phase %s", phase)
	}
	return f
}

// compare holds each version of the component's workloads against the constraint.
func compare(f *finding.Finding, demanded constraint.Constraint, component recipe.Component, all []workload) {
	o := constraint.Outcome{Constraint: demanded, Holds: true, Mend: "bring component " + component.Name + " to a version that the recipe allows"}
	own := belonging(component.Name, all)
	if len(own) == 0 {
		o.Holds, o.Actual = false, fmt.Sprintf("no workload of %s in namespace %s", component.Name, component.Namespace)
		f.Constraints = append(f.Constraints, o)
		return
	}
	var versions []string
	known := true
	for _, w := range own {
		version := versionOf(w)
		holds, err := constraint.HoldsForVersion(demanded.Value, version)
		if err != nil {
			f.CouldNotRun("%s: %s: %v", demanded, w, err)
			known = false
			continue
		}
		f.Note("%s has version %s", w, version)
		o.Holds = o.Holds && holds
		versions = append(versions, version)
	}
	slices.Sort(versions)
	o.Actual = strings.Join(slices.Compact(versions), ", ")
	// One that is wrong is proof, whatever the others are.
	if known || !o.Holds {
		f.Constraints = append(f.Constraints, o)
	}
}

// belonging are the workloads that tell of a component's version: those of its name, or else those whose names begin with it,
// or else those of its release. A release may bring other components along, which have versions of their own.
func belonging(component string, all []workload) []workload {
	for _, is := range []func(workload) bool{
		func(w workload) bool { return w.Labels[nameLabel] == component || w.Name == component },
		func(w workload) bool { return strings.HasPrefix(w.Name, component+"-") },
		func(w workload) bool {
			return w.Labels[instanceLabel] == component || w.Annotations[releaseName] == component
		},
	} {
		var own []workload
		for _, w := range all {
			if is(w) {
				own = append(own, w)
			}
		}
		if len(own) > 0 {
			return own
		}
	}
	return nil
}

// versionOf is what a workload tells of its version; empty if nothing does.
func versionOf(w workload) string {
	if version := w.Labels[versionLabel]; version != "" {
		return version
	}
	for _, container := range w.template.Spec.Containers {
		image, _, _ := strings.Cut(container.Image, "@")
		if i := strings.LastIndex(image, ":"); i > strings.LastIndex(image, "/") {
			return image[i+1:]
		}
	}
	return ""
}
