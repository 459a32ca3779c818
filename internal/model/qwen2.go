package model

// Qwen 2 and 2.5: Llama with biases on q, k and v, and windows in the upper
// layers of some models.
func init() {
	register(architecture{
		name: "qwen2",
		defaults: `{"vocab_size": 151936, "hidden_size": 4096, "intermediate_size": 22016, "num_hidden_layers": 32,
			"num_attention_heads": 32, "num_key_value_heads": 32, "hidden_act": "silu", "max_position_embeddings": 32768,
			"rms_norm_eps": 1e-6, "tie_word_embeddings": false, "rope_theta": 10000,
			"use_sliding_window": false, "sliding_window": 4096, "max_window_layers": 28}`,
		names: llamaNames,
		build: buildQwen2,
	})
}

func buildQwen2(l *loader) network {
	m := &llama{embed: l.linear("model.embed_tokens", l.Vocab, l.Width)}
	rope := l.Rope.rope(l.HeadDim)
	for i := range l.Layers {
		p := layerName(i)
		y := &llamaLayer{
			attnNorm: l.norm(p+"input_layernorm", l.Width),
			qkv:      l.qkv(p, l.biased),
			o:        l.linear(p+"self_attn.o_proj", l.Width, l.Heads*l.HeadDim),
			ffnNorm:  l.norm(p+"post_attention_layernorm", l.Width),
			gateUp:   l.gateUp(p),
			down:     l.linear(p+"mlp.down_proj", l.Width, l.FFN),
			act:      l.Act,
			rope:     rope,
			attn:     l.attention(i),
		}
		m.layers = append(m.layers, y.forward)
	}
	return network{trunk: m.trunk, norm: l.norm("model.norm", l.Width), head: l.lmHead(m.embed)}
}
