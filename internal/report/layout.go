package report

import "fmt"

// layout distributes the files of a result among ConfigMaps.
type layout struct {
	result Result
	name   string
	files  []file
	limit  int
}

// parts are the ConfigMaps, none if they were too many.
func (l *layout) parts() ([]Part, error) {
	if part, ok := l.plain(); ok {
		return []Part{part}, nil
	}
	for i := range l.files {
		var err error
		if l.files[i].packed, err = compress(l.files[i].text); err != nil {
			return nil, fmt.Errorf("packing %s: %w", l.files[i].name, err)
		}
	}
	part, ok, err := l.single()
	if err != nil || ok {
		return []Part{part}, err
	}
	return l.split()
}

// plain is one ConfigMap of the files as they are.
func (l *layout) plain() (Part, bool) {
	data := map[string]string{}
	bytes, request := 0, 0
	for _, f := range l.files {
		if bytes += len(f.text); bytes > l.limit {
			return Part{}, false
		}
		data[f.name] = string(f.text)
		request += jsonBytes(data[f.name])
	}
	if request > maxRequest {
		return Part{}, false
	}
	return newPart(l.name, data, nil, l.files[0].digest), true
}

// single is one ConfigMap of the compressed files and their index.
func (l *layout) single() (Part, bool, error) {
	binary, entries := map[string][]byte{}, make([]IndexFile, len(l.files))
	for i, f := range l.files {
		binary[f.name+compressedSuffix] = f.packed
		entries[i] = l.entry(f, []IndexPart{{ConfigMap: l.name, Key: f.name + compressedSuffix}})
	}
	index, err := l.index(entries)
	if err != nil {
		return Part{}, false, err
	}
	part := newPart(l.name, map[string]string{IndexName: index}, binary, l.files[0].digest)
	return part, part.Bytes <= int64(l.limit), nil
}

// split is a ConfigMap of the index, and as many of the files as they fill. A file that begins in one goes on in the next.
func (l *layout) split() ([]Part, error) {
	var entries []IndexFile
	parts := []Part{{}} // the index comes last
	digest, room := "", 0
	for _, f := range l.files {
		var pieces []IndexPart
		for rest := f.packed; len(rest) > 0; {
			if room == 0 {
				if len(parts) == MaxParts {
					return nil, nil
				}
				parts = append(parts, Part{Name: fmt.Sprintf("%s-%d", l.name, len(parts)+1), BinaryData: map[string][]byte{}})
				room = l.limit
			}
			part := &parts[len(parts)-1]
			key := f.name + compressedSuffix
			if len(pieces) > 0 || len(rest) > room {
				key += fmt.Sprintf("%s%d", partSuffix, len(parts))
			}
			n := min(len(rest), room)
			part.BinaryData[key], rest, room = rest[:n:n], rest[n:], room-n
			pieces = append(pieces, IndexPart{ConfigMap: part.Name, Key: key})
		}
		entries = append(entries, l.entry(f, pieces))
	}
	for i := 1; i < len(parts); i++ {
		digest = ""
		if _, whole := parts[i].BinaryData[wholeResult]; whole {
			digest = l.files[0].digest
		}
		parts[i] = newPart(parts[i].Name, nil, parts[i].BinaryData, digest)
	}
	index, err := l.index(entries)
	if err != nil {
		return nil, err
	}
	if parts[0] = newPart(l.name, map[string]string{IndexName: index}, nil, ""); parts[0].Bytes > int64(l.limit) {
		return nil, fmt.Errorf("packing the result: its index is %d bytes, and the limit is %d", parts[0].Bytes, l.limit)
	}
	return parts, nil
}

// packed is the size of the compressed files.
func (l *layout) packed() int {
	n := 0
	for _, f := range l.files {
		n += len(f.packed)
	}
	return n
}

// lessRoom is how large the files may be for the ConfigMaps to hold them, supposed that what is printed will compress as well as it
// did.
func (l *layout) lessRoom(b budget) int {
	printed := max(min(b.room, largest(l.files))-b.bare, 0)
	capacity := float64((MaxParts - 1) * l.limit)
	return b.bare + int(float64(printed)*min(capacity/float64(l.packed())*0.95, 0.9))
}
