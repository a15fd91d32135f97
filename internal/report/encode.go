package report

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

const (
	// MaxBytes is how much of a ConfigMap, which takes 1 MiB, a result or a phase may fill.
	MaxBytes = 900 << 10
	// FileName is the key of a result in a ConfigMap.
	FileName = "result.yaml"
	// CompressedFileName is the key of a result that had to be compressed.
	CompressedFileName = FileName + ".gz"

	// maxPhaseBytes bounds what a phase may unpack to.
	maxPhaseBytes = 32 << 20
)

// Files is a result as the content of a ConfigMap.
type Files struct {
	// Data and BinaryData are the ConfigMap's.
	Data       map[string]string
	BinaryData map[string][]byte
	// Bytes is the size of both.
	Bytes int64
	// SHA256 is the digest of result.yaml, uncompressed, in hexadecimal.
	SHA256 string
}

// Encode writes a result in at most limit bytes, 0 meaning MaxBytes. One that is too large loses the output of passed tests and
// then the middle of long outputs; one that has too many tests even then is compressed. The same result always gives the same
// bytes.
func Encode(r Result, limit int) (Files, error) {
	if limit <= 0 {
		limit = MaxBytes
	}
	plain := &encoding{result: r, limit: limit}
	phases, ok := shorten(r.Phases, plain.fits)
	if ok {
		return plain.files(phases)
	}
	packed := &encoding{result: r, limit: limit, compressed: true}
	phases, ok = shorten(r.Phases, packed.fits)
	if !ok {
		phases, ok = strip(phases, packed.fits)
	}
	if ok {
		return packed.files(phases)
	}
	files, err := packed.files(phases)
	if err != nil {
		return Files{}, err
	}
	return Files{}, fmt.Errorf("encoding the result: without any output it is still %d bytes when compressed, and the limit is %d",
		files.Bytes, limit)
}

// encoding is a result being fitted into a limit.
type encoding struct {
	result     Result
	limit      int
	compressed bool
}

func (e *encoding) fits(phases []Phase) bool {
	files, err := e.files(phases)
	return err == nil && files.Bytes <= int64(e.limit)
}

// files writes the result with the given phases.
func (e *encoding) files(phases []Phase) (Files, error) {
	r := e.result
	r.APIVersion, r.Kind, r.Phases = APIVersion, Kind, phases
	r.StartTime, r.CompletionTime = r.StartTime.UTC().Truncate(time.Second), r.CompletionTime.UTC().Truncate(time.Second)
	r.Summary, r.Omitted = Summary(phases), omitted(phases)
	text, err := marshalYAML(r)
	if err != nil {
		return Files{}, fmt.Errorf("encoding the result: %w", err)
	}
	digest := sha256.Sum256(text)
	out := Files{SHA256: hex.EncodeToString(digest[:])}
	if !e.compressed {
		out.Data, out.Bytes = map[string]string{FileName: string(text)}, int64(len(text))
		return out, nil
	}
	packed, err := compress(text)
	if err != nil {
		return Files{}, fmt.Errorf("encoding the result: %w", err)
	}
	out.BinaryData, out.Bytes = map[string][]byte{CompressedFileName: packed}, int64(len(packed))
	return out, nil
}

// EncodePhase writes a phase in the form in which it is kept until the attempt is complete, and refuses one that no ConfigMap
// would take.
func EncodePhase(p Phase) ([]byte, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("encoding phase %s: %w", p.Name, err)
	}
	packed, err := compress(text)
	switch {
	case err != nil:
		return nil, fmt.Errorf("encoding phase %s: %w", p.Name, err)
	case len(packed) > MaxBytes || len(text) > maxPhaseBytes:
		return nil, fmt.Errorf("encoding phase %s: its %d tests are %d bytes, %d compressed; the limits are %d and %d",
			p.Name, len(p.Tests), len(text), len(packed), maxPhaseBytes, MaxBytes)
	}
	return packed, nil
}

// DecodePhase reads what EncodePhase wrote.
func DecodePhase(data []byte) (Phase, error) {
	packed, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return Phase{}, fmt.Errorf("decoding a phase: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(packed, maxPhaseBytes+1))
	switch {
	case err != nil:
		return Phase{}, fmt.Errorf("decoding a phase: %w", err)
	case len(text) > maxPhaseBytes:
		return Phase{}, fmt.Errorf("decoding a phase: it unpacks to more than %d bytes", maxPhaseBytes)
	}
	var p Phase
	if err := json.Unmarshal(text, &p); err != nil {
		return Phase{}, fmt.Errorf("decoding a phase: %w", err)
	}
	return p, nil
}

// compress is gzip with an empty header: no time, no name.
func compress(text []byte) ([]byte, error) {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(text); err != nil {
		return nil, fmt.Errorf("compressing: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compressing: %w", err)
	}
	return out.Bytes(), nil
}
