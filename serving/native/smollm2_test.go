package native

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"graft/internal/chat"
	"graft/internal/hub/hubtest"
	"graft/internal/kernel"
	"graft/serving"
)

// The real model answers as transformers does on its dequantised weights
// (reference/smollm2.py): the same tokens, and log-probabilities to 0.003, which is
// what activations in 16 bits leave.
func TestSmolLM2(t *testing.T) {
	data, err := os.ReadFile("testdata/smollm2.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Chats []struct {
			Question    string
			IDs, Answer []int32
			Logprobs    []float64
			Text        string
		}
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	o := DefaultOptions()
	o.CacheType, o.Exact = kernel.F32, true
	o.Models = []Source{{Info: serving.Model{ID: "smollm2"}, Open: at(hubtest.Model(t, "smollm2-135m-instruct"))}}
	b := newBackend(t, o)
	worst := 0.0
	for _, c := range golden.Chats {
		req := greedy("smollm2")
		req.Messages, req.MaxTokens = []chat.Message{chat.Text("user", c.Question)}, len(c.Answer)
		got := mustGenerate(t, b, req)
		if got.text[0] != c.Text || got.Usage.Prompt != len(c.IDs) {
			t.Errorf("%s: %q (%d tokens of prompt), want %q (%d)", c.Question, got.text[0], got.Usage.Prompt, c.Text, len(c.IDs))
			continue
		}
		for i, tok := range got.tokens[0] {
			worst = max(worst, math.Abs(tok.Logprob-c.Logprobs[i]))
		}
	}
	if t.Logf("log-probabilities differ by at most %.2g", worst); worst > 0.003 {
		t.Errorf("log-probabilities differ by %g", worst)
	}
}
