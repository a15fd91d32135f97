package report

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/validation-operator/validation-operator/internal/gotest"
)

func TestInert(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"plain", "a b\n  c\n", "a b\n  c\n"},
		{"escape sequence", "\x1b[31mred\x1b[0m", "␛[31mred␛[0m"},
		{"nul, bell, delete", "\x00\a\x7f", "␀␇␡"},
		{"broken UTF-8", "a\xffb\xc3", "a\ufffdb\ufffd"},
		{"C1 control", "a\u009bb", "a\ufffdb"},
		{"byte order mark and noncharacters", "\ufeff\ufffe\uffff\U0001fffe", "\ufffd\ufffd\ufffd\ufffd"},
		{"text that is turned around", "a\u202eb\u2066c", "a\ufffdb\ufffdc"},
		{"line breaks", "a\r\nb\u2028c\u0085d\re", "a\nb\nc\nd␍e"},
		{"tabs", "\tat x\t\n", "    at x\n"},
		{"blanks at a line's end", "a  \nb \n \nc ", "a\nb\n\nc"},
		{"emoji and joiners stay", "✅ 🚀 👩\u200d💻 é", "✅ 🚀 👩\u200d💻 é"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := inert(tc.in)
			if got != tc.want {
				t.Errorf("inert(%q) = %q, want %q", tc.in, got, tc.want)
			}
			if again := inert(got); again != got {
				t.Errorf("inert(%q) = %q: inert text has to stay as it is", got, again)
			}
		})
	}
}

func TestClip(t *testing.T) {
	for _, tc := range []struct {
		name, in string
		bytes    int
		want     string
	}{
		{"short enough", "abc", 3, "abc"},
		{"one byte too long", "abcdefg", 6, "abc…"},
		{"at a rune boundary", "ééé", 5, "é…"},
		{"grown by its pictures", "\x1b\x1b\x1b", 6, "␛…"},
		{"no room for the ellipsis", "abc", 2, ""},
		{"nothing", "", 0, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := Clip(tc.in, tc.bytes); got != tc.want {
				t.Errorf("Clip(%q, %d) = %q, want %q", tc.in, tc.bytes, got, tc.want)
			}
		})
	}
}

func FuzzClip(f *testing.F) {
	f.Add("a\x1b\xff\u2028 \n🚀", 7)
	f.Fuzz(func(t *testing.T, text string, bytes int) {
		bytes &= 0xfff
		got := Clip(text, bytes)
		if len(got) > bytes || !utf8.ValidString(got) || strings.ContainsAny(got, "\x00\x1b\x7f\r\t") {
			t.Errorf("Clip(%q, %d) = %q", text, bytes, got)
		}
	})
}

func TestOutputWithin(t *testing.T) {
	long := strings.Repeat("é", 100) // 200 bytes
	for _, tc := range []struct {
		name string
		in   *Output
		size int
		want Output
	}{
		{"fits", &Output{Text: "abc\n"}, 4, Output{Text: "abc\n"}},
		{"cut in the middle", &Output{Text: long}, 50, Output{Text: "éééééé[... 174 bytes cut ...]ééééééé", CutBytes: 174}},
		{
			"cut again", newOutput(gotest.Output{Head: strings.Repeat("a", 40), Tail: strings.Repeat("b", 40), Cut: 1000}), 50,
			Output{Text: strings.Repeat("a", 12) + "[... 1055 bytes cut ...]" + strings.Repeat("b", 13), CutBytes: 1055},
		},
		{
			"a short tail leaves its room to the head", newOutput(gotest.Output{Head: strings.Repeat("a", 80), Tail: "b\n", Cut: 5}), 50,
			Output{Text: strings.Repeat("a", 25) + "[... 60 bytes cut ...]b\n", CutBytes: 60},
		},
		{
			"on a line of its own behind a line", newOutput(gotest.Output{Head: "one\n", Tail: strings.Repeat("b", 80), Cut: 5}), 50,
			Output{Text: "one\n[... 62 bytes cut ...]\n" + strings.Repeat("b", 23), CutBytes: 62},
		},
		{"no room for the words that say so", &Output{Text: long}, 20, Output{CutBytes: 200}},
		{"dropped", &Output{Text: long}, 0, Output{CutBytes: 200}},
		{"stays dropped", &Output{CutBytes: 200}, 0, Output{CutBytes: 200}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := tc.in.within(tc.size)
			if *got != tc.want {
				t.Errorf("got %q, %d cut; want %q, %d cut", got.Text, got.CutBytes, tc.want.Text, tc.want.CutBytes)
			}
			if len(got.Text) > tc.size {
				t.Errorf("%d bytes, want at most %d", len(got.Text), tc.size)
			}
			if again := got.within(tc.size); *again != *got {
				t.Errorf("cut twice it is %+v", again)
			}
		})
	}
}
