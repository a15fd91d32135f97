package corpus

import (
	"bytes"
	"fmt"
	"strings"
)

// made are the streams that are too large to be stored.
var made = map[string]func() []byte{
	"line of 3 MiB in a test that fails": func() []byte {
		return raw("=== RUN   TestLong", "!"+strings.Repeat("x", 3<<20), "--- FAIL: TestLong (0.10s)", "=== NAME  ",
			"=== RUN   TestAfter", "--- PASS: TestAfter (0.00s)", "=== NAME  ", "FAIL")
	},
	"line of 3 MiB, then a frame on the same line": func() []byte {
		return bytes.Replace(raw("=== RUN   TestLong", "!"+strings.Repeat("x", 3<<20)+"~", "--- FAIL: TestLong (0.10s)", "=== NAME  ", "FAIL"),
			[]byte("~\n"), nil, 1)
	},
	"name of 2 MiB": func() []byte {
		name := "TestNames/" + strings.Repeat("n", 2<<20)
		return raw("=== RUN   TestNames", "=== RUN   "+name, "--- FAIL: "+name+" (0.00s)", "=== NAME  TestNames",
			"--- FAIL: TestNames (0.00s)", "=== NAME  ", "FAIL")
	},
	"name of 5,000 bytes": func() []byte {
		name := "TestNames/" + strings.Repeat("n", 5000)
		return raw("=== RUN   TestNames", "=== RUN   "+name, "--- FAIL: "+name+" (0.00s)", "=== NAME  TestNames",
			"--- FAIL: TestNames (0.00s)", "=== NAME  ", "FAIL")
	},
	"25,000 subtests":                 func() []byte { return subtests("PASS") },
	"25,000 subtests, the last fails": func() []byte { return subtests("FAIL") },
	"10,000 tests, the last fails": func() []byte {
		var lines []string
		for i := range 10_000 {
			end := "PASS"
			if i == 9_999 {
				end = "FAIL"
			}
			lines = append(lines, fmt.Sprintf("=== RUN   Test%d", i), fmt.Sprintf("--- %s: Test%d (0.00s)", end, i), "=== NAME  ")
		}
		return raw(append(lines, "FAIL")...)
	},
	"10,000 tests, one never ends": func() []byte {
		var lines []string
		for i := range 10_000 {
			lines = append(lines, fmt.Sprintf("=== RUN   Test%d", i))
			if i != 9_998 {
				lines = append(lines, fmt.Sprintf("--- PASS: Test%d (0.00s)", i))
			}
		}
		return raw(append(lines, "PASS")...)
	},
	"64 MiB printed by a test that fails": func() []byte {
		line := "!" + strings.Repeat("all work and no play ", 49)
		lines := append([]string{"=== RUN   TestChatty"}, strings.Split(strings.Repeat(line+"\n", 64<<10), "\n")...)
		return raw(append(lines[:len(lines)-1], "--- FAIL: TestChatty (0.10s)", "=== NAME  ", "FAIL")...)
	},
	"binary noise of 1 MiB between two tests": func() []byte {
		noise := make([]byte, 1<<20)
		for i, x := 0, uint32(1); i < len(noise); i++ {
			x = x*1664525 + 1013904223 // the same each time
			if noise[i] = byte(x >> 24); noise[i] == 0x16 {
				noise[i] = 0x17
			}
		}
		before := raw("=== RUN   TestBefore", "--- PASS: TestBefore (0.00s)", "=== NAME  ")
		return append(append(append(before, noise...), '\n'), raw("=== RUN   TestAfter", "--- FAIL: TestAfter (0.00s)", "=== NAME  ", "FAIL")...)
	},
	"build output of 100 KB in one event": func() []byte {
		return events(
			`"Action":"build-output","ImportPath":"p [p.test]","Output":"`+strings.Repeat("./p.go:1:1: undefined: x\\n", 4000)+`"`,
			`"Action":"build-fail","ImportPath":"p [p.test]"`,
			`"Action":"start","Package":"p"`, `"Action":"fail","Package":"p","FailedBuild":"p [p.test]"`,
			`"Action":"start","Package":"q"`, `"Action":"run","Package":"q","Test":"TestQ"`,
			`"Action":"pass","Package":"q","Test":"TestQ"`, `"Action":"pass","Package":"q"`)
	},
	"line of 100 KB among events": func() []byte {
		return append(events(`"Action":"start","Package":"p"`, `"Action":"run","Package":"p","Test":"TestP"`),
			append([]byte(strings.Repeat("go: downloading ", 6400)+"\n"),
				events(`"Action":"fail","Package":"p","Test":"TestP"`, `"Action":"fail","Package":"p"`)...)...)
	},
	"an event of 1 MB of nested objects": func() []byte {
		deep := `"Action":"output","Package":"p","Nested":` + strings.Repeat(`{"a":`, 150_000) + "1" + strings.Repeat("}", 150_000)
		return events(`"Action":"start","Package":"p"`, `"Action":"run","Package":"p","Test":"TestP"`, deep,
			`"Action":"fail","Package":"p","Test":"TestP"`, `"Action":"fail","Package":"p"`)
	},
	"an event of 2 MB of output": func() []byte {
		return events(`"Action":"start","Package":"p"`, `"Action":"run","Package":"p","Test":"TestP"`,
			`"Action":"output","Package":"p","Test":"TestP","Output":"`+strings.Repeat("0123456789", 200_000)+`\n"`,
			`"Action":"fail","Package":"p","Test":"TestP"`, `"Action":"fail","Package":"p"`)
	},
	"2,000 packages, one fails": func() []byte {
		var lines []string
		for i := range 2000 {
			end := "pass"
			if i == 1990 {
				end = "fail"
			}
			p := fmt.Sprintf(`"Package":"example.com/p%d"`, i)
			lines = append(lines, `"Action":"start",`+p, `"Action":"run",`+p+`,"Test":"TestP"`,
				`"Action":"`+end+`",`+p+`,"Test":"TestP"`, `"Action":"`+end+`",`+p)
		}
		return events(lines...)
	},
}

// subtests are 25,000, of which the last ends as said, and with it the binary.
func subtests(last string) []byte {
	lines := []string{"=== RUN   TestMany"}
	for i := range 25_000 {
		end := "PASS"
		if i == 24_999 {
			end = last
		}
		lines = append(lines, fmt.Sprintf("=== RUN   TestMany/%d", i), fmt.Sprintf("--- %s: TestMany/%d (0.00s)", end, i), "=== NAME  TestMany")
	}
	return raw(append(lines, "--- "+last+": TestMany (0.10s)", "=== NAME  ", last)...)
}

// raw returns what a test binary prints: each line is marked that does not begin with an exclamation mark.
func raw(lines ...string) []byte {
	var b bytes.Buffer
	for _, line := range lines {
		if text, ok := strings.CutPrefix(line, "!"); ok {
			b.WriteString(text + "\n")
		} else {
			b.WriteString("\x16" + line + "\n")
		}
	}
	return b.Bytes()
}

// events returns events of go test -json.
func events(fields ...string) []byte {
	var b bytes.Buffer
	for _, f := range fields {
		b.WriteString(`{"Time":"2026-01-02T03:04:05.123456789Z",` + f + "}\n")
	}
	return b.Bytes()
}
