package podlog

import "errors"

var (
	// errAstray ends a reading that did not meet what was delivered before where it should; the next one looks for it another
	// way.
	errAstray = errors.New("the log does not continue where it was left")
	// errTornStamp is the end of a body where a line's text should begin.
	errTornStamp = errors.New("the log ends within a time stamp")
	// errMissing ends a reading of the whole log that does not hold the place.
	errMissing = errors.New("the log does not hold what was read last")
	// errShort is the end of a body before the place that was reached already.
	errShort = errors.New("the log ends before what was read already")
	// errEmpty is a body without a line where some were read already.
	errEmpty = errors.New("the log was read before and is empty now")
	// errStopped ends a reading that nobody waits for any more.
	errStopped = errors.New("following the log was stopped")
)

// outcome is what one reading of a log brought.
type outcome struct {
	// news: something was delivered.
	news bool
	// met: the place where the last reading ended was found, so that all behind it was news.
	met bool
	// remainder recognises a last line without newline; nil if there is none.
	remainder *mark
	// final: the end is proven. A remainder was known from an earlier reading and has been delivered.
	final bool
	err   error
}

// quiet is an outcome that adds to the proof of the log's end.
func (o outcome) quiet() bool { return o.err == nil && o.met && !o.news }

// becauseOf names the true reason for the end of a reading that was cancelled.
func (o outcome) becauseOf(err error) outcome {
	if !errors.Is(o.err, errSink) {
		o.err = err
	}
	return o
}
