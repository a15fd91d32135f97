package verdict

import (
	"encoding/binary"
	"math/rand/v2"
	"strings"
	"testing"
)

// tape is a source of random numbers that a fuzzer can steer: its bytes first, and then what their number gives.
type tape struct {
	bytes []byte
	rest  *rand.PCG
}

func (s *tape) Uint64() uint64 {
	if len(s.bytes) == 0 {
		return s.rest.Uint64()
	}
	var word [8]byte
	// A byte goes to both ends: where a small number is drawn, one end decides.
	word[0], word[7] = s.bytes[0], s.bytes[0]
	s.bytes = s.bytes[1:]
	return binary.LittleEndian.Uint64(word[:])
}

// FuzzJudge: whatever the evidence, judging it does not panic, and what comes out has every property asked of it; Passed most of all.
func FuzzJudge(f *testing.F) {
	for seed := range uint64(64) {
		f.Add(binary.LittleEndian.AppendUint64(nil, seed*0x9e3779b97f4a7c15))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e := draw{rand.New(&tape{data, rand.NewPCG(uint64(len(data)), 0)})}.evidence()
		out := Judge(e)
		if rules := brokenRules(e, out); len(rules) > 0 {
			t.Errorf("%s %s: %s\n%s\nevidence %+v\nstream %+v", out.State, out.Reason, out.Message, strings.Join(rules, "\n"), e, e.GoTest)
		}
	})
}
