package controller

import (
	"context"
	"errors"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/plan"
	"github.com/validation-operator/validation-operator/internal/recipe"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// documents are the frozen recipes and snapshots of the runs that go on, parsed once: a frozen ConfigMap never changes.
type documents struct {
	mu sync.Mutex
	of map[types.NamespacedName]*document
}

// document is what one attempt of a run froze.
type document struct {
	uid      types.UID
	attempt  int64
	recipe   *recipe.Recipe
	snapshot *recipe.Snapshot
	wrong    map[string]string
	nodes    map[string]plan.Nodes
}

// open is what is known of a run's current attempt.
func (d *documents) open(run *v1alpha1.ValidationRun) *document {
	d.mu.Lock()
	defer d.mu.Unlock()
	key := types.NamespacedName{Namespace: run.Namespace, Name: run.Name}
	if d.of == nil {
		d.of = map[types.NamespacedName]*document{}
	}
	doc := d.of[key]
	if doc == nil || doc.uid != run.UID || doc.attempt != run.Status.Attempt {
		doc = &document{uid: run.UID, attempt: run.Status.Attempt, wrong: map[string]string{}, nodes: map[string]plan.Nodes{}}
		d.of[key] = doc
	}
	return doc
}

func (d *documents) forget(run types.NamespacedName) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.of, run)
}

// observeDocuments reads the recipe and the snapshot that the attempt froze, and the nodes that its phases run on.
func (r *Reconciler) observeDocuments(ctx context.Context, run *v1alpha1.ValidationRun, seen *plan.Observed) error {
	spec := &run.Spec
	if seen.SpecChanged && seen.Spec != nil {
		spec = seen.Spec
	}
	if run.Status.Attempt == 0 || run.Status.Verdict != "" {
		r.documents.forget(types.NamespacedName{Namespace: run.Namespace, Name: run.Name})
		return nil
	}
	doc := r.documents.open(run)
	if spec.Recipe != nil {
		if err := r.readRecipe(ctx, run, doc); err != nil {
			return err
		}
		seen.Recipe, seen.InvalidRecipe = doc.recipe, doc.wrong[workload.InputRecipe]
	}
	if spec.Recipe != nil && spec.Snapshot != nil {
		if err := r.readSnapshot(ctx, run, doc); err != nil {
			return err
		}
		seen.Snapshot, seen.InvalidSnapshot = doc.snapshot, doc.wrong[workload.InputSnapshot]
	}
	return r.observeNodes(ctx, run, doc, seen)
}

// readRecipe parses the frozen recipe, once it is there.
func (r *Reconciler) readRecipe(ctx context.Context, run *v1alpha1.ValidationRun, doc *document) error {
	if doc.recipe != nil || doc.wrong[workload.InputRecipe] != "" {
		return nil
	}
	data, err := r.frozen(ctx, run, workload.InputRecipe)
	if err != nil || data == nil {
		return err
	}
	if doc.recipe, err = recipe.Parse(data); err != nil {
		doc.recipe, doc.wrong[workload.InputRecipe] = nil, err.Error()
	}
	return nil
}

// readSnapshot parses the frozen snapshot, once it is there.
func (r *Reconciler) readSnapshot(ctx context.Context, run *v1alpha1.ValidationRun, doc *document) error {
	if doc.snapshot != nil || doc.wrong[workload.InputSnapshot] != "" {
		return nil
	}
	data, err := r.frozen(ctx, run, workload.InputSnapshot)
	if err != nil || data == nil {
		return err
	}
	if doc.snapshot, err = recipe.ParseSnapshot(data); err != nil {
		doc.snapshot, doc.wrong[workload.InputSnapshot] = nil, err.Error()
	}
	return nil
}

// frozen is the content of a frozen input of the current attempt, nil where it is not there. One that is not as it was frozen is as good
// as gone: what the attempt validates must not change while it runs.
func (r *Reconciler) frozen(ctx context.Context, run *v1alpha1.ValidationRun, input string) ([]byte, error) {
	cm := &corev1.ConfigMap{}
	err := r.Live.Get(ctx, types.NamespacedName{Namespace: run.Namespace, Name: workload.InputName(run, run.Status.Attempt, input)}, cm)
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("getting frozen %s: %w", input, err)
	}
	if err := asFrozen(run, input, cm); err != nil {
		logf.FromContext(ctx).Info("Frozen input cannot be used", "input", input, "configMap", cm.Name, "error", err.Error())
		return nil, nil
	}
	content, _ := workload.FrozenContent(input, cm)
	if content == nil {
		content = []byte{}
	}
	return content, nil
}

// asFrozen is an error where a ConfigMap is not the copy of an input that the operator has made, or not as status says that it was.
func asFrozen(run *v1alpha1.ValidationRun, input string, cm *corev1.ConfigMap) error {
	is := workload.Frozen(input, cm)
	for _, was := range run.Status.Inputs {
		if was.Name == input && was.SHA256 != is.SHA256 {
			return fmt.Errorf("its digest is %s, and was %s", is.SHA256, was.SHA256)
		}
	}
	return isOwn(run, cm)
}

// isOwn is an error where the operator cannot have made a ConfigMap of what must not change.
func isOwn(run *v1alpha1.ValidationRun, cm *corev1.ConfigMap) error {
	if !metav1.IsControlledBy(cm, run) || !ptr.Deref(cm.Immutable, false) {
		return errors.New("it is not the operator's")
	}
	return nil
}
