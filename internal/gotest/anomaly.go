package gotest

import "maps"

// Anomaly is a class of what a healthy stream does not hold.
type Anomaly string

// The anomalies.
const (
	// DuplicateEnd is an end frame of a test, or package, that has ended already.
	DuplicateEnd Anomaly = "DuplicateEnd"
	// EndWithoutStart is an end frame of a test that never started.
	EndWithoutStart Anomaly = "EndWithoutStart"
	// StartWhileOpen is a start frame of a test that has started and not ended.
	StartWhileOpen Anomaly = "StartWhileOpen"
	// MalformedEvent is a JSON line of which a field, or all, cannot be read.
	MalformedEvent Anomaly = "MalformedEvent"
	// DuplicateKey is a JSON event in which a field occurs twice. The worst action stands; an event about two tests is about none.
	DuplicateKey Anomaly = "DuplicateKey"
	// UnknownAction and UnknownField are of a Go version that is newer than this package, or of no Go at all.
	UnknownAction Anomaly = "UnknownAction"
	UnknownField  Anomaly = "UnknownField"
	// GluedLine is a JSON event that shares its line with other text.
	GluedLine Anomaly = "GluedLine"
	// TruncatedLine is a frame or event that ends before its end.
	TruncatedLine Anomaly = "TruncatedLine"
	// LongLine is a line past Limits.LineBytes; it is read as output.
	LongLine Anomaly = "LongLine"
	// StrayMarker is the marker byte where no frame follows.
	StrayMarker Anomaly = "StrayMarker"
	// UnmarkedFrame is a look-alike of a frame before the first real one; it counted only if it said fail.
	UnmarkedFrame Anomaly = "UnmarkedFrame"
	// MixedFraming is a marked frame among JSON events, or a JSON event outside of any test among marked frames.
	MixedFraming Anomaly = "MixedFraming"
	// TooManyTests is a frame of a test past Limits.Tests, Limits.Subtests or Limits.Packages.
	TooManyTests Anomaly = "TooManyTests"
	// LongName is a name past Limits.NameBytes, cut, with a hash for its end.
	LongName Anomaly = "LongName"
	// DroppedAttribute is an attribute past Limits.Attributes or Limits.AttributeBytes.
	DroppedAttribute Anomaly = "DroppedAttribute"
	// DroppedArtifact is an artifact of which nothing was kept but its line of output.
	DroppedArtifact Anomaly = "DroppedArtifact"
	// MalformedArtifact is a line of output that begins like an artifact and is none, or is too long to be read.
	MalformedArtifact Anomaly = "MalformedArtifact"
	// DroppedConstraint is the report of a constraint past Limits.Constraints, or of a test that is not kept.
	DroppedConstraint Anomaly = "DroppedConstraint"
	// MalformedConstraint is what begins like the report of a constraint and cannot be read as one, or says behind other text of its line
	// that a constraint does not hold.
	MalformedConstraint Anomaly = "MalformedConstraint"
	// DroppedSkip is what a test that is not kept said: that it could not run.
	DroppedSkip Anomaly = "DroppedSkip"
	// BuildFailed is a package that did not compile.
	BuildFailed Anomaly = "BuildFailed"
	// DataRace is a report of the race detector.
	DataRace Anomaly = "DataRace"
)

// tally counts anomalies. The zero value is ready for use.
type tally map[Anomaly]int64

func (t *tally) count(a Anomaly) { t.add(a, 1) }

func (t *tally) add(a Anomaly, n int64) {
	if *t == nil {
		*t = tally{}
	}
	(*t)[a] += n
}

// copy returns the counts, or nil where there are none.
func (t tally) copy() map[Anomaly]int64 {
	if len(t) == 0 {
		return nil
	}
	return maps.Clone(t)
}
