package gotest

import "bytes"

// marker is the byte before each frame of -test.v=test2json.
const marker = 0x16

// Decoder turns a stream into events. It is not safe for use by several goroutines at once.
type Decoder struct {
	handle    func(*Event)
	lineBytes int

	partial []byte // a line whose end has not come yet
	mid     bool   // the line's beginning was given out as output already
	framing Framing
	current []byte // the test that raw output belongs to
	depth   int    // how deep the next unmarked report may be indented

	samePackage, sameTest lastPlain

	scratch   []byte // holds unescaped text during one call of handle
	fields    fields
	event     Event
	lines     int64
	bytes     int64
	anomalies tally
}

// NewDecoder returns a decoder that calls handle with each event, in order, during Write and Close. A line of more than lineBytes
// bytes is never a frame or a JSON event; 0 means the default of Limits.LineBytes.
func NewDecoder(handle func(*Event), lineBytes int) *Decoder {
	if lineBytes <= 0 {
		lineBytes = DefaultLimits().LineBytes
	}
	return &Decoder{handle: handle, lineBytes: lineBytes}
}

// Write decodes the next bytes of the stream. It never fails and does not keep p.
func (d *Decoder) Write(p []byte) (int, error) {
	n := len(p)
	d.bytes += int64(n)
	for len(p) > 0 {
		end := bytes.IndexByte(p, '\n') + 1
		switch {
		case end == 0:
			d.hold(p)
			return n, nil
		case len(d.partial) == 0 && end <= d.lineBytes:
			d.lines++
			d.line(p[:end])
			d.mid = false
		default:
			d.hold(p[:end])
			d.lines++
			d.line(d.partial)
			d.partial, d.mid = d.partial[:0], false
		}
		p = p[end:]
	}
	return n, nil
}

// Close ends the stream: what follows the last newline is read as far as it is complete in itself. It always returns nil.
func (d *Decoder) Close() error {
	if len(d.partial) > 0 {
		d.lines++
		d.line(d.partial)
	}
	d.partial, d.mid = nil, false
	return nil
}

// Lines returns how many lines were read, a last one without newline included once the decoder is closed.
func (d *Decoder) Lines() int64 { return d.lines }

// Bytes returns how many bytes were read.
func (d *Decoder) Bytes() int64 { return d.bytes }

// Anomalies returns the counts of what the decoder met and a healthy stream does not hold, or nil.
func (d *Decoder) Anomalies() map[Anomaly]int64 { return d.anomalies.copy() }

// hold keeps p until the line ends. Where that would be more than a line may have, the line is given out piece by piece, cut at
// places that depend on the line alone and not on how it was written: before its last marker, or else at the limit.
func (d *Decoder) hold(p []byte) {
	for len(d.partial)+len(p) > d.lineBytes {
		n := d.lineBytes - len(d.partial)
		d.partial = append(d.partial, p[:n]...)
		p = p[n:]
		cut := lastMarker(d.partial)
		if !d.mid {
			d.anomalies.count(LongLine)
		}
		d.long(d.partial[:cut])
		d.mid = true
		d.partial = d.partial[:copy(d.partial, d.partial[cut:])]
	}
	d.partial = append(d.partial, p...)
}

// long reads a piece of a line that is too long to be held: frames that are complete within it count, the rest is output.
func (d *Decoder) long(b []byte) {
	if len(b) < d.lineBytes {
		d.rawLine(b)
		return
	}
	d.text(b)
}

// line reads a whole line, or the rest of one, with its newline unless the stream ended before it.
func (d *Decoder) line(b []byte) {
	if d.framing == Marked {
		d.noteMixed(b)
	} else if !d.mid && d.jsonLine(b) {
		return
	}
	d.rawLine(b)
}

// emit hands out the event in d.event.
func (d *Decoder) emit() {
	d.handle(&d.event)
	d.scratch = d.scratch[:0]
}

// text gives out b as output of the current test.
func (d *Decoder) text(b []byte) {
	d.event = Event{Action: ActionOutput, Framing: d.framing, Test: d.current, Output: b}
	d.emit()
}
