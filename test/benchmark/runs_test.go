package benchmark

import (
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/test/podlet"
)

// variant is a kind of phase.
type variant struct {
	name, image string
	phase       v1alpha1.Phase
	script      func(last podlet.Step) podlet.Script
}

var variants = []variant{
	{
		name: "container", image: "registry.test/container",
		phase: v1alpha1.Phase{Container: &v1alpha1.Container{Command: []string{"/smoke"}}},
		script: func(last podlet.Step) podlet.Script {
			return podlet.Runs(podlet.Print("all is well\n"), podlet.TerminationMessage("all is well"), last)
		},
	},
	{
		name: "goTest", image: "registry.test/gotest",
		phase: v1alpha1.Phase{GoTest: &v1alpha1.GoTest{Package: "./checks/deployment"}},
		script: func(last podlet.Step) podlet.Script {
			suite := podlet.GoTest{After: last}
			for _, name := range []string{"TestNodes", "TestOperators", "TestGPUs"} {
				suite.Tests = append(suite.Tests, podlet.GoTestCase{Name: name, Output: "    x_test.go:7: it is as it should be\n"})
			}
			return suite.Script()
		},
	},
}

func (v *variant) run(namespace string, i int) *v1alpha1.ValidationRun {
	run := &v1alpha1.ValidationRun{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: fmt.Sprintf("run-%d", i)},
		Spec:       v1alpha1.ValidationRunSpec{Validator: v1alpha1.Validator{Image: v.image}},
	}
	for p := range *phases {
		phase := v.phase.DeepCopy()
		phase.Name = fmt.Sprintf("phase-%d", p)
		run.Spec.Phases = append(run.Spec.Phases, *phase)
	}
	return run
}

// passed says whether a run is over, and complains if it did not pass.
func passed(object client.Object) (bool, error) {
	run := object.(*v1alpha1.ValidationRun)
	if !meta.IsStatusConditionTrue(run.Status.Conditions, v1alpha1.ConditionComplete) {
		return false, nil
	}
	if run.Status.Verdict != v1alpha1.VerdictPassed {
		return true, fmt.Errorf("%s is %s: %s", run.Name, run.Status.Verdict, run.Status.Message)
	}
	return true, nil
}

// completed says whether a Job is over, and complains if it failed.
func completed(object client.Object) (bool, error) {
	for _, condition := range object.(*batchv1.Job).Status.Conditions {
		switch {
		case condition.Status != corev1.ConditionTrue:
		case condition.Type == batchv1.JobComplete:
			return true, nil
		case condition.Type == batchv1.JobFailed:
			return true, fmt.Errorf("job %s has failed: %s", object.GetName(), condition.Message)
		}
	}
	return false, nil
}

// jobSpec is what the operator makes of a phase, without what ties it to a run. Finding it out, once, warms everything up.
func (c *cluster) jobSpec(b *testing.B, v *variant) *batchv1.JobSpec {
	b.Helper()
	if spec, known := c.specs[v.name]; known {
		return spec
	}
	c.node.Script(v.image, v.script(c.pods.step))
	o := startOperator(b, c)
	defer o.stop()
	spec := &batchv1.JobSpec{}
	c.inNamespace(b, func(namespace string) {
		const n = 20
		ends := c.watch(b, namespace, &v1alpha1.ValidationRun{}, n, passed)
		if err := c.create(b.Context(), n, func(i int) client.Object { return v.run(namespace, i) }); err != nil {
			b.Fatal(err)
		}
		ends.wait(b)
		var jobs batchv1.JobList
		if err := c.client.List(b.Context(), &jobs, client.InNamespace(namespace)); err != nil || len(jobs.Items) == 0 {
			b.Fatalf("looking for the operator's Jobs: found %d, %v", len(jobs.Items), err)
		}
		*spec = jobs.Items[0].Spec
	})
	spec.Selector, spec.Template.Labels = nil, nil
	spec.Template.Spec.ServiceAccountName, spec.Template.Spec.DeprecatedServiceAccount = "default", ""
	c.specs[v.name] = spec
	return spec
}

// bareJobs is how long n Jobs take without an operator. It adds the CPU time that they cost.
func (c *cluster) bareJobs(b *testing.B, spec *batchv1.JobSpec, n int, cost usage) (took time.Duration) {
	b.Helper()
	c.inNamespace(b, func(namespace string) {
		ends := c.watch(b, namespace, &batchv1.Job{}, n, completed)
		before, begin := cpu(), time.Now()
		err := c.create(b.Context(), n, func(i int) client.Object {
			meta := metav1.ObjectMeta{Namespace: namespace, Name: fmt.Sprintf("job-%d", i)}
			return &batchv1.Job{ObjectMeta: meta, Spec: *spec.DeepCopy()}
		})
		if err != nil {
			b.Fatal(err)
		}
		took = ends.wait(b).Sub(begin)
		cost.addSince(before)
	})
	return took
}

