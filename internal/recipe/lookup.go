package recipe

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Reading is one value that was measured, and the nodes that it was measured on, sorted.
type Reading struct {
	Value string
	// Nodes is empty for a value of the cluster, or of a node that is not known.
	Nodes []string
}

// place is where a snapshot keeps a value.
type place struct{ typ, subtype, key string }

func (p place) String() string { return show(p.typ) + " / " + show(p.subtype) + " / " + show(p.key) }

// Lookup returns the distinct values of a name, {Type}.{Subtype}.{Key}, sorted. Type, subtype and key may have dots; a name that
// can be taken apart in two ways is an error. So is a value that some nodes lack whose measurement has that type, and then the
// readings of the others are returned beside it.
func (s *Snapshot) Lookup(name string) ([]Reading, error) {
	places := map[place]bool{}
	found := map[string]map[string]bool{}
	for _, m := range s.Measurements {
		rest, ok := strings.CutPrefix(name, m.Type+".")
		if !ok {
			continue
		}
		for _, st := range m.Subtypes {
			key, ok := strings.CutPrefix(rest, st.Subtype+".")
			if !ok {
				continue
			}
			value, ok := st.Data[key]
			if !ok {
				continue
			}
			places[place{m.Type, st.Subtype, key}] = true
			if found[value] == nil {
				found[value] = map[string]bool{}
			}
			for _, n := range m.Nodes {
				found[value][n] = true
			}
		}
	}
	switch len(places) {
	case 0:
		return nil, s.absent(name)
	case 1:
	default:
		var all []string
		for p := range places {
			all = append(all, p.String())
		}
		slices.Sort(all)
		return nil, fmt.Errorf("%s may be %s: the snapshot has to name them differently", show(name), strings.Join(all[:2], " or "))
	}
	var readings []Reading
	for _, value := range slices.Sorted(maps.Keys(found)) {
		readings = append(readings, Reading{Value: value, Nodes: slices.Sorted(maps.Keys(found[value]))})
	}
	for p := range places {
		if lacking := s.lacking(p.typ, readings); len(lacking) > 0 {
			return readings, fmt.Errorf("%s was not measured on %s: capture the snapshot anew, or look why it cannot be read there",
				show(name), named(lacking))
		}
	}
	return readings, nil
}

// lacking are the nodes with a measurement of the type that have none of the readings, if these are of nodes at all.
func (s *Snapshot) lacking(typ string, readings []Reading) []string {
	has := map[string]bool{}
	for _, r := range readings {
		for _, n := range r.Nodes {
			has[n] = true
		}
	}
	lacks := map[string]bool{}
	for _, m := range s.Measurements {
		for _, n := range m.Nodes {
			if m.Type == typ && len(has) > 0 && !has[n] {
				lacks[n] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(lacks))
}

// absent says which part of a name the snapshot does not have, and what it has instead.
func (s *Snapshot) absent(name string) error {
	types := map[string]bool{}
	subtypes := map[string]map[string]bool{}
	keys := map[string]map[string]bool{}
	var typ, subtype string
	for _, m := range s.Measurements {
		types[m.Type] = true
		rest, ok := strings.CutPrefix(name, m.Type+".")
		if !ok {
			continue
		}
		typ = max(typ, m.Type)
		for _, st := range m.Subtypes {
			insert(subtypes, m.Type, st.Subtype)
			if _, ok := strings.CutPrefix(rest, st.Subtype+"."); ok && m.Type == typ {
				subtype = max(subtype, st.Subtype)
				for key := range st.Data {
					insert(keys, m.Type+"."+st.Subtype, key)
				}
			}
		}
	}
	rest := strings.TrimPrefix(name, typ+".")
	switch {
	case typ == "":
		wanted, _, _ := strings.Cut(name, ".")
		return fmt.Errorf("the snapshot has no measurement of type %s%s", show(wanted), instead(wanted, types))
	case subtype == "":
		wanted, _, _ := strings.Cut(rest, ".")
		return fmt.Errorf("%s has no subtype %s%s", show(typ), show(wanted), instead(wanted, subtypes[typ]))
	default:
		wanted := strings.TrimPrefix(rest, subtype+".")
		return fmt.Errorf("%s.%s has no key %s%s", show(typ), show(subtype), show(wanted), instead(wanted, keys[typ+"."+subtype]))
	}
}

func insert(sets map[string]map[string]bool, set, element string) {
	if sets[set] == nil {
		sets[set] = map[string]bool{}
	}
	sets[set][element] = true
}

// instead says what there is in place of what was wanted.
func instead(wanted string, known map[string]bool) string {
	names := slices.Sorted(maps.Keys(known))
	if near := nearest(wanted, names, maxSuggested); len(near) > 0 {
		return ": did you mean " + strings.Join(near, " or ") + "?"
	}
	return "; it has " + named(names)
}
