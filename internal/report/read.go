package report

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"

	"sigs.k8s.io/yaml"
)

// ReadFile puts a file of a result together from its ConfigMaps, the first of which comes first. A digest that a part has, as it
// stands in status, and those of the index have to be right.
func ReadFile(parts []Part, name string) ([]byte, error) {
	if len(parts) == 0 {
		return nil, fmt.Errorf("reading %s: no ConfigMap is given", name)
	}
	first := parts[0]
	if text, plain := first.Data[name]; plain {
		if name == FileName && first.SHA256 != "" && first.SHA256 != digestOf([]byte(text)) {
			return nil, fmt.Errorf("reading %s: ConfigMap %s was changed: the digest is not %s", name, first.Name, first.SHA256)
		}
		return []byte(text), nil
	}
	if err := first.intact(); err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	text, found := first.Data[IndexName]
	if !found {
		return nil, fmt.Errorf("reading %s: ConfigMap %s holds neither that nor %s", name, first.Name, IndexName)
	}
	var index Index
	if err := yaml.UnmarshalStrict([]byte(text), &index); err != nil {
		return nil, fmt.Errorf("reading %s: %w", IndexName, err)
	}
	i := slices.IndexFunc(index.Files, func(f IndexFile) bool { return f.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("reading %s: it is not in %s of ConfigMap %s", name, IndexName, first.Name)
	}
	packed, err := index.Files[i].join(parts)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	out, err := index.Files[i].unpack(packed)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return out, nil
}

// join puts the parts of the compressed file together.
func (f IndexFile) join(parts []Part) ([]byte, error) {
	var out []byte
	for _, piece := range f.Parts {
		i := slices.IndexFunc(parts, func(p Part) bool { return p.Name == piece.ConfigMap })
		if i < 0 {
			return nil, fmt.Errorf("ConfigMap %s is missing", piece.ConfigMap)
		}
		data, found := parts[i].BinaryData[piece.Key]
		switch err := parts[i].intact(); {
		case err != nil:
			return nil, err
		case !found:
			return nil, fmt.Errorf("ConfigMap %s has no key %s", piece.ConfigMap, piece.Key)
		case piece.Key == wholeResult && parts[i].SHA256 != "" && parts[i].SHA256 != f.SHA256:
			return nil, fmt.Errorf("the digest of the index is not that of ConfigMap %s, %s", piece.ConfigMap, parts[i].SHA256)
		}
		out = append(out, data...)
	}
	return out, nil
}

// wholeResult is the key of a compressed result.yaml that is in one ConfigMap. The digest of that ConfigMap is the one of result.yaml.
const wholeResult = FileName + compressedSuffix

// intact says whether the part's values are those that its digest was taken of.
func (p Part) intact() error {
	if _, whole := p.BinaryData[wholeResult]; p.SHA256 == "" || whole || p.digest() == p.SHA256 {
		return nil
	}
	return fmt.Errorf("ConfigMap %s was changed: its digest is not %s", p.Name, p.SHA256)
}

// unpack decompresses the file and holds it against the index.
func (f IndexFile) unpack(packed []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("decompressing: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(r, f.Bytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("decompressing: %w", err)
	case int64(len(text)) != f.Bytes:
		return nil, fmt.Errorf("it does not have the %d bytes that the index says", f.Bytes)
	case digestOf(text) != f.SHA256:
		return nil, fmt.Errorf("its digest is not %s, as the index says", f.SHA256)
	}
	return text, nil
}

func digestOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
