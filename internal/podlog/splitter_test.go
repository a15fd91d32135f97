package podlog

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseStamp(t *testing.T) {
	for _, stamp := range []string{
		"2026-11-22T13:00:00.900000000Z",
		"1970-01-01T00:00:00.000000001Z",
		"2000-02-29T23:59:59.999999999Z",
		"2024-02-29T12:00:00Z",
		"2100-03-01T00:00:00.1Z",
		"2026-11-22T13:00:00.123456789+02:00",
		"2026-11-22T13:00:00.123-11:30",
		"2261-12-31T00:00:00Z",
	} {
		want, err := time.Parse(time.RFC3339Nano, stamp)
		if err != nil {
			t.Fatal(err)
		}
		nanos, length := parseStamp([]byte(stamp + " text"))
		if length != len(stamp)+1 || nanos != want.UnixNano() {
			t.Errorf("parseStamp(%q) = %d, %d, want %d, %d", stamp, nanos, length, want.UnixNano(), len(stamp)+1)
		}
		for cut := range len(stamp) + 1 {
			if _, length := parseStamp([]byte(stamp[:cut])); length != 0 {
				t.Errorf("parseStamp(%q) took a torn stamp", stamp[:cut])
			}
		}
	}
}

func TestParseStampRefuses(t *testing.T) {
	for _, text := range []string{
		"",
		"failed to create fsnotify watcher: too many open files",
		"2026-11-22T13:00:00.900000000Z",     // no space
		"2026-11-22 13:00:00.900000000Z x",   // no T
		"2026-11-22T13:00:00.9000000001Z x",  // ten digits
		"2026-11-22T13:00:00.Z long enough",  // no digit
		"2026-11-22T13:00:00.900000000 x",    // no zone
		"2026-13-22T13:00:00.900000000Z x",   // month
		"2026-11-00T13:00:00.900000000Z x",   // day
		"2026-11-22T24:00:00.900000000Z x",   // hour
		"2026-11-22T13:60:00.900000000Z x",   // minute
		"2026-11-22T13:00:60.900000000Z x",   // second
		"2026-11-22T13:00:00.9+2:00 x",       // zone
		"0001-01-01T00:00:00Z never written", // the zero time
		"2o26-11-22T13:00:00Z long enough x", // letter
		"9999-11-22T13:00:00Z long enough x", // beyond int64
	} {
		if nanos, length := parseStamp([]byte(text)); length != 0 {
			t.Errorf("parseStamp(%q) = %d, %d, want no stamp", text, nanos, length)
		}
	}
}

// split is what comes out of a splitter: for each line its stamp and text, "?" for one without stamp, "…" for one without its
// end.
func split(stream string, chunk int) []string {
	s := newSplitter()
	var all []string
	line := ""
	take := func(p piece) {
		if p.first {
			line = "?"
			if !p.unstamped {
				line = time.Unix(0, p.stamp).UTC().Format("05.000")
			}
			line += "|"
		}
		line += string(p.text)
		if p.last {
			all = append(all, line)
			line = ""
		}
	}
	for stream != "" {
		n := copy(s.room(), stream[:min(chunk, len(stream))])
		s.filled(n)
		stream = stream[n:]
		for p, ok := s.next(); ok; p, ok = s.next() {
			take(p)
		}
	}
	for p, ok := s.rest(); ok; p, ok = s.rest() {
		take(p)
	}
	if line != "" {
		all = append(all, line+"…")
	}
	return all
}

func TestSplitter(t *testing.T) {
	const a, b = "2026-11-22T13:00:01.000000000Z ", "2026-11-22T13:00:02.000000000Z "
	long := strings.Repeat("0123456789abcdef", 3*bufferSize/16)
	part := long[:splitSize]
	for name, test := range map[string]struct {
		stream string
		want   []string
	}{
		"nothing":                  {"", nil},
		"lines":                    {a + "one\n" + b + "two\n", []string{"01.000|one\n", "02.000|two\n"}},
		"empty lines":              {a + "\n" + b + "\n", []string{"01.000|\n", "02.000|\n"}},
		"no newline":               {a + "one\n" + b + "two", []string{"01.000|one\n", "02.000|two…"}},
		"torn stamp":               {a + "one\n" + b[:9], []string{"01.000|one\n", "?|" + b[:9] + "…"}},
		"foreign text":             {"error\n" + a + "one\nerror\n", []string{"?|error\n", "01.000|one\n", "?|error\n"}},
		"foreign text glued":       {"error" + a + "one\n", []string{"01.000|one\n"}},
		"foreign T before":         {"TTT The T" + a + "one\n", []string{"01.000|one\n"}},
		"stamp in mid-line":        {a + "one " + b + "two\n", []string{"01.000|one " + b + "two\n"}},
		"NUL and CR":               {a + "\x00\r\n", []string{"01.000|\x00\r\n"}},
		"long":                     {a + long + "\n" + b + "two\n", []string{"01.000|" + long + "\n", "02.000|two\n"}},
		"long without newline":     {a + long, []string{"01.000|" + long + "…"}},
		"long and foreign":         {long + "\n" + b + "two\n", []string{"?|" + long + "\n", "02.000|two\n"}},
		"parts with stamps":        {a + part + b + part + b + "rest\n", []string{"01.000|" + part + part + "rest\n"}},
		"parts with stamps, ended": {a + part + b + "\n" + b + "two\n", []string{"01.000|" + part + "\n", "02.000|two\n"}},
		"stamp where none belongs": {a + part + "x" + b + part + "\n", []string{"01.000|" + part + "x" + b + part + "\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, chunk := range []int{1, 7, 31, 4096, bufferSize, len(test.stream) + 1} {
				if diff := cmp.Diff(test.want, split(test.stream, chunk)); diff != "" {
					t.Errorf("in chunks of %d (-want +got):\n%s", chunk, diff)
				}
			}
		})
	}
}
