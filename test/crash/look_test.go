package crash

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/report"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// look is all that there is of a run, as text in which one telling is like the other.
func (t *telling) look(ctx context.Context) (string, error) {
	run, err := t.get(ctx)
	if client.IgnoreNotFound(err) != nil {
		return "", fmt.Errorf("getting the run: %w", err)
	}
	text := "there is no run\n"
	if err == nil {
		if err := t.compareResults(ctx, run); err != nil {
			return "", err
		}
		status, err := yaml.Marshal(run.Status)
		if err != nil {
			return "", fmt.Errorf("encoding status: %w", err)
		}
		text = fmt.Sprintf("generation %d, finalizers %v, labels %v, annotations %v\n%s",
			run.Generation, run.Finalizers, run.Labels, run.Annotations, status)
	}
	children, err := t.children(ctx)
	if err != nil {
		return "", err
	}
	run.Namespace = t.namespace
	mask := newMask(run)
	for i := range children {
		children[i] = mask.of(children[i])
	}
	slices.Sort(children)
	return mask.of(text) + strings.Join(children, "\n"), nil
}

// compareResults puts in place of what status says of the stored result, which depends on the times in it, that it is so.
func (t *telling) compareResults(ctx context.Context, run *v1alpha1.ValidationRun) error {
	for i := range run.Status.Results {
		r, cm := &run.Status.Results[i], &corev1.ConfigMap{}
		err := t.world.k8s.Get(ctx, client.ObjectKey{Namespace: t.namespace, Name: r.ConfigMap}, cm)
		if client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("getting a result: %w", err)
		}
		var length int64
		for _, text := range cm.Data {
			length += int64(len(text))
		}
		if sum := sha256.Sum256([]byte(cm.Data[report.FileName])); r.SHA256 == hex.EncodeToString(sum[:]) && r.Bytes == length {
			r.SHA256, r.Bytes = "as stored", -1
		}
	}
	return nil
}

// children are the objects that are labelled for the run, in order.
func (t *telling) children(ctx context.Context) (out []string, err error) {
	var jobs batchv1.JobList
	var pods corev1.PodList
	var configMaps corev1.ConfigMapList
	var accounts corev1.ServiceAccountList
	var bindings rbacv1.RoleBindingList
	for _, list := range []client.ObjectList{&jobs, &pods, &configMaps, &accounts, &bindings} {
		if err := t.world.k8s.List(ctx, list, client.InNamespace(t.namespace), client.HasLabels{v1alpha1.LabelRun}); err != nil {
			return nil, fmt.Errorf("listing children: %w", err)
		}
	}
	for i := range jobs.Items {
		var state []string
		for _, c := range jobs.Items[i].Status.Conditions {
			state = append(state, string(c.Type)+"="+string(c.Status))
		}
		out = append(out, child(&jobs.Items[i], "Job", strings.Join(state, " ")))
	}
	for i := range pods.Items {
		out = append(out, child(&pods.Items[i], "Pod", string(pods.Items[i].Status.Phase)))
	}
	for i := range configMaps.Items {
		out = append(out, child(&configMaps.Items[i], "ConfigMap", content(&configMaps.Items[i])))
	}
	for i := range accounts.Items {
		out = append(out, child(&accounts.Items[i], "ServiceAccount", ""))
	}
	for i := range bindings.Items {
		out = append(out, child(&bindings.Items[i], "RoleBinding", fmt.Sprint(bindings.Items[i].RoleRef, bindings.Items[i].Subjects)))
	}
	return out, nil
}

func child(o client.Object, kind, what string) string {
	owners := make([]string, 0, 1)
	for _, owner := range o.GetOwnerReferences() {
		owners = append(owners, owner.Kind+" "+owner.Name+" "+string(owner.UID))
	}
	if o.GetDeletionTimestamp() != nil {
		what = "is being deleted; " + what
	}
	return fmt.Sprintf("%s %s of %v, labels %v: %s", kind, o.GetName(), owners, o.GetLabels(), what)
}

// content is what a ConfigMap holds. What is compressed is as long as it happens to be.
func content(cm *corev1.ConfigMap) string {
	out := []string{fmt.Sprintf("immutable %t", cm.Immutable != nil && *cm.Immutable)}
	for name, text := range cm.Data {
		out = append(out, name+":\n"+text)
	}
	for name := range cm.BinaryData {
		out = append(out, name+": compressed")
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// mask makes alike what differs between two tellings of one story: times, UIDs, and what is made of them.
type mask struct{ names *strings.Replacer }

// newMask knows the names of all children that a run may have.
func newMask(run *v1alpha1.ValidationRun) mask {
	pairs := []string{run.Namespace, "NAMESPACE", workload.AccessName(run), "ACCESS"}
	item := workload.Item{}
	name := func(kind string, name func(*v1alpha1.ValidationRun, workload.Item) string) {
		pairs = append(pairs, name(run, item), fmt.Sprintf("%s-%d-%s%s-%d-%t", kind, item.Attempt, item.Phase, item.Check, item.Restart, item.Unlisted))
	}
	for item.Attempt = range int64(4) {
		for _, unit := range units {
			item.Phase, item.Check = unit.phase, unit.check
			for item.Restart = range int32(4) {
				name("EVIDENCE", workload.EvidenceName)
				for _, item.Unlisted = range []bool{true, false} {
					name("JOB", workload.JobName)
					name("CHECKPOINT", workload.CheckpointName)
				}
			}
		}
	}
	return mask{names: strings.NewReplacer(pairs...)}
}

// units are what has a Job, or evidence, in any story.
var units = []struct{ phase, check string }{
	{"a", ""}, {"b", ""}, {"preflight", ""}, {"preflight", "snapshot"}, {"snapshot", ""}, {"readiness", ""},
	{"deployment", "links"}, {"deployment", "memory"},
}

// masks are applied in this order, after the names.
var masks = []struct {
	what *regexp.Regexp
	by   string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ?`), "TIME"},
	{regexp.MustCompile(`uid: "([0-9a-f-]{36})"`), "uid: $1"}, // quoted where it might be a number
	{regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`), "UID"},
	{regexp.MustCompile(`(JOB(?:-\w+){4})-[a-z0-9]{5}\b`), "$1-POD"},
	{regexp.MustCompile(`( time=)"[0-9.]+"`), `$1"TIME"`},
	{regexp.MustCompile(`,\s*"(start|stop|duration)": \d+`), ""}, // zero is left out
	{regexp.MustCompile(`\nsuspendedSeconds: \d+`), ""},
}

func (m mask) of(text string) string {
	text = m.names.Replace(text)
	for _, mask := range masks {
		text = mask.what.ReplaceAllString(text, mask.by)
	}
	return text
}
