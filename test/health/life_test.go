package health

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/plan"
	"github.com/validation-operator/validation-operator/internal/report"
	"github.com/validation-operator/validation-operator/internal/verdict"
	"github.com/validation-operator/validation-operator/internal/workload"
)

const crdPath = "../../config/crd/bases/validation.aicr.dev_validationruns.yaml"

// epoch is when every run was created.
var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// life is one run, and as much of a cluster as the operator's core needs to take it somewhere: what it asks for is done at once,
// and its one pod does what the test says.
type life struct {
	t    *testing.T
	run  *v1alpha1.ValidationRun
	seen plan.Observed
	// lingers has Jobs that are stopped stay.
	lingers bool
	now     time.Time
	frozen  *v1alpha1.ValidationRunSpec
}

func newLife(t *testing.T) *life {
	return &life{t: t, now: epoch, run: &v1alpha1.ValidationRun{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "ValidationRun"},
		ObjectMeta: metav1.ObjectMeta{Name: "run", Namespace: "ns", UID: "run-uid", Generation: 1, CreationTimestamp: metav1.NewTime(epoch)},
		Spec: v1alpha1.ValidationRunSpec{
			Validator: v1alpha1.Validator{Image: "example.test/v:1"},
			Phases:    []v1alpha1.Phase{{Name: "smoke", Container: &v1alpha1.Container{Command: []string{"/smoke"}}}},
		},
	}}
}

// What users do.

func (l *life) edit(change func(spec *v1alpha1.ValidationRunSpec)) {
	change(&l.run.Spec)
	l.run.Generation++
}

func (l *life) trigger() { l.edit(func(s *v1alpha1.ValidationRunSpec) { s.Trigger += "x" }) }

func (l *life) suspend(on bool) { l.edit(func(s *v1alpha1.ValidationRunSpec) { s.Suspend = on }) }

func (l *life) cancel(on bool) { l.edit(func(s *v1alpha1.ValidationRunSpec) { s.Cancel = on }) }

func (l *life) limitHistory() {
	l.edit(func(s *v1alpha1.ValidationRunSpec) { s.HistoryLimit = new(int32(1)) })
}

func (l *life) rerun(value string) {
	l.run.Annotations = map[string]string{v1alpha1.AnnotationRerun: value}
	if value == "" {
		l.run.Annotations = nil
	}
}

// delete is a deletion that finalizers hold up, which the API server counts as a new generation.
func (l *life) delete() {
	l.run.DeletionTimestamp = new(metav1.NewTime(l.now))
	l.run.Finalizers = []string{v1alpha1.Finalizer}
	l.run.Generation++
}

// wipe is a status that somebody has replaced with nothing.
func (l *life) wipe() { l.run.Status = v1alpha1.ValidationRunStatus{} }

// What the pod does.

func (l *life) pod(change func(pod *plan.Pod)) {
	for i := range l.seen.Jobs {
		job := &l.seen.Jobs[i]
		if job.Item.Attempt != l.run.Status.Attempt {
			continue
		}
		if len(job.Pods) == 0 {
			job.Pods = []plan.Pod{{Name: job.Name + "-pod", UID: "pod-uid", Node: "node", Started: l.now}}
		}
		change(&job.Pods[0])
	}
}

func (l *life) block(reason string) {
	l.pod(func(pod *plan.Pod) { pod.Blocked = &plan.Block{Reason: reason, Message: "for now"} })
}

func (l *life) start() {
	l.pod(func(pod *plan.Pod) { pod.Blocked, pod.Validator = nil, plan.Container{ID: "container", Started: l.now} })
}

// end runs the attempt to its end: its container exits with the code and leaves the termination message.
func (l *life) end(code int32, message string) {
	l.settle()
	l.start()
	l.settle()
	l.now = l.now.Add(time.Minute)
	l.pod(func(pod *plan.Pod) {
		pod.Ended, pod.Validator.Finished = true, l.now
		pod.Validator.Exit = &verdict.Exit{Code: code, Message: message}
	})
	for i := range l.seen.Jobs {
		l.seen.Jobs[i].Finished = true
	}
	l.settle()
}

// What the operator does.

// settle goes on until the operator has nothing more to do.
func (l *life) settle() {
	l.t.Helper()
	for range 20 {
		before, jobs := l.run.Status.DeepCopy(), len(l.seen.Jobs)
		l.step()
		if equal(before, &l.run.Status) && jobs == len(l.seen.Jobs) {
			return
		}
	}
	l.t.Fatalf("the operator does not come to rest: %+v", l.run.Status)
}

