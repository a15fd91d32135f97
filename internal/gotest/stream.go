package gotest

// Stream reads a stream straight into a Result. It is an io.WriteCloser, not safe for use by several goroutines at once.
type Stream struct {
	decoder *Decoder
	record  *Record
}

// NewStream returns a stream of which nothing has been read. Limits that are 0 have their default.
func NewStream(limits Limits) *Stream {
	record := NewRecord(limits)
	return &Stream{decoder: NewDecoder(record.Add, record.limits.LineBytes), record: record}
}

// NewFramedStream returns a stream of which a part has been read elsewhere, and that is known to be framed so: what is framed worse
// than that is text from its first line on.
func NewFramedStream(limits Limits, framing Framing) *Stream {
	s := NewStream(limits)
	s.decoder.framing, s.record.framing = framing, framing
	return s
}

// Write reads the next bytes of the stream. It never fails and does not keep p.
func (s *Stream) Write(p []byte) (int, error) { return s.decoder.Write(p) }

// Close ends the stream; a last line without its newline is read only now. It always returns nil.
func (s *Stream) Close() error {
	err := s.decoder.Close()
	s.record.close()
	return err
}

// Progress returns how far the stream has come. It is cheap.
func (s *Stream) Progress() Progress { return s.record.Progress() }

// Result returns what the stream has shown so far. It copies everything that is kept.
func (s *Stream) Result() Result {
	res := s.record.Result()
	for a, n := range s.decoder.anomalies {
		if res.Anomalies == nil {
			res.Anomalies = map[Anomaly]int64{}
		}
		res.Anomalies[a] += n
	}
	res.Lines, res.Bytes = s.decoder.lines, s.decoder.bytes
	return res
}
