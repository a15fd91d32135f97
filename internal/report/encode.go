package report

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// CompressedFileName is the key of a result that had to be compressed.
const CompressedFileName = FileName + ".gz"

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
