package recipe

import (
	"slices"

	"go.yaml.in/yaml/v3" //nolint:depguard // sigs.k8s.io/yaml keeps no line numbers
	"k8s.io/apimachinery/pkg/util/validation"
)

const (
	// maxMeasured bounds the lists of a snapshot, of which one may have an entry for each node.
	maxMeasured = 50_000
	// maxReading is how many bytes one value of a snapshot may have.
	maxReading = 64 << 10
)

// Snapshot is what was measured on a cluster.
type Snapshot struct {
	Measurements []Measurement
}

// Measurement is what was measured of one type, such as K8s or OS.
type Measurement struct {
	Type string
	// Nodes are those on which all of this was measured; none where it is of the cluster, or the node is not known.
	Nodes    []string
	Subtypes []Subtype
}

// Subtype is a part of a measurement, such as server or release.
type Subtype struct {
	Subtype string
	Data    map[string]string
}

// ParseSnapshot reads a snapshot. Its error is of type Errors and names every mistake.
func ParseSnapshot(data []byte) (*Snapshot, error) {
	return parseMeasured(data, "snapshot", func(root mapping) []Measurement {
		// Many a snapshot was cut out of a larger document and says neither kind nor version.
		root.mayBe("kind", snapshotKind)
		root.mayBe("apiVersion", apiVersion)
		root.misspelt("measurements")
		items := root.list("measurements", "measurements", maxMeasured)
		if len(items) == 0 && len(root.r.mistakes) == 0 {
			root.wrong("measurements", "nothing was measured: is this a snapshot?")
		}
		var measurements []Measurement
		for _, i := range items {
			measurements = append(measurements, i.fields().measurement())
		}
		return measurements
	})
}

// ParseMeasurement reads one entry of a snapshot's measurements, as what captures a snapshot in parts hands it over.
func ParseMeasurement(data []byte) (*Snapshot, error) {
	return parseMeasured(data, "measurement", func(root mapping) []Measurement {
		return []Measurement{root.measurement()}
	})
}

func parseMeasured(data []byte, what string, read func(root mapping) []Measurement) (*Snapshot, error) {
	document, err := load(data, what)
	if err != nil {
		return nil, err
	}
	r := &reader{}
	root := item{r: r, node: document, line: document.Line}.fields()
	var s Snapshot
	if len(r.mistakes) == 0 {
		s.Measurements = read(root)
	}
	if len(r.mistakes) > 0 {
		return nil, r.mistakes.sorted()
	}
	return &s, nil
}

// measurement reads an entry. Fields beside these are context for people.
func (m mapping) measurement() Measurement {
	m.misspelt("nodes", "subtypes")
	measurement := Measurement{Type: m.required("type")}
	for _, i := range m.list("nodes", "strings", maxMeasured) {
		name := i.text(maxText)
		if name != "" && len(validation.IsDNS1123Subdomain(name)) > 0 {
			i.wrong("%s cannot be the name of a node: write it as kubectl get nodes shows it", quote(name))
		}
		measurement.Nodes = append(measurement.Nodes, name)
	}
	if _, found := m.item("nodes"); found && len(measurement.Nodes) == 0 && len(m.r.mistakes) == 0 {
		m.wrong("nodes", "it is empty: name the nodes, or remove the field for what is of the cluster")
	}
	slices.Sort(measurement.Nodes)
	measurement.Nodes = slices.Compact(measurement.Nodes)
	for _, i := range m.list("subtypes", "subtypes", maxMeasured) {
		f := i.fields()
		f.misspelt("data", "subtype")
		measurement.Subtypes = append(measurement.Subtypes, Subtype{Subtype: f.required("subtype"), Data: f.data()})
	}
	return measurement
}

// data reads the values of a subtype, each as it is written. One that is null was not measured.
func (m mapping) data() map[string]string {
	data := map[string]string{}
	i, found := m.item("data")
	if !found {
		return data
	}
	f := i.fields()
	for _, key := range f.names() {
		switch value := f.values[key]; {
		case isNull(value):
		case value.Kind != yaml.ScalarNode:
			f.wrong(key, "want a string, a number or a boolean, found %s: write a field for each of its values", kindOf(value))
		case key == "" || len(key) > maxText:
			f.wrong(key, "a key has 1 to %d bytes: rename it", maxText)
		case len(value.Value) > maxReading:
			f.wrong(key, "it has %d bytes: shorten it to %d at most", len(value.Value), maxReading)
		default:
			data[key] = value.Value
		}
	}
	return data
}
