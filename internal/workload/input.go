package workload

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

// The inputs of a run by name, and the key under which a frozen copy holds each.
const (
	InputSpec     = "spec"
	InputRecipe   = "recipe"
	InputSnapshot = "snapshot"

	keySpec     = "spec.json"
	keyRecipe   = "recipe.yaml"
	keySnapshot = "snapshot.yaml"
)

var inputKeys = map[string]string{InputSpec: keySpec, InputRecipe: keyRecipe, InputSnapshot: keySnapshot}

// Source is an input that the run's spec names.
type Source struct {
	// Input is the input's name.
	Input string
	// From is where the original is.
	From v1alpha1.ConfigMapKey
}

// Sources are the inputs that the spec names, in a fixed order.
func Sources(spec *v1alpha1.ValidationRunSpec) []Source {
	var out []Source
	if spec.Recipe != nil {
		out = append(out, Source{Input: InputRecipe, From: spec.Recipe.ConfigMap})
	}
	if spec.Snapshot != nil && spec.Snapshot.ConfigMap != nil {
		out = append(out, Source{Input: InputSnapshot, From: *spec.Snapshot.ConfigMap})
	}
	return out
}

// FrozenInput is the immutable copy of an input.
func FrozenInput(run *v1alpha1.ValidationRun, attempt int64, input string, content []byte) *corev1.ConfigMap {
	cm := &corev1.ConfigMap{
		ObjectMeta: Meta(run, InputName(run, attempt, input), ComponentInput, attempt),
		Immutable:  new(true),
	}
	if utf8.Valid(content) {
		cm.Data = map[string]string{keyOf(input): string(content)}
	} else {
		cm.BinaryData = map[string][]byte{keyOf(input): content}
	}
	return cm
}

// FrozenContent is what the frozen copy of an input holds.
func FrozenContent(input string, cm *corev1.ConfigMap) ([]byte, bool) {
	return Content(cm, keyOf(input))
}

func keyOf(input string) string {
	if key, ok := inputKeys[input]; ok {
		return key
	}
	return "nodes.json"
}

// Mounted are the inputs that the validators of a phase get. What is captured is not there before the operator's own phases are over.
func Mounted(spec *v1alpha1.ValidationRunSpec, phase string) (inputs []string) {
	for _, s := range Sources(spec) {
		inputs = append(inputs, s.Input)
	}
	if s := spec.Snapshot; s != nil && s.Capture != nil && phase != v1alpha1.PhasePreflight && phase != v1alpha1.PhaseSnapshot {
		inputs = append(inputs, InputSnapshot)
	}
	return inputs
}

// Frozen is what status says of a frozen input.
func Frozen(input string, cm *corev1.ConfigMap) v1alpha1.Input {
	content, _ := FrozenContent(input, cm)
	sum := sha256.Sum256(content)
	return v1alpha1.Input{Name: input, ConfigMap: cm.Name, SHA256: hex.EncodeToString(sum[:])}
}

// Content is what a ConfigMap holds under a key.
func Content(cm *corev1.ConfigMap, key string) ([]byte, bool) {
	if text, ok := cm.Data[key]; ok {
		return []byte(text), true
	}
	data, ok := cm.BinaryData[key]
	return data, ok
}

// EncodeSpec is the spec as an attempt freezes it: what it validates and how, with its defaults, and what can be written in several ways
// written in one. What only says how to deal with an attempt is not a part of it: suspend, cancel, cleanup, historyLimit.
func EncodeSpec(spec *v1alpha1.ValidationRunSpec) ([]byte, error) {
	spec = spec.DeepCopy()
	spec.SetDefaults()
	spec.Suspend, spec.Cancel, spec.Cleanup, spec.HistoryLimit = false, false, nil, nil
	canonical(spec)
	data, err := json.Marshal(spec)
	if err != nil {
		return nil, fmt.Errorf("encoding spec: %w", err)
	}
	return data, nil
}

// DecodeSpec reads a frozen spec.
func DecodeSpec(frozen *corev1.ConfigMap) (*v1alpha1.ValidationRunSpec, error) {
	data, ok := Content(frozen, keySpec)
	if !ok {
		return nil, fmt.Errorf("frozen spec %s has no key %s", frozen.Name, keySpec)
	}
	spec := &v1alpha1.ValidationRunSpec{}
	if err := json.Unmarshal(data, spec); err != nil {
		return nil, fmt.Errorf("decoding frozen spec %s: %w", frozen.Name, err)
	}
	return spec, nil
}

// SameSpec says whether two specs mean the same, once both have today's defaults.
func SameSpec(a, b *v1alpha1.ValidationRunSpec) (bool, error) {
	was, err := EncodeSpec(a)
	if err != nil {
		return false, err
	}
	is, err := EncodeSpec(b)
	if err != nil {
		return false, err
	}
	return string(was) == string(is), nil
}
