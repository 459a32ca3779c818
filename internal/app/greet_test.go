package app

import (
	"testing"

	"graft/serving"
)

// TestDescribe: what is not known before a model is loaded is not said.
func TestDescribe(t *testing.T) {
	for want, m := range map[string]serving.Model{
		"chat: llama, 135M weights in Q4_1, up to 633.3 MB of memory, 8192 tokens of context": {
			ID: "chat", Loaded: true, Chat: true, Arch: "llama", Params: 134_515_008, Format: "Q4_1", Bytes: 633_316_608, Context: 8192},
		"vectors: embeddings, 91.6 MB, loaded at its first use":            {ID: "vectors", Embedder: true, Bytes: 91_600_000},
		"base: 253.1 MB, loaded at its first use":                          {ID: "base", Bytes: 253_113_024},
		"left: 253.1 MB, loaded at its first use, 32768 tokens of context": {ID: "left", Arch: "gemma3", Params: 1, Format: "Q4_K", Bytes: 253_113_024, Context: 32768},
	} {
		if got := describe(m); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
