package controller

import (
	"context"
	"errors"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/plan"
	"github.com/validation-operator/validation-operator/internal/workload"
)

func account(owner *v1alpha1.ValidationRun) *corev1.ServiceAccount {
	out := workload.ServiceAccount(newRun())
	out.OwnerReferences = nil
	if owner != nil {
		out.OwnerReferences = workload.ServiceAccount(owner).OwnerReferences
	}
	out.Annotations = map[string]string{"there": "before"}
	return out
}

func TestCreateOwned(t *testing.T) {
	leaving := account(newRun())
	leaving.Finalizers = []string{"example.test/slow"}
	leaving.DeletionTimestamp = new(metav1.NewTime(epoch))
	tests := []struct {
		name  string
		there *corev1.ServiceAccount
		want  string // the reason of the refusal, with ! where it is final
		says  string
	}{
		{"nothing is there", nil, "", ""},
		{"its own is there", account(newRun()), "", ""},
		{"somebody's is there", account(nil), v1alpha1.ReasonNameConflict + "!", "does not belong to this run"},
		{"another run's is there", account(newRun(func(r *v1alpha1.ValidationRun) { r.Name, r.UID = "other", "x" })),
			v1alpha1.ReasonNameConflict + "!", "does not belong to this run"},
		{"its own is going", leaving, v1alpha1.ReasonNameConflict, "is being deleted"},
		{"one of an earlier run of the same name is there", account(newRun(func(r *v1alpha1.ValidationRun) { r.UID = "earlier" })),
			v1alpha1.ReasonNameConflict, "of an earlier run is being deleted"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var objects []client.Object
			if test.there != nil {
				objects = append(objects, test.there)
			}
			b := newBench(t, interceptor.Funcs{}, objects...)
			o, err := createOwned(t.Context(), b.Reconciler, newRun(), workload.ServiceAccount(newRun()))
			got := ""
			if r, ok := errors.AsType[*refusal](err); ok {
				if got = r.block.Reason; r.block.Final {
					got += "!"
				}
			} else if err != nil {
				t.Fatal(err)
			}
			if got != test.want || err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("refused for %q, want %q: %v", got, test.want, err)
			}
			if err == nil && test.there != nil && o.Annotations["there"] != "before" {
				t.Error("the object in hand is not the one that is there")
			}
		})
	}
}

// A garbage collector that took a run made anew for the old one leaves the old one's ConfigMaps for ever.
func TestWhatAnEarlierRunLeftBehindIsDeleted(t *testing.T) {
	earlier := newRun(started, func(r *v1alpha1.ValidationRun) { r.UID = "earlier" })
	stranger := newRun(started, func(r *v1alpha1.ValidationRun) { r.UID, r.Name = "other", "another" })
	for owner, want := range map[*v1alpha1.ValidationRun]bool{earlier: true, stranger: false} {
		left := workload.FrozenInput(owner, 1, workload.InputSpec, []byte("{}"))
		left.Name, left.UID = workload.InputName(newRun(), 1, workload.InputSpec), "left"
		b := newBench(t, interceptor.Funcs{}, left)
		mine := workload.FrozenInput(newRun(started), 1, workload.InputSpec, []byte("{}"))
		if _, err := createOwned(t.Context(), b.Reconciler, newRun(started), mine); err == nil {
			t.Errorf("%s: it is taken over", owner.UID)
		}
		_, err := createOwned(t.Context(), b.Reconciler, newRun(started), mine.DeepCopy())
		if gone := err == nil; gone != want {
			t.Errorf("%s: gone is %t: %v", owner.UID, gone, err)
		}
	}
}

// A creation may succeed and its answer be lost: the next pass finds it and makes no second one.
func TestCreateJobAfterALostAnswer(t *testing.T) {
	creations := 0
	b := newBench(t, interceptor.Funcs{Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
		creations++
		if err := c.Create(ctx, o, opts...); err != nil {
			return err
		}
		return apierrors.NewTimeoutError("the server did not answer in time", 1)
	}})
	run := newRun(started)
	item := workload.Item{Attempt: 1, Phase: "a"}
	d := plan.Decision{Create: []plan.Creation{{Item: item, Phase: run.Spec.Phases[0]}}}
	var seen plan.Observed
	err := b.createJobs(t.Context(), run, d, &seen)
	if _, refused := errors.AsType[*refusal](err); err == nil || refused || len(seen.Jobs) > 0 {
		t.Fatalf("a lost answer is %v, and seen is %v", err, seen.Jobs)
	}
	if err := b.createJobs(t.Context(), run, d, &seen); err != nil {
		t.Fatal(err)
	}
	if len(seen.Jobs) != 1 || seen.Jobs[0].Item != item || creations != 2 {
		t.Errorf("seen is %+v after %d creations", seen.Jobs, creations)
	}
	var jobs batchv1.JobList
	if err := b.Live.List(t.Context(), &jobs); err != nil || len(jobs.Items) != 1 {
		t.Errorf("%d Jobs, %v", len(jobs.Items), err)
	}
}

// Labels can be edited by anybody. A Job that was found under its name is the one that was asked for, or a pass would ask for ever.
func TestCreateJobFindsOneWhoseLabelsWereEdited(t *testing.T) {
	run := newRun(started)
	item := workload.Item{Attempt: 1, Phase: "a"}
	job, err := workload.Job(run, &run.Spec.Phases[0], item)
	if err != nil {
		t.Fatal(err)
	}
	delete(job.Labels, v1alpha1.LabelAttempt)
	b := newBench(t, interceptor.Funcs{}, job)
	var seen plan.Observed
	if err := b.createJobs(t.Context(), run, plan.Decision{Create: []plan.Creation{{Item: item, Phase: run.Spec.Phases[0]}}}, &seen); err != nil {
		t.Fatal(err)
	}
	if len(seen.Jobs) != 1 || seen.Jobs[0].Item != item {
		t.Errorf("seen is %+v, asked for was %+v", seen.Jobs, item)
	}
}

func TestTheFinalizerComesBeforeAnythingElse(t *testing.T) {
	var calls []string
	b := newBench(t, interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			calls = append(calls, "create "+o.GetName())
			return c.Create(ctx, o, opts...)
		},
		Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, opts ...client.PatchOption) error {
			calls = append(calls, "patch "+o.GetName())
			return c.Patch(ctx, o, p, opts...)
		},
	}, newRun())
	run := b.stored(t, newRun())
	var seen plan.Observed
	if err := b.make(t.Context(), run, plan.Decision{Freeze: true, Status: status{Attempt: 1}}, &seen); err != nil {
		t.Fatal(err)
	}
	if len(calls) != 4 || calls[0] != "patch run" {
		t.Errorf("the calls are %v", calls)
	}
	if len(seen.Frozen) != 1 || seen.Frozen[0].ConfigMap != "run-spec-1" {
		t.Errorf("frozen is %+v", seen.Frozen)
	}
}
