// Package deployment has the checks of the deployment phase: is everything there that the recipe expects, and rolled out? Each
// check is a function that finds something out on a bench; the tests beside it, which run in a pod of the cluster, say what it
// found. It must import neither another phase's checks nor the operator.
package deployment

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/internal/checks/recipe"
)

// pageSize keeps each answer small in a namespace of thousands of objects.
const pageSize = 500

// namespaces are those that the recipe's components live in; without any the check is not applicable.
func namespaces(f *finding.Finding, r *recipe.Recipe) []string {
	found := r.Namespaces()
	if len(found) == 0 {
		f.NotApplicable("the recipe names no namespaces")
	}
	return found
}

// each calls do for each object of a kind, page by page.
func each[T any, L runtime.Object](
	ctx context.Context, list func(context.Context, metav1.ListOptions) (L, error), items func(L) []T, do func(*T),
) error {
	options := metav1.ListOptions{Limit: pageSize}
	for {
		page, err := list(ctx, options)
		if err != nil {
			return err
		}
		found := items(page)
		for i := range found {
			do(&found[i])
		}
		accessor, err := meta.ListAccessor(page)
		if err != nil {
			return fmt.Errorf("reading a list: %w", err)
		}
		if options.Continue = accessor.GetContinue(); options.Continue == "" {
			return nil
		}
	}
}

// refused keeps the error of a request in a namespace of the recipe. One that does not exist has nothing to list, and is the
// finding of ComponentNamespaces.
func refused(f *finding.Finding, right, namespace string, err error) {
	if err == nil {
		return
	}
	f.Refused(right+" in "+namespace, err)
}

// ComponentNamespaces proves that the namespaces of the recipe's components exist and are not being deleted.
func ComponentNamespaces(ctx context.Context, b *cluster.Bench, r *recipe.Recipe) *finding.Finding {
	f := &finding.Finding{}
	for _, name := range namespaces(f, r) {
		namespace, err := b.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			f.Fail("the namespace "+name, "none", "install the component that the recipe puts there")
		case err != nil:
			f.Refused("get the namespace "+name, err)
		case !active(namespace):
			f.Fail("the namespace "+name+" to be Active", string(namespace.Status.Phase),
				"wait for its deletion and install again, or see in its conditions what holds the deletion up")
		}
	}
	return f
}
