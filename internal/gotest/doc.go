// Package gotest reads the event stream of Go tests: the raw output of a test binary run with -test.v=test2json, and the lines of
// go test -json. It turns the stream into events as it comes, and the events into a Result that says what the stream proves.
//
// It holds three rules. It never stops at what it cannot read: it goes on at the next line, or the next marker within the line,
// and counts what it met. How the stream is cut into writes changes nothing. Memory is bounded by Limits, whatever the stream
// holds; text may be dropped for it, but never that a test failed.
//
// The package judges nothing: whether a Result is good enough is decided by its reader, who also knows the exit code and the tests
// that should have run. It imports the standard library alone, reads no files and no clock, and starts no goroutines.
package gotest
