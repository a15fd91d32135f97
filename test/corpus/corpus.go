// Package corpus is a collection of go test streams, most of them broken or deceiving, with what is true of each. Streams are recorded
// from programs under testdata with several Go releases (see generate), derived from recordings, written by hand, or made where they
// are too large to be stored.
//
// The package imports nothing of the product: its parser and its judge are held against the corpus, and so are their peers.
package corpus

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

//go:embed cases recorded
var files embed.FS

// Case is an entry of the table: how one or more streams come about, and what is true of the programs that printed them.
type Case struct {
	// Name tells cases apart, About says what is the matter.
	Name, About string
	// Seen are threads in the trackers of others who met this.
	Seen []string
	// Class is the file that holds the case.
	Class string `json:"-"`

	// From names recordings: "panic.raw" is that of each release, "go1.26/panic.raw" that of one. Text is a stream by itself, Made one
	// that is generated. Edits change each of them, in order. Kind is that of a text where it does not look so.
	From  []string
	Text  string
	Made  string
	Kind  string
	Edits []Edit

	// Exit is the exit code where it is not the recorded one, or 0; Unseen says that nobody saw one.
	Exit   *int32
	Unseen bool
	// List are the tests of the binary by its own list, where the stream is that of a binary. Of one in JSON it is only known how many
	// there are.
	List []string
	// Unlisted says that the binary gave no list either.
	Unlisted bool
	// DenySkips says that no test may be skipped.
	DenySkips bool
	// Lost says what of the log is known to be missing.
	Lost string

	Truth
	// Kinds are what is different of a kind of stream, such as gotest.json.
	Kinds map[string]Truth
	// Only is what alone gives a stream away that looks well by itself: exit, the exit code, or list, what is asked of the binary's tests.
	Only string
}

// Truth is what is true of a stream.
type Truth struct {
	// Tests are all tests by name, or by package and name where there are several packages. The value is Passed, Failed, Skipped, or Error
	// and why.
	Tests map[string]string
	// Counts are how many top-level tests have each status, of streams with too many tests to name.
	Counts map[string]int32
	// Phase is the outcome of a phase with this stream, and its reason.
	Phase string
	// Panic is the beginning of the message of the panic that ended the binary.
	Panic string
	// Anomalies are what the stream holds and a healthy one does not, and how often.
	Anomalies map[string]int64
}

// Stream is one stream of a case.
type Stream struct {
	*Case
	// ID names the stream: the case, and the recording that it comes from.
	ID string
	// Kind is raw, text, pipe.json or gotest.json.
	Kind string
	// Data are its bytes.
	Data []byte
	// ExitCode is that of the command that printed it.
	ExitCode int32
	// Truth is what is true of this one.
	Truth Truth
}

// JSON tells whether the stream is one of events, and not what a test binary prints.
func (s *Stream) JSON() bool { return strings.HasSuffix(s.Kind, "json") }

// Streams returns the whole corpus.
func Streams() ([]Stream, error) {
	names, err := fs.Glob(files, "cases/*.yaml")
	if err != nil {
		return nil, err
	}
	var out []Stream
	seen := map[string]bool{}
	for _, name := range names {
		data, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		var cases []*Case
		if err := yaml.UnmarshalStrict(data, &cases); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for _, c := range cases {
			c.Class = strings.TrimSuffix(path.Base(name), ".yaml")
			streams, err := c.streams()
			if err == nil && seen[c.Name] {
				err = errors.New("there is another case of this name")
			}
			if err != nil {
				return nil, fmt.Errorf("%s: case %q: %w", name, c.Name, err)
			}
			seen[c.Name] = true
			out = append(out, streams...)
		}
	}
	return out, nil
}

// streams returns the streams of a case.
func (c *Case) streams() ([]Stream, error) {
	var out []Stream
	switch {
	case c.Made != "":
		stream, ok := made[c.Made]
		if !ok {
			return nil, fmt.Errorf("nothing makes %q", c.Made)
		}
		out = append(out, Stream{ID: c.Name, Data: stream()})
	case len(c.From) == 0:
		out = append(out, Stream{ID: c.Name, Kind: c.Kind, Data: []byte(unescape(c.Text))})
	}
	for _, from := range c.From {
		recordings, err := find(from)
		if err != nil {
			return nil, err
		}
		for _, r := range recordings {
			data, err := r.Data()
			if err != nil {
				return nil, err
			}
			out = append(out, Stream{ID: c.Name + " " + r.Version + "/" + r.Name, Kind: r.Kind(), Data: data, ExitCode: r.ExitCode})
		}
	}
	for i := range out {
		s := &out[i]
		s.Case = c
		if s.Kind == "" {
			s.Kind = kindOf(s.Data)
		}
		for n, e := range c.Edits {
			data, err := e.apply(s.Data)
			if err != nil {
				return nil, fmt.Errorf("stream %q, edit %d: %w", s.ID, n+1, err)
			}
			s.Data = data
		}
		if c.Exit != nil {
			s.ExitCode = *c.Exit
		}
		s.Truth = c.truth(s)
	}
	return out, nil
}

// kindOf tells events from what a test binary prints.
func kindOf(data []byte) string {
	if strings.Contains(string(data), `"Action":`) {
		return "gotest.json"
	}
	return "raw"
}

// truth is that of the case, with what is different of the kind in its place. A test that never ran shows only in the list of the binary.
func (c *Case) truth(s *Stream) Truth {
	out := Truth{Tests: map[string]string{}, Counts: c.Counts, Phase: c.Phase, Panic: c.Panic, Anomalies: c.Anomalies}
	for name, status := range c.Tests {
		if status != neverRan || !s.JSON() {
			out.Tests[name] = status
		}
	}
	special := c.Kinds[s.Kind]
	for name, status := range special.Tests {
		if out.Tests[name] = status; status == "" {
			delete(out.Tests, name)
		}
	}
	if special.Phase != "" {
		out.Phase = special.Phase
	}
	if special.Panic != "" {
		out.Panic = special.Panic
	}
	if special.Anomalies != nil {
		out.Anomalies = special.Anomalies
	}
	return out
}

const neverRan = "Error TestMissing"

// Fails tells whether the phase is proven to have failed.
func (t Truth) Fails() bool { return strings.HasPrefix(t.Phase, "Failed") }

// Good tells whether the phase is proven to have not failed.
func (t Truth) Good() bool {
	return strings.HasPrefix(t.Phase, "Passed") || strings.HasPrefix(t.Phase, "Skipped")
}

// Of returns the names of the tests with one of these statuses.
func (t Truth) Of(statuses ...string) []string {
	var out []string
	for name, status := range t.Tests {
		word, _, _ := strings.Cut(status, " ")
		if slices.Contains(statuses, word) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
