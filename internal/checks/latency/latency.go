// Package latency has what the checks of the performance phase do: they measure requests of one client and of many, watches, starts of
// pods, and pulls of an image. It works on a bench of package cluster, and must not import a phase's checks.
package latency

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/validation-operator/validation-operator/internal/checks/constraint"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/internal/checks/measure"
)

// judge compares the 99th percentile of the samples with what is demanded.
func judge(f *finding.Finding, demanded constraint.Constraint, samples []time.Duration, mend string) {
	if len(samples) == 0 {
		f.CouldNotRun("nothing was measured for %s", demanded.Name)
		return
	}
	summary := measure.Of(samples)
	f.Note("%s", summary)
	holds, err := constraint.HoldsForDuration(demanded.Value, summary.P99)
	if err != nil {
		f.CouldNotRun("%s: %v. To mend: correct the recipe", demanded, err)
		return
	}
	f.Constraints = append(f.Constraints, constraint.Outcome{
		Constraint: demanded, Actual: measure.Round(summary.P99).String(), Holds: holds, Mend: mend,
	})
}

// load is how many clients make how many requests each.
type load struct{ clients, requests int }

// run has all clients make their requests, each one after the other and all clients at once. The first error ends it.
func (l load) run(ctx context.Context, request func(ctx context.Context, client, i int) error) ([]time.Duration, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	took := make([][]time.Duration, l.clients)
	var group sync.WaitGroup
	for client := range l.clients {
		group.Go(func() {
			for i := range l.requests {
				start := time.Now()
				if err := request(ctx, client, i); err != nil {
					stop(fmt.Errorf("request %d of %d: %w", i+1, l.requests, err))
					return
				}
				took[client] = append(took[client], time.Since(start))
			}
		})
	}
	group.Wait()
	var all []time.Duration
	for _, samples := range took {
		all = append(all, samples...)
	}
	if len(all) < l.clients*l.requests {
		return nil, context.Cause(ctx)
	}
	return all, nil
}
