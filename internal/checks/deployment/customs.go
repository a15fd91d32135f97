package deployment

import (
	"context"
	"time"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/deployment/customs"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/internal/checks/health"
	"github.com/validation-operator/validation-operator/internal/checks/recipe"
)

// CRDsEstablished proves that every kind that was added to the API is there to be used: established, its names accepted, and not held on
// its way out.
func CRDsEstablished(ctx context.Context, b *cluster.Bench) *finding.Finding {
	f := &finding.Finding{}
	client, err := b.Dynamic()
	if err != nil {
		f.CouldNotRun("%v", err)
		return f
	}
	crds := customs.Defined(ctx, f, client)
	f.Measure("crds", len(crds))
	for i := range crds {
		for _, problem := range health.Definition(&crds[i], time.Now()) {
			f.Fail("CustomResourceDefinition "+crds[i].GetName()+" to be established", problem,
				"see kubectl get crd "+crds[i].GetName()+" -o yaml; a conflict of names goes when one of the two kinds goes")
		}
	}
	return f
}

// CustomResourceConditions proves that the custom resources of the recipe's components are well by their own conditions: those in
// the components' namespaces, and those of the whole cluster that belong to a component by name, label or release. Resources that
// have no conditions say nothing, and are counted.
func CustomResourceConditions(ctx context.Context, b *cluster.Bench, r *recipe.Recipe) *finding.Finding {
	f := &finding.Finding{}
	all := namespaces(f, r)
	if f.Skip != "" {
		return f
	}
	client, err := b.Dynamic()
	if err != nil {
		f.CouldNotRun("%v", err)
		return f
	}
	round := customs.Round{Finding: f, Client: client, Namespaces: all}
	for _, component := range r.Components {
		round.Components = append(round.Components, component.Name)
	}
	round.Make(ctx)
	return f
}