// BenchmarkBareJobs is the yardstick: as many Jobs as runs have phases, without the operator.
func BenchmarkBareJobs(b *testing.B) {
	for _, v := range variants {
		b.Run(v.name+"/"+managers[*limits].name, func(b *testing.B) {
			c := start(b)
			spec := c.jobSpec(b, &v)
			jobs, took, cost := 0, time.Duration(0), usage{}
			for b.Loop() {
				took += c.bareJobs(b, spec, *runs**phases, cost)
				jobs += *runs * *phases
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(jobs)/took.Seconds(), "jobs/s")
			b.ReportMetric(milli(cost.total())/float64(jobs), "cpu-ms/job")
			b.Logf("CPU time of each Job in ms: %s", cost.perEach(jobs))
		})
	}
}

// rounds is what was measured of runs.
type rounds struct {
	runs              int
	took, jobsTook    time.Duration
	cost, jobsCost    usage
	writes, events    int
	heap              int64
	fromEnd, fromTold []time.Duration
}

// BenchmarkRuns gives the operator all runs at once, after as many bare Jobs beside the idle operator.
func BenchmarkRuns(b *testing.B) {
	for _, v := range variants {
		b.Run(v.name+"/"+managers[*limits].name, func(b *testing.B) {
			c := start(b)
			spec := c.jobSpec(b, &v)
			all := rounds{cost: usage{}, jobsCost: usage{}}
			for b.Loop() {
				c.round(b, &v, spec, &all)
			}
			all.report(b)
		})
	}
}

// round does the bare Jobs and then the runs, with an operator of its own.
func (c *cluster) round(b *testing.B, v *variant, spec *batchv1.JobSpec, all *rounds) {
	b.Helper()
	without := heap()
	o := startOperator(b, c)
	idle := heap() - without
	all.jobsTook += c.bareJobs(b, spec, *runs**phases, all.jobsCost)
	c.inNamespace(b, func(namespace string) {
		ends := c.watch(b, namespace, &v1alpha1.ValidationRun{}, *runs, passed)
		o.requests.begin()
		before, begin := cpu(), time.Now()
		if err := c.create(b.Context(), *runs, func(i int) client.Object { return v.run(namespace, i) }); err != nil {
			b.Fatal(err)
		}
		all.took += ends.wait(b).Sub(begin)
		all.runs += *runs
		o.requests.settle(b)
		all.cost.addSince(before)
		fromEnd, fromTold := c.pods.latencies(namespace, ends.at)
		all.fromEnd, all.fromTold = append(all.fromEnd, fromEnd...), append(all.fromTold, fromTold...)
		writes, events := o.requests.writes()
		all.writes, all.events = all.writes+writes, all.events+events
		b.Logf("the operator's requests for each phase: %s", o.requests.perEach(*runs**phases))

		full := heap()
		writeHeapProfile(b)
		o.stop()
		all.heap += full - heap() - idle
	})
}

func (r *rounds) report(b *testing.B) {
	jobs := float64(r.runs * *phases)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(r.runs)/r.took.Seconds(), "runs/s")
	b.ReportMetric(jobs/r.jobsTook.Seconds(), "jobs/s")
	b.ReportMetric(100*r.jobsTook.Seconds()/r.took.Seconds(), "%-of-jobs")
	b.ReportMetric(milli(r.cost.total())/float64(r.runs), "cpu-ms/run")
	b.ReportMetric(milli(r.jobsCost.total())/jobs, "cpu-ms/job")
	b.ReportMetric(float64(r.writes)/jobs, "writes/phase")
	b.ReportMetric(float64(r.events)/jobs, "events/phase")
	reportLatencies(b, r.fromEnd, r.fromTold)
	b.Logf("CPU time of each run in ms: %s; of each bare Job: %s", r.cost.perEach(r.runs), r.jobsCost.perEach(r.runs**phases))
	b.ReportMetric(float64(r.heap)/float64(r.runs), "heap-bytes/run")
}

// heap is what is in use once all garbage is gone.
func heap() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC() // what finalizers and pools held on to
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

func writeHeapProfile(b *testing.B) {
	b.Helper()
	if *operatorHeap == "" {
		return
	}
	file, err := os.Create(*operatorHeap)
	if err != nil {
		b.Fatalf("creating the heap profile: %v", err)
	}
	defer file.Close()
	if err := pprof.Lookup("heap").WriteTo(file, 0); err != nil {
		b.Fatalf("writing the heap profile: %v", err)
	}
}
