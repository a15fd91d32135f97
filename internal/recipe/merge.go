package recipe

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3" //nolint:depguard // as what reads it
)

// fact is one value at its place, or a measurement or a subtype that has none.
type fact struct {
	place
	value   string
	present bool
}

// MergeSnapshots makes one snapshot of several in a form that depends on neither their order nor how the values were distributed
// over them: values that the same nodes share are together. Nothing is lost: of values that contradict each other, all are kept.
func MergeSnapshots(parts ...*Snapshot) *Snapshot {
	nodes := map[fact]map[string]bool{}
	for _, part := range parts {
		for _, m := range part.Measurements {
			for _, f := range m.facts() {
				if nodes[f] == nil {
					nodes[f] = map[string]bool{}
				}
				for _, n := range m.Nodes {
					nodes[f][n] = true
				}
				if len(m.Nodes) == 0 {
					nodes[f][""] = true
				}
			}
		}
	}
	groups := map[group][]fact{}
	members := map[group][]string{}
	for f, on := range nodes {
		// What is of the cluster and what is of nodes stay apart, even where they are the same.
		if on[""] {
			g := group{typ: f.typ}
			groups[g] = append(groups[g], f)
			delete(on, "")
		}
		if len(on) > 0 {
			names := slices.Sorted(maps.Keys(on))
			g := group{typ: f.typ, nodes: strings.Join(names, "\n")}
			groups[g], members[g] = append(groups[g], f), names
		}
	}
	merged := &Snapshot{}
	for _, g := range slices.SortedFunc(maps.Keys(groups), group.compare) {
		merged.Measurements = append(merged.Measurements, Measurement{Type: g.typ, Nodes: members[g], Subtypes: subtypesOf(groups[g])})
	}
	return merged
}

// group is what one measurement of a merged snapshot holds.
type group struct{ typ, nodes string }

func (g group) compare(other group) int {
	if order := strings.Compare(g.typ, other.typ); order != 0 {
		return order
	}
	return strings.Compare(g.nodes, other.nodes)
}

func (m Measurement) facts() []fact {
	if len(m.Subtypes) == 0 {
		return []fact{{place: place{typ: m.Type}}}
	}
	var facts []fact
	for _, st := range m.Subtypes {
		if len(st.Data) == 0 {
			facts = append(facts, fact{place: place{typ: m.Type, subtype: st.Subtype}})
		}
		for key, value := range st.Data {
			facts = append(facts, fact{place{m.Type, st.Subtype, key}, value, true})
		}
	}
	return facts
}

// subtypesOf sorts facts into subtypes: one of each name, and another for each time that a key has a further value.
func subtypesOf(facts []fact) []Subtype {
	slices.SortFunc(facts, func(a, b fact) int {
		if order := strings.Compare(a.subtype, b.subtype); order != 0 {
			return order
		}
		return strings.Compare(a.value, b.value)
	})
	var subtypes []Subtype
	first := 0
	for _, f := range facts {
		if f.subtype == "" && !f.present {
			continue
		}
		if len(subtypes) == 0 || subtypes[len(subtypes)-1].Subtype != f.subtype {
			first = len(subtypes)
			subtypes = append(subtypes, Subtype{Subtype: f.subtype, Data: map[string]string{}})
		}
		if !f.present {
			continue
		}
		into := first
		for into < len(subtypes) {
			if _, taken := subtypes[into].Data[f.key]; !taken {
				break
			}
			into++
		}
		if into == len(subtypes) {
			subtypes = append(subtypes, Subtype{Subtype: f.subtype, Data: map[string]string{}})
		}
		subtypes[into].Data[f.key] = f.value
	}
	return subtypes
}

// On says of everything whose node is not known that it was measured on this one.
func (s *Snapshot) On(node string) *Snapshot {
	on := &Snapshot{Measurements: slices.Clone(s.Measurements)}
	for i := range on.Measurements {
		if len(on.Measurements[i].Nodes) == 0 {
			on.Measurements[i].Nodes = []string{node}
		}
	}
	return on
}

// encoded is a snapshot as it is written.
type encoded struct {
	Kind         string               `yaml:"kind"`
	APIVersion   string               `yaml:"apiVersion"`
	Measurements []encodedMeasurement `yaml:"measurements"`
}

type encodedMeasurement struct {
	Type     string           `yaml:"type"`
	Nodes    []string         `yaml:"nodes,omitempty,flow"`
	Subtypes []encodedSubtype `yaml:"subtypes"`
}

type encodedSubtype struct {
	Subtype string            `yaml:"subtype"`
	Data    map[string]string `yaml:"data"`
}

// Encode writes a snapshot such that ParseSnapshot reads it; equal snapshots give equal bytes. It refuses what
// ParseSnapshot would refuse, such as one that does not fit into a ConfigMap.
func Encode(s *Snapshot) ([]byte, error) {
	e := encoded{Kind: snapshotKind, APIVersion: apiVersion}
	for _, m := range MergeSnapshots(s).Measurements {
		em := encodedMeasurement{Type: m.Type, Nodes: m.Nodes}
		for _, st := range m.Subtypes {
			em.Subtypes = append(em.Subtypes, encodedSubtype(st))
		}
		e.Measurements = append(e.Measurements, em)
	}
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(e); err != nil {
		return nil, fmt.Errorf("encoding the snapshot: %w", err)
	}
	// What cannot be read back must not be kept in place of what was measured.
	if _, err := ParseSnapshot(b.Bytes()); err != nil {
		return nil, fmt.Errorf("encoding the snapshot: %w", err)
	}
	return b.Bytes(), nil
}
