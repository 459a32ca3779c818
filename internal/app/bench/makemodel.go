package bench

import (
	"fmt"
	"math/rand/v2"

	"graft/internal/kernel"
	"graft/internal/weights"
)

// Shape is the size of a model, in the letters of package model.
type Shape struct {
	Width, Layers, Heads, KVHeads, HeadWidth, FFN, Vocab, Context int
}

// Mistral7B is the shape of Mistral-7B-v0.1 (config.json of that repository).
var Mistral7B = Shape{Width: 4096, Layers: 32, Heads: 32, KVHeads: 8, HeadWidth: 128, FFN: 14336, Vocab: 32000, Context: 32768}

// MakeModel writes a GGUF file with random weights in Q4_K, the head in Q6_K, and a
// vocabulary that says nothing: for measuring, and for trying large models. It needs
// the memory of its largest matrix, not that of the model.
func MakeModel(path string, s Shape) error {
	if s.Width%256 != 0 || s.FFN%256 != 0 || s.Heads*s.HeadWidth%256 != 0 || s.Vocab < 512 {
		return fmt.Errorf("shape %+v: widths have to be multiples of 256, the vocabulary at least 512", s)
	}
	largest := max(s.FFN*s.Width, s.Vocab*s.Width)
	rng := rand.New(rand.NewPCG(7, 8))
	q4, q6 := newSupply(rng, kernel.Q4_K, largest, s.Width, randomQ4K), newSupply(rng, kernel.Q6_K, s.Vocab*s.Width, s.Width, randomQ6K)
	ones := make([]float32, s.Width)
	for i := range ones {
		ones[i] = 1
	}
	tensors := []weights.Tensor{q4.matrix("token_embd.weight", s.Vocab, s.Width), weights.NewF32("output_norm.weight", ones, s.Width), q6.matrix("output.weight", s.Vocab, s.Width)}
	for l := range s.Layers {
		block := func(name string) string { return fmt.Sprintf("blk.%d.%s.weight", l, name) }
		q, kv := s.Heads*s.HeadWidth, s.KVHeads*s.HeadWidth
		tensors = append(tensors,
			weights.NewF32(block("attn_norm"), ones, s.Width),
			q4.matrix(block("attn_q"), q, s.Width), q4.matrix(block("attn_k"), kv, s.Width),
			q4.matrix(block("attn_v"), kv, s.Width), q4.matrix(block("attn_output"), s.Width, q),
			weights.NewF32(block("ffn_norm"), ones, s.Width),
			q4.matrix(block("ffn_gate"), s.FFN, s.Width), q4.matrix(block("ffn_up"), s.FFN, s.Width),
			q4.matrix(block("ffn_down"), s.Width, s.FFN))
	}
	return weights.SaveGGUF(path, s.metadata(), tensors)
}

// metadata describes a llama with a tokenizer of SentencePiece's kind: three control
// tokens, the bytes, and words that are numbers.
func (s Shape) metadata() []weights.Pair {
	tokens, scores, types := make([]string, s.Vocab), make([]float32, s.Vocab), make([]int32, s.Vocab)
	for i := range tokens {
		const normal, unknown, control, byteToken = 1, 2, 3, 6 // LLAMA_TOKEN_TYPE_*
		switch {
		case i < 3:
			tokens[i], types[i] = []string{"<unk>", "<s>", "</s>"}[i], control
		case i < 3+256:
			tokens[i], types[i] = fmt.Sprintf("<0x%02X>", i-3), byteToken
		default:
			tokens[i], types[i], scores[i] = fmt.Sprintf("▁%d", i), normal, float32(-i)
		}
		types[0] = unknown
	}
	const a = "llama."
	return []weights.Pair{
		{Key: "general.architecture", Value: "llama"},
		{Key: "general.name", Value: "random weights"},
		{Key: "general.file_type", Value: uint32(14)}, // LLAMA_FTYPE_MOSTLY_Q4_K_S
		{Key: a + "context_length", Value: uint32(s.Context)},
		{Key: a + "embedding_length", Value: uint32(s.Width)},
		{Key: a + "block_count", Value: uint32(s.Layers)},
		{Key: a + "feed_forward_length", Value: uint32(s.FFN)},
		{Key: a + "attention.head_count", Value: uint32(s.Heads)},
		{Key: a + "attention.head_count_kv", Value: uint32(s.KVHeads)},
		{Key: a + "attention.layer_norm_rms_epsilon", Value: float32(1e-5)},
		{Key: a + "rope.dimension_count", Value: uint32(s.HeadWidth)},
		{Key: a + "rope.freq_base", Value: float32(10000)},
		{Key: a + "vocab_size", Value: uint32(s.Vocab)},
		{Key: "tokenizer.ggml.model", Value: "llama"},
		{Key: "tokenizer.ggml.tokens", Value: tokens},
		{Key: "tokenizer.ggml.scores", Value: scores},
		{Key: "tokenizer.ggml.token_type", Value: types},
		{Key: "tokenizer.ggml.bos_token_id", Value: uint32(1)},
		{Key: "tokenizer.ggml.eos_token_id", Value: uint32(2)},
		{Key: "tokenizer.ggml.unknown_token_id", Value: uint32(0)},
	}
}
