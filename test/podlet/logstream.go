package podlet

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"time"
)

// rfc3339NanoFixed is the form of a log line's stamp: RFC 3339 with all nine digits.
const rfc3339NanoFixed = "2006-01-02T15:04:05.000000000Z07:00"

var (
	errAbort   = errors.New("the connection is to be torn")
	errEnough  = errors.New("as many bytes as were asked for")
	errStopped = errors.New("the reader has gone")
)

// logStream is one answer.
type logStream struct {
	ctx     context.Context
	w       *bufio.Writer
	flusher *http.ResponseController
	options logOptions
	fault   LogFault
	sent    int64
	newLine bool
	line    []byte
}

func newLogStream(ctx context.Context, w http.ResponseWriter, options logOptions, fault LogFault) *logStream {
	return &logStream{
		ctx:     ctx,
		w:       bufio.NewWriterSize(w, 32<<10),
		flusher: http.NewResponseController(w),
		options: options,
		fault:   fault,
		newLine: true,
	}
}

// copy sends the log, or what the fault leaves of it. Only errAbort concerns the caller.
func (s *logStream) copy(log *logFile) error {
	err := s.copyEntries(log)
	if flushErr := s.flush(); err == nil || errors.Is(err, errEnough) {
		err = flushErr
	}
	if err == nil && s.fault.NeverEnd && s.options.follow {
		<-s.ctx.Done()
	}
	return err
}

func (s *logStream) copyEntries(log *logFile) error {
	if s.fault.Abort && s.fault.CutAfter == 0 {
		return errAbort
	}
	if s.options.follow {
		if err := s.flush(); err != nil { // The reader learns at once that there is a log.
			return err
		}
	}
	if err := s.send([]byte(s.fault.Prefix)); err != nil {
		return err
	}
	at := log.open(s.options.tail)
	for {
		entries, more := log.next(&at)
		for _, e := range entries {
			if err := s.entry(e); err != nil {
				return err
			}
		}
		switch {
		case len(entries) > 0:
		case more == nil || !s.options.follow:
			return nil
		default:
			if err := s.flush(); err != nil {
				return err
			}
			if err := s.wait(more); err != nil {
				return err
			}
		}
	}
}

// entry sends one line of the runtime's. A continued line has a stamp of its own only if something came between.
func (s *logStream) entry(e entry) error {
	at := time.Unix(0, e.at)
	if at.Before(s.options.since) {
		return nil
	}
	s.line = s.line[:0]
	if s.options.timestamps && s.newLine {
		s.line = append(at.UTC().AppendFormat(s.line, rfc3339NanoFixed), ' ')
	}
	s.line = append(s.line, e.text...)
	s.newLine = e.text[len(e.text)-1] == '\n'
	line := s.line
	if s.fault.Edit != nil {
		line = s.fault.Edit(line)
	}
	if s.fault.LineInterval > 0 {
		timer := time.NewTimer(s.fault.LineInterval)
		defer timer.Stop()
		if err := waitFor(s.ctx, timer.C); err != nil {
			return err
		}
		defer s.flush() //nolint:errcheck // the next write meets the same error
	}
	return s.send(line)
}

// send sends bytes within the limits of the request and of the fault.
func (s *logStream) send(data []byte) error {
	for len(data) > 0 {
		part, after := s.cut(data)
		if _, err := s.w.Write(part); err != nil {
			return err
		}
		s.sent += int64(len(part))
		data = data[len(part):]
		if after == nil {
			continue
		}
		if err := after(); err != nil {
			return err
		}
	}
	return nil
}

// cut returns as many bytes as may be sent before something is due, and that.
func (s *logStream) cut(data []byte) (part []byte, after func() error) {
	end := s.sent + int64(len(data))
	limit := func(at int64, then func() error) {
		if at > s.sent && at <= end {
			end, after = at, then
		}
	}
	if s.options.limit != nil {
		limit(*s.options.limit, func() error { return errEnough })
	}
	limit(s.fault.CutAfter, func() error {
		if s.fault.Abort {
			return errAbort
		}
		return errEnough
	})
	limit(s.fault.StallAfter, func() error {
		if err := s.flush(); err != nil {
			return err
		}
		return s.wait(s.fault.Until)
	})
	return data[:end-s.sent], after
}

func (s *logStream) wait(open <-chan struct{}) error { return waitFor(s.ctx, open) }

func waitFor[T any](ctx context.Context, channel <-chan T) error {
	select {
	case <-channel:
		return nil
	case <-ctx.Done():
		return errStopped
	}
}

func (s *logStream) flush() error {
	if err := s.w.Flush(); err != nil {
		return err
	}
	return s.flusher.Flush()
}
