package tokenizer

import (
	"slices"
	"testing"
)

// The line end after <|user|> is a part of it, as in Phi-3's tokenizer.json.
func TestPhi3(t *testing.T) {
	m := tinyMetadata(t)["spbpe-mistral"]
	tokens, types, scores := m["tokenizer.ggml.tokens"].([]string), m["tokenizer.ggml.token_type"].([]int64), m["tokenizer.ggml.scores"].([]float32)
	n := int32(len(tokens))
	for _, name := range []string{"<|endoftext|>", "<|user|>", "<|end|>"} {
		tokens, types, scores = append(tokens, name), append(types, typeControl), append(scores, -1000)
	}
	m["tokenizer.ggml.tokens"], m["tokenizer.ggml.token_type"], m["tokenizer.ggml.scores"] = tokens, types, scores
	encode := func(arch, text string) []int32 {
		m["general.architecture"] = arch
		tok, err := FromGGUF(m)
		if err != nil {
			t.Fatal(err)
		}
		return tok.Encode(text, EncodeOptions{ParseSpecial: true})
	}
	plain := encode("phi3", "<|user|>the<|end|><|endoftext|>\nthe")
	if have := encode("phi3", "<|user|>\n  the<|end|>\n<|endoftext|>\nthe"); !slices.Equal(have, plain) || have[0] != n+1 {
		t.Errorf("have %v\nwant %v", have, plain)
	}
	if have := encode("llama", "<|user|>\nthe"); slices.Equal(have, plain[:2]) {
		t.Errorf("another model's control token takes the line end along: %v", have)
	}
}

// Text never becomes a byte token, though its name is in the vocabulary.
func TestByteTokensAreNotText(t *testing.T) {
	m := tinyGGUF{
		"tokenizer.ggml.model": "llama", "tokenizer.ggml.tokens": []string{"<unk>", "<s>", "</s>", "<0x41>", "▁", "<", "0", "x", "4", "1", ">", "<0", "x4", "1>", "<0x4"},
		"tokenizer.ggml.token_type": []int64{2, 3, 3, 6, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, "tokenizer.ggml.scores": make([]float32, 15), "tokenizer.ggml.add_space_prefix": false,
	}
	tok, err := FromGGUF(m)
	if err != nil {
		t.Fatal(err)
	}
	if have, want := tok.Encode("<0x41>", EncodeOptions{}), []int32{14, 13}; !slices.Equal(have, want) {
		t.Errorf("have %v, want %v", have, want)
	}
	if have := tok.Decode([]int32{14, 13, 3}, false); have != "<0x41>A" {
		t.Errorf("decodes to %q", have)
	}
}
