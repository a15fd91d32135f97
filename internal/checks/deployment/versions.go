package deployment

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/constraint"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/internal/checks/health"
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
// workloads tell: by the label app.kubernetes.io/version, or else by the tag of their image. Where the two contradict each other both have
// to satisfy the constraint: the label may be a chart's version, or what somebody left when the image was changed.
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
		version, holds, ok := judgeVersion(f, demanded, component.Name, w)
		if known = known && ok; ok {
			o.Holds = o.Holds && holds
			versions = append(versions, version)
		}
	}
	slices.Sort(versions)
	o.Actual = strings.Join(slices.Compact(versions), ", ")
	// One that is wrong is proof, whatever the others are.
	if known || !o.Holds {
		f.Constraints = append(f.Constraints, o)
	}
}

// judgeVersion holds the version of one workload, which it returns as a person reads it, against the constraint. It is not ok if the
// workload tells none that can be compared.
func judgeVersion(f *finding.Finding, demanded constraint.Constraint, component string, w workload) (version string, holds, ok bool) {
	version, denied := health.Version(component, w.Labels[versionLabel], &w.template)
	if version == "" && denied != "" {
		f.CouldNotRun("%s: %s: its label %s says %s, and the tags of its images say otherwise. To mend: correct the label, or name the "+
			"container that is the component's in the annotation kubectl.kubernetes.io/default-container", demanded, w, versionLabel, denied)
		return "", false, false
	}
	holds, err := constraint.HoldsForVersion(demanded.Value, version)
	if err != nil {
		f.CouldNotRun("%s: %s: %v", demanded, w, err)
		return "", false, false
	}
	if denied != "" {
		labelled, err := constraint.HoldsForVersion(demanded.Value, denied)
		if err != nil || labelled != holds {
			f.CouldNotRun("%s: %s is %s by its image and labelled %s, of which one alone satisfies the constraint. To mend: look which of the two the "+
				"recipe means, and correct the label or the constraint", demanded, w, version, denied)
			return "", false, false
		}
		version += " by its image, though labelled " + denied
	}
	f.Note("%s has version %s", w, version)
	return version, holds, true
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
