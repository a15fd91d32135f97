package workload

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

func TestNamesAreLabelsAndUnique(t *testing.T) {
	seen := map[string]string{}
	note := func(name, what string, limit int) {
		t.Helper()
		if problems := validation.IsDNS1123Label(name); len(problems) > 0 || len(name) > limit {
			t.Errorf("%s is %q, of %d characters: %v", what, name, len(name), problems)
		}
		if before, ok := seen[name]; ok {
			t.Errorf("%s and %s are both %q", before, what, name)
		}
		seen[name] = what
	}
	// Names that end in a hyphen where they are cut, and that are the same up to there.
	names := []string{"a", "0", strings.Repeat("a", 63), strings.Repeat("a", 27) + "-" + strings.Repeat("b", 33), strings.Repeat("a-", 31) + "a"}
	phases := []string{"p", strings.Repeat("p", 63), strings.Repeat("p", 62) + "q", strings.Repeat("p", 13) + "-" + strings.Repeat("q", 40)}
	for _, name := range names {
		for _, uid := range []types.UID{"u1", "u2"} {
			run := newRun()
			run.Name, run.UID = name, uid
			note(AccessName(run), fmt.Sprintf("access of %s/%s", name, uid), 63)
			for _, phase := range phases {
				for _, attempt := range []int64{1, 2, 11, 1 << 40} {
					for _, restart := range []int32{0, 1, 11} {
						item := Item{Attempt: attempt, Phase: phase, Restart: restart}
						note(EvidenceName(run, item), fmt.Sprintf("evidence %+v of %s/%s", item, name, uid), 63)
						for _, item.Unlisted = range []bool{false, true} {
							// The Job controller adds 6 characters for its pod's name, which is the host's name, too.
							note(JobName(run, item), fmt.Sprintf("Job %+v of %s/%s", item, name, uid), 57)
						}
					}
				}
			}
		}
	}
}

func TestNamesAreTheSameWheneverTheyAreAskedFor(t *testing.T) {
	run := newRun()
	if got, want := JobName(run, Item{Attempt: 1, Phase: "deployment"}), "h100-training-deployment-8e6476084908"; got != want {
		t.Errorf("the Job is %s, want %s: an operator of another version would make a second one", got, want)
	}
	if got, want := ResultName(run, 3), "h100-training-result-3"; got != want {
		t.Errorf("the result is %s, want %s", got, want)
	}
}

func TestNamesOfInputsFitAConfigMap(t *testing.T) {
	run := newRun()
	run.Name = strings.Repeat("a", 63)
	for _, name := range []string{InputName(run, 1<<60, InputSnapshot), ResultName(run, 1<<60)} {
		if problems := validation.IsDNS1123Subdomain(name); len(problems) > 0 {
			t.Errorf("%s: %v", name, problems)
		}
	}
}

func TestLabelsAreValidForTheLongestNames(t *testing.T) {
	phase := container("/smoke")
	phase.Name = strings.Repeat("p", 63)
	run := newRun(phase)
	run.Name = strings.Repeat("a", 63)
	job := newJobOf(t, run, Item{Attempt: 1 << 60, Phase: phase.Name})
	for key, value := range job.Spec.Template.Labels {
		if problems := append(validation.IsQualifiedName(key), validation.IsValidLabelValue(value)...); len(problems) > 0 {
			t.Errorf("%s=%s: %v", key, value, problems)
		}
	}
}

func TestChildrenAreOwnedAndLabelled(t *testing.T) {
	run := newRun(container("/smoke"))
	job := newJob(t, run)
	owner := job.OwnerReferences[0]
	if owner.Kind != "ValidationRun" || owner.APIVersion != "validation.aicr.dev/v1alpha1" || owner.UID != run.UID ||
		!*owner.Controller || !*owner.BlockOwnerDeletion {
		t.Errorf("the owner is %+v", owner)
	}
	for key, want := range map[string]string{
		v1alpha1.LabelRun: run.Name, v1alpha1.LabelRunUID: string(run.UID), v1alpha1.LabelAttempt: "1", v1alpha1.LabelPhase: "smoke",
		v1alpha1.LabelComponent: ComponentValidator, "app.kubernetes.io/managed-by": "validation-operator",
	} {
		if got := job.Labels[key]; got != want {
			t.Errorf("the Job's label %s is %q, want %q", key, got, want)
		}
		if got := job.Spec.Template.Labels[key]; got != want {
			t.Errorf("the pod's label %s is %q, want %q", key, got, want)
		}
	}
}

func TestAttemptOfLabels(t *testing.T) {
	for text, want := range map[string]int64{"": 0, "1": 1, "12": 12, "-1": 0, "x": 0, "99999999999999999999": 0} {
		if got := Attempt(map[string]string{v1alpha1.LabelAttempt: text}); got != want {
			t.Errorf("attempt %q is %d, want %d", text, got, want)
		}
	}
	if got := Attempt(nil); got != 0 {
		t.Errorf("attempt of no labels is %d", got)
	}
}

func TestAccess(t *testing.T) {
	run := newRun()
	account, binding := ServiceAccount(run), RoleBinding(run)
	if ServiceAccountName(run) != account.Name || binding.Subjects[0].Name != account.Name || binding.Subjects[0].Namespace != run.Namespace {
		t.Errorf("validators run as %s, the account is %s, bound is %+v", ServiceAccountName(run), account.Name, binding.Subjects)
	}
	if binding.RoleRef.Name != v1alpha1.CheckClusterRole || binding.RoleRef.Kind != "ClusterRole" || *account.AutomountServiceAccountToken {
		t.Errorf("binding is to %+v, the account mounts tokens: %v", binding.RoleRef, *account.AutomountServiceAccountToken)
	}
	run.Spec.ServiceAccountName = "mine"
	if got := ServiceAccountName(run); got != "mine" {
		t.Errorf("validators run as %s", got)
	}
}
