// Package workload builds the objects of a run: its Jobs, its access, the frozen copies of its inputs. It is pure: from values of the
// API it makes objects, and never talks to a cluster.
package workload

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

// The containers of a validator's pod. Containers of other names are not the validator's: something injected them.
const (
	// ValidatorContainer runs the tests.
	ValidatorContainer = "validator"
	// ListContainer asks a test binary for its tests before it runs.
	ListContainer = "list"
)

// The values of the label component.
const (
	ComponentAccess    = "access"
	ComponentInput     = "input"
	ComponentValidator = "validator"
	ComponentEvidence  = "evidence"
	ComponentResult    = "result"
)

// Item tells one Job of a run from another.
type Item struct {
	// Attempt is the attempt's number.
	Attempt int64
	// Phase is the phase's name.
	Phase string
	// Check and Node tell the Jobs of a phase that has several: the check that it runs, the node that it runs on.
	Check, Node string
	// Restart is how often the phase was begun anew before.
	Restart int32
	// Unlisted says that the Job does not ask for the list of tests, because an earlier one of the phase could not.
	Unlisted bool
}

// JobName is the name of the Job of an item. It is the same whenever it is asked for, so that creating it twice cannot make two.
func JobName(run *v1alpha1.ValidationRun, item Item) string {
	kind := ComponentValidator
	if item.Unlisted {
		kind += "/unlisted"
	}
	return itemName(run, item, kind)
}

// EvidenceName is the name of the ConfigMap that keeps the evidence of a phase, or of a run of it that is retried, until the result is
// written.
func EvidenceName(run *v1alpha1.ValidationRun, item Item) string {
	return itemName(run, item, ComponentEvidence)
}

// CheckpointName is the name of the ConfigMap that holds how far the log of a Job's validator was read.
func CheckpointName(run *v1alpha1.ValidationRun, item Item) string {
	kind := "checkpoint"
	if item.Unlisted {
		kind += "/unlisted"
	}
	return itemName(run, item, kind)
}

func itemName(run *v1alpha1.ValidationRun, item Item, kind string) string {
	parts := []string{kind, strconv.FormatInt(item.Attempt, 10)}
	if item.Restart > 0 {
		parts = append(parts, strconv.FormatInt(int64(item.Restart), 10))
	}
	if item.Check != "" || item.Node != "" {
		parts = append(parts, "check="+item.Check, "node="+item.Node)
	}
	return childName(run, item.Phase, parts...)
}

// AccessName is the name of a run's own ServiceAccount and of its RoleBinding.
func AccessName(run *v1alpha1.ValidationRun) string {
	return childName(run, "validator", ComponentAccess)
}

// InputName is the name of the ConfigMap that holds a frozen input.
func InputName(run *v1alpha1.ValidationRun, attempt int64, input string) string {
	return fmt.Sprintf("%s-%s-%d", run.Name, input, attempt)
}

// ResultName is the name of the ConfigMap that holds the result of an attempt.
func ResultName(run *v1alpha1.ValidationRun, attempt int64) string {
	return fmt.Sprintf("%s-result-%d", run.Name, attempt)
}

// childName is <run>-<what>-<hash>, at most 56 characters: the Job controller adds 6 to it for the pod's name, which is a DNS label. The
// run's UID is in the hash, so that a run made anew under the same name never meets the children of the old one; two of 2,000 items have
// the same hash in one of 10^8 runs.
func childName(run *v1alpha1.ValidationRun, what string, parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(append([]string{string(run.UID), what}, parts...), "\x00")))
	return clip(run.Name, 28) + "-" + clip(what, 14) + "-" + hex.EncodeToString(sum[:6])
}

// clip shortens a DNS label to a DNS label.
func clip(label string, length int) string {
	if len(label) > length {
		label = label[:length]
	}
	return strings.TrimRight(label, "-")
}

// Meta is the metadata of a child of a run: owned by it, labelled for it.
func Meta(run *v1alpha1.ValidationRun, name, component string, attempt int64) metav1.ObjectMeta {
	meta := metav1.ObjectMeta{
		Name:      name,
		Namespace: run.Namespace,
		Labels: map[string]string{
			"app.kubernetes.io/managed-by": "validation-operator",
			v1alpha1.LabelComponent:        component,
			v1alpha1.LabelRun:              run.Name,
			v1alpha1.LabelRunUID:           string(run.UID),
		},
		OwnerReferences: []metav1.OwnerReference{{
			APIVersion:         v1alpha1.GroupVersion.String(),
			Kind:               "ValidationRun",
			Name:               run.Name,
			UID:                run.UID,
			Controller:         new(true),
			BlockOwnerDeletion: new(true),
		}},
	}
	if attempt > 0 {
		meta.Labels[v1alpha1.LabelAttempt] = strconv.FormatInt(attempt, 10)
	}
	return meta
}

// Attempt is the attempt that a child's labels name, 0 for none.
func Attempt(labels map[string]string) int64 {
	n, err := strconv.ParseInt(labels[v1alpha1.LabelAttempt], 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}
