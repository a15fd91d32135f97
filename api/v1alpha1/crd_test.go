package v1alpha1_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

const crdPath = "../../config/crd/bases/validation.aicr.dev_validationruns.yaml"

// schema is an OpenAPI schema, as far as it bounds values.
type schema struct {
	Type                 string
	Format               string
	Description          string
	Properties           map[string]*schema
	AdditionalProperties *schema
	Items                *schema
	Enum                 []any
	MaxLength            *int64
	MaxItems             *int64
	MaxProperties        *int64
	Minimum              *float64
	Maximum              *float64
	IntOrString          bool                             `json:"x-kubernetes-int-or-string"`
	Rules                []struct{ Rule, Message string } `json:"x-kubernetes-validations"`
}

func readCRD(t *testing.T) (root *schema, size int) {
	t.Helper()
	data, err := os.ReadFile(crdPath)
	if err != nil {
		t.Fatal(err)
	}
	var crd struct {
		Spec struct {
			Versions []struct {
				Schema struct{ OpenAPIV3Schema *schema }
			}
		}
	}
	if err := yaml.Unmarshal(data, &crd); err != nil {
		t.Fatal(err)
	}
	if len(crd.Spec.Versions) != 1 {
		t.Fatalf("the CRD has %d versions, want 1", len(crd.Spec.Versions))
	}
	return crd.Spec.Versions[0].Schema.OpenAPIV3Schema, len(data)
}

// walk visits a schema and all below it. Lists are marked [] in the path, and the values of maps {}.
func walk(s *schema, path string, visit func(path string, s *schema)) {
	visit(path, s)
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		walk(s.Properties[name], strings.TrimPrefix(path+"."+name, "."), visit)
	}
	if s.Items != nil {
		walk(s.Items, path+"[]", visit)
	}
	if s.AdditionalProperties != nil {
		walk(s.AdditionalProperties, path+"{}", visit)
	}
}

// Every value is bounded: a run has a largest size, and a number that the API server takes is one that Go's types hold.
func TestEveryValueIsBounded(t *testing.T) {
	root, _ := readCRD(t)
	for _, part := range []string{"spec", "status"} {
		walk(root.Properties[part], part, func(path string, s *schema) {
			if lack := unbounded(path, s); lack != "" {
				t.Errorf("%s has no %s", path, lack)
			}
		})
	}
}

func unbounded(path string, s *schema) string {
	switch {
	case s.Type == "string" && strings.HasSuffix(path, "{}"):
		return "" // The map's rule bounds its keys and values at once.
	case s.Type == "string" && s.MaxLength == nil && len(s.Enum) == 0 && s.Format != "date-time":
		return "maxLength, enum or format"
	case s.Type == "integer" && s.Minimum == nil:
		return "minimum"
	case s.Type == "integer" && s.Maximum == nil && (strings.HasPrefix(path, "spec.") || s.Format == ""):
		return "maximum" // In status, which the operator alone writes, the format's is enough.
	case s.Type == "array" && s.MaxItems == nil:
		return "maxItems"
	case s.AdditionalProperties != nil && (s.MaxProperties == nil || len(s.Rules) == 0):
		return "maxProperties, or no rule that bounds keys and values"
	case s.IntOrString && (s.MaxLength == nil || len(s.Rules) == 0):
		return "maxLength and rule" // The API server checks no minimum and maximum of these.
	case s.Type == "number":
		return "business here: a float is never exact"
	case s.Type == "" && !s.IntOrString:
		return "type"
	}
	return ""
}

// A larger CRD could not be applied: kubectl keeps the whole of it in an annotation, which has room for 256 KiB.
func TestCRDFitsIntoAnAnnotation(t *testing.T) {
	if _, size := readCRD(t); size >= 256<<10 {
		t.Errorf("the CRD has %d bytes, want less than %d", size, 256<<10)
	}
}

// What kubectl explain shows for each field is a sentence about that field, under its name.
func TestEveryFieldIsExplained(t *testing.T) {
	root, _ := readCRD(t)
	walk(root, "", func(path string, s *schema) {
		for name, field := range s.Properties {
			at := fmt.Sprintf("%s.%s", path, name)
			switch {
			case slices.Contains([]string{".apiVersion", ".kind", ".metadata"}, at) || strings.HasPrefix(at, "status.conditions[]"):
				// These are the same for all of Kubernetes.
			case !strings.HasPrefix(field.Description, name+" "):
				t.Errorf("%s is described as %q, want it to begin with its name", at, field.Description)
			case slices.ContainsFunc(strings.Split(field.Description, "\n"), func(line string) bool { return len(line) > 76 }):
				t.Errorf("%s is described in lines that kubectl explain breaks: %q", at, field.Description)
			case !strings.HasSuffix(field.Description, "."):
				t.Errorf("%s is described as %q, want whole sentences", at, field.Description)
			}
		}
		for _, rule := range s.Rules {
			if rule.Message == "" {
				t.Errorf("%s has a rule without a message: %s", path, rule.Rule)
			}
		}
	})
}