// step is one pass: it decides, does what has to be done before status is written, and writes it.
func (l *life) step() {
	l.t.Helper()
	l.seen.SpecChanged, l.seen.Spec = false, nil
	l.seen.Stored, l.seen.Kept = nil, nil
	if l.frozen != nil && l.run.Generation != l.run.Status.ObservedGeneration {
		same, err := workload.SameSpec(l.frozen, &l.run.Spec)
		if err != nil {
			l.t.Fatal(err)
		}
		if !same {
			l.seen.SpecChanged, l.seen.Spec = true, l.frozen
		}
	}
	l.seen.HighestAttempt = l.run.Status.Attempt
	for range 10 {
		d := plan.Decide(l.run, l.seen, l.now)
		switch {
		case len(d.Unkept(&l.seen)) > 0:
			k := d.Unkept(&l.seen)[0]
			l.seen.Kept = map[workload.Item]*report.Phase{k.As: &k.Phase}
		case d.Store:
			l.seen.Stored = []v1alpha1.Result{{ConfigMap: workload.ResultName(l.run, d.Status.Attempt), Bytes: 1}}
		case d.Freeze, d.Setup:
			l.frozen = l.run.Spec.DeepCopy()
			l.seen.Frozen = []v1alpha1.Input{{Name: workload.InputSpec, ConfigMap: workload.InputName(l.run, d.Status.Attempt, workload.InputSpec)}}
		case len(d.Create) > 0:
			item := d.Create[0].Item
			l.seen.Jobs = append(l.seen.Jobs, plan.Job{Name: workload.JobName(l.run, item), Item: item})
		default:
			l.publish(d)
			return
		}
	}
	l.t.Fatal("the operator asks for the same again and again")
}

func (l *life) publish(d plan.Decision) {
	if d.Status.Attempt != l.run.Status.Attempt {
		l.seen.Frozen = nil
	}
	l.run.Status = d.Status
	l.seen.Jobs = slices.DeleteFunc(l.seen.Jobs, func(job plan.Job) bool { return !l.lingers && slices.Contains(d.Stop, job.Name) })
	for i := range l.seen.Jobs {
		job := &l.seen.Jobs[i]
		job.Deleting = job.Deleting || slices.Contains(d.Stop, job.Name)
	}
}

func equal(a, b *v1alpha1.ValidationRunStatus) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// What is stored.

// stored is the run as an API server stores it: encoded, with the defaults of the CRD.
func (l *life) stored() *unstructured.Unstructured {
	l.t.Helper()
	data, err := json.Marshal(l.run)
	if err != nil {
		l.t.Fatal(err)
	}
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(data); err != nil {
		l.t.Fatal(err)
	}
	crd, err := structural()
	if err != nil {
		l.t.Fatal(err)
	}
	defaulting.Default(object.Object, crd)
	return object
}

func (l *life) reason() string {
	if c := meta.FindStatusCondition(l.run.Status.Conditions, v1alpha1.ConditionReady); c != nil {
		return c.Reason
	}
	return ""
}

// conditions are the statuses of Complete, Ready, Reconciling and Stalled.
func (l *life) conditions() (out [4]string) {
	for i, name := range []string{
		v1alpha1.ConditionComplete, v1alpha1.ConditionReady, v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled,
	} {
		if c := meta.FindStatusCondition(l.run.Status.Conditions, name); c != nil {
			out[i] = string(c.Status)
		}
	}
	return out
}

// settled says that status is about all that is asked of the run now.
func (l *life) settled() bool {
	return l.run.DeletionTimestamp == nil && l.run.Generation == l.run.Status.ObservedGeneration && !plan.Renews(l.run, l.seen.SpecChanged)
}

func (l *life) printed(object *unstructured.Unstructured) string {
	data, err := yaml.Marshal(object.Object)
	if err != nil {
		l.t.Fatal(err)
	}
	return string(data)
}

// structural is the CRD's schema.
var structural = sync.OnceValues(func() (*schema.Structural, error) {
	data, err := os.ReadFile(crdPath)
	if err != nil {
		return nil, err
	}
	crd := &apiextensionsv1.CustomResourceDefinition{}
	if err := yaml.UnmarshalStrict(data, crd); err != nil {
		return nil, err
	}
	props := &apiextensions.JSONSchemaProps{}
	in := crd.Spec.Versions[0].Schema.OpenAPIV3Schema
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(in, props, nil); err != nil {
		return nil, err
	}
	return schema.NewStructural(props)
})
