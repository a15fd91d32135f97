package gotest

import (
	"bytes"
	"encoding/json"
)

// decodeObject reads the object that b begins with into f and returns its length, or 0 where it is none. It is the slow and complete
// way, for objects that scanObject is not sure about: other order and spacing, nested values, fields that occur twice.
func decodeObject(b []byte, f *fields) int {
	if !bytes.Contains(b, []byte(`"Action"`)) {
		return 0 // a log line of somebody else, most likely
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return 0
	}
	for dec.More() {
		t, err := dec.Token()
		key, ok := t.(string)
		if err != nil || !ok {
			return 0
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return 0
		}
		f.set(fieldNamed([]byte(key)), value)
	}
	if t, err := dec.Token(); err != nil || t != json.Delim('}') {
		return 0
	}
	return int(dec.InputOffset())
}

// set stores a value in its field.
func (f *fields) set(which field, value json.RawMessage) {
	switch {
	case which == 0:
		f.unknown++
		return
	case string(value) == "null":
		return // as good as absent
	case which == fieldElapsed:
		f.setElapsed(value)
		return
	}
	var s *string
	if err := json.Unmarshal(value, &s); err != nil || s == nil {
		f.bad |= which
		return
	}
	text := []byte(*s)
	to := f.text(which)
	if to != nil && f.seen&which != 0 {
		f.merge(which, to, text)
	} else if to != nil {
		*to = text
	}
	if f.seen&which != 0 {
		f.twice |= which
	}
	f.seen |= which
}

// merge settles what a second value of a field means.
func (f *fields) merge(which field, to *[]byte, text []byte) {
	switch which {
	case fieldAction:
		if severity(text) > severity(*to) {
			*to = text
		}
	case fieldPackage, fieldTest:
		f.torn = f.torn || !bytes.Equal(*to, text)
	default:
		*to = text
	}
}

// severity orders actions by how little they speak for a test.
func severity(action []byte) int {
	switch known(action) {
	case ActionFail:
		return 3
	case ActionSkip:
		return 2
	case ActionPass:
		return 0
	}
	return 1
}

func (f *fields) setElapsed(value json.RawMessage) {
	if f.seen&fieldElapsed != 0 {
		f.twice |= fieldElapsed
	}
	elapsed, ok := parseSeconds(value)
	if !ok {
		f.bad |= fieldElapsed
		return
	}
	f.seen |= fieldElapsed
	f.elapsed = elapsed
}
