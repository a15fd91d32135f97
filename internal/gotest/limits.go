package gotest

// Limits bounds what a Record keeps. A field that is 0 means the default.
type Limits struct {
	// LineBytes is the longest line that is read as a frame or a JSON event.
	LineBytes int
	// Tests is how many distinct top-level tests are kept one by one, Subtests how many subtests, Packages how many packages.
	// The frames of further ones are only counted, in Result.Beyond; an eighth more of each is kept for those that fail.
	Tests, Subtests, Packages int
	// NameBytes is the longest name kept as it is.
	NameBytes int
	// OutputBytes is how much text is kept of a test that failed or has not ended, and of what was printed outside of tests.
	OutputBytes int
	// PassedOutputBytes is how much text is kept of a test that passed or was skipped.
	PassedOutputBytes int
	// TotalOutputBytes is how much text and attributes are kept in all. Past it, that of passed tests is dropped first, and then
	// no more than the last 256 bytes are kept of what a test prints.
	TotalOutputBytes int
	// Attributes is how many attributes are kept of a test, AttributeBytes the longest key and value together.
	Attributes, AttributeBytes int
	// Constraints is how many constraints are kept of a test; one that failed takes the place of one that passed.
	Constraints int
	// Artifacts is how many artifacts are kept with their data, ArtifactBytes how much data of each, and TotalArtifactBytes of all.
	// Of three times as many further ones all but the data is kept.
	Artifacts, ArtifactBytes, TotalArtifactBytes int
	// ReportBytes is the longest line of output that is read as an artifact.
	ReportBytes int
}

// DefaultLimits returns the limits that keep a Record under 64 MiB whatever its stream holds.
func DefaultLimits() Limits {
	return Limits{
		LineBytes:         1 << 20,
		Tests:             5_000,
		Subtests:          20_000,
		Packages:          1_000,
		NameBytes:         512,
		OutputBytes:       64 << 10,
		PassedOutputBytes: 1 << 10,
		TotalOutputBytes:  8 << 20,
		Attributes:        64,
		AttributeBytes:    4 << 10,

		Constraints:        256,
		Artifacts:          256,
		ArtifactBytes:      256 << 10,
		TotalArtifactBytes: 1 << 20,
		ReportBytes:        2 << 20,
	}
}

// tightOutputBytes is what a test may print when TotalOutputBytes is used up.
const tightOutputBytes = 256

// withDefaults returns l with the defaults in place of what is 0 or less.
func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	for _, f := range []struct{ field, value *int }{
		{&l.LineBytes, &d.LineBytes},
		{&l.Tests, &d.Tests},
		{&l.Subtests, &d.Subtests},
		{&l.Packages, &d.Packages},
		{&l.NameBytes, &d.NameBytes},
		{&l.OutputBytes, &d.OutputBytes},
		{&l.PassedOutputBytes, &d.PassedOutputBytes},
		{&l.TotalOutputBytes, &d.TotalOutputBytes},
		{&l.Attributes, &d.Attributes},
		{&l.AttributeBytes, &d.AttributeBytes},
		{&l.Constraints, &d.Constraints},
		{&l.Artifacts, &d.Artifacts},
		{&l.ArtifactBytes, &d.ArtifactBytes},
		{&l.TotalArtifactBytes, &d.TotalArtifactBytes},
		{&l.ReportBytes, &d.ReportBytes},
	} {
		if *f.field <= 0 {
			*f.field = *f.value
		}
	}
	return l
}
