package report

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"sync"
)

// maxPhaseBytes bounds what a phase may unpack to.
const maxPhaseBytes = 32 << 20

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

// compressors are kept: a new one takes 800 KB.
var compressors = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

// compress is gzip with an empty header: no time, no name.
func compress(text []byte) ([]byte, error) {
	var out bytes.Buffer
	w := compressors.Get().(*gzip.Writer)
	defer compressors.Put(w)
	w.Reset(&out)
	if _, err := w.Write(text); err != nil {
		return nil, fmt.Errorf("compressing: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compressing: %w", err)
	}
	return out.Bytes(), nil
}
