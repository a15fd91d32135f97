package recipe

import (
	"strings"

	"go.yaml.in/yaml/v3" //nolint:depguard // sigs.k8s.io/yaml keeps no line numbers
	"k8s.io/apimachinery/pkg/util/validation"
)

// components reads of the components what is acted on; their other fields are for whoever deploys them.
func (m mapping) components() []Component {
	var components []Component
	first := map[string]int{}
	for _, i := range m.list("componentRefs", "components", maxItems) {
		f := i.fields()
		f.misspelt("namespace", "expectedResources")
		c := Component{
			Name:      f.required("name"),
			Namespace: f.namespace(),
			Version:   f.version(),
		}
		if line, found := first[c.Name]; found {
			i.wrong("the component %s is there twice, first on line %d: remove one", show(c.Name), line)
		} else if c.Name != "" {
			first[c.Name] = i.line
		}
		c.Expected = f.resources(c.Namespace)
		components = append(components, c)
	}
	return components
}

// version is taken as it is written, since many write it without quotes.
func (m mapping) version() string {
	i, found := m.item("version")
	switch {
	case !found:
		return ""
	case i.node.Kind == yaml.ScalarNode && (i.node.ShortTag() == "!!float" || i.node.ShortTag() == "!!int"):
		return clip(i.node.Value, maxText)
	default:
		return i.text(maxText)
	}
}

func (m mapping) namespace() string {
	namespace := m.text("namespace", maxText)
	if namespace != "" && len(validation.IsDNS1123Label(namespace)) > 0 {
		m.wrong("namespace", "%s cannot be the name of a namespace: use up to 63 lower-case letters, digits and -", quote(namespace))
	}
	return namespace
}

func (m mapping) resources(namespace string) []Resource {
	var resources []Resource
	first := map[Resource]int{}
	for _, i := range m.list("expectedResources", "resources", maxItems) {
		f := i.fields()
		f.only("kind", "name", "namespace")
		r := Resource{Kind: f.required("kind"), Namespace: f.namespace(), Name: f.required("name")}
		if r.Kind != "" && !kindName.MatchString(r.Kind) {
			f.wrong("kind", "%s is no kind: write one such as Deployment or ClusterPolicy.nvidia.com", quote(r.Kind))
		}
		if fault := objectName(r.Name); fault != "" {
			f.wrong("name", "%s", fault)
		}
		if _, found := f.item("namespace"); !found {
			r.Namespace = namespace
			if namespace == "" && r.Name != "" {
				i.wrong("neither the resource nor its component has a namespace: add one (it counts for nothing where the kind has none)")
			}
		}
		if line, found := first[r]; found && r.Name != "" {
			i.wrong("%s is there twice, first on line %d: remove one", show(r.String()), line)
		} else {
			first[r] = i.line
		}
		r.Line = i.line
		resources = append(resources, r)
	}
	return resources
}

// objectName judges a name by what all kinds have in common: it is one segment of a URL's path.
func objectName(name string) string {
	switch {
	case name == "":
		return ""
	case name == "." || name == ".." || len(name) > 253 || strings.ContainsAny(name, "/% "):
		return quote(name) + " cannot be the name of an object: write it as kubectl get shows it"
	}
	return ""
}
