package adapters_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"graft/adapters"
	"graft/internal/kernel"
	"graft/internal/weights"
)

// withTokenizer copies a tiny GGUF model and gives it a vocabulary, without which
// llama.cpp loads none.
func withTokenizer(t *testing.T, path string) string {
	t.Helper()
	g, err := weights.OpenGGUF(path)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	tokens, types, scores := []string{"<unk>", "<s>", "</s>", "<0x0A>", "<|endoftext|>"}, []int32{2, 3, 3, 6, 3}, make([]float32, 5)
	for i := len(tokens); i < 96; i++ {
		tokens, types, scores = append(tokens, fmt.Sprintf("▁%d", i)), append(types, 1), append(scores, float32(-i))
	}
	meta := append(g.Meta.Pairs(),
		weights.Pair{Key: "tokenizer.ggml.model", Value: "llama"}, weights.Pair{Key: "tokenizer.ggml.tokens", Value: tokens},
		weights.Pair{Key: "tokenizer.ggml.token_type", Value: types}, weights.Pair{Key: "tokenizer.ggml.scores", Value: scores},
		weights.Pair{Key: "tokenizer.ggml.bos_token_id", Value: uint32(1)}, weights.Pair{Key: "tokenizer.ggml.eos_token_id", Value: uint32(2)})
	var tensors []weights.Tensor
	for _, name := range g.Names() {
		x, _ := g.Tensor(name)
		tensors = append(tensors, x)
	}
	out := filepath.Join(t.TempDir(), "base.gguf")
	if err := weights.SaveGGUF(out, meta, tensors); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestLlamaCppTiny: llama.cpp loads merged models of each architecture, also where
// the adapter changes a table that the head shared, and computes PEFT's
// log-probabilities; but not of the tiny Gemma and Phi models, whose scale of queries
// and original context it takes from elsewhere (their bases differ as much).
func TestLlamaCppTiny(t *testing.T) {
	if os.Getenv("GRAFT_TEST_LLAMA_CPP") == "" {
		t.Skip("GRAFT_TEST_LLAMA_CPP names no folder with llama-server")
	}
	ids, cases := matrix(t)
	for _, c := range cases {
		if c.Kind != "rsdora" && c.Kind != "embed" && c.Kind != "bias-all" {
			continue
		}
		path := tinyPath(c.Base, ".gguf")
		if _, err := os.Stat(path); err != nil {
			continue
		}
		t.Run(c.Base+"-"+c.Kind, func(t *testing.T) {
			path := withTokenizer(t, path)
			a, err := adapters.ReadPEFT(c.folder(t), adapters.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), "merged.gguf")
			err = check(t, loaded(t, path), a).ExportGGUF(file, adapters.ExportOptions{Path: path, Type: kernel.F32})
			if c.Base == "gemma2" && c.Kind == "embed" {
				wants(t, err, "which llama.cpp's gemma2 has as one weight")
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			tokens, logprobs := llamaGreedy(t, llamaServer(t, "-m", file), ids, 1)
			if strings.HasPrefix(c.Base, "gemma") || c.Base == "phi3" {
				return
			}
			last := c.Logits[len(c.Logits)/2:]
			best := int32(0)
			for i, v := range last {
				if v > last[best] {
					best = int32(i)
				}
			}
			d := logprobs[0] - logprob(last, best)
			if tokens[0] != best || d > 1e-5 || d < -1e-5 {
				t.Errorf("llama.cpp: token %d, %.4f; PEFT: %d, %.4f", tokens[0], logprobs[0], best, logprob(last, best))
			}
			t.Logf("log-probability %.4f, %.2g from PEFT's", logprobs[0], d)
		})
	}
}
