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
	var typ, subtype string
	var types, subtypes, keys []string
	for _, m := range s.Measurements {
		types = append(types, m.Type)
		if strings.HasPrefix(name, m.Type+".") {
			typ = max(typ, m.Type)
		}
	}
	rest := strings.TrimPrefix(name, typ+".")
	for _, st := range s.subtypes(typ) {
		subtypes = append(subtypes, st.Subtype)
		if strings.HasPrefix(rest, st.Subtype+".") {
			subtype = max(subtype, st.Subtype)
		}
	}
	key := strings.TrimPrefix(rest, subtype+".")
	for _, st := range s.subtypes(typ) {
		if st.Subtype == subtype {
			keys = slices.AppendSeq(keys, maps.Keys(st.Data))
		}
	}
	first, _, _ := strings.Cut(rest, ".")
	switch {
	case typ == "":
		return fmt.Errorf("the snapshot has no measurement of type %s%s", show(first), instead(first, types))
	case subtype == "":
		return fmt.Errorf("%s has no subtype %s%s", show(typ), show(first), instead(first, subtypes))
	default:
		return fmt.Errorf("%s.%s has no key %s%s", show(typ), show(subtype), show(key), instead(key, keys))
	}
}

// subtypes are those of all measurements of a type.
func (s *Snapshot) subtypes(typ string) []Subtype {
	var subtypes []Subtype
	for _, m := range s.Measurements {
		if m.Type == typ {
			subtypes = append(subtypes, m.Subtypes...)
		}
	}
	return subtypes
}

// instead says what there is in place of what was wanted.
func instead(wanted string, known []string) string {
	// Sorting many would make a message cost more than what it is about.
	const many = 2000
	distinct := map[string]bool{}
	for _, name := range known {
		if distinct[name] = true; len(distinct) > many {
			return fmt.Sprintf("; it has more than %d others", many)
		}
	}
	known = slices.Sorted(maps.Keys(distinct))
	if near := nearest(wanted, known, maxSuggested); len(near) > 0 {
		for i := range near {
			near[i] = show(near[i])
		}
		return ": did you mean " + strings.Join(near, " or ") + "?"
	}
	return "; it has " + named(known)
}
