package corpus

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// Edit is one change of a stream; one of its fields is set. Where a text is looked for, the first place counts, and there has to be one.
type Edit struct {
	// CutBefore and CutAfter drop the end of the stream, DropBefore its beginning, Drop one text.
	CutBefore, CutAfter, DropBefore, Drop string
	// DropLines drops each line that holds a text, TwiceLines has it there twice, Join takes its newline from the first.
	DropLines, TwiceLines, Join string
	// Last moves the first line that holds a text to the end.
	Last string
	// Replace replaces one text by another everywhere.
	Replace []string
	// Before and After insert their second text before and behind the first.
	Before, After []string
	// Append and Prepend add to the ends.
	Append, Prepend string
	// EachLine adds a text to the beginning of each line.
	EachLine string
	// Split inserts a text, the second, into each line that is longer than the first, a number.
	Split []string
	// Every inserts a text, the second, behind each so many lines, the first.
	Every []string
	// All changes the whole stream: crlf, twice, reversed, utf16.
	All string
	// With has the lines of another recording take turns with those of this.
	With string
}

var errAbsent = errors.New("the text that it looks for is not there")

// apply returns data with the edit.
func (e Edit) apply(data []byte) ([]byte, error) {
	out, err := e.change(slices.Clone(data))
	if err == nil && bytes.Equal(out, data) {
		err = errAbsent
	}
	return out, err
}

func (e Edit) change(b []byte) ([]byte, error) {
	switch {
	case e.CutBefore != "":
		at := bytes.Index(b, text(e.CutBefore))
		return b[:max(at, 0)], absent(at)
	case e.CutAfter != "":
		at := bytes.Index(b, text(e.CutAfter))
		return b[:max(at, 0)+len(text(e.CutAfter))], absent(at)
	case e.DropBefore != "":
		at := bytes.Index(b, text(e.DropBefore))
		return b[max(at, 0):], absent(at)
	case e.Drop != "":
		return bytes.Replace(b, text(e.Drop), nil, 1), nil
	case len(e.Replace) == 2:
		return bytes.ReplaceAll(b, text(e.Replace[0]), text(e.Replace[1])), nil
	case len(e.Before) == 2:
		return bytes.Replace(b, text(e.Before[0]), text(e.Before[1]+e.Before[0]), 1), nil
	case len(e.After) == 2:
		return bytes.Replace(b, text(e.After[0]), text(e.After[0]+e.After[1]), 1), nil
	case e.Append != "":
		return append(b, text(e.Append)...), nil
	case e.Prepend != "":
		return append(text(e.Prepend), b...), nil
	case e.All != "":
		return whole(b, e.All)
	}
	lines, err := e.lines(slices.Collect(bytes.Lines(b)))
	return bytes.Join(lines, nil), err
}

// lines makes the changes that are told line by line.
func (e Edit) lines(lines [][]byte) ([][]byte, error) {
	holds := func(text string) func([]byte) bool {
		return func(line []byte) bool { return bytes.Contains(line, []byte(unescape(text))) }
	}
	switch {
	case e.DropLines != "":
		return slices.DeleteFunc(lines, holds(e.DropLines)), nil
	case e.TwiceLines != "":
		return each(lines, holds(e.TwiceLines), func(line []byte) [][]byte { return [][]byte{line, line} }), nil
	case e.Join != "":
		if i := slices.IndexFunc(lines, holds(e.Join)); i >= 0 {
			lines[i] = bytes.TrimSuffix(lines[i], []byte("\n"))
		}
		return lines, nil
	case e.Last != "":
		i := slices.IndexFunc(lines, holds(e.Last))
		if i < 0 {
			return nil, errAbsent
		}
		line := lines[i]
		return append(slices.Delete(lines, i, i+1), line), nil
	case e.EachLine != "":
		return each(lines, holds(""), func(line []byte) [][]byte { return [][]byte{text(e.EachLine), line} }), nil
	case len(e.Split) == 2:
		n, err := strconv.Atoi(e.Split[0])
		long := func(line []byte) bool { return len(line) > n }
		return each(lines, long, func(line []byte) [][]byte { return [][]byte{line[:n], text(e.Split[1]), line[n:]} }), err
	case len(e.Every) == 2:
		n, err := strconv.Atoi(e.Every[0])
		count := 0
		turn := func([]byte) bool { count++; return count%max(n, 1) == 0 }
		return each(lines, turn, func(line []byte) [][]byte { return [][]byte{line, text(e.Every[1])} }), err
	case e.With != "":
		return interleave(lines, e.With)
	}
	return nil, errors.New("it changes nothing")
}

// each replaces the lines that are meant by others.
func each(lines [][]byte, meant func([]byte) bool, by func([]byte) [][]byte) [][]byte {
	var out [][]byte
	for _, line := range lines {
		if meant(line) {
			out = append(out, by(line)...)
		} else {
			out = append(out, line)
		}
	}
	return out
}

func interleave(lines [][]byte, with string) ([][]byte, error) {
	recordings, err := find(with)
	if err != nil {
		return nil, err
	}
	data, err := recordings[0].Data()
	if err != nil {
		return nil, err
	}
	others := slices.Collect(bytes.Lines(data))
	var out [][]byte
	for i := range max(len(lines), len(others)) {
		out = append(out, lines[min(i, len(lines)):min(i+1, len(lines))]...)
		out = append(out, others[min(i, len(others)):min(i+1, len(others))]...)
	}
	return out, nil
}

func whole(b []byte, how string) ([]byte, error) {
	switch how {
	case "crlf":
		return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")), nil
	case "twice":
		return append(b, b...), nil
	case "reversed":
		lines := slices.Collect(bytes.Lines(b))
		slices.Reverse(lines)
		return bytes.Join(lines, nil), nil
	case "utf16":
		out := []byte{0xff, 0xfe}
		for _, u := range utf16.Encode([]rune(string(b))) {
			out = append(out, byte(u), byte(u>>8))
		}
		return out, nil
	}
	return nil, fmt.Errorf("no change is called %q", how)
}

func absent(at int) error {
	if at < 0 {
		return errAbsent
	}
	return nil
}

func text(s string) []byte { return []byte(unescape(s)) }

var hexByte = regexp.MustCompile(`‹[0-9a-f]{2}›`)

// unescape returns what a text of the table stands for: a picture of a control character (␖) is that character, ‹ff› that byte.
func unescape(s string) string {
	s = strings.Map(func(r rune) rune {
		if r >= '␀' && r <= '␟' {
			return r - '␀'
		}
		return r
	}, s)
	return hexByte.ReplaceAllStringFunc(s, func(hex string) string {
		n, _ := strconv.ParseUint(strings.Trim(hex, "‹›"), 16, 8) // two digits, by the expression
		return string([]byte{byte(n)})
	})
}
