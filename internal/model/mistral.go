package model

// Mistral is Llama with an attention window in its first version. GGUF files say
// "llama" and have no window.
func init() {
	register(architecture{
		name: "mistral",
		defaults: `{"vocab_size": 32000, "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32,
			"num_attention_heads": 32, "num_key_value_heads": 8, "hidden_act": "silu", "max_position_embeddings": 131072,
			"rms_norm_eps": 1e-6, "tie_word_embeddings": false, "rope_theta": 10000, "sliding_window": 4096}`,
		build: buildLlama,
	})
}
