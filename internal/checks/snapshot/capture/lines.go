package capture

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"sigs.k8s.io/yaml"
)

const (
	// maxLine bounds a line of the log, so that the container runtime does not split it.
	maxLine = 12 << 10
	// Label is what the artifact of each line is called.
	Label  = "snapshot"
	prefix = "ARTIFACT:"
)

// part is a subtype, or a part of its keys, as a snapshot writes it.
type part struct {
	Type     string `json:"type"`
	Subtypes []struct {
		Subtype string            `json:"subtype"`
		Data    map[string]string `json:"data"`
	} `json:"subtypes"`
}

// Lines writes subtypes as lines for a log, each a whole in itself, in the order of their types and names; one that does not fit
// into a line is put onto several, by its keys.
func Lines(all []Subtype) ([]string, error) {
	var lines []string
	sorted := slices.SortedStableFunc(slices.Values(all), func(a, b Subtype) int {
		return slices.Compare([]string{a.Type, a.Name}, []string{b.Type, b.Name})
	})
	for _, s := range sorted {
		more, err := s.lines(slices.Sorted(maps.Keys(s.Data)))
		if err != nil {
			return nil, fmt.Errorf("encoding %s.%s: %w", s.Type, s.Name, err)
		}
		lines = append(lines, more...)
	}
	return lines, nil
}

// lines halves the keys until a line holds them. A single key always fits, as it and its value are bounded.
func (s Subtype) lines(keys []string) ([]string, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	line, err := s.line(keys)
	if err != nil {
		return nil, err
	}
	if len(line) <= maxLine || len(keys) == 1 {
		return []string{line}, nil
	}
	half := len(keys) / 2
	first, err := s.lines(keys[:half])
	if err != nil {
		return nil, err
	}
	second, err := s.lines(keys[half:])
	return append(first, second...), err
}

func (s Subtype) line(keys []string) (string, error) {
	data := make(map[string]string, len(keys))
	for _, key := range keys {
		data[key] = s.Data[key]
	}
	p := part{Type: s.Type}
	p.Subtypes = append(p.Subtypes, struct {
		Subtype string            `json:"subtype"`
		Data    map[string]string `json:"data"`
	}{s.Name, data})
	text, err := yaml.Marshal(p)
	if err != nil {
		return "", err
	}
	artifact, err := json.Marshal(map[string]string{"label": Label, "data": string(text)})
	if err != nil {
		return "", err
	}
	return prefix + base64.StdEncoding.EncodeToString(artifact), nil
}
