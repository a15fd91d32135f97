package report

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// The files of a result, which are the keys of its ConfigMap: the ValidationResult, the same in the Common Test Report Format and as
// JUnit's XML. A file that had to be compressed has the suffix .gz, and one that no ConfigMap holds whole also .part-N in the
// ConfigMap of that number.
const (
	FileName  = "result.yaml"
	CTRFName  = "ctrf.json"
	JUnitName = "junit.xml"
	// IndexName is the key of the Index, which is there where files are compressed.
	IndexName = "index.yaml"

	compressedSuffix = ".gz"
	partSuffix       = ".part-"
)

const (
	// MaxBytes is how much of a ConfigMap, which takes 1 MiB of values, a result or a phase may fill.
	MaxBytes = 900 << 10
	// MaxTotal is how large a file of a result may be before it is compressed.
	MaxTotal = 8 << 20
	// MaxParts is how many ConfigMaps a status names.
	MaxParts = 16
	// maxRequest is how large a ConfigMap may be as JSON, in which a client may send it: half of what the API server reads, since its
	// name, labels and owner come on top.
	maxRequest = 3 << 19
)

// Limits bound what a result takes. A zero is the default.
type Limits struct {
	// Total is how many bytes each file may have before it is compressed, by default MaxTotal. Names and statuses of tests count,
	// but are not cut: where they alone are more, the file is.
	Total int
	// PartBytes is how many bytes of values a ConfigMap may have, by default MaxBytes.
	PartBytes int
}

// Part is one ConfigMap of a result.
type Part struct {
	// Name is the ConfigMap's, and Data and BinaryData its content.
	Name       string
	Data       map[string]string
	BinaryData map[string][]byte
	// Bytes is the size of all values.
	Bytes int64
	// SHA256 is a digest in hexadecimal: of result.yaml, uncompressed, where the part holds it whole; otherwise of the part's values,
	// joined in the order of their keys.
	SHA256 string
}

// file is one of the files of a result.
type file struct {
	name         string
	text, packed []byte
	digest       string
}

// Pack writes a result as ConfigMaps, the first of the given name and the others of that name with -2, -3 and so on.
//
// Where its three files fit into one ConfigMap, that is all. Otherwise they are compressed, and where they still do not fit,
// split among further ConfigMaps; the first one then says in index.yaml what came out and how to put the files together. What is
// larger than the limits or MaxParts ConfigMaps loses the output of earlier runs of phases, then that of passed tests, then the
// contents of artifacts, then the middle of long outputs, then attributes and all output, then the tests of earlier runs; never a
// test or its status. It is an error if even that is too much. The same result always gives the same bytes.
func Pack(r Result, name string, limits Limits) ([]Part, error) {
	limits = Limits{Total: cmp.Or(max(limits.Total, 0), MaxTotal), PartBytes: cmp.Or(max(limits.PartBytes, 0), MaxBytes)}
	for room := limits.Total; ; {
		b, err := newBudget(r, room)
		if err != nil {
			return nil, err
		}
		phases := b.trim(r.Phases)
		files, err := r.files(phases)
		if err != nil {
			return nil, err
		}
		l := layout{result: r.with(phases), name: name, files: files, limit: limits.PartBytes}
		parts, err := l.parts()
		switch {
		case err != nil || len(parts) > 0:
			return parts, err
		case !isBare(phases):
			room = l.lessRoom(b)
		case hasEarlierTests(r.Phases):
			r.Phases = withoutEarlierTests(r.Phases)
		default:
			return nil, fmt.Errorf("packing the result: without any output it is still %d bytes when compressed, and the limit is %d ConfigMaps of %d",
				l.packed(), MaxParts, limits.PartBytes)
		}
	}
}

// with completes the result by what follows from its phases.
func (r Result) with(phases []Phase) Result {
	r.APIVersion, r.Kind, r.Phases = APIVersion, Kind, phases
	r.StartTime, r.CompletionTime = r.StartTime.UTC().Truncate(time.Second), r.CompletionTime.UTC().Truncate(time.Second)
	r.Summary, r.Omitted = Summary(phases), omitted(phases)
	return r
}

// files writes the result with the given phases.
func (r Result) files(phases []Phase) ([]file, error) {
	r = r.with(phases)
	var out []file
	for _, f := range []struct {
		name    string
		marshal func(Result) ([]byte, error)
	}{
		{FileName, func(r Result) ([]byte, error) { return marshalYAML(r) }},
		{CTRFName, marshalCTRF},
		{JUnitName, marshalJUnit},
	} {
		text, err := f.marshal(r)
		if err != nil {
			return nil, fmt.Errorf("packing %s: %w", f.name, err)
		}
		digest := sha256.Sum256(text)
		out = append(out, file{name: f.name, text: text, digest: hex.EncodeToString(digest[:])})
	}
	return out, nil
}

// newPart seals the content of a ConfigMap. The digest is that of result.yaml if it is in there, otherwise empty.
func newPart(name string, data map[string]string, binary map[string][]byte, digest string) Part {
	p := Part{Name: name, Data: data, BinaryData: binary, SHA256: digest}
	for _, value := range p.values() {
		p.Bytes += int64(len(value))
	}
	if digest == "" {
		p.SHA256 = p.digest()
	}
	return p
}

// digest is that of the part's values.
func (p Part) digest() string {
	sum := sha256.New()
	for _, value := range p.values() {
		sum.Write(value)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// values are those of all keys, in their order.
func (p Part) values() [][]byte {
	all := maps.Clone(p.BinaryData)
	if all == nil {
		all = map[string][]byte{}
	}
	for key, text := range p.Data {
		all[key] = []byte(text)
	}
	var out [][]byte
	for _, key := range slices.Sorted(maps.Keys(all)) {
		out = append(out, all[key])
	}
	return out
}

// jsonBytes is how long a text becomes as a JSON string, in an encoding that escapes HTML as well.
func jsonBytes(text string) int {
	n := len(text)
	for _, c := range []string{`"`, `\`, "\n"} {
		n += strings.Count(text, c)
	}
	for _, c := range []string{"<", ">", "&"} {
		n += 5 * strings.Count(text, c)
	}
	return n
}
