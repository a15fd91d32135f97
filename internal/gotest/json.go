package gotest

import (
	"bytes"
	"slices"
	"time"
)

// field is a set of the fields of a JSON event.
type field uint16

const (
	fieldTime field = 1 << iota
	fieldAction
	fieldPackage
	fieldTest
	fieldElapsed
	fieldOutput
	fieldOutputType
	fieldFailedBuild
	fieldKey
	fieldValue
	fieldPath
	fieldImportPath
)

// fieldNamed returns the field of that name, or 0. Go prints the names in exactly this spelling.
func fieldNamed(key []byte) field {
	switch string(key) {
	case "Time":
		return fieldTime
	case "Action":
		return fieldAction
	case "Package":
		return fieldPackage
	case "Test":
		return fieldTest
	case "Elapsed":
		return fieldElapsed
	case "Output":
		return fieldOutput
	case "OutputType":
		return fieldOutputType
	case "FailedBuild":
		return fieldFailedBuild
	case "Key":
		return fieldKey
	case "Value":
		return fieldValue
	case "Path":
		return fieldPath
	case "ImportPath":
		return fieldImportPath
	}
	return 0
}

// fields is a JSON object read as an event, before it is judged.
type fields struct {
	seen      field // has a value of the right type
	bad       field // has a value of another type, or out of range
	twice     field // occurs more than once
	torn      bool  // Package or Test occur twice, with different values
	unknown   int   // fields of other names
	action    []byte
	pkg, test []byte
	output    []byte
	outType   []byte
	failed    []byte
	key       []byte
	value     []byte
	path      []byte
	importing []byte
	elapsed   time.Duration
}

// reset empties f. It clears only what a line of output has where the last one was no more than that.
func (f *fields) reset() {
	const output = fieldTime | fieldAction | fieldPackage | fieldTest | fieldOutput
	if f.seen&^output|f.bad|f.twice != 0 || f.torn || f.unknown > 0 {
		*f = fields{}
		return
	}
	f.seen, f.action, f.pkg, f.test, f.output = 0, nil, nil, nil, nil
}

// text returns where the value of a field that holds text belongs, or nil.
func (f *fields) text(which field) *[]byte {
	switch which {
	case fieldAction:
		return &f.action
	case fieldPackage:
		return &f.pkg
	case fieldTest:
		return &f.test
	case fieldOutput:
		return &f.output
	case fieldOutputType:
		return &f.outType
	case fieldFailedBuild:
		return &f.failed
	case fieldKey:
		return &f.key
	case fieldValue:
		return &f.value
	case fieldPath:
		return &f.path
	case fieldImportPath:
		return &f.importing
	}
	return nil
}

// eventKeys are what the events of go test begin with.
var eventKeys = [][]byte{[]byte(`{"Time":"`), []byte(`{"Action":"`), []byte(`{"ImportPath":"`)}

// maxTries bounds how often one line is searched for an event, since each try may read the rest of the line.
const maxTries = 16

// jsonLine reads a line that holds JSON events, normally one, and reports whether it holds any. Other text on the line is output.
func (d *Decoder) jsonLine(b []byte) bool {
	done, from, looksLike := 0, 0, false
	for range maxTries {
		at := eventStart(b, done, from)
		if at < 0 {
			break
		}
		n := d.jsonObject(b[at:])
		if n == 0 {
			looksLike = looksLike || isEventStart(b[at:])
			from = at + 1
			continue
		}
		if at > done && !blank(b[done:at]) {
			d.anomalies.count(GluedLine)
			d.text(b[done:at])
		}
		d.jsonEvent()
		done, from = at+n, at+n
		if blank(b[done:]) {
			return true
		}
	}
	if d.framing == JSON && looksLike {
		if b[len(b)-1] == '\n' {
			d.anomalies.count(MalformedEvent)
		} else {
			d.anomalies.count(TruncatedLine)
		}
	}
	if done == 0 {
		return false
	}
	d.anomalies.count(GluedLine)
	d.text(b[done:])
	return true
}

// eventStart returns where in b an event may begin: where an object begins the text behind done, else behind from where the
// text looks like an event of go test; or -1.
func eventStart(b []byte, done, from int) int {
	if from == done {
		at := done
		for at < len(b) && (b[at] == ' ' || b[at] == '\t') {
			at++
		}
		if at < len(b) && b[at] == '{' {
			return at
		}
	}
	for i := from; ; i++ {
		n := bytes.Index(b[i:], []byte(`{"`))
		if n < 0 {
			return -1
		}
		if i += n; isEventStart(b[i:]) {
			return i
		}
	}
}

func isEventStart(b []byte) bool {
	return slices.ContainsFunc(eventKeys, func(key []byte) bool { return bytes.HasPrefix(b, key) })
}

// blank tells whether b is the white space that may end a line of JSON.
func blank(b []byte) bool {
	for _, c := range b {
		if c != '\n' && c != '\r' && c != ' ' && c != '\t' {
			return false
		}
	}
	return true
}

// jsonObject reads the object that b begins with into d.fields and returns its length, or 0 where it is no event.
func (d *Decoder) jsonObject(b []byte) int {
	d.fields.reset()
	d.scratch = d.scratch[:0]
	n := d.scanObject(b)
	if n == 0 {
		d.fields = fields{}
		n = decodeObject(b, &d.fields)
	}
	if d.fields.seen&fieldAction == 0 || d.framing != JSON && known(d.fields.action) == "" {
		return 0
	}
	return n
}

// jsonEvent gives out the event in d.fields, or counts why not.
func (d *Decoder) jsonEvent() {
	f := &d.fields
	if d.framing != JSON {
		d.framing, d.current = JSON, nil
	}
	if f.unknown > 0 {
		d.anomalies.add(UnknownField, int64(f.unknown))
	}
	if f.twice != 0 {
		d.anomalies.count(DuplicateKey)
	}
	if f.bad != 0 {
		d.anomalies.count(MalformedEvent)
	}
	action := known(f.action)
	if action == "" {
		d.anomalies.count(UnknownAction)
		return
	}
	if f.torn || f.bad&(fieldAction|fieldPackage|fieldTest) != 0 {
		if action != ActionFail {
			return // about whom is not clear
		}
		f.test = nil
	}
	d.event = Event{
		Action: action, Framing: JSON, Package: f.pkg, Test: f.test, Elapsed: f.elapsed,
		Output: f.output, OutputType: f.outType, Key: f.key, Value: f.value, Path: f.path,
		FailedBuild: f.failed, ImportPath: f.importing,
	}
	d.emit()
}

// noteMixed counts a JSON event in a marked stream, unless a test is running that may have printed it.
func (d *Decoder) noteMixed(b []byte) {
	if len(d.current) == 0 && isEventStart(b) && d.jsonObject(b) > 0 {
		d.anomalies.count(MixedFraming)
	}
}
